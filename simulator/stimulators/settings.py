"""What is set at a Rapid²: each field with its range, and when it may change."""

from __future__ import annotations

from drivers.quantities import Hertz
from drivers.stimulators import Field
from simulator.stimulators.profile import NEW_FIRMWARE, Profile

POWER_UP_TENTHS = 300
FULL_TENTHS, ENHANCED_TENTHS = 1000, 1100
"""Most output, without and with enhanced power, 0.1 %."""
WHOLE_HERTZ_FROM_TENTHS = 300
"""Decimals of a rate are taken up to 30 Hz (magpy-tms 1.4)."""
EUROPEAN_VOLTS = 240


class Settings:
    """The values by field, in the units of `Field`. As after switching on: 30 %, single pulses."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._values = dict.fromkeys(Field, 0) | {Field.LEVEL: POWER_UP_TENTHS}

    def __getitem__(self, field: Field) -> int:
        return self._values[field]

    def __setitem__(self, field: Field, value: int) -> None:
        self._values[field] = value

    @property
    def repetitive(self) -> bool:
        """Whether a trigger starts a train: any duration but 0 enters that mode."""
        return self[Field.DURATION_MS] > 0

    @property
    def rate(self) -> Hertz:
        """The rate of a train."""
        return Hertz(self[Field.RATE])

    @property
    def pulses(self) -> int:
        """What one trigger delivers; 0 when a train is not set completely."""
        if not self.repetitive:
            return 1
        if not self[Field.RATE]:
            return 0
        if self._profile.train_ends_by == "pulses":
            return self[Field.PULSES]
        in_duration = self[Field.DURATION_MS] * self[Field.RATE] // 10_000
        return min(self[Field.PULSES], max(1, in_duration))

    def fits(self, field: Field, value: int) -> bool:
        """Whether the device takes `value` at all. Ranges: magpy-tms 1.4."""
        match field:
            case Field.LEVEL:
                return value <= (ENHANCED_TENTHS if self[Field.ENHANCED] else FULL_TENTHS)
            case Field.RATE:
                whole = value <= WHOLE_HERTZ_FROM_TENTHS or value % 10 == 0
                return whole and value <= (1000 if self._profile.supply_volts == EUROPEAN_VOLTS else 600)
            case Field.PULSES:
                return 1 <= value <= self._profile.max_pulses
            case Field.DURATION_MS:
                return value <= (600_000 if self._profile.firmware >= NEW_FIRMWARE else 10_000)
            case Field.CHARGE_DELAY_MS:
                return value <= (2_000 if self._profile.firmware == NEW_FIRMWARE else 10_000)
            case Field.ENHANCED:
                return value in (0, 1)

    def changes_mode(self, field: Field, value: int) -> bool:
        """Whether this leads from one mode to another: taken in standby only (magpy-tms 1.4)."""
        enters_or_leaves = field is Field.DURATION_MS and bool(value) != self.repetitive
        return enters_or_leaves or field is Field.ENHANCED

    def excludes(self, field: Field, value: int) -> bool:
        """Whether the present mode forbids it: enhanced power and trains exclude each other (magpy-tms 1.4)."""
        if field is Field.ENHANCED:
            return self.repetitive
        return field is Field.DURATION_MS and value > 0 and bool(self[Field.ENHANCED])
