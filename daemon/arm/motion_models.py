"""Three coordinates that move alike: an interacting multiple model filter of a still and a moving body.

Both models are constant velocity with white acceleration; they differ in how much of it (Bar-Shalom, Li, Kirubarajan,
Estimation with Applications to Tracking and Navigation, 2001, §11.6). The noise is the same along the three axes, so
each model carries one covariance of 2x2 for all three: what they disagree in is spread evenly over the axes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from drivers.poses import Vector

ZERO: Vector = (0.0, 0.0, 0.0)
LEAST_SHARE = 1e-6
"""No model's probability falls below this: one that is sure of itself could never change its mind."""


@dataclass(frozen=True, slots=True)
class Models:
    """How the two models move, and how readily a body goes over from one to the other."""

    still: float
    """Density of white acceleration, m²/s³ (rad²/s³)."""
    moving: float
    stays_still_s: float
    """Mean time for which a still body stays still."""
    stays_moving_s: float
    slows_s: float
    """How slowly a change of the velocity is believed."""


@dataclass(slots=True)
class _Model:
    density: float
    x: Vector
    v: Vector
    xx: float
    xv: float
    vv: float
    share: float


class Coordinates:
    """Position and velocity of three coordinates, filtered. `r` is the variance of one measured coordinate."""

    def __init__(self, models: Models, x: Vector, r: float, fastest: float) -> None:
        """Begins at a measured `x`, with a velocity that is only known to be below about `fastest` (per second)."""
        self.models = models
        vv = (fastest / 2) ** 2
        self._still = _Model(models.still, x, ZERO, r, 0.0, vv, 0.5)
        self._moving = _Model(models.moving, x, ZERO, r, 0.0, vv, 0.5)
        self.x, self.v, self.xx, self.vv = x, ZERO, r, vv
        self.a = ZERO
        """How the velocity changes, smoothed over `slows_s`."""
        self._dt_s = 0.0

    @property
    def moving(self) -> float:
        """Probability that the body moves."""
        return self._moving.share

    def advance(self, dt_s: float) -> None:
        """To `dt_s` later, without a measurement: the models mix, then each predicts."""
        self._dt_s = dt_s
        self._mix(dt_s)
        for m in (self._still, self._moving):
            q, t = m.density, dt_s
            m.x = (m.x[0] + m.v[0] * t, m.x[1] + m.v[1] * t, m.x[2] + m.v[2] * t)
            m.xx += 2 * t * m.xv + t * t * m.vv + q * t * t * t / 3
            m.xv += t * m.vv + q * t * t / 2
            m.vv += q * t
        self._combine()

    def correct(self, z: Vector, r: float) -> None:
        """By a measurement of this instant."""
        weights, pushed = [], []
        for m in (self._still, self._moving):
            s = m.xx + r
            a, b, c = z[0] - m.x[0], z[1] - m.x[1], z[2] - m.x[2]
            weights.append(math.log(m.share) - 1.5 * math.log(s) - 0.5 * (a * a + b * b + c * c) / s)
            k, h = m.xx / s, m.xv / s
            m.x = (m.x[0] + k * a, m.x[1] + k * b, m.x[2] + k * c)
            m.v = (m.v[0] + h * a, m.v[1] + h * b, m.v[2] + h * c)
            pushed.append((h * a, h * b, h * c))
            m.vv -= h * m.xv
            m.xv *= 1 - k
            m.xx *= 1 - k
        still = 1 / (1 + math.exp(min(700.0, max(-700.0, weights[1] - weights[0]))))
        still = min(1 - LEAST_SHARE, max(LEAST_SHARE, still))
        self._still.share, self._moving.share = still, 1 - still
        self._combine()
        # By what the measurements push each model: the mean velocity also changes when the other model is believed.
        whole_s = self.models.slows_s + self._dt_s
        keeps = self.models.slows_s / whole_s
        pushes = (self._still.share * p + self._moving.share * q for p, q in zip(*pushed, strict=True))
        u, v, w = (keeps * a + p / whole_s for a, p in zip(self.a, pushes, strict=True))
        self.a = (u, v, w)

    def shift(self, by: Vector) -> None:
        """Moves the origin: every position becomes smaller by `by`."""
        for m in (self._still, self._moving):
            m.x = (m.x[0] - by[0], m.x[1] - by[1], m.x[2] - by[2])
        self.x = (self.x[0] - by[0], self.x[1] - by[1], self.x[2] - by[2])

    def _mix(self, dt_s: float) -> None:
        a, b = self._still, self._moving
        leave_still = 1 - math.exp(-dt_s / self.models.stays_still_s)
        leave_moving = 1 - math.exp(-dt_s / self.models.stays_moving_s)
        still = a.share * (1 - leave_still) + b.share * leave_moving
        moving = 1 - still
        into_still = b.share * leave_moving / still
        into_moving = a.share * leave_still / moving
        first, second = _blend(a, b, into_still), _blend(b, a, into_moving)
        (a.x, a.v, a.xx, a.xv, a.vv), (b.x, b.v, b.xx, b.xv, b.vv) = first, second
        a.share, b.share = still, moving

    def _combine(self) -> None:
        self.x, self.v, self.xx, _, self.vv = _blend(self._still, self._moving, self._moving.share)


def _blend(a: _Model, b: _Model, share: float) -> tuple[Vector, Vector, float, float, float]:
    """Of two models, `share` of the second: means, and the covariance with what the means disagree in."""
    rest = 1 - share
    dx = (b.x[0] - a.x[0], b.x[1] - a.x[1], b.x[2] - a.x[2])
    dv = (b.v[0] - a.v[0], b.v[1] - a.v[1], b.v[2] - a.v[2])
    apart = rest * share / 3
    return (
        (a.x[0] + share * dx[0], a.x[1] + share * dx[1], a.x[2] + share * dx[2]),
        (a.v[0] + share * dv[0], a.v[1] + share * dv[1], a.v[2] + share * dv[2]),
        rest * a.xx + share * b.xx + apart * (dx[0] * dx[0] + dx[1] * dx[1] + dx[2] * dx[2]),
        rest * a.xv + share * b.xv + apart * (dx[0] * dv[0] + dx[1] * dv[1] + dx[2] * dv[2]),
        rest * a.vv + share * b.vv + apart * (dv[0] * dv[0] + dv[1] * dv[1] + dv[2] * dv[2]),
    )
