"""Words of the room's switches: where to, for how long, and poses as they go over sockets.

A direction is forward, back, left, right, up or down as the patient sees it, or `any`, which draws one.
"""

from __future__ import annotations

import math

from drivers.errors import OperatorError
from drivers.poses import Pose, Vector
from simulator.room import Room

DIRECTIONS: dict[str, Vector] = {
    "forward": (1.0, 0.0, 0.0),
    "back": (-1.0, 0.0, 0.0),
    "left": (0.0, 1.0, 0.0),
    "right": (0.0, -1.0, 0.0),
    "up": (0.0, 0.0, 1.0),
    "down": (0.0, 0.0, -1.0),
}
SHORTEST_S = 0.01
"""Nothing that a head does is over sooner."""


def direction_of(room: Room, name: str) -> Vector:
    """The unit vector in the room. OperatorError for an unknown word."""
    if name == "any":
        x, y, z = (room.chance.gauss(0, 1) for _ in range(3))
        length = math.hypot(x, y, z)
        return (x / length, y / length, z / length)
    if name not in DIRECTIONS:
        raise OperatorError(f"a direction is {', '.join(DIRECTIONS)} or any, not {name!r}")
    return DIRECTIONS[name]


def lasting_us(seconds: float) -> int:
    """Seconds from now on, as µs. OperatorError when they are none."""
    if seconds < SHORTEST_S:
        raise OperatorError(f"that would be over in {seconds} s: give at least {SHORTEST_S} s")
    return round(seconds * 1e6)


def seven(pose: Pose) -> list[float]:
    """w, x, y, z, then metres: as poses go over sockets."""
    return [*pose.quaternion, *pose.translation]


def pose_of(text: str) -> Pose:
    """The pose of `seven`, as somebody types it. OperatorError when it is none."""
    try:
        numbers = [float(part) for part in text.split(",")]
        return Pose.of(numbers[:4], numbers[4:])
    except ValueError as error:
        raise OperatorError(f"a pose is seven numbers, w,x,y,z,x,y,z, not {text!r}") from error
