"""How long the arm takes to follow, measured while it moves: the prediction reaches over exactly this."""

from __future__ import annotations

from collections import deque

from drivers.poses import Pose, Vector

KEPT = 256
"""Set-points remembered: half a second at 500 Hz."""
LEAST_SPEED_M_S = 0.003
"""Slower motion says little about time: 0.1 mm of noise would be 33 ms (engineering choice)."""
LEARNING_S = 0.4
"""Time of motion after which a wrong figure is corrected by two thirds (engineering choice: one shift of a head)."""
RANGE = (0.3, 2.5)
"""Never below or above these multiples of the figure the arm's driver states (engineering choices)."""


class Lag:
    """Compares where the arm is with where it was told to be a while before."""

    def __init__(self, stated_us: int) -> None:
        self._stated_us = stated_us
        self._lag_us = float(stated_us)
        self._told: deque[tuple[int, Vector, Vector]] = deque(maxlen=KEPT)
        self._seen_us = 0

    @property
    def us(self) -> int:
        """From a set-point's departure to the arm having moved by it, µs."""
        return round(self._lag_us)

    def forget(self) -> None:
        """The arm was moved by something else: old set-points say nothing. The figure stays."""
        self._told.clear()

    def told(self, now_us: int, pose: Pose, velocity: Vector) -> None:
        """What was sent at `now_us`."""
        self._told.append((now_us, pose.translation, velocity))

    def seen(self, at_us: int, robot_from_tcp: Pose) -> None:
        """Where the arm was at `at_us`; each state once."""
        dt_s, self._seen_us = (at_us - self._seen_us) / 1e6, at_us
        then = at_us - self._lag_us
        told = next((told for told in reversed(self._told) if told[0] <= then), None)
        if told is None:
            return
        sent_us, place, (u, v, w) = told
        square = u * u + v * v + w * w
        if square < LEAST_SPEED_M_S**2:
            return
        (a, b, c), (x, y, z), rest = place, robot_from_tcp.translation, (then - sent_us) / 1e6
        ahead = (a + u * rest - x) * u + (b + v * rest - y) * v + (c + w * rest - z) * w
        longer_s = max(-0.02, min(0.02, ahead / square))
        share = min(0.5, max(0.0, dt_s / LEARNING_S))
        low, high = RANGE
        corrected = self._lag_us + share * longer_s * 1e6
        self._lag_us = max(low * self._stated_us, min(high * self._stated_us, corrected))
