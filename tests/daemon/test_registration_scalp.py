"""The scalp's shape from places touched all over it: how near it comes, and which touches give none."""

from __future__ import annotations

import math

import numpy as np
import pytest
from pydantic import ValidationError

from daemon.registration import Touch, register
from daemon.registration_file import Fiducial, MeasuredScalp
from daemon.registration_scalp import MOST_OFF_M, Place, measured
from daemon.registration_touching import Touching
from daemon.scalp import Scalp
from drivers.errors import OperatorError
from drivers.poses import Pose, Vector
from simulator.placement import SCALP, Placement
from tests.daemon.calibration_world import held_at

HEAD_FROM_SKULL = Placement().skull_from_head.inverse()
WAYS: dict[Place, Vector] = {
    Place.VERTEX: (0.0, 0.0, 1.0),
    Place.FOREHEAD: (0.0, 1.0, 0.25),
    Place.BACK: (0.0, -1.0, -0.3),
    Place.LEFT: (-1.0, 0.0, 0.2),
    Place.RIGHT: (1.0, 0.0, 0.2),
    Place.FRONT_LEFT: (-0.7, 0.7, 0.6),
    Place.FRONT_RIGHT: (0.7, 0.7, 0.6),
    Place.BACK_LEFT: (-0.7, -0.7, 0.6),
    Place.BACK_RIGHT: (0.7, -0.7, 0.6),
}
"""From the middle of the simulator's head."""


def pierced(way: Vector) -> Vector:
    length = math.hypot(*way)
    return SCALP.pierced((way[0] / length, way[1] / length, way[2] / length))


FIDUCIALS = {Fiducial(name.lower()): point for name, point in Placement().fiducials.items()}
PLACES = [pierced(WAYS[each]) for each in Place]
"""In the frame of the skull, in the order they are asked for."""


def touched(points: list[Vector], sigma_m: float = 0.0, seed: int = 1) -> MeasuredScalp:
    rng = np.random.default_rng(seed)
    missed = np.array(points) + rng.normal(0, sigma_m, (len(points), 3))
    return measured([HEAD_FROM_SKULL.apply(point) for point in missed], HEAD_FROM_SKULL)


def test_without_error_the_head_itself_is_found_in_the_frame_of_the_skull() -> None:
    found = touched([*FIDUCIALS.values(), *PLACES])

    assert found.shape.centre == pytest.approx(SCALP.centre, abs=1e-6)
    assert found.shape.radii == pytest.approx(SCALP.radii, abs=1e-6)
    assert (found.points, found.residual_mm < 1e-3) == (12, True)


def test_places_missed_by_3_mm_give_the_head_to_a_centimetre_and_no_place_lies_outside() -> None:
    for seed in range(100):
        rng = np.random.default_rng(seed)
        points = np.array([*FIDUCIALS.values(), *PLACES])
        points = points + rng.normal(0, 0.003, points.shape)
        found = touched(points.tolist())
        rays = (points - found.shape.centre) / np.array(found.shape.radii)

        assert np.linalg.norm(rays, axis=1).max() <= 1 + 1e-9
        assert found.shape.radii == pytest.approx(SCALP.radii, abs=0.018)
        assert found.residual_mm < MOST_OFF_M * 1000


def lifted(place: int, off_m: float) -> list[Vector]:
    """All of them, one with the tip so far off the skin."""
    points = [*FIDUCIALS.values(), *PLACES]
    ray = np.array(points[place]) - SCALP.centre
    x, y, z = points[place] + ray / np.linalg.norm(ray) * off_m
    points[place] = (x, y, z)
    return points


@pytest.mark.parametrize("place", [0, 1, 2, 6, 7, 8, 9, 10, 11])
def test_a_tip_that_was_not_on_the_skin_gives_no_scalp(place: int) -> None:
    with pytest.raises(OperatorError, match=r"miss an ellipsoid by .* mm; 4 mm are allowed"):
        touched(lifted(place, 0.030))
    assert touched(lifted(place, 0.010)).residual_mm < MOST_OFF_M * 1000


@pytest.mark.parametrize("place", range(12))
def test_a_tip_off_the_skin_that_nobody_notices_makes_the_head_no_smaller_than_by_a_millimetre(place: int) -> None:
    found = touched(lifted(place, 0.015))

    assert min(np.array(found.shape.radii) - SCALP.radii) > -0.001


TURNS = [2.4 * n for n in range(12)]
LEFT = [(-1.0, math.sin(turn) / 2, 0.5 + math.cos(turn) / 2) for turn in TURNS]
FRONT = [(math.sin(turn) * (0.2 + n / 12), 1.0, 0.3 + math.cos(turn) * (0.2 + n / 12)) for n, turn in enumerate(TURNS)]


@pytest.mark.parametrize("ways", [LEFT, FRONT])
def test_places_on_one_side_give_no_scalp(ways: list[Vector]) -> None:
    with pytest.raises(OperatorError, match="too much on one side"):
        touched([pierced(way) for way in ways], sigma_m=0.001)
    assert touched([*FIDUCIALS.values(), *PLACES], sigma_m=0.001)


@pytest.mark.parametrize("times", [0.5, 1.5])
def test_what_is_no_head_gives_no_scalp(times: float) -> None:
    with pytest.raises(OperatorError, match="half-axes of"):
        touched([(x * times, y * times, z * times) for x, y, z in [*FIDUCIALS.values(), *PLACES]])


@pytest.mark.parametrize(
    "change", [{"centre": (0.0, 5.0, 40.0)}, {"radii": (80.0, 100.0, 90.0)}, {"turn": (2.0, 0.0, 0.0, 0.0)}]
)
def test_a_scalp_in_millimetres_or_with_no_turn_is_none(change: dict[str, tuple[float, ...]]) -> None:
    good = {"centre": SCALP.centre, "radii": SCALP.radii, "turn": (1.0, 0.0, 0.0, 0.0)}
    assert Scalp.model_validate(good).radii == SCALP.radii

    with pytest.raises(ValidationError):
        Scalp.model_validate(good | change)


def test_the_places_are_asked_for_after_the_fiducials_and_their_scalp_goes_into_the_registration() -> None:
    skin = [HEAD_FROM_SKULL.apply(point) for point in [*FIDUCIALS.values()] * 2 + PLACES]
    touching = Touching(2, hands_free=True, all_over=True)
    asked = []
    for sample in held_at(skin):
        wanted = touching.wanted
        if touching.feed(sample.frame) is not None:
            asked.append(wanted)

    found = register(touching.touches, scalp=touching.scalp)
    assert asked == [*Fiducial, *Fiducial, *Place]
    assert touching.wanted is None
    assert found.scalp is not None
    assert found.scalp.points == 12, "the fiducials are on the skin too"
    assert found.scalp.shape.radii == pytest.approx(SCALP.radii, abs=0.001)
    assert register(touching.touches).scalp is None, "nobody has measured it"


def test_a_touch_of_the_scalp_counts_for_no_fiducial() -> None:
    touches = {each: [Touch(HEAD_FROM_SKULL.apply(FIDUCIALS[each]))] * 2 for each in Fiducial}
    with_scalp = register(touches, scalp=[Touch(HEAD_FROM_SKULL.apply(point)) for point in PLACES])

    assert with_scalp.head_from_skull == register(touches).head_from_skull
    assert (with_scalp.head_from_skull.inverse() @ HEAD_FROM_SKULL).distance < 1e-9
    assert isinstance(with_scalp.head_from_skull, Pose)
