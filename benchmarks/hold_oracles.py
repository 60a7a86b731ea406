"""The oracle's motion model in each scene: the best that `python -m benchmarks.hold_tuning` found on the tuning seeds.

A tracker that freezes is no motion of its own: there the oracle moves as in the scene the head is in.
"""

from __future__ import annotations

from daemon.arm.motion_models import Models
from daemon.arm.prediction import HeadModel


def _model(shifts: tuple[float, float, float], turns: tuple[float, float, float], fade: float) -> HeadModel:
    """Of shifts and of turns: the densities still and moving, and how slowly a change is believed."""
    return HeadModel(_models(*shifts), _models(*turns), fade)


def _models(still: float, moving: float, slows_s: float) -> Models:
    return Models(still, moving, stays_still_s=1.0, stays_moving_s=0.4, slows_s=slows_s)


_FREE = _model((1e-5, 3e-4, 0.02), (4e-6, 1e-2, 0.02), fade=0.75)
_SHIFT = _model((1e-4, 6e-3, 0.02), (4e-4, 1e-2, 1e9), fade=0.75)
ORACLES = {
    "restrained": _model((1e-6, 3e-4, 0.08), (4e-6, 1e-2, 0.02), fade=1.5),
    "rest": _model((1e-5, 3e-4, 0.02), (4e-6, 1e-2, 0.04), fade=1.5),
    "free": _FREE,
    "30 mm in 0.6 s": _SHIFT,
    "frozen in free motion": _FREE,
    "frozen in a shift": _SHIFT,
}
