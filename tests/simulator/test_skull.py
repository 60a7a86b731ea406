"""The scalp's shape and how it pushes back."""

from __future__ import annotations

import math

import pytest

from drivers.poses import Pose
from simulator.head.skull import COIL_RADIUS_M, NO_CONTACT, Ellipsoid, contact, gap
from simulator.placement import AIR_GAP_M, Placement

SCALP = Ellipsoid((0.01, -0.02, 0.03), (0.08, 0.1, 0.09))
DOWN = Pose.turned((math.pi, 0, 0))
"""A coil whose +z looks down."""


def over_vertex(height_m: float, aside_m: float = 0.0) -> Pose:
    return Pose(DOWN.quaternion, (0.01 + aside_m, -0.02, 0.12 + height_m))


def test_its_outermost_points_and_where_rays_leave_it_lie_on_its_surface() -> None:
    for direction in ((1.0, 0.0, 0.0), (0.0, 0.6, 0.8), (-0.48, 0.6, 0.64)):
        for point in (SCALP.outermost(direction), SCALP.pierced(direction)):
            level = sum(((p - c) / r) ** 2 for p, c, r in zip(point, SCALP.centre, SCALP.radii, strict=True))
            assert level == pytest.approx(1)
            assert SCALP.distance(point) == pytest.approx(0, abs=1e-9)
        assert SCALP.outward(SCALP.outermost(direction)) == pytest.approx(direction)


@pytest.mark.parametrize("height_m", [-0.004, 0.0, 0.005, 0.1])
def test_the_gap_over_the_vertex_is_the_height(height_m: float) -> None:
    assert gap(SCALP, over_vertex(height_m)) == pytest.approx(height_m, abs=1e-9)


def test_neck_and_skull_are_springs_in_a_row() -> None:
    felt = contact(SCALP, over_vertex(-0.004))
    assert felt.force_n == pytest.approx(4 / (1 / 150 + 1 / 5))
    assert felt.push_m == pytest.approx(felt.force_n / 5000)
    stiff = contact(SCALP, over_vertex(-0.004), neck_n_m=1e9)
    assert stiff.force_n == pytest.approx(600, rel=0.001)


def test_a_coil_clear_of_the_head_feels_nothing() -> None:
    assert contact(SCALP, over_vertex(0.0001)) is NO_CONTACT
    assert contact(SCALP, over_vertex(-0.05, aside_m=0.5)) is NO_CONTACT


def test_a_coil_beside_the_head_touches_it_with_its_edge_or_not_at_all() -> None:
    low = -0.09  # the face at the height of the head's middle
    beside_m = SCALP.radii[0] + COIL_RADIUS_M
    assert contact(SCALP, over_vertex(low, beside_m + 0.003)) is NO_CONTACT
    assert gap(SCALP, over_vertex(low, beside_m + 0.003)) == pytest.approx(0.003, abs=0.0005)
    assert contact(SCALP, over_vertex(low, beside_m - 0.003)).force_n > 0


def test_the_planned_target_lies_flat_over_the_scalp_with_its_air_gap() -> None:
    place = Placement()
    assert gap(place.scalp, place.skull_from_target) == pytest.approx(AIR_GAP_M, abs=1e-4)
    assert place.skull_from_target.rotate((0, 0, 1))[2] < -0.7  # into the head, from above
    y = place.skull_from_target.rotate((0, 1, 0))
    assert min(y[0], y[1]) > 0.4  # away from a handle that points back and to the side


def test_fiducials_lie_on_the_scalp_and_make_the_frame_of_the_skull() -> None:
    place = Placement()
    points = place.fiducials
    for point in points.values():
        assert place.scalp.distance(point) == pytest.approx(0, abs=1e-6)
    assert points["LPA"][0] == -points["RPA"][0] < 0
    assert points["NAS"][1] > 0.08


def test_the_scalp_along_the_markers_axes_is_as_large_as_the_real_one() -> None:
    place = Placement()
    own = place.scalp_in_head
    for direction in ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, -1.0)):
        real = place.skull_from_head.inverse().apply(place.scalp.outermost(place.skull_from_head.rotate(direction)))
        reach = sum(part * axis for part, axis in zip(real, direction, strict=True))
        said = sum(part * axis for part, axis in zip(own.outermost(direction), direction, strict=True))
        assert said == pytest.approx(reach, abs=1e-9)
