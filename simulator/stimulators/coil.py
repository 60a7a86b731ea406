"""A coil: plugged in or not, its switch pressed or not, and as warm as its pulses made it."""

from __future__ import annotations

import math

from simulator.stimulators.profile import Profile

FULL_LEVEL_TENTHS = 1000
MICROKELVIN_PER_TENTH = 100_000


class Coil:
    """First-order heat: each pulse adds, the room takes away."""

    def __init__(self, profile: Profile, now_us: int) -> None:
        self._profile = profile
        self._since_us = now_us
        self._above_ambient_tenths = 0.0
        self.present = True
        self.switch_closed = True
        self.frozen_tenths: int | None = None
        """What a broken sensor says for ever."""

    def true_tenths(self, now_us: int) -> float:
        """How warm it is, in 0.1 °C."""
        age_s = (now_us - self._since_us) / 1e6
        return self._profile.ambient_tenths + self._above_ambient_tenths * math.exp(
            -age_s / self._profile.cooling_time_s
        )

    def read_tenths(self, now_us: int) -> int:
        """What its sensor says, in whole 0.1 °C."""
        return round(self.true_tenths(now_us)) if self.frozen_tenths is None else self.frozen_tenths

    def set_tenths(self, tenths: float, now_us: int) -> None:
        """Makes it as warm as that."""
        self._above_ambient_tenths = tenths - self._profile.ambient_tenths
        self._since_us = now_us

    def pulse(self, level_tenths: int, now_us: int) -> None:
        """The current of one pulse: heat goes with its square."""
        share = (level_tenths / FULL_LEVEL_TENTHS) ** 2
        added = share * self._profile.heat_per_pulse_microkelvin / MICROKELVIN_PER_TENTH
        self.set_tenths(self.true_tenths(now_us) + added, now_us)

    def refused(self, now_us: int) -> bool:
        """Whether the device sees it as too warm to use: it can only know what the sensor says."""
        return self.read_tenths(now_us) > self._profile.refuses_hot_coil_tenths
