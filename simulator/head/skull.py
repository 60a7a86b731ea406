"""The shape of a head and what pushes back when a coil touches it.

The scalp is an ellipsoid, the coil a flat disc. Skull and neck are two springs in a row: ISO/TS 15066 gives a skull
150 N/mm, a neck gives way at 5 N/mm. So the coil feels 4.8 N/mm and the head is pushed aside by most of what the coil
goes too far. Quasi-static: the blow of a fast coil against the head's own mass is left out, and so is friction.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from drivers.poses import Pose, Vector

SKULL_N_M = 150_000.0
"""ISO/TS 15066 (robot.md §2)."""
NECK_N_M = 5_000.0
COIL_RADIUS_M = 0.08
"""Half the width of a figure-of-eight coil of 70 mm windings, roughly; an engineering choice."""
RIM: tuple[Vector, ...] = tuple(
    (COIL_RADIUS_M * math.cos(math.radians(step)), COIL_RADIUS_M * math.sin(math.radians(step)), 0.0)
    for step in range(0, 360, 30)
)
"""Points of the coil's edge, in its own frame."""


@dataclass(frozen=True, slots=True)
class Ellipsoid:
    """Along the axes of the frame it is given in, metres."""

    centre: Vector
    radii: Vector

    def outermost(self, direction: Vector) -> Vector:
        """The point of it that lies furthest along the unit vector `direction`."""
        (a, b, c), (x, y, z) = self.radii, direction
        length = math.sqrt((a * x) ** 2 + (b * y) ** 2 + (c * z) ** 2)
        u, v, w = self.centre
        return (u + a * a * x / length, v + b * b * y / length, w + c * c * z / length)

    def pierced(self, direction: Vector) -> Vector:
        """Where a ray from the centre leaves it."""
        scale = 1 / math.sqrt(sum((part / radius) ** 2 for part, radius in zip(direction, self.radii, strict=True)))
        return _plus(self.centre, direction, scale)

    def outward(self, point: Vector) -> Vector:
        """The unit normal of the level surface through `point`."""
        normal = [(p - c) / (r * r) for p, c, r in zip(point, self.centre, self.radii, strict=True)]
        length = math.sqrt(sum(part * part for part in normal))
        x, y, z = (part / length for part in normal)
        return (x, y, z)

    def distance(self, point: Vector) -> float:
        """From the surface to `point`, negative inside; exact on the surface, a little off far from it."""
        scaled = [(p - c) / r for p, c, r in zip(point, self.centre, self.radii, strict=True)]
        level = math.sqrt(sum(part * part for part in scaled))
        slope = math.sqrt(sum((part / radius) ** 2 for part, radius in zip(scaled, self.radii, strict=True)))
        return (level - 1) * level / slope if slope else -min(self.radii)


@dataclass(frozen=True, slots=True)
class Contact:
    """What coil and head do to each other."""

    force_n: float = 0.0
    push_m: float = 0.0
    """How far the head has given way, along the coil's +z."""


NO_CONTACT = Contact()


def contact(
    scalp: Ellipsoid, skull_from_tcp: Pose, *, skull_n_m: float = SKULL_N_M, neck_n_m: float = NECK_N_M
) -> Contact:
    """For a coil at `skull_from_tcp` and a scalp in the same frame, where the head would be if nothing pushed it."""
    near = _nearest(scalp, skull_from_tcp)
    if near[2] >= 0 or math.hypot(near[0], near[1]) > COIL_RADIUS_M + 2 * max(scalp.radii):
        return NO_CONTACT
    depth_m = -_gap_at(scalp, skull_from_tcp, near)
    if depth_m <= 0:
        return NO_CONTACT
    force_n = depth_m / (1 / skull_n_m + 1 / neck_n_m)
    return Contact(force_n, force_n / neck_n_m)


def gap(scalp: Ellipsoid, skull_from_tcp: Pose) -> float:
    """Free air between coil and scalp, metres; negative: how far the one is inside the other."""
    return _gap_at(scalp, skull_from_tcp, _nearest(scalp, skull_from_tcp))


def _nearest(scalp: Ellipsoid, skull_from_tcp: Pose) -> Vector:
    """The point of the scalp nearest to the plane of the coil's face, in the coil's frame."""
    away = skull_from_tcp.rotate((0.0, 0.0, -1.0))
    return skull_from_tcp.inverse().apply(scalp.outermost(away))


def _gap_at(scalp: Ellipsoid, skull_from_tcp: Pose, near: Vector) -> float:
    if math.hypot(near[0], near[1]) <= COIL_RADIUS_M:
        return near[2]
    return min(scalp.distance(skull_from_tcp.apply(point)) for point in RIM)


def _plus(point: Vector, direction: Vector, scale: float) -> Vector:
    (x, y, z), (u, v, w) = point, direction
    return (x + u * scale, y + v * scale, z + w * scale)
