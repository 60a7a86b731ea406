"""Asked by a person: does the calibration still hold, or was the camera, the robot's base or the marker bumped?

The robot stands, the camera sees the coil's marker, and both ways round the chain must end at the same place. One pose
shows that something moved. Three that differ show what: a camera that moved is off by the same in the robot's base at
all of them, a marker that slipped is off by the same on the coil. In a session `daemon.arm.trust` compares every frame.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from daemon.calibration_file import AGAIN, Calibration
from daemon.calibration_spread import Sighting
from drivers.errors import OperatorError
from drivers.poses import Pose, mean

HELD_OUT_FACTOR: Final = 2.5
"""A new pose misses by 2.5 times the held-out RMS once in 3,000 for three Gaussian axes."""
LIMIT_MM: Final = (1.0, 2.0)
"""Never stricter than a tracker with dust on its spheres, never looser than the 2 mm in which a train may
begin (engineering choice)."""
LIMIT_DEG: Final = (0.75, 1.5)
"""The same for angles: half of the 3° within which a train may begin (engineering choice)."""
LEAST_TO_TELL: Final = 3
"""Poses from which the cause is told."""
MARKER_M: Final = 0.05
"""Half a marker's width: metres that one radian counts for (engineering choice)."""
CLEARER: Final = 3.0
"""How many times better one cause must explain what is seen than the other (engineering choice)."""


class Cause(Enum):
    """What has moved since the calibration."""

    CAMERA_OR_BASE = "camera-or-base"
    COIL_MARKER = "coil-marker"
    UNKNOWN = "unknown"


_REMEDY = {
    Cause.CAMERA_OR_BASE: "The camera or the robot's base was moved: fix it in its place",
    Cause.COIL_MARKER: "The marker on the coil slipped, or the coil in its holder: fix it",
    Cause.UNKNOWN: "The camera, the robot's base or the marker on the coil was moved: fix what is loose",
}


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far robot and camera disagree about the coil, at worst over the poses looked at."""

    shift_mm: float
    turn_deg: float
    limit_mm: float
    limit_deg: float
    cause: Cause | None
    """None while within the limits."""


class Bumped(OperatorError):
    """The calibration no longer holds."""

    def __init__(self, agreement: Agreement) -> None:
        cause = agreement.cause or Cause.UNKNOWN
        super().__init__(
            f"The calibration no longer holds: robot and camera disagree about the coil by {agreement.shift_mm:.1f} mm "
            f"and {agreement.turn_deg:.1f}°; {agreement.limit_mm:.1f} mm and {agreement.limit_deg:.1f}° are allowed. "
            f"{_REMEDY[cause]}, then run `{AGAIN}`."
        )
        self.agreement = agreement


def compare(calibration: Calibration, sightings: Sequence[Sighting]) -> Agreement:
    """The agreement, whether it holds or not. Raises OperatorError when nothing was seen."""
    if not sightings:
        raise OperatorError(
            "The calibration cannot be checked: the camera has not seen the coil's marker. Something hides it, or the "
            "coil is out of the camera's sight. Clear the view, then start again."
        )
    off = [calibration.disagreement(each.robot_from_tcp, each.camera_from_coil) for each in sightings]
    shift_mm = max(each.distance for each in off) * 1000
    turn_deg = math.degrees(max(each.angle for each in off))
    limit_mm, limit_deg = limits(calibration)
    holds = shift_mm <= limit_mm and turn_deg <= limit_deg
    return Agreement(shift_mm, turn_deg, limit_mm, limit_deg, None if holds else _cause(calibration, sightings))


def limits(calibration: Calibration) -> tuple[float, float]:
    """Most millimetres and degrees by which one pose may be off: the held-out misfit, widened."""
    return (
        _between(LIMIT_MM, HELD_OUT_FACTOR * calibration.held_out.rms_mm),
        _between(LIMIT_DEG, HELD_OUT_FACTOR * calibration.held_out.rms_deg),
    )


def _cause(calibration: Calibration, sightings: Sequence[Sighting]) -> Cause:
    """Whose one motion explains all poses: corrections of Z, or of X, that agree with each other."""
    if len(sightings) < LEAST_TO_TELL:
        return Cause.UNKNOWN
    cameras, markers = [], []
    for each in sightings:
        cameras.append(each.robot_from_tcp @ calibration.tcp_from_coil @ each.camera_from_coil.inverse())
        markers.append(each.robot_from_tcp.inverse() @ calibration.robot_from_camera @ each.camera_from_coil)
    seen_at = [each.camera_from_coil for each in sightings]
    camera = _scatter(mean(cameras), cameras, seen_at)
    marker = _scatter(mean(markers), markers, None)
    if camera * CLEARER < marker:
        return Cause.CAMERA_OR_BASE
    if marker * CLEARER < camera:
        return Cause.COIL_MARKER
    return Cause.UNKNOWN


def _scatter(middle: Pose, poses: Sequence[Pose], at: Sequence[Pose] | None) -> float:
    """How far poses lie from their mean, in metres, where the coil is; angles count at the marker's own size."""
    total = 0.0
    for number, pose in enumerate(poses):
        there = at[number] if at else Pose()
        between = (middle @ there).inverse() @ pose @ there
        total += between.distance**2 + (MARKER_M * between.angle) ** 2
    return math.sqrt(total / len(poses))


def _between(bounds: tuple[float, float], value: float) -> float:
    return min(max(value, bounds[0]), bounds[1])
