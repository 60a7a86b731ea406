"""Where the coil has to be: the target, the place before it, and the way there that stays clear of the head."""

from __future__ import annotations

import math
from dataclasses import dataclass

from drivers.poses import Pose, Quaternion, Vector

SMALLEST_M, LARGEST_M = 0.02, 0.3
"""No head has a radius smaller or larger: it was written in another unit (engineering choice)."""
OPPOSITE = 1e-6
"""Sine below which two directions are taken for opposite ones."""
STRIDE_RAD = math.radians(15)
"""How far around the head the next point of the way lies."""
BULGE = 1.02
"""A chord of one stride lies this much inside its arc, at most: 1 / cos(7.5°) is 1.009."""


@dataclass(frozen=True, slots=True)
class Ellipsoid:
    """The scalp, in the head marker's frame: metres."""

    centre: Vector
    radii: Vector
    turn: Quaternion = (1.0, 0.0, 0.0, 0.0)
    """Of its axes against the frame's."""

    def __post_init__(self) -> None:
        if not all(SMALLEST_M < radius < LARGEST_M for radius in self.radii):
            raise ValueError(f"no head has the radii {self.radii} in metres")

    def grown(self, by_m: float) -> Ellipsoid:
        """With every radius longer by this much."""
        a, b, c = self.radii
        return Ellipsoid(self.centre, (a + by_m, b + by_m, c + by_m), self.turn)

    def unit(self, point: Vector) -> Vector:
        """The point where the ellipsoid is the unit sphere about the origin."""
        (x, y, z), (a, b, c) = Pose(self.turn, self.centre).inverse().apply(point), self.radii
        return (x / a, y / b, z / c)

    def point(self, unit: Vector) -> Vector:
        """Undoes `unit`."""
        (x, y, z), (a, b, c) = unit, self.radii
        return Pose(self.turn, self.centre).apply((x * a, y * b, z * c))

    def holds(self, point: Vector) -> bool:
        """Whether the point lies inside."""
        return math.hypot(*self.unit(point)) < 1

    def inward(self, point: Vector) -> Vector:
        """The normal into the head below or above a point, of length 1."""
        x, y, z = (part / radius for part, radius in zip(self.unit(point), self.radii, strict=True))
        length = math.hypot(x, y, z) or 1.0
        return Pose(self.turn).rotate((-x / length, -y / length, -z / length))

    def hides(self, start: Vector, end: Vector) -> bool:
        """Whether the straight way from `start` to `end` passes through it."""
        a, b = self.unit(start), self.unit(end)
        way = (b[0] - a[0], b[1] - a[1], b[2] - a[2])
        square = way[0] * way[0] + way[1] * way[1] + way[2] * way[2]
        share = -(a[0] * way[0] + a[1] * way[1] + a[2] * way[2]) / square if square else 0.0
        share = min(1.0, max(0.0, share))
        nearest = (a[0] + share * way[0], a[1] + share * way[1], a[2] + share * way[2])
        return math.hypot(*nearest) < 1


@dataclass(frozen=True, slots=True)
class Error:
    """The coil against its target: `target_from_tcp`, read as an operator thinks of it."""

    lateral_m: float
    depth_m: float
    """Positive: too far in."""
    tilt_rad: float
    twist_rad: float

    @classmethod
    def of(cls, target_from_tcp: Pose) -> Error:
        """Tilt is the angle between the coil's normal and the target's; twist the turn about it."""
        w, x, y, z = target_from_tcp.quaternion
        twist = 2 * math.atan2(z, w)
        twist -= 2 * math.pi * round(twist / (2 * math.pi))
        across, along, depth = target_from_tcp.translation
        return cls(math.hypot(across, along), depth, 2 * math.atan2(math.hypot(x, y), math.hypot(w, z)), twist)

    @property
    def distance_m(self) -> float:
        """From the target's point to the coil's."""
        return math.hypot(self.lateral_m, self.depth_m)


def flat_along(scalp: Ellipsoid, pose: Pose) -> Pose:
    """The pose turned no further than it takes for its +z to lead straight into the head below it."""
    (x, y, z), (u, v, w) = pose.rotate((0.0, 0.0, 1.0)), scalp.inward(pose.translation)
    across = (y * w - z * v, z * u - x * w, x * v - y * u)
    length = math.hypot(*across)
    if length < OPPOSITE:  # there already, or right away from it: any axis across will do
        across, length = pose.rotate((1.0, 0.0, 0.0)), 1.0
    turn = _scaled(across, tilt_of(pose, scalp) / length)
    return Pose((Pose.turned(turn) @ Pose(pose.quaternion)).quaternion, pose.translation)


def before(target: Pose, gap_m: float) -> Pose:
    """The pose `gap_m` off the target along its normal, away from the head."""
    return target @ Pose(translation=(0.0, 0.0, -gap_m))


def tilt_of(head_from_target: Pose, scalp: Ellipsoid) -> float:
    """Angle between the target's normal and the scalp's at its point, radians."""
    inward = scalp.inward(head_from_target.translation)
    normal = head_from_target.rotate((0.0, 0.0, 1.0))
    return math.acos(max(-1.0, min(1.0, sum(a * b for a, b in zip(inward, normal, strict=True)))))


def next_point(keep_out: Ellipsoid, start: Vector, end: Vector) -> Vector:
    """The next point of a way from `start` to `end`, both outside the ellipsoid, that never enters it.

    Straight when nothing is in between; else one stride around it towards the end. A start inside comes out first.
    """
    a, b = keep_out.unit(start), keep_out.unit(end)
    far, wide = math.hypot(*a), math.hypot(*b)
    if far < 1:
        out = BULGE / far if far else 0.0
        return keep_out.point((a[0] * out, a[1] * out, a[2] * out) if far else (0.0, 0.0, BULGE))
    if not keep_out.hides(start, end):
        return end
    direction = _around(_scaled(a, 1 / far), _scaled(b, 1 / wide), STRIDE_RAD)
    return keep_out.point(_scaled(direction, max(far, BULGE)))


def _scaled(vector: Vector, by: float) -> Vector:
    return (vector[0] * by, vector[1] * by, vector[2] * by)


def _around(a: Vector, b: Vector, angle: float) -> Vector:
    """The direction `angle` from `a` on the great circle to `b`; past nothing, and by any circle when they oppose."""
    dot = max(-1.0, min(1.0, a[0] * b[0] + a[1] * b[1] + a[2] * b[2]))
    if math.acos(dot) <= angle:
        return b
    across = (b[0] - dot * a[0], b[1] - dot * a[1], b[2] - dot * a[2])
    length = math.hypot(*across)
    if length < OPPOSITE:  # any way round is as long
        across = (0.0, -a[2], a[1]) if abs(a[0]) <= abs(a[1]) else (-a[2], 0.0, a[0])
        length = math.hypot(*across)
    c, s = math.cos(angle), math.sin(angle) / length
    return (c * a[0] + s * across[0], c * a[1] + s * across[1], c * a[2] + s * across[2])
