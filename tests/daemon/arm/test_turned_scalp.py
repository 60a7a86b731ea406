"""A scalp whose axes are not the marker's: the same scalp, seen from another frame, keeps the same clear of it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.arm.goals import Ellipsoid, flat_along, next_point, tilt_of
from drivers.poses import Pose, Vector
from tests.daemon.arm.hold_room import SCALP, TARGET
from tests.daemon.arm.loop_stand_ins import LoopRoom
from tests.daemon.arm.test_loop_talk import TARGET as MESSAGE

NO_NORMAL_M = 0.01
"""From the middle of the head every way leads out."""
points = st.tuples(*[st.floats(-0.4, 0.4)] * 3).filter(lambda point: math.hypot(*point) > NO_NORMAL_M)
turns = st.tuples(*[st.floats(-2, 2)] * 3)
shifts = st.tuples(*[st.floats(-0.2, 0.2)] * 3)
QUARTER = (0.7071067811865476, 0.0, 0.0, 0.7071067811865476)
"""About z."""


def seen_from(frame: Pose, scalp: Ellipsoid) -> Ellipsoid:
    there = frame @ Pose(scalp.turn, scalp.centre)
    return Ellipsoid(there.translation, scalp.radii, there.quaternion)


@given(turn=turns, shift=shifts, point=points)
def test_a_scalp_in_another_frame_is_the_same_scalp(turn: Vector, shift: Vector, point: Vector) -> None:
    frame = Pose.turned(turn, shift)
    scalp = seen_from(frame, SCALP)
    there = frame.apply(point)

    assert scalp.unit(there) == pytest.approx(SCALP.unit(point), abs=1e-9)
    assert scalp.point(scalp.unit(there)) == pytest.approx(there, abs=1e-9)
    assert scalp.inward(there) == pytest.approx(frame.rotate(SCALP.inward(point)), abs=1e-6)
    assert scalp.grown(0.04).unit(there) == pytest.approx(SCALP.grown(0.04).unit(point), abs=1e-9)


@given(turn=turns, shift=shifts)
def test_a_target_leans_as_far_and_is_laid_as_flat_in_any_frame(turn: Vector, shift: Vector) -> None:
    frame = Pose.turned(turn, shift)
    leaning = TARGET @ Pose.turned((0.3, 0.1, 0.0))
    scalp = seen_from(frame, SCALP)

    assert tilt_of(frame @ leaning, scalp) == pytest.approx(tilt_of(leaning, SCALP), abs=1e-6)
    assert tilt_of(flat_along(scalp, frame @ leaning), scalp) == pytest.approx(0, abs=1e-6)


def test_the_way_round_a_turned_head_is_the_way_round_that_head() -> None:
    flat, high = (0.16, 0.0, 0.0), (0.0, 0.14, 0.0)
    turned = Ellipsoid(SCALP.centre, SCALP.radii, QUARTER)

    assert (SCALP.grown(0.04).holds((0.0, 0.13, 0.0)), turned.grown(0.04).holds((0.0, 0.13, 0.0))) == (False, True)
    assert not turned.grown(0.04).holds(next_point(turned.grown(0.04), flat, high))


def test_a_turned_scalp_reaches_the_hold(room: LoopRoom) -> None:
    scalp = {"centre": [0.01, 0, 0], "radii": [0.08, 0.1, 0.09], "turn": list(QUARTER)}
    answer = room.client("daemon").ask(**(MESSAGE | {"scalp": scalp}))
    ((_, told),) = room.hold.told

    assert answer["ok"]
    assert (told.centre, told.radii) == ((0.01, 0.0, 0.0), (0.08, 0.1, 0.09))
    assert told.turn == pytest.approx(QUARTER)


@pytest.mark.parametrize("turn", [[1, 0, 0], [2, 0, 0, 0], "straight"])
def test_a_turn_that_is_none_is_refused(room: LoopRoom, turn: object) -> None:
    scalp = {"centre": [0.01, 0, 0], "radii": [0.08, 0.1, 0.09], "turn": turn}
    answer = room.client("daemon").ask(**(MESSAGE | {"scalp": scalp}))

    assert not answer["ok"]
    assert "turn" in answer["why"]
    assert room.hold.told == []
