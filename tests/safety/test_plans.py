"""A plan is allowed when each of its trains would be, wherever in the plan it stands and whatever went before it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from drivers.quantities import SECOND_US, SINGLE, Hertz, PercentMso, Train
from drivers.stimulators import Witness
from safety.asking import Facts, SessionKind, Use
from safety.limits import DAY_US, load_limits
from safety.plans import PlannedTrain, judge_plan, plan_of
from safety.protocols import load_protocols
from safety.reasons import Reason
from safety.rules import ALLOWED, Refused
from safety.rules_trains import judge_times
from safety.threshold import MotorThreshold, ThresholdMethod

LIMITS = load_limits()
DEMO = load_protocols()["demo"]
START = 7_000 * SECOND_US
WALL = 1_800_000_000 * SECOND_US
MT = MotorThreshold(PercentMso.of(50), ThresholdMethod.EMG, 20, 15, "coil-1", WALL - DAY_US)
SCRIPT = Facts(
    now_us=START,
    wall_us=WALL,
    use=Use.SIMULATION,
    kind=SessionKind.SCRIPT,
    coil="coil-1",
    witness=Witness.COUNTED,
    ceiling=PercentMso.of(60),
    threshold=MT,
)
TREATMENT = replace(SCRIPT, kind=SessionKind.TREATMENT, protocol=DEMO, planned=60)
SINGLE_PULSE = PlannedTrain(PercentMso.of(50), Train(1, SINGLE), SECOND_US)
FIVE_AT_10_HZ = PlannedTrain(PercentMso.of(50), Train(5, Hertz.of(10)), 6 * SECOND_US)


def test_trains_without_a_gap_are_refused_though_the_first_has_none_before_it_either() -> None:
    train = replace(FIVE_AT_10_HZ, gap_us=0)

    assert judge_plan([train], SCRIPT, LIMITS) == ALLOWED
    assert judge_plan([train, train], SCRIPT, LIMITS) == Refused(
        Reason.GAP_TOO_SHORT, {"asked": "0.0 s", "allowed": "5.0 s"}
    )


def test_single_pulses_without_a_gap_are_refused_though_the_first_has_none_before_it_either() -> None:
    pulse = replace(SINGLE_PULSE, gap_us=0)

    assert judge_plan([pulse], SCRIPT, LIMITS) == ALLOWED
    assert judge_plan([pulse, pulse], SCRIPT, LIMITS) == Refused(
        Reason.PULSES_TOO_CLOSE, {"asked": "0.0 s", "allowed": "0.95 s"}
    )


def test_a_train_is_judged_behind_each_train_it_follows_not_behind_the_first_alone() -> None:
    second = DEMO.phases[0]
    first = replace(second, train=Train(10, Hertz.of(10)), trains=2)
    protocol = replace(DEMO, phases=(first, replace(second, trains=2)))
    facts = replace(TREATMENT, protocol=protocol)
    plan = plan_of(protocol, MT, None, 60)

    assert [planned.train.pulses for planned in plan] == [10, 10, 20, 20]
    assert judge_plan(plan, facts, LIMITS.tightened({"window_10s": 40})) == ALLOWED
    assert judge_plan(plan, facts, LIMITS.tightened({"window_10s": 39})) == Refused(
        Reason.WINDOW_FULL, {"asked": "40", "allowed": "39", "window": "10.0 s"}
    )


def test_the_longest_run_of_a_plan_counts_though_a_shorter_one_comes_after_it() -> None:
    cell = LIMITS.cell(Hertz.of(1), MT.intensity(SINGLE_PULSE.level))
    assert cell is not None
    longest = cell.pulses(Hertz.of(1))
    shorter = [FIVE_AT_10_HZ, replace(SINGLE_PULSE, gap_us=6 * SECOND_US), SINGLE_PULSE, SINGLE_PULSE]

    assert judge_plan([SINGLE_PULSE] * longest + shorter, SCRIPT, LIMITS) == ALLOWED
    verdict = judge_plan([SINGLE_PULSE] * (longest + 1) + shorter, SCRIPT, LIMITS)
    assert isinstance(verdict, Refused)
    assert (verdict.reason, verdict.detail["asked"]) == (Reason.TRAIN_TOO_LONG, f"{longest + 1}.0 s")


def test_windows_that_hold_many_trains_are_judged_before_the_first() -> None:
    plan = plan_of(DEMO, MT, None, 60)

    assert judge_plan(plan, TREATMENT, LIMITS.tightened({"window_60s": 60})) == ALLOWED
    assert judge_plan(plan, TREATMENT, LIMITS.tightened({"window_60s": 59})) == Refused(
        Reason.WINDOW_FULL, {"asked": "60", "allowed": "59", "window": "60.0 s"}
    )


@pytest.mark.parametrize(("gap_us", "allowed"), [(8_000_000, True), (7_999_999, False)])
def test_a_pulse_has_left_the_window_when_the_whole_of_it_is_over(gap_us: int, allowed: bool) -> None:
    pulses = [replace(SINGLE_PULSE, gap_us=gap_us), *[SINGLE_PULSE] * 2, replace(SINGLE_PULSE, gap_us=gap_us)]

    assert (judge_plan(pulses, SCRIPT, LIMITS.tightened({"window_10s": 3})) == ALLOWED) is allowed


def test_where_a_window_may_hold_no_pulse_not_even_the_first_is_allowed() -> None:
    none = LIMITS.tightened({"window_10s": 0})

    assert judge_times([START], none) == Refused(Reason.WINDOW_FULL, {"asked": "1", "allowed": "0", "window": "10.0 s"})
    assert judge_plan([SINGLE_PULSE], SCRIPT, none) == judge_times([START], none)
