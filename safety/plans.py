"""A treatment's plan: the trains that are left, and whether all of them may be given.

Pure, and shared: the daemon carries out the same plan that the watchdog has judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from drivers.quantities import SINGLE, PercentMso, PercentRmt, Train
from safety.asking import Ask, Facts, Past, run_after
from safety.limits import Limits
from safety.protocols import Phase, Protocol
from safety.reasons import Reason
from safety.rules import judge, judge_pulses
from safety.rules_trains import judge_times
from safety.threshold import MotorThreshold
from safety.verdicts import Refused, Verdict


@dataclass(frozen=True, slots=True)
class PlannedTrain:
    """One trigger of a plan."""

    level: PercentMso
    train: Train
    gap_us: int
    """Last pulse of the train before → first pulse of this one; 0 before the first of a plan."""


def plan_of(
    protocol: Protocol, threshold: MotorThreshold, intensity: PercentRmt | None, remaining_pulses: int
) -> tuple[PlannedTrain, ...]:
    """The trains that deliver the last `remaining_pulses` of `protocol`.

    What was cut is made up at the end of its phase as one shorter train. `intensity` lowers the prescribed one and
    never raises it; phases up to 1 Hz come pulse by pulse. What is left of a phase begins with its ramp: after an
    interruption a subject starts low again, and pulses that are counted do not say which trains were heard out.
    """
    delivered = max(protocol.pulses - remaining_pulses, 0)
    plan: list[PlannedTrain] = []
    for phase in protocol.phases:
        left = phase.pulses - min(delivered, phase.pulses)
        delivered -= phase.pulses - left
        for number, (train, gap_us) in enumerate(_trains(phase, left)):
            prescribed = phase.intensity_of(number)
            level = threshold.level(prescribed if intensity is None else min(intensity, prescribed))
            plan.append(PlannedTrain(level, train, gap_us))
    return (replace(plan[0], gap_us=0), *plan[1:]) if plan else ()


def _trains(phase: Phase, pulses: int) -> list[tuple[Train, int]]:
    if phase.slow:
        return [(Train(1, SINGLE), phase.train.rate.period_us)] * pulses
    whole, rest = divmod(pulses, phase.train.pulses)
    trains = [phase.train] * whole
    if rest:
        trains.append(Train(rest, phase.train.rate if rest > 1 else SINGLE))
    return [(train, phase.gap_us) for train in trains]


def judge_plan(plan: Sequence[PlannedTrain], facts: Facts, limits: Limits) -> Verdict:
    """Whether the whole plan fits session, day, week and course, and each of its trains would be allowed.

    Alike trains behind alike trains are judged once, at their place in the longest run: a plan of a thousand single
    pulses costs the watchdog's loop a few milliseconds. Distance to what went out before the plan is judged at its
    time.
    """
    if not plan:
        return Refused(Reason.NOTHING_LEFT)
    whole = judge_pulses(sum(planned.train.pulses for planned in plan), facts, limits)
    if isinstance(whole, Refused):
        return whole
    for planned, before, run in _unlike(plan, facts.now_us, limits):
        past = () if before is None else (before,)
        ask = Ask(planned.level, planned.train, facts.now_us)
        verdict = judge(ask, replace(facts, past=past, run=run), limits)
        if isinstance(verdict, Refused):
            return verdict
    return judge_times(_pulse_times_us(plan, facts.now_us), limits)


def _pulse_times_us(plan: Sequence[PlannedTrain], start_us: int) -> list[int]:
    times: list[int] = []
    for planned in plan:
        times += planned.train.pulse_times_us(times[-1] + planned.gap_us if times else start_us)
    return times


def _unlike(plan: Sequence[PlannedTrain], now_us: int, limits: Limits) -> list[tuple[PlannedTrain, Past | None, int]]:
    """Each kind of train of the plan, begun at `now_us`: with the train before it and the run that one ended.

    Alike are equal trains behind equal trains, with an equal gap between: only the longest run before them counts.
    """
    kinds: dict[tuple[PlannedTrain, Past | None], int] = {}
    before: Past | None = None
    run = 0
    for planned in plan:
        if before is not None:
            before = replace(before, first_us=now_us - planned.gap_us - before.train.duration_us)
        kinds[planned, before] = max(run, kinds.get((planned, before), run))
        now = Past(now_us, planned.train)
        run = run_after(run, before, now, limits.run_break_us)
        before = now
    return [(planned, past, run) for (planned, past), run in kinds.items()]
