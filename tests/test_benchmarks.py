"""What the benchmarks count, where a wrong one would flatter: trains begun off target, blind travel, rows left out."""

from __future__ import annotations

import pytest

from benchmarks.figures import Figures, Row, table
from benchmarks.hold_scenes import blind_travel
from benchmarks.hold_trials import PULSE_US, RATE_HZ, TRAIN_EVERY_US, Trace, pulse
from benchmarks.loop import Run, counted, elsewhere_share
from daemon.arm.lease import Lease
from drivers.poses import Pose

TURN_US = round(1e6 / RATE_HZ)


def pulses(lease_at: dict[int, Lease | None], off_m: float = 0.0025) -> Trace:
    """One slot of a train with the coil so far off its target; `lease_at` says from which turn on which lease holds."""
    trace, train, lease = Trace(), None, None
    for turn in range(TRAIN_EVERY_US // TURN_US):
        lease = lease_at.get(turn, lease)
        train = pulse(trace, Pose(translation=(off_m, 0.0, 0.0)), lease, turn * TURN_US, train)
    return trace


def test_a_train_that_begins_late_in_its_slot_is_counted_with_its_first_pulse() -> None:
    at_once, late = pulses({0: Lease.BEGIN}), pulses({0: Lease.CONTINUE, 5: Lease.BEGIN})

    assert (at_once.pulses, at_once.begun_off) == (20, 1)
    assert (late.pulses, late.begun_off) == (19, 1)
    assert pulses({0: Lease.CONTINUE, 5: Lease.BEGIN}, off_m=0.0015).begun_off == 0


def test_a_train_begins_in_its_first_tenth_of_a_second_or_not_at_all_and_once_cut_stays_so() -> None:
    assert pulses({0: Lease.CONTINUE, PULSE_US // TURN_US + 1: Lease.BEGIN}).pulses == 0
    assert pulses({0: Lease.BEGIN, 40: Lease.NONE, 60: Lease.BEGIN}).pulses == 4


def went(coil_mm: list[float], target_mm: list[float]) -> Trace:
    """Coil and target along one line, one place a turn."""
    trace = Trace()
    for coil, target in zip(coil_mm, target_mm, strict=True):
        trace.coil.append(Pose(translation=(coil / 1000, 0.0, 0.0)))
        trace.target.append(Pose(translation=(target / 1000, 0.0, 0.0)))
        trace.distance_m.append(abs(coil - target) / 1000)
        trace.states.append(None)
    return trace


@pytest.mark.parametrize(
    ("coil", "target", "travel", "off"),
    [
        ([9, 0, 1, 2, 3, 3, 3], [0, 0, 1, 1, 1, 1, 1], 2, 2),
        ([9, 0, 1, 2, 1, 1, 1], [0, 0, 1, 2, 2, 2, 2], 1, 1),
        ([9, 0, 1, 1, 1, 1, 1], [0, 0, 2, 4, 6, 8, 9], -1, 8),
        ([9, 0, 0, 0, 0, 0, 0], [0, 0, 2, 4, 6, 8, 9], 0, 9),
    ],
    ids=["beyond", "back again", "short of it", "not at all"],
)
def test_blind_travel_is_the_coils_way_until_it_stands_less_the_targets_by_then(
    coil: list[float], target: list[float], travel: float, off: float
) -> None:
    travelled, stands_off = blind_travel(went(coil, target), since=1)

    assert (travelled, stands_off) == (pytest.approx(travel), pytest.approx(off))


def test_what_was_not_measured_has_a_row_that_says_so() -> None:
    row = table([Row("a path", "not measured: no tool", "", None, "", "≤ 1 ms", None)]).splitlines()[-1]

    assert row == "| a path | 0 | not measured: no tool |  |  |  | ≤ 1 ms |  |"


def test_runs_outside_hold_are_left_out_and_made_again_twice_as_often_as_asked_for_at_most() -> None:
    good: Run = ({}, Figures.of([1.0]))

    def out_of(*runs: Run | None) -> tuple[int, int]:
        coming = iter(runs)
        done = counted(lambda: next(coming), 2)
        return len(done), len(list(coming))

    assert out_of(good, good, good) == (2, 1)
    assert out_of(None, good, None, good) == (2, 0)
    assert out_of(None, None, None, good, good) == (1, 1)


def test_time_out_of_hold_is_counted_from_each_change_to_the_next() -> None:
    def told(*states: tuple[str, int]) -> list[dict[str, object]]:
        return [{"state": state, "at_us": at_us} for state, at_us in states]

    assert elsewhere_share(told(("track", 0), ("freeze", 900), ("track", 910), ("track", 1_000))) == pytest.approx(0.01)
    assert elsewhere_share(told(("track", 0), ("track", 1_000))) == 0
    assert elsewhere_share(told(("track", 0))) == elsewhere_share([]) == 1
