"""Whether poses are many and different enough to calibrate from: the unknowns show only in differences.

With turns about one axis alone, the place of the camera along that axis and the twist of the marker about it cannot be
told from each other (Shah 2013): the solution then fits every pose taken and is wrong at all others.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from daemon.calibration_file import Spread
from drivers.errors import OperatorError
from drivers.poses import Pose, mean

LEAST_POSES: Final = 12
"""Twelve unknowns, six equations a pose; a fifth of the poses is held out (engineering choice)."""
LEAST_TURN_RAD: Final = math.radians(8)
"""Standard deviation of turns about the second-best axis; the planned shell gives 17° (engineering choice)."""
LEAST_SHIFT_M: Final = 0.03
"""Standard deviation along the best direction: a head's motion, at least (engineering choice)."""
ALIKE_M: Final = 0.01
ALIKE_RAD: Final = math.radians(4)
"""Two poses nearer than both tell the same thing twice (engineering choice)."""


class TooFew(OperatorError):
    """More poses are needed."""


class TooAlike(OperatorError):
    """Poses that differ more are needed."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """One pose of the coil at rest, as robot and camera saw it at the same time."""

    robot_from_tcp: Pose
    camera_from_coil: Pose


def alike(one: Pose, other: Pose) -> bool:
    """Whether the second pose tells nothing that the first did not."""
    near = math.dist(one.translation, other.translation) < ALIKE_M
    return near and (one.inverse() @ other).angle < ALIKE_RAD


def distinct(sightings: Sequence[Sighting]) -> int:
    """How many of them are unlike every one before."""
    kept: list[Pose] = []
    for sighting in sightings:
        if not any(alike(each, sighting.robot_from_tcp) for each in kept):
            kept.append(sighting.robot_from_tcp)
    return len(kept)


def spread(poses: Sequence[Pose]) -> Spread:
    """How different poses are, about and along their own three main axes. ValueError when there are none."""
    middle = mean(poses).inverse()
    turns = [(middle @ pose).rotation_vector for pose in poses]
    shifts = [pose.translation for pose in poses]
    return Spread(
        turns_deg=_deviations(turns, 180 / math.pi),
        shifts_mm=_deviations(shifts, 1000.0),
    )


def demand(sightings: Sequence[Sighting]) -> Spread:
    """The spread of poses that can be calibrated from. Raises TooFew or TooAlike."""
    count = distinct(sightings)
    if count < LEAST_POSES:
        repeated = f" {len(sightings) - count} of them repeat others." if count < len(sightings) else ""
        raise TooFew(
            f"{count} different poses are too few to calibrate from.{repeated} Twelve numbers are sought, and some "
            f"poses must be left to test them with. Take {LEAST_POSES - count} more."
        )
    found = spread([sighting.robot_from_tcp for sighting in sightings])
    if found.turns_deg[1] < math.degrees(LEAST_TURN_RAD):
        raise TooAlike(
            f"The poses are too alike: the coil turned by {found.turns_deg[0]:.0f}° about one axis, and by only "
            f"{found.turns_deg[1]:.1f}° about any other. What lies along that one axis cannot be seen. "
            f"Tilt the coil to all sides, until a second axis shows {math.degrees(LEAST_TURN_RAD):.0f}°."
        )
    if found.shifts_mm[0] < LEAST_SHIFT_M * 1000:
        raise TooAlike(
            f"The poses are too close together: they spread by {found.shifts_mm[0]:.0f} mm. An error of the camera's "
            f"direction stays hidden. Go all round the head, until they spread by {LEAST_SHIFT_M * 1000:.0f} mm."
        )
    return found


def _deviations(vectors: Sequence[Sequence[float]], scale: float) -> tuple[float, float, float]:
    rows = np.array(vectors, dtype=np.float64)
    largest = np.linalg.svd(rows - rows.mean(axis=0), compute_uv=False) / math.sqrt(len(rows)) * scale
    padded = [*largest.tolist(), 0.0, 0.0]
    return padded[0], padded[1], padded[2]
