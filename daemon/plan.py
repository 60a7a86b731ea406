"""A protocol against the stimulator that is connected: which trains are run, by whom, or why they cannot be.

Judged before the patient sits down. The device runs a train by itself where it can; slow stimulation is triggered
pulse by pulse on the watchdog's timer, in blocks. The watchdog judges all of it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from drivers.errors import OperatorError
from drivers.quantities import SECOND_US, SINGLE, PercentMso, PercentRmt, Train
from drivers.stimulators import Dialect
from safety.threshold import MotorThreshold

BLOCK_PULSES = 20
"""Most pulses of one block of single pulses: what one permit may hold."""
DEVICE_RUN_US = 5 * SECOND_US
"""Longest train a device may run on its own, without an independent way to stop it (engineering choice)."""
DEVICE_RUN_PULSES = 50
"""Most pulses of such a train (engineering choice)."""


class NotDeliverable(OperatorError):
    """The connected stimulator cannot deliver a plan; the message says which train, why, and what would do."""


class How(Enum):
    """Who times the pulses of a train."""

    DEVICE = "device"
    """One trigger, then the stimulator counts."""
    HOST = "host"
    """Every pulse is a trigger of its own."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One train of a plan. Gaps are last pulse → first pulse."""

    train: Train
    intensity: PercentRmt
    """As prescribed for this train (protocols may ramp)."""
    gap_us: int
    """At least this long after the last pulse of the train before, whichever that was."""
    how: How = How.DEVICE

    @property
    def single(self) -> bool:
        """Whether every pulse has a trigger of its own."""
        return self.how is How.HOST

    def shortened(self, pulses: int) -> Planned:
        """The same train with fewer pulses: what a cut one still owes."""
        return replace(self, train=replace(self.train, pulses=pulses))

    def level(self, threshold: MotorThreshold, most: PercentRmt) -> PercentMso:
        """What the stimulator is set to when the session's intensity is `most`, rounded down to whole % MSO."""
        return threshold.level(min(self.intensity, most))


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a host-timed train that one permit covers."""

    first: int
    """0-based index of its first pulse in the train."""
    offsets_us: tuple[int, ...]
    """When each pulse is due, from the block's first pulse."""


def blocks(train: Train) -> tuple[Block, ...]:
    """A host-timed train in pieces of at most `BLOCK_PULSES`."""
    times = train.pulse_times_us()
    starts = range(0, train.pulses, BLOCK_PULSES)
    return tuple(Block(at, tuple(time - times[at] for time in times[at : at + BLOCK_PULSES])) for at in starts)


def who_times(train: Train, dialect: Dialect) -> How:
    """The device where it may run the train alone, the host where single pulses are slow enough.

    Raises NotDeliverable for a train that is neither.
    """
    able = dialect.capabilities
    short = train.duration_us <= DEVICE_RUN_US and train.pulses <= DEVICE_RUN_PULSES
    if short and train.pulses <= able.max_pulses_per_train:
        return How.DEVICE
    if train.rate.period_us >= able.min_spacing_single_us:
        return How.HOST
    if not short:
        raise NotDeliverable(
            f"{train.pulses} pulses at {train.rate} run {train.duration_us / SECOND_US:g} s on the device's own, and "
            f"without a cut-off {DEVICE_RUN_US // SECOND_US} s and {DEVICE_RUN_PULSES} pulses are the most. "
            "Choose a protocol with shorter trains."
        )
    raise NotDeliverable(
        f"the {able.model} runs {able.max_pulses_per_train} pulses in a train at most, and this one has "
        f"{train.pulses}. Choose a protocol with shorter trains."
    )


def check_deliverable(plan: Sequence[Planned], threshold: MotorThreshold, most: PercentRmt, dialect: Dialect) -> None:
    """Raises NotDeliverable for the first train whose energy or pause this stimulator cannot give."""
    for number, (now, then) in enumerate(zip(plan, (*plan[1:], None), strict=True), start=1):
        level = now.level(threshold, most)
        rate, pulses = (SINGLE, 1) if now.single else (now.train.rate, now.train.pulses)
        if level > PercentMso.of(100):
            raise NotDeliverable(
                f"train {number} needs {level}, more than the stimulator has: {min(now.intensity, most)} of a motor "
                f"threshold of {threshold.value}. Lower the intensity."
            )
        if why := dialect.refuses_energy(level, rate, pulses):
            raise NotDeliverable(f"train {number} at {level}: {why}")
        pause_us = now.train.rate.period_us if now.single else then.gap_us if then else None
        needed_us = dialect.minimum_wait_us(level, rate, pulses)
        if pause_us is not None and pause_us < needed_us:
            raise NotDeliverable(
                f"after train {number} at {level} the {dialect.capabilities.model} needs {needed_us / SECOND_US:g} s, "
                f"and the protocol leaves {pause_us / SECOND_US:g} s. Lower the intensity or choose a longer gap."
            )
