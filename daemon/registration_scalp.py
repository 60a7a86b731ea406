"""The scalp's shape from places touched all over it: an ellipsoid along the skull's axes, by least squares.

What it is for is how far the arm keeps off the head on its way, so it holds every place that was touched, and a head
that is no ellipsoid by some millimetres does not matter against the centimetres of that way.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from daemon.registration_file import MeasuredScalp
from daemon.scalp import Scalp
from drivers.errors import OperatorError
from drivers.poses import Pose, Vector

Array = NDArray[np.float64]

MOST_OFF_M: Final = 0.004
"""RMS of the places off the ellipsoid: where heads are 3 mm off one and hair gives way, 2 mm of it show in twelve
places (engineering choice)."""
LEAST_RADIUS_M, MOST_RADIUS_M = 0.055, 0.13
"""Half-axes of heads are 0.06 to 0.12 m (engineering choice)."""
START_M: Final = 0.09
"""Where the search for them begins: any head will do."""
MOST_STEPS: Final = 30
"""Gauss-Newton takes four to six."""
SMALL_STEP_M: Final = 1e-6
MOST_CONDITION: Final = 25.0
"""Largest over smallest singular value: those asked for give 3.4, those of one side of a head hundreds (engineering
choice)."""


class Place(Enum):
    """Where the scalp is touched, in the order asked for; its words are for the person with the pointer."""

    VERTEX = "the top of the head, midway between nose and back and between the ears"
    FOREHEAD = "the middle of the forehead, two fingers above the eyebrows"
    BACK = "the bump low at the back of the head, above the neck (inion)"
    LEFT = "the left side, three fingers above the ear"
    RIGHT = "the right side, three fingers above the ear"
    FRONT_LEFT = "halfway from the forehead to the left side, at the hairline"
    FRONT_RIGHT = "halfway from the forehead to the right side, at the hairline"
    BACK_LEFT = "behind the left side, halfway up to the top"
    BACK_RIGHT = "behind the right side, halfway up to the top"

    @property
    def words(self) -> str:
        """Where it is."""
        return self.value


def measured(on_marker: Sequence[Vector], head_from_skull: Pose) -> MeasuredScalp:
    """The scalp in the skull's frame, of points in that of the head's marker: fiducials and places.

    Raises OperatorError with what to do.
    """
    skull_from_head = head_from_skull.inverse()
    points = np.array([skull_from_head.apply(point) for point in on_marker])
    centre, radii = _ellipsoid(points)
    off_m = _off(points, centre, radii)
    rms_m = float(np.sqrt(np.mean(off_m**2)))
    if rms_m > MOST_OFF_M:
        raise OperatorError(
            f"The places on the scalp miss an ellipsoid by {rms_m * 1000:.1f} mm; {MOST_OFF_M * 1000:.0f} mm are "
            "allowed. A tip was not on the skin, or the marker slipped. Register again."
        )
    x, y, z = (float(radius + max(0.0, off_m.max())) for radius in radii)
    a, b, c = map(float, centre)
    shape = Scalp(centre=(a, b, c), radii=(x, y, z))
    return MeasuredScalp(shape=shape, points=len(points), residual_mm=rms_m * 1000)


def _ellipsoid(points: Array) -> tuple[Array, Array]:
    """Centre and half-axes of the ellipsoid that the points are off least, by Gauss-Newton."""
    found = np.concatenate([points.mean(axis=0), np.full(3, START_M)])
    for _ in range(MOST_STEPS):
        off_m, sides = _off(points, found[:3], found[3:]), _derivatives(points, found)
        step, _, _, singular = np.linalg.lstsq(sides, -off_m, rcond=None)
        found = found + step
        if not singular[0] <= MOST_CONDITION * singular[-1] or found[3:].min() <= 0:
            raise OperatorError(
                "The places on the scalp give no head. They lie too much on one side of it. Register again, and touch "
                "each place where it is asked for."
            )
        if np.abs(step).max() < SMALL_STEP_M:
            return found[:3], _of_a_head(found[3:])
    raise OperatorError("The places on the scalp give no head. No ellipsoid fits them. Register again.")


def _of_a_head(radii: Array) -> Array:
    if radii.min() < LEAST_RADIUS_M or radii.max() > MOST_RADIUS_M:
        shown = " / ".join(f"{radius * 1000:.0f}" for radius in radii)
        raise OperatorError(
            f"The places on the scalp give a head with half-axes of {shown} mm. Heads have "
            f"{LEAST_RADIUS_M * 1000:.0f} to {MOST_RADIUS_M * 1000:.0f} mm: a tip was not on the skin. Register again."
        )
    return radii


def _off(points: Array, centre: Array, radii: Array) -> Array:
    """How far each point is outside, along the ray from the centre; negative inside."""
    rays = points - centre
    levels = np.linalg.norm(rays / radii, axis=1)
    off: Array = np.linalg.norm(rays, axis=1) * (1 - 1 / levels)
    return off


def _derivatives(points: Array, found: Array) -> Array:
    """Of `_off` by centre and half-axes; (n, 6)."""
    rays, radii = points - found[:3], found[3:]
    levels = np.linalg.norm(rays / radii, axis=1)[:, None]
    lengths = np.linalg.norm(rays, axis=1)[:, None]
    by_level = lengths / levels**2
    by_ray = rays / lengths * (1 - 1 / levels) + by_level * rays / radii**2 / levels
    sides: Array = np.concatenate([-by_ray, -by_level * rays**2 / radii**3 / levels], axis=1)
    return sides
