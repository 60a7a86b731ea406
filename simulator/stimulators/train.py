"""What a trigger lets loose: pulses that go out one by one, defects included."""

from __future__ import annotations

from dataclasses import dataclass

from drivers.quantities import SECOND_US, Hertz

DEFECT_RATE = Hertz.of(10)
"""At which pulses follow that nobody ordered after a single one (an engineering choice)."""


@dataclass(slots=True)
class RunningTrain:
    """`pulses` at `rate`, the first at `start_us`; a single pulse too."""

    number: int
    start_us: int
    rate: Hertz
    pulses: int
    single: bool
    shown_us: int
    """How long its bit shows at least."""
    delivered: int = 0

    def _due_us(self, index: int) -> int:
        return self.start_us + index * 10 * SECOND_US // self.rate.tenths

    @property
    def next_us(self) -> int | None:
        """When the next pulse is due; None when all are out."""
        return self._due_us(self.delivered) if self.delivered < self.pulses else None

    def cut(self) -> None:
        """No pulse but the first, which is past stopping once the device has taken the trigger."""
        self.pulses = min(self.pulses, max(1, self.delivered))
        self.shown_us = 0

    @property
    def ends_us(self) -> int:
        """When it is over: with the last pulse, or later when its bit shows longer."""
        return max(self._due_us(max(0, self.pulses - 1)), self.start_us + self.shown_us)
