"""A protocol against the stimulator that is connected: which trains are run, by whom, or why they cannot be.

Judged before the patient sits down. The device runs a train by itself where it can; slow stimulation is triggered
pulse by pulse on the watchdog's timer, in blocks. The watchdog judges all of it again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from drivers.errors import OperatorError
from drivers.quantities import SECOND_US, SINGLE, Hertz, PercentMso, PercentRmt, Train
from drivers.stimulators import Dialect
from safety.threshold import MotorThreshold

BLOCK_PULSES = 20
"""Most pulses of one block of single pulses: what one permit may hold."""
DEVICE_RUN_US = 5 * SECOND_US
"""Longest train a device may run on its own, without an independent way to stop it (engineering choice)."""
DEVICE_RUN_PULSES = 50
"""Most pulses of such a train (engineering choice)."""


SLOWEST_US = 10 * SECOND_US
"""Single pulses this close together are one host-timed train."""
Run = Mapping[str, Any]
"""{trains, pulses, rate_tenths, level_tenths, gap_us}: equal trains, the gap before each."""


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
    """As prescribed for this train: on a ramp each has its own."""
    gap_us: int
    """At least this long after the last pulse of the train before, whichever that was."""
    how: How = How.DEVICE

    @property
    def single(self) -> bool:
        """Whether every pulse has a trigger of its own."""
        return self.how is How.HOST

    def shortened(self, pulses: int) -> Planned:
        """The same train with fewer pulses: what a cut one still owes. One pulse left needs no rate."""
        rate = SINGLE if pulses == 1 and not self.single else self.train.rate
        return replace(self, train=Train(pulses, rate))

    def level(self, threshold: MotorThreshold, most: PercentRmt) -> PercentMso:
        """What the stimulator is set to when the session's intensity is `most`, rounded down to whole % MSO."""
        return threshold.level(min(self.intensity, most))


def pulses_of(plan: Sequence[Planned]) -> int:
    """Pulses of all trains together."""
    return sum(planned.train.pulses for planned in plan)


def at_most(plan: Sequence[Planned], pulses: int) -> tuple[Planned, ...]:
    """`plan` with its end cut off, so that it gives at most `pulses`."""
    kept, over = list(plan), pulses_of(plan) - pulses
    while kept and over >= kept[-1].train.pulses:
        over -= kept.pop().train.pulses
    if kept and over > 0:
        kept[-1] = kept[-1].shortened(kept[-1].train.pulses - over)
    return tuple(kept)


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


def compile_plan(runs: Sequence[Run], threshold: MotorThreshold, dialect: Dialect) -> tuple[Planned, ...]:
    """The watchdog's own plan (`understood.plan`: runs of equal trains) as trains this stimulator carries out.

    Slow stimulation comes from the watchdog pulse by pulse and becomes one host-timed train again. Raises
    NotDeliverable for the first train that is neither a device's nor a host's.
    """
    plan: list[Planned] = []
    for run in runs:
        pulses, count = int(run["pulses"]), int(run["trains"])
        intensity = threshold.intensity(PercentMso(int(run["level_tenths"])))
        gap_us, before = int(run["gap_us"]), plan[-1] if plan else None
        goes_on = before is not None and _goes_on(before, intensity)
        if pulses == 1 and 0 < gap_us <= SLOWEST_US and (count > 1 or goes_on):
            train = Train(count, Hertz(10 * SECOND_US // gap_us))
            if before is not None and goes_on:
                plan[-1] = replace(before, train=Train(before.train.pulses + count, train.rate), how=How.HOST)
                continue
            plan.append(Planned(train, intensity, gap_us, How.HOST))
        else:
            train = Train(pulses, Hertz(int(run["rate_tenths"])))
            plan += [Planned(train, intensity, gap_us, who_times(train, dialect))] * count
    return _with_first_gap(plan)


def _goes_on(before: Planned, intensity: PercentRmt) -> bool:
    """Whether slow pulses continue `before`: the first of a plan stands alone, because nothing precedes it."""
    return before.intensity == intensity and (before.single or (before.train.pulses == 1 and before.gap_us == 0))


def _with_first_gap(plan: list[Planned]) -> tuple[Planned, ...]:
    """A plan's first train has no gap before it; should it be made up at the end, it needs the one of its kind."""
    if not plan:
        return ()
    first = plan[0]
    usual = plan[1].gap_us if len(plan) > 1 else first.train.rate.period_us if first.single else DEVICE_RUN_US
    return (replace(first, gap_us=first.gap_us or usual), *plan[1:])


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
        f"The {able.model} runs {able.max_pulses_per_train} pulses in a train at most, and this one has "
        f"{train.pulses}. Choose a protocol with shorter trains."
    )


def check_deliverable(plan: Sequence[Planned], threshold: MotorThreshold, most: PercentRmt, dialect: Dialect) -> None:
    """Raises NotDeliverable for the first train whose energy or pause this stimulator cannot give."""
    for number, (now, then) in enumerate(zip(plan, (*plan[1:], None), strict=True), start=1):
        level = now.level(threshold, most)
        rate, pulses = (SINGLE, 1) if now.single else (now.train.rate, now.train.pulses)
        if level > PercentMso.of(100):
            raise NotDeliverable(
                f"Train {number} needs {level}, more than the stimulator has: {min(now.intensity, most)} of a motor "
                f"threshold of {threshold.value}. Lower the intensity."
            )
        if why := dialect.refuses_energy(level, rate, pulses):
            raise NotDeliverable(f"Train {number} at {level}: {why} Lower the intensity, or choose a slower protocol.")
        pause_us = now.train.rate.period_us if now.single else then.gap_us if then else None
        needed_us = dialect.minimum_wait_us(level, rate, pulses)
        if pause_us is not None and pause_us < needed_us:
            raise NotDeliverable(
                f"After train {number} at {level} the {dialect.capabilities.model} needs {needed_us / SECOND_US:g} s, "
                f"and the protocol leaves {pause_us / SECOND_US:g} s. Lower the intensity or choose a longer gap."
            )
