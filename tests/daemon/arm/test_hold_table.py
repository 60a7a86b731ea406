"""The table of the coil hold, the reasons, and the geometry of the way."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.arm.approach import Approach, Target
from daemon.arm.goals import BULGE, Ellipsoid, Error, before, next_point, tilt_of
from daemon.arm.limits import ArmLimits
from daemon.arm.reasons import ArmReason
from daemon.arm.table import ENGAGED, TRANSITIONS, Event, HoldState, Leave, Verb, after
from drivers.poses import Pose
from tests.daemon.arm.hold_room import SCALP, TARGET


def test_stop_and_away_stand_in_every_row() -> None:
    for state in HoldState:
        assert after(state, Verb.STOP) is not None
        assert after(state, Verb.AWAY) is not None


def test_an_arm_that_does_not_obey_is_a_fault_wherever_it_was_to_be() -> None:
    for state in set(HoldState) - {HoldState.FAULT}:
        assert after(state, Event.BROKEN) == (HoldState.FAULT, Leave.STAY)


def test_nothing_but_a_person_leads_back_from_a_retract() -> None:
    by_itself = {event: to for event, to in TRANSITIONS[HoldState.RETRACT].items() if isinstance(event, Event)}

    assert by_itself == {
        Event.ENDED: (HoldState.RETRACT, Leave.RETRACT),
        Event.BROKEN: (HoldState.FAULT, Leave.STAY),
    }


def test_only_a_person_leads_from_rest_to_the_head() -> None:
    for state in set(HoldState) - ENGAGED:
        for event, (to, _) in TRANSITIONS[state].items():
            assert to not in ENGAGED or event is Verb.TO_TARGET


def test_whatever_leaves_the_head_for_good_comes_off_it_first() -> None:
    for state in ENGAGED:
        for event, (to, leave) in TRANSITIONS[state].items():
            stays = to in ENGAGED or event in (Event.BROKEN, Event.GIVEN_UP)
            assert leave is (Leave.STAY if stays else Leave.RETRACT)


def test_hand_guiding_begins_only_off_the_head() -> None:
    assert {state for state in HoldState if after(state, Verb.HAND)} == set(HoldState) - ENGAGED


@pytest.mark.parametrize("reason", ArmReason)
def test_every_reason_says_what_happened_why_and_what_to_do(reason: ArmReason) -> None:
    assert reason.json == reason.name.lower().replace("_", "-")
    for part in (reason.sentence.what, reason.sentence.why, reason.sentence.next):
        assert part[0].isupper()
        assert part.endswith(".")


POINTS = st.tuples(*[st.floats(-0.6, 0.6)] * 3)


@given(start=POINTS, end=POINTS)
def test_the_way_around_the_head_arrives_and_never_enters(start: tuple, end: tuple) -> None:
    keep_out = SCALP.grown(0.04)
    if keep_out.holds(start) or keep_out.holds(end):
        return
    at = start
    for _ in range(40):
        following = next_point(keep_out, at, end)
        assert not Ellipsoid(keep_out.centre, tuple(0.9999 * radius for radius in keep_out.radii)).hides(at, following)
        at = following
        if at == end:
            break

    assert at == end


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize("sign", [-1, 1])
def test_from_right_behind_the_head_there_is_a_way_round_it(axis: int, sign: int) -> None:
    """The two ends oppose each other: no circle is the shortest, and any will do."""
    keep_out = SCALP.grown(0.04)
    end = tuple(
        c + sign * 1.5 * (r if at == axis else 0)
        for at, (c, r) in enumerate(zip(SCALP.centre, keep_out.radii, strict=True))
    )
    at = tuple(c - (e - c) for c, e in zip(SCALP.centre, end, strict=True))
    strides = 0
    while at != end and strides < 30:
        at, strides = next_point(keep_out, at, end), strides + 1
        assert not keep_out.holds(at)
    assert at == end


def test_from_inside_the_way_leads_out_first() -> None:
    point = next_point(SCALP, (0.0, 0.0, 0.05), (0.0, 0.0, -0.3))

    assert point == pytest.approx((0.0, 0.0, BULGE * 0.09))


def test_closing_in_goes_no_further_when_the_coil_is_off_the_targets_normal() -> None:
    approach = Approach(Target.of(TARGET, SCALP, ArmLimits(), 0.06), ArmLimits())
    above, aside = (TARGET @ Pose(translation=(x, 0.0, -0.03)) for x in (0.0, 0.04))

    goal, closing = approach.goal(above, 0.004)
    assert approach.gap_m == pytest.approx(0.03 - 0.05 * 0.004)
    assert closing == pytest.approx(0.05)
    assert (goal.inverse() @ above).distance < 0.001

    goal, closing = approach.goal(aside, 0.004)
    assert approach.gap_m is None
    assert closing == 0
    assert not SCALP.grown(0.04).holds(goal.translation)


def test_error_is_read_as_an_operator_thinks_of_it() -> None:
    turned = Pose.turned((0.0, 0.0, math.radians(10))) @ Pose.turned((math.radians(4), 0.0, 0.0))
    error = Error.of(Pose(turned.quaternion, (0.003, 0.004, -0.002)))

    assert error.lateral_m == pytest.approx(0.005)
    assert error.depth_m == pytest.approx(-0.002)
    assert math.degrees(error.tilt_rad) == pytest.approx(4)
    assert math.degrees(error.twist_rad) == pytest.approx(10)


def test_the_place_before_the_target_lies_off_the_scalp() -> None:
    place = before(TARGET, 0.06)

    assert place.translation == pytest.approx((0.0, 0.0, 0.155), abs=1e-6)
    assert tilt_of(TARGET, SCALP) == pytest.approx(0, abs=1e-5)
