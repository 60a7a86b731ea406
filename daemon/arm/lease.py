"""The on-target lease: whether a train may begin, may go on, or neither. It fails closed.

The limits are those of the world; what is measured is held to less, by two standard deviations of what is not known of
the target and of the coil, and by how far they may have moved apart since (design: 2 mm / 3° hold in the world).
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from enum import Enum

from drivers.poses import Vector

BEGIN_M, BEGIN_RAD, BEGIN_HEAD_M_S = 0.002, math.radians(3), 0.005
"""interlocks.md H33."""
CONTINUE_M, CONTINUE_RAD, CONTINUE_HEAD_M_S = 0.005, math.radians(6), 0.020
"""Design §7."""
OVER_US = 100_000
"""What a running train's head is judged by is its way in this time: 2 mm are 20 mm/s. A pulse makes a head twitch, and
one that is back by the next pulse has gone nowhere: 1 mm out in 40 ms is 47 mm/s for an instant, and 10 over this time
(engineering choice). Where a head that does leave takes the coil's target is judged by the distance, at once."""
PLACES = 64
"""Of the head in that time, at most: a tracker of 400 frames a second shows 40."""
DWELL_US = 300_000
"""How long it must have been so before a train may begin (design)."""
ENTER = 0.9
"""Share of the limit that must be kept to come in; inside, the whole of it counts (engineering choice:
noise at the limit would else let trains begin and end by turns)."""
FRESH_US = 100_000
"""Oldest sight of the head (interlocks.md H36), and of the coil (H33), that a train may begin or go on with. Without
the second only the arm says where the coil is: a camera that creeps looks like a head that does, and a bumped base or a
coil that slips in its holder shows nowhere. At 20 mm/s a camera takes the coil 2 mm off in that time."""
AGREES_M, AGREES_RAD = 0.001, math.radians(0.75)
"""What camera and arm may disagree by about the coil, and two standard deviations of what the calibration leaves
unknown, together: or no train can begin. A coil comes in at 1.8 mm; of the rest 0.6 go to following a head at rest (0.3
RMS), 0.1 to the tracker's noise, 0.1 to 20 ms at 5 mm/s. Of the 3° it is a quarter (engineering choices). A tracker
that is right to 0.3 mm and an arm that repeats to 0.1 (robot.md §2) leave room for it."""
ROBOT_FRESH_US = 50_000
"""Oldest pose of the arm; it sends one every 2 to 8 ms (engineering choice: six of the slower)."""


class Lease(Enum):
    """The value goes to the watchdog."""

    BEGIN = "begin"
    CONTINUE = "continue"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Situation:
    """What the lease is judged by, at one instant."""

    at_us: int
    distance_m: float
    """Between the target as predicted to now and the coil as the arm reports it or the tracker sees it: the worse."""
    angle_rad: float
    head_m_s: float
    site_m_s: float
    """Speed of the target's point, which a turn of the head moves more than the marker."""
    turning_rad_s: float
    noise_m: float
    """Standard deviation along one axis: of the target's point by the tracker's noise over the lever, and of the coil
    by what the calibration leaves unknown."""
    noise_rad: float
    head_age_us: int
    robot_age_us: int
    coil_age_us: int | None
    """Since the coil's marker was seen; None when it never was."""
    head: Vector
    """Where its marker was when it was last seen, in the camera's frame."""


class LeaseKeeper:
    """Remembers since when the coil is on its target, and whether it was."""

    def __init__(self, fresh_us: int, robot_fresh_us: int = ROBOT_FRESH_US) -> None:
        """`fresh_us`: oldest sight of head and coil that counts, at least 1.5 frame periods; `robot_fresh_us`: of the
        arm's own word.
        """
        self._fresh_us = fresh_us
        self._robot_fresh_us = robot_fresh_us
        self._inside_since_us: int | None = None
        self._held = Lease.NONE
        self._places: deque[tuple[int, Vector]] = deque(maxlen=PLACES)

    def none(self) -> Lease:
        """Off the target, or not known to be on it."""
        self._inside_since_us, self._held = None, Lease.NONE
        self._places.clear()
        return Lease.NONE

    def judge(self, now: Situation) -> Lease:
        """The lease at this instant."""
        if now.coil_age_us is None or now.robot_age_us > self._robot_fresh_us:
            return self.none()
        seen_us = max(now.head_age_us, now.coil_age_us)
        if seen_us > self._fresh_us:
            return self.none()
        unknown_s = max(seen_us, now.robot_age_us) / 1e6
        far = now.distance_m + 2 * now.noise_m + unknown_s * now.site_m_s
        turned = now.angle_rad + 2 * now.noise_rad + unknown_s * now.turning_rad_s
        went_m_s = self._went_m_s(now)
        scale = 1.0 if self._held is Lease.BEGIN else ENTER
        near = far <= scale * BEGIN_M and turned <= scale * BEGIN_RAD and now.head_m_s <= scale * BEGIN_HEAD_M_S
        if near:
            if self._inside_since_us is None:
                self._inside_since_us = now.at_us
            if now.at_us - self._inside_since_us >= DWELL_US:
                self._held = Lease.BEGIN
                return Lease.BEGIN
        else:
            self._inside_since_us = None
        comes = self._held is Lease.NONE
        scale, speed = (ENTER, now.head_m_s) if comes else (1.0, went_m_s)
        if far <= scale * CONTINUE_M and turned <= scale * CONTINUE_RAD and speed <= scale * CONTINUE_HEAD_M_S:
            self._held = Lease.CONTINUE
            return Lease.CONTINUE
        return self.none()

    def _went_m_s(self, now: Situation) -> float:
        """The head's way as it was seen, in `OVER_US` or since the lease is held, by that time."""
        seen_us, places = now.at_us - now.head_age_us, self._places
        if not places or seen_us > places[-1][0]:
            places.append((seen_us, now.head))
        while len(places) > 1 and seen_us - places[1][0] >= OVER_US:
            places.popleft()
        return math.dist(_at(seen_us - OVER_US, places[0], places[min(1, len(places) - 1)]), now.head) / OVER_US * 1e6


def _at(at_us: int, before: tuple[int, Vector], after: tuple[int, Vector]) -> Vector:
    """Between two places; before the first it was there too."""
    (start_us, (x, y, z)), (end_us, (a, b, c)) = before, after
    share = max(0.0, (at_us - start_us) / max(1, end_us - start_us))
    return (x + share * (a - x), y + share * (b - y), z + share * (c - z))
