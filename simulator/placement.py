"""Where things stand in the simulated room, and how its markers are fixed. All of it chosen, none of it measured.

Frames as in `drivers/poses.py`: `room` is where the robot's base stood at the start: x the way the patient looks, y to
the patient's left, z up. `skull`: between the ears, +x to the right ear, +y to the nose, +z up.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from drivers.poses import Pose, Vector
from simulator.head.skull import Ellipsoid

SCALP = Ellipsoid((0.0, 0.005, 0.040), (0.080, 0.100, 0.090))
"""In the frame of the skull: a head 160 mm wide and 200 mm long, its vertex 130 mm above the ears."""
AIR_GAP_M = 0.005
"""The part of a target pose that keeps the coil off the scalp."""
M1_DIRECTION: Vector = (-0.45, 0.12, 0.88)
"""From the head's centre to the left hand's motor area, roughly: up, to the left and a little forward."""
HANDLE_DIRECTION: Vector = (0.7, 0.7, 0.0)
"""Away from the handle: forward and to the middle, 45° to the midline."""


@dataclass(frozen=True, slots=True)
class Placement:
    """One room. Change a copy, never the code."""

    room_from_skull: Pose = field(default_factory=lambda: looking_along_x((0.45, 0.0, 0.10)))
    room_from_camera: Pose = field(default_factory=lambda: watching((2.05, -0.45, 0.65), (0.45, 0.0, 0.20)))
    skull_from_head: Pose = field(default_factory=lambda: Pose.turned((math.radians(-12), 0, 0), (0.0, 0.108, 0.055)))
    """The marker is worn on the forehead, 5 mm off it, tilted back."""
    tcp_from_coil: Pose = field(default_factory=lambda: Pose.turned((0, math.pi, 0), (0.0, 0.05, -0.06)))
    """The coil's marker sits on its back."""
    flange_from_tcp: Pose = field(default_factory=lambda: Pose(translation=(0.0, 0.0, 0.12)))
    scalp: Ellipsoid = SCALP
    pointer_from_tip: Pose = field(default_factory=Pose)
    """A pointer's own frame begins at its tip, as its ROM file says."""

    @property
    def robot_from_parked(self) -> Pose:
        """Where the coil waits at the start: above and behind the target, far from the head."""
        return Pose(translation=(-0.10, 0.06, 0.16)) @ self.room_from_skull @ self.skull_from_target

    @property
    def skull_from_target(self) -> Pose:
        """The planned target, its air gap included."""
        return target_on(self.scalp, M1_DIRECTION, HANDLE_DIRECTION, AIR_GAP_M)

    @property
    def head_from_target(self) -> Pose:
        """The same, in the frame of the head's marker: what the product works with."""
        return self.skull_from_head.inverse() @ self.skull_from_target

    @property
    def fiducials(self) -> dict[str, Vector]:
        """Nasion and the points before the ears, on the scalp, in the frame of the skull."""
        _, y, z = self.scalp.centre
        height = math.sqrt(1 - (z / self.scalp.radii[2]) ** 2)
        side = self.scalp.radii[0] * math.sqrt(height**2 - (y / self.scalp.radii[1]) ** 2)
        return {
            "NAS": (0.0, y + self.scalp.radii[1] * height, 0.0),
            "LPA": (-side, 0.0, 0.0),
            "RPA": (side, 0.0, 0.0),
        }

    @property
    def scalp_in_head(self) -> Ellipsoid:
        """The scalp's ellipsoid along the axes of the head's marker: as wide along each of them as the real one."""
        head_from_skull = self.skull_from_head.inverse()
        rows = [row[:3] for row in head_from_skull.rows[:3]]
        a, b, c = (
            math.sqrt(sum((part * radius) ** 2 for part, radius in zip(row, self.scalp.radii, strict=True)))
            for row in rows
        )
        return Ellipsoid(head_from_skull.apply(self.scalp.centre), (a, b, c))


def looking_along_x(ears: Vector) -> Pose:
    """A head upright that looks along the room's x, the middle of its ears there."""
    return Pose.turned((0, 0, -math.pi / 2), ears)


def watching(place: Vector, at: Vector) -> Pose:
    """A camera there that looks `at`: NDI's cameras look along their own -z."""
    back = _unit(tuple(a - b for a, b in zip(place, at, strict=True)))  # type: ignore[arg-type]
    right = _unit(_cross((0.0, 0.0, 1.0), back))
    up = _cross(back, right)
    return _from_axes(right, up, back, place)


def target_on(scalp: Ellipsoid, direction: Vector, handle: Vector, air_gap_m: float) -> Pose:
    """A coil flat on the scalp where the ray `direction` leaves it, `air_gap_m` off, its +y along `handle`."""
    point = scalp.pierced(_unit(direction))
    outward = scalp.outward(point)
    into = (-outward[0], -outward[1], -outward[2])
    along = sum(a * b for a, b in zip(handle, into, strict=True))
    hx, hy, hz = handle
    y = _unit((hx - along * into[0], hy - along * into[1], hz - along * into[2]))
    u, v, w = point
    place = (u + outward[0] * air_gap_m, v + outward[1] * air_gap_m, w + outward[2] * air_gap_m)
    return _from_axes(_cross(y, into), y, into, place)


def held_at(point: Vector) -> Pose:
    """A pointer whose tip stands at `point` of the skull, held from in front and above; its +z runs up the shaft."""
    return Pose.turned((-math.pi / 3, 0.0, 0.0), point)


def _from_axes(x: Vector, y: Vector, z: Vector, place: Vector) -> Pose:
    return Pose.from_rows([[x[row], y[row], z[row], place[row]] for row in range(3)])


def _unit(vector: Vector) -> Vector:
    x, y, z = vector
    length = math.hypot(x, y, z)
    return (x / length, y / length, z / length)


def _cross(a: Vector, b: Vector) -> Vector:
    return (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])
