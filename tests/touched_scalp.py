"""Where the simulator's head is touched all over its scalp, as `coilward register --scalp` asks for it."""

from __future__ import annotations

import math

from daemon.registration_scalp import Place
from drivers.poses import Vector
from simulator.placement import SCALP

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
    """Where the scalp is in that direction, metres in the frame of the skull."""
    length = math.hypot(*way)
    return SCALP.pierced((way[0] / length, way[1] / length, way[2] / length))
