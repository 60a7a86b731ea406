"""Poses: what composition, inversion and conversion must keep."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.poses import IDENTITY, Pose, mean

parts = st.floats(-3, 3, allow_nan=False)
vectors = st.tuples(parts, parts, parts)
angles = st.floats(-math.pi + 1e-3, math.pi - 1e-3)


@st.composite
def poses(draw: Any) -> Pose:
    axis, angle = draw(vectors.filter(lambda v: math.hypot(*v) > 0.1)), draw(angles)
    length = math.hypot(*axis)
    return Pose.turned([part / length * angle for part in axis], draw(vectors))


def close(one: Pose, other: Pose) -> bool:
    apart = one.inverse() @ other
    return apart.angle < 1e-7 and apart.distance < 1e-9


@given(poses(), poses(), poses(), vectors)
def test_a_chain_may_be_bracketed_anywhere_and_undone(a: Pose, b: Pose, c: Pose, point: Any) -> None:
    assert close((a @ b) @ c, a @ (b @ c))
    assert close(a @ a.inverse(), IDENTITY)
    assert (a @ b).apply(point) == pytest.approx(a.apply(b.apply(point)), abs=1e-9)


@given(poses(), poses(), st.floats(1 - 9e-7, 1 + 9e-7))
def test_whatever_rounding_a_pose_came_with_what_is_composed_of_it_is_of_length_one(
    a: Pose, b: Pose, length: float
) -> None:
    w, x, y, z = a.quaternion
    rounded = Pose((w * length, x * length, y * length, z * length), a.translation)
    assert [math.hypot(*chain.quaternion) for chain in (rounded @ b, b @ rounded)] == pytest.approx([1, 1], abs=1e-12)


@given(poses())
def test_every_form_of_a_pose_says_the_same(pose: Pose) -> None:
    assert close(Pose.from_rows(pose.rows), pose)
    assert close(Pose.turned(pose.rotation_vector, pose.translation), pose)


@given(poses(), poses())
def test_half_the_way_is_halfway(a: Pose, b: Pose) -> None:
    middle = a.towards(b, 0.5)
    assert (a.inverse() @ middle).angle == pytest.approx((middle.inverse() @ b).angle, abs=1e-6)
    assert close(a.towards(b, 1.0), b)
    assert close(a.towards(b, 0.0), a)


def test_a_quarter_turn_about_z_takes_x_to_y() -> None:
    quarter = Pose.turned((0, 0, math.pi / 2), (0.1, 0, 0))
    assert quarter.apply((1, 0, 0)) == pytest.approx((0.1, 1, 0))
    assert quarter.rows[0] == pytest.approx((0, -1, 0, 0.1), abs=1e-12)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([[1, 0.1, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]], "sheared"),
        ([[-1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]], "mirrors"),
    ],
)
def test_what_is_no_rotation_is_no_pose(rows: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Pose.from_rows(rows)


@pytest.mark.parametrize("wrong", [(2.0, 0, 0, 0), (0, 0, 0, 0), (math.nan, 0, 0, 0)])
def test_a_quaternion_far_from_a_unit_one_is_refused_and_a_rounded_one_is_not(wrong: Any) -> None:
    with pytest.raises(ValueError, match="quaternion"):
        Pose.of(wrong, (0, 0, 0))
    with pytest.raises(ValueError, match="quaternion"):
        Pose(wrong)
    assert Pose.of((0.9999, 0.0101, 0, 0), (0, 0, 0)).angle == pytest.approx(0.0202, abs=1e-4)


@given(poses())
def test_the_mean_of_poses_round_one_is_that_one_whatever_their_signs(pose: Pose) -> None:
    w, x, y, z = pose.quaternion
    around = [pose @ Pose.turned((0, 0, turn), (turn, 0, 0)) for turn in (-0.01, 0.01)]
    assert close(mean([*around, pose, Pose((-w, -x, -y, -z), pose.translation)]), pose)
    with pytest.raises(ValueError, match="no poses"):
        mean([])
