"""Quantities of stimulation: exact integers under names that carry the unit.

Levels and rates are kept in tenths because the devices speak tenths (Magstim sends 0.1 Hz) and because the
watchdog decides on integers only. Times are plain ``int`` microseconds in names that end in ``_us``.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Self

SECOND_US = 1_000_000


@dataclass(frozen=True, order=True, slots=True)
class _Tenths:
    tenths: int

    def __post_init__(self) -> None:
        if not isinstance(self.tenths, int) or self.tenths < 0:
            raise ValueError(f"{type(self).__name__} counts whole tenths from 0, not {self.tenths!r}")

    @classmethod
    def of(cls, value: float | str | Decimal) -> Self:
        """The quantity of `value` units; ValueError when it is not a whole number of tenths."""
        try:
            tenths = Decimal(str(value)) * 10
        except InvalidOperation:
            raise ValueError(f"{cls.__name__} is a number, not {value!r}") from None
        if not tenths.is_finite() or tenths != tenths.to_integral_value():
            raise ValueError(f"{cls.__name__} has a resolution of 0.1, and {value} does not fit")
        return cls(int(tenths))

    @property
    def number(self) -> float:
        """The bare number in the unit of the type's name, for display and JSON."""
        return self.tenths / 10 if self.tenths % 10 else self.tenths // 10


@dataclass(frozen=True, order=True, slots=True)
class PercentMso(_Tenths):
    """Per cent of maximum stimulator output: what is sent to the machine."""

    def __str__(self) -> str:
        return f"{self.number:g} % MSO"


@dataclass(frozen=True, order=True, slots=True)
class PercentRmt(_Tenths):
    """Per cent of a subject's resting motor threshold: what a protocol prescribes."""

    def __str__(self) -> str:
        return f"{self.number:g} % rMT"


@dataclass(frozen=True, order=True, slots=True)
class Hertz(_Tenths):
    """Pulses per second inside a train; zero where there is no train (a single pulse)."""

    def __str__(self) -> str:
        return f"{self.number:g} Hz"

    @property
    def period_us(self) -> int:
        """Time from one pulse to the next, rounded up: never sooner than the rate allows. ZeroDivisionError at 0."""
        return -(-10 * SECOND_US // self.tenths)


SINGLE = Hertz(0)
"""The rate of a single pulse."""


@dataclass(frozen=True, slots=True)
class Pulse:
    """One pulse at a level."""

    level: PercentMso


@dataclass(frozen=True, slots=True)
class Burst:
    """`pulses` pulses, `inter_pulse_interval_us` apart: one stimulus of theta burst."""

    pulses: int
    inter_pulse_interval_us: int

    @property
    def duration_us(self) -> int:
        """First pulse to last pulse."""
        return (self.pulses - 1) * self.inter_pulse_interval_us


@dataclass(frozen=True, slots=True)
class Train:
    """`pulses` pulses at `rate`; `SINGLE` for one pulse alone."""

    pulses: int
    rate: Hertz

    def __post_init__(self) -> None:
        if self.pulses < 1:
            raise ValueError("a train has at least one pulse")
        if self.pulses > 1 and self.rate == SINGLE:
            raise ValueError("a train of several pulses has a rate")

    @property
    def duration_us(self) -> int:
        """First pulse to last pulse, the canonical duration (docs/time-conventions.md)."""
        return 0 if self.pulses == 1 else (self.pulses - 1) * 10 * SECOND_US // self.rate.tenths

    def pulse_times_us(self, start_us: int = 0) -> tuple[int, ...]:
        """When each pulse is due, the first at `start_us`."""
        if self.pulses == 1:
            return (start_us,)
        return tuple(start_us + n * 10 * SECOND_US // self.rate.tenths for n in range(self.pulses))


def gap_from_period(train: Train, on_us: int, off_us: int) -> int:
    """Inter-train interval (last pulse → first pulse) of papers that state an on time and an off time.

    "4 s on, 26 s off" at 10 Hz is 40 pulses whose last comes at 3.9 s: the gap between pulses is 26.1 s.
    """
    return on_us + off_us - train.duration_us


def gap_from_onsets(train: Train, onset_to_onset_us: int) -> int:
    """Inter-train interval (last pulse → first pulse) of sources that state first pulse → first pulse."""
    return onset_to_onset_us - train.duration_us
