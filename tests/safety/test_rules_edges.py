"""Edges that only a changed line makes visible: where a count begins, and whom a rule leaves alone."""

from __future__ import annotations

from dataclasses import replace

from drivers.quantities import SECOND_US, SINGLE, Hertz, PercentMso, Train
from drivers.stimulators import Witness
from safety.asking import Ask, Facts, Past, SessionKind, Use
from safety.limits import DAY_US, load_limits
from safety.plans import plan_of
from safety.protocols import load_protocols
from safety.reasons import Reason
from safety.rules import judge_all
from safety.threshold import MotorThreshold, ThresholdMethod

LIMITS = load_limits()
START = 654_321 * SECOND_US
WALL = 1_800_000_000 * SECOND_US
MT = MotorThreshold(PercentMso.of(50), ThresholdMethod.EMG, 20, 15, "coil-1", WALL - DAY_US)
SCRIPT = Facts(
    now_us=START,
    wall_us=WALL,
    use=Use.SIMULATION,
    kind=SessionKind.SCRIPT,
    coil="coil-1",
    witness=Witness.COUNTED,
    ceiling=PercentMso.of(100),
    threshold=MT,
)
SLOW_CELL = LIMITS.cell(Hertz.of(1), MT.intensity(PercentMso.of(50)))


def reasons(train: Train, facts: Facts, percent: float = 50) -> set[Reason]:
    """Everything that stands against `train` at `START`."""
    return {refused.reason for refused in judge_all(Ask(PercentMso.of(percent), train, START), facts, LIMITS)}


def test_the_longest_run_at_1_hz_is_allowed_and_one_pulse_more_is_not() -> None:
    assert SLOW_CELL is not None
    longest = SLOW_CELL.pulses(Hertz.of(1))

    assert Reason.TRAIN_TOO_LONG not in reasons(Train(longest, Hertz.of(1)), SCRIPT)
    assert Reason.TRAIN_TOO_LONG in reasons(Train(longest + 1, Hertz.of(1)), SCRIPT)


def test_a_run_goes_on_until_a_break_parts_it() -> None:
    assert SLOW_CELL is not None
    longest = SLOW_CELL.pulses(Hertz.of(1))
    just_now = replace(SCRIPT, run=longest, past=(Past(START - SECOND_US, Train(1, SINGLE)),))
    long_ago = replace(SCRIPT, run=longest, past=(Past(START - LIMITS.run_break_us, Train(1, SINGLE)),))

    assert Reason.TRAIN_TOO_LONG in reasons(Train(1, SINGLE), just_now)
    assert Reason.TRAIN_TOO_LONG not in reasons(Train(1, SINGLE), long_ago)


def test_a_fast_train_is_as_long_as_its_own_pulses_whatever_ran_before() -> None:
    ten_hz = Hertz.of(10)
    cell = LIMITS.cell(ten_hz, MT.intensity(PercentMso.of(50)))
    assert cell is not None
    after_singles = replace(SCRIPT, run=20, past=(Past(START - SECOND_US, Train(1, SINGLE)),))

    assert Reason.TRAIN_TOO_LONG not in reasons(Train(cell.pulses(ten_hz), ten_hz), after_singles)


def test_beyond_the_tables_not_one_pulse_is_allowed() -> None:
    assert Reason.TRAIN_TOO_LONG in reasons(Train(1, SINGLE), SCRIPT, percent=75)
    assert Reason.TRAIN_TOO_LONG not in reasons(Train(1, SINGLE), SCRIPT, percent=50)


def test_a_threshold_hunt_is_not_judged_by_an_old_threshold() -> None:
    old = replace(MT, taken_wall_us=WALL - 1_000 * DAY_US)

    assert Reason.THRESHOLD_OLD in reasons(Train(1, SINGLE), replace(SCRIPT, threshold=old))
    assert Reason.THRESHOLD_OLD not in reasons(
        Train(1, SINGLE), replace(SCRIPT, kind=SessionKind.THRESHOLD, threshold=old)
    )


def test_what_is_left_of_a_treatment_ends_in_one_shorter_train() -> None:
    protocol = load_protocols()["demo"]
    rate = protocol.phases[0].train.rate

    left = {pulses: [each.train for each in plan_of(protocol, MT, None, pulses)] for pulses in (1, 2, 3, 22)}

    assert left[1] == [Train(1, SINGLE)]
    assert left[2] == [Train(2, rate)]
    assert left[3] == [Train(3, rate)]
    assert left[22] == [Train(20, rate), Train(2, rate)]
