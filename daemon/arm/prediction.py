"""Where the head is, and where it will be when the arm has moved: an error-state filter on SE(3).

Position and rotation are filtered apart, at the marker, where their noises are independent. The rotation's state is a
small rotation vector about a reference orientation that is moved to the estimate after every frame. Δt is the true one
between the frames' source times. A prediction goes only as far as the velocity stands out of its own noise: at rest it
fades out, because there it would add noise and gain nothing. A head that slows down is expected to come to a stand: at
a constant velocity the coil would overshoot the end of each of its motions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from daemon.arm.motion_models import ZERO, Coordinates, Models
from drivers.poses import Pose, Vector

MARKER_RADIUS_M = 0.04
"""Of a usual marker: it turns a tracker's noise in position into one in angle (trackers.md §6.2)."""
FASTEST_M_S = 0.25
"""A startled head (trackers.md §6.1: bursts of 100 mm/s; robot.md §8: startle up to 200 mm/s)."""
FASTEST_RAD_S = 2.0
"""Three times what the studies measured, 35°/s (engineering choice)."""
LONGEST_GAP_S = 0.25
"""Over a longer gap the old velocity says nothing any more: the filter begins anew (engineering choice: how long a
startled head goes on)."""
FURTHEST_S = 0.15
"""It predicts no further: the coil is not moved by poses older than 50 ms, and an arm takes up to 100 ms to follow."""


@dataclass(frozen=True, slots=True)
class HeadModel:
    """How a head moves, as the filter takes it."""

    shifts: Models
    turns: Models
    fade: float
    """How far the velocity must stand out of its noise, in standard deviations, for half a prediction."""


USUAL = HeadModel(
    shifts=Models(still=1e-6, moving=2e-3, stays_still_s=1.0, stays_moving_s=0.4, slows_s=0.04),
    turns=Models(still=4e-5, moving=1e-1, stays_still_s=1.0, stays_moving_s=0.4, slows_s=0.04),
    fade=1.5,
)
"""Chosen with `python -m benchmarks.hold_tuning`; trackers.md §6.4 found 1e-6 and 1.5e-4 m²/s³ on slower bursts. Two
figures differ from what it asks for: turns are readier to move, as no head nods there, and a change is believed more
slowly, as at 0.02 s a head that swings evenly is led by jumps (tests/daemon/arm/test_hold_arm.py)."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """The head at one instant."""

    pose: Pose
    """camera_from_head."""
    velocity: Vector
    """Of the marker, in the camera's frame, m/s."""
    turning: Vector
    """Angular velocity in the head's own frame, rad/s."""
    moving: float
    """Probability that it moves, 0 to 1."""

    @property
    def speed_m_s(self) -> float:
        """How fast the marker moves."""
        return math.hypot(*self.velocity)

    def velocity_of(self, point: Vector) -> Vector:
        """Velocity in the camera's frame of a point given in the head's frame, m/s."""
        (a, b, c), (x, y, z) = self.turning, point
        u, v, w = self.pose.rotate((b * z - c * y, c * x - a * z, a * y - b * x))
        return (self.velocity[0] + u, self.velocity[1] + v, self.velocity[2] + w)


class HeadFilter:
    """One head. `correct` takes each trustworthy pose once, in order; `at` says where the head is at any time."""

    def __init__(self, noise_m: float, model: HeadModel = USUAL, *, predicts: bool = True) -> None:
        """`noise_m`: standard deviation of a still marker along one axis. Not `predicts`: nothing is extrapolated."""
        self._r = noise_m**2
        self._turn_r = (noise_m / MARKER_RADIUS_M / math.sqrt(2)) ** 2
        self._model, self._predicts = model, predicts
        self._place: Coordinates | None = None
        self._turn: Coordinates | None = None
        self._reference = Pose()
        self._at_us = 0

    @property
    def at_us(self) -> int | None:
        """Source time of the newest pose taken; None when there is none."""
        return self._at_us if self._place is not None else None

    @property
    def turn_noise_rad(self) -> float:
        """Standard deviation of the marker's measured angle about one axis."""
        return math.sqrt(self._turn_r)

    def forget(self) -> None:
        """Begins anew with the next pose."""
        self._place = self._turn = None

    def correct(self, camera_from_head: Pose, source_us: int) -> None:
        """One pose as measured at `source_us`. An older one than the newest taken is left out."""
        dt_s = (source_us - self._at_us) / 1e6
        place, turn = self._place, self._turn
        if place is None or turn is None or dt_s > LONGEST_GAP_S:
            self._place = Coordinates(self._model.shifts, camera_from_head.translation, self._r, FASTEST_M_S)
            self._turn = Coordinates(self._model.turns, ZERO, self._turn_r, FASTEST_RAD_S)
            self._reference, self._at_us = Pose(camera_from_head.quaternion), source_us
            return
        if dt_s <= 0:
            return
        place.advance(dt_s)
        place.correct(camera_from_head.translation, self._r)
        turn.advance(dt_s)
        measured = self._reference.inverse() @ Pose(camera_from_head.quaternion)
        turn.correct(measured.rotation_vector, self._turn_r)
        error = turn.x
        self._reference = self._reference @ Pose.turned(error)
        turn.shift(error)
        self._at_us = source_us

    def at(self, now_us: int) -> Estimate | None:
        """The head at `now_us`, which lies after the newest pose; None before the first."""
        place, turn = self._place, self._turn
        if place is None or turn is None:
            return None
        if not self._predicts:
            return Estimate(Pose(self._reference.quaternion, place.x), ZERO, ZERO, place.moving)
        ahead_s = min(FURTHEST_S, (now_us - self._at_us) / 1e6)
        (a, b, c), velocity = _goes(place, ahead_s, self._model.fade)
        turned, turning = _goes(turn, ahead_s, self._model.fade)
        x, y, z = place.x
        shifted = Pose(self._reference.quaternion, (x + a, y + b, z + c))
        return Estimate(shifted @ Pose.turned(turned), velocity, turning, place.moving)


def _goes(coordinates: Coordinates, ahead_s: float, fade: float) -> tuple[Vector, Vector]:
    """How far, and how fast at its end: by the velocity as far as it stands out of its own noise. What slows down goes
    on slowing down, to a stand; what speeds up is not thought to go on.
    """
    (a, b, c), (u, v, w) = coordinates.v, coordinates.a
    square = a * a + b * b + c * c
    if not square:
        return ZERO, ZERO
    share = square / (square + fade * fade * coordinates.vv)
    loses = max(0.0, -(a * u + b * v + c * w) / square / share)
    moves_s = min(ahead_s, 1 / loses) if loses else ahead_s
    way_s, left = share * (moves_s - loses * moves_s * moves_s / 2), share * (1 - loses * moves_s)
    return (a * way_s, b * way_s, c * way_s), (a * left, b * left, c * left)
