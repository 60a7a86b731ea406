"""A head's own motion: sway between points that drift, quick gestures out and back, breath and heart.

A pure function of time and seed: the way points are drawn in their order from the seed, however they are asked for.
The drift is a random walk, because the study's displacement grows with the root of time (5.7 to 7.7 mm after 5 minutes,
16.4 to 18.5 mm after 30), kept inside the furthest that anybody of the study went.
"""

from __future__ import annotations

import math
import random
from bisect import bisect_right
from dataclasses import dataclass

from drivers.poses import Vector
from simulator.head.shapes import PEAK, minimum_jerk
from simulator.head.statistics import DRIFT_TIME_S, STATISTICS, Motion, Statistics

Six = tuple[float, float, float, float, float, float]
"""Shift in metres, then rotation vector in radians."""

NOWHERE: Six = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)

NORM_OF_GAUSS = math.sqrt(8 / math.pi)
"""Mean length of a vector of three normal numbers, over the standard deviation of one."""
SWAY_S = (0.8, 3.0)
"""How long one sway takes; an engineering choice."""
GESTURE_S = (0.3, 0.8)
"""How long a gesture takes, one way; an engineering choice."""
SLOWEST_GESTURE_M_S = 0.005
TURN_PER_SWAY_RAD_M = 1 / 0.15
"""A sway turns the head as if it were carried by a neck 0.15 m below; an engineering choice."""
HEART_HZ, HEART_M = 1.1, 0.00003
"""trackers.md §6.1: about 1 Hz, below 0.1 mm."""
BREATH_HZ = (0.2, 0.4)
BREATH_M = 0.00025
"""trackers.md §6.1: 0.1 to 1 mm."""


@dataclass(frozen=True, slots=True)
class _Move:
    start_s: float
    lasts_s: float
    origin: Six
    goal: Six

    def at(self, time_s: float) -> Six:
        share = minimum_jerk((time_s - self.start_s) / self.lasts_s)
        a, b = self.origin, self.goal
        return (
            a[0] + (b[0] - a[0]) * share,
            a[1] + (b[1] - a[1]) * share,
            a[2] + (b[2] - a[2]) * share,
            a[3] + (b[3] - a[3]) * share,
            a[4] + (b[4] - a[4]) * share,
            a[5] + (b[5] - a[5]) * share,
        )


class Wander:
    """Motion about the place where the head was at time 0. Way points of a day take about 20 MB."""

    def __init__(self, motion: Motion, seed: int) -> None:
        self._statistics = STATISTICS.get(motion)
        self._draw = random.Random(f"{motion.value}/{seed}")  # noqa: S311  a head, not a secret
        self._breath_hz = self._draw.uniform(*BREATH_HZ)
        self._breath_phase, self._heart_phase = (self._draw.uniform(0, 2 * math.pi) for _ in range(2))
        self._anchor = [0.0] * 6
        self._moves = [_Move(0.0, 1.0, NOWHERE, NOWHERE)]
        self._starts = [0.0]

    def at(self, time_s: float) -> Six:
        """Where it is at `time_s`; before 0 as at 0."""
        if self._statistics is None:
            return NOWHERE
        self._draw_until(time_s, self._statistics)
        x, y, z, u, v, w = self._moves[max(0, bisect_right(self._starts, time_s) - 1)].at(time_s)
        fades_in = minimum_jerk(time_s)
        breath = fades_in * BREATH_M * math.sin(2 * math.pi * self._breath_hz * time_s + self._breath_phase)
        heart = fades_in * HEART_M * math.sin(2 * math.pi * HEART_HZ * time_s + self._heart_phase)
        return (x + breath * 0.6, y, z + breath * 0.8 + heart, u, v, w)

    def _draw_until(self, time_s: float, statistics: Statistics) -> None:
        while (last := self._moves[-1]).start_s + last.lasts_s <= time_s:
            gesture = self._draw.random() < statistics.gestures_hz * (last.lasts_s + sum(SWAY_S) / 2)
            if gesture:
                out = self._gesture(last, statistics)
                back = _Move(out.start_s + out.lasts_s, out.lasts_s, out.goal, out.origin)
                self._add(out)
                self._add(back)
            else:
                self._add(self._sway(last, statistics))

    def _add(self, move: _Move) -> None:
        self._moves.append(move)
        self._starts.append(move.start_s)

    def _sway(self, last: _Move, statistics: Statistics) -> _Move:
        lasts_s = self._draw.uniform(*SWAY_S)
        share = math.sqrt(lasts_s / DRIFT_TIME_S) / NORM_OF_GAUSS
        steps = (statistics.drift_mean_m * share, statistics.turned_mean_rad * share)
        limits = (statistics.drift_max_m, statistics.turned_max_rad)
        for part in (0, 1):
            axes = range(3 * part, 3 * part + 3)
            for axis in axes:
                self._anchor[axis] += self._draw.gauss(0, steps[part])
            length = math.sqrt(sum(self._anchor[axis] ** 2 for axis in axes))
            for axis in axes:
                self._anchor[axis] *= min(1.0, limits[part] / max(length, 1e-12))
        sways = [statistics.sway_m] * 3 + [statistics.sway_m * TURN_PER_SWAY_RAD_M / 2] * 3
        goal = [anchor + self._draw.gauss(0, sway) for anchor, sway in zip(self._anchor, sways, strict=True)]
        return _Move(last.start_s + last.lasts_s, lasts_s, last.goal, _six(goal))

    def _gesture(self, last: _Move, statistics: Statistics) -> _Move:
        """Few are fast: peak speeds with a density as 1/v², between the slowest and the study's maximum."""
        slow, fast = 1 / SLOWEST_GESTURE_M_S, 1 / statistics.speed_max_m_s
        speed_m_s = 1 / self._draw.uniform(fast, slow)
        lasts_s = self._draw.uniform(*GESTURE_S)
        reach_m = speed_m_s * lasts_s / PEAK
        turn_rad_s = statistics.turn_speed_max_rad_s * speed_m_s / statistics.speed_max_m_s * self._draw.random()
        reach_rad = turn_rad_s * lasts_s / PEAK
        parts = [part * reach_m for part in self._direction()] + [part * reach_rad for part in self._direction()]
        goal = [start + part for start, part in zip(last.goal, parts, strict=True)]
        return _Move(last.start_s + last.lasts_s, lasts_s, last.goal, _six(goal))

    def _direction(self) -> Vector:
        x, y, z = (self._draw.gauss(0, 1) for _ in range(3))
        length = math.sqrt(x * x + y * y + z * z)
        return (x / length, y / length, z / length)


def _six(parts: list[float]) -> Six:
    a, b, c, d, e, f = parts
    return (a, b, c, d, e, f)
