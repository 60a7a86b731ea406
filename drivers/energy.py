"""What a stimulator's power supply can give: pure integer rules over a table per model.

Three rules, as public clients state them for the Magstim Rapid family (magpy-tms 1.4 and MAGIC agree):

- A pulse takes E joules, which grows with the square of its level. The supply gives P watts without end.
- A train of N pulses at f Hz that takes more than P is lent the rest, at most B joules of pulses in all, and pays back
  in a wait after the train: N · (f·E - P) / (P·f) s, and 0.5 s at least.
- f has a maximum of its own at each level.

For a train below P every second there is nothing to pay back and only the longest train counts.
"""

from __future__ import annotations

from dataclasses import dataclass

from drivers.quantities import SECOND_US, SINGLE, Hertz, PercentMso


@dataclass(frozen=True, slots=True)
class EnergyRules:
    """One model on one supply voltage. Levels are whole percent, as the device sets them."""

    pulse_energy: tuple[tuple[int, int], ...]
    """(%, 0.1 J) of one pulse, rising, the last at 100 %."""
    highest_rate: tuple[tuple[int, Hertz], ...]
    """(%, rate): the highest rate up to and including this level, rising in level. No trains above the last."""
    supply_watts: int
    train_joules: int
    """Most energy of a train that outruns the supply."""
    shortest_wait_us: int
    """Between any two trains."""
    single_spacing_us: int
    """Between two single pulses up to 100 %."""
    single_spacing_enhanced_us: int
    """Between two single pulses above 100 %."""
    max_pulses: int
    """Per train."""

    def pulse_tenths_joule(self, level: PercentMso) -> int:
        """Energy of a pulse in 0.1 J.

        Between two known levels the square law is drawn down from the upper one, above 100 % up from it. Against the
        101 values of magpy-tms 1.4 this is never less and at most 0.2 J more.
        """
        percent = _whole_percent(level)
        known, tenths = next((row for row in self.pulse_energy if row[0] >= percent), self.pulse_energy[-1])
        return (2 * tenths * percent**2 + known**2) // (2 * known**2)

    def max_rate(self, level: PercentMso) -> Hertz | None:
        """Highest rate of a train; None where this device delivers single pulses only.

        Between two known levels it is that of the upper one: lower than the device's own limit, never higher.
        """
        return next((rate for percent, rate in self.highest_rate if percent >= _whole_percent(level)), None)

    def continuous_rate(self, level: PercentMso) -> Hertz | None:
        """Rate that the supply gives without end, rounded down. None: any, for such pulses take next to nothing."""
        energy = self.pulse_tenths_joule(level)
        return Hertz(self.supply_watts * 100 // energy) if energy else None

    def longest_train_us(self, level: PercentMso, rate: Hertz) -> int | None:
        """How long a train may last before it has taken all that is lent, rounded down. None: without end."""
        if not self._outruns_supply(level, rate):
            return None
        return self.train_joules * 100 * SECOND_US // (self.pulse_tenths_joule(level) * rate.tenths)

    def minimum_wait_us(self, level: PercentMso, rate: Hertz, pulses: int) -> int:
        """Time from the last pulse of this train to the next first one, rounded up."""
        if rate == SINGLE:
            enhanced = level.tenths > 1000  # noqa: PLR2004  100 %
            return self.single_spacing_enhanced_us if enhanced else self.single_spacing_us
        owed = pulses * (rate.tenths * self.pulse_tenths_joule(level) - self.supply_watts * 100) * SECOND_US
        return max(self.shortest_wait_us, -(-owed // (self.supply_watts * 10 * rate.tenths)))

    def refuses(self, level: PercentMso, rate: Hertz, pulses: int) -> str | None:
        """Why this device cannot deliver such a train, as a sentence with both numbers; None when it can."""
        if pulses < 1:
            return f"A train has at least 1 pulse, not {pulses}."
        if pulses > self.max_pulses:
            return f"A train of {pulses} pulses is longer than the {self.max_pulses} this stimulator can count."
        if rate == SINGLE:
            return None if pulses == 1 else f"{pulses} pulses in one train need a rate."
        highest = self.max_rate(level)
        if highest is None:
            return f"At {level} this stimulator delivers single pulses only."
        if rate > highest:
            return f"{rate} at {level} is faster than the {highest} this stimulator can deliver there."
        taken = pulses * self.pulse_tenths_joule(level)
        if self._outruns_supply(level, rate) and taken > self.train_joules * 10:
            most = self.train_joules * 10 // self.pulse_tenths_joule(level)
            return f"{pulses} pulses of {rate} at {level} overheat the stimulator: {most} pulses at most in one train."
        return None

    def _outruns_supply(self, level: PercentMso, rate: Hertz) -> bool:
        return rate.tenths * self.pulse_tenths_joule(level) > self.supply_watts * 100


def _whole_percent(level: PercentMso) -> int:
    """Levels are set in whole percent: a tenth more counts as the next one."""
    return -(-level.tenths // 10)
