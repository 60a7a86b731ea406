"""The way to the target: around the head, to the place before the target, then straight in along its normal.

All figures are engineering choices; what is measured and limited on the way is `limits`'.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from daemon.arm.goals import Ellipsoid, Error, before, flat_along, next_point, tilt_of
from daemon.arm.limits import ArmLimits
from drivers.poses import Pose

IN_LINE_M, IN_LINE_RAD = 0.010, math.radians(8)
"""Off the target's normal by no more than this, the coil begins to close in."""
BEFORE_IT_M = 0.02
"""Within this of the place before the target, the coil turns as the target is."""
OUT_OF_LINE_RAD = math.radians(20)
"""Turned off by more than this while closing in, it comes up again."""
FURTHEST_OFF_M = 0.3
"""A normal that has not left the head by then points into it: more than a head is deep."""
WAIT_M = 0.004
"""It closes in no further while the arm is this far behind."""
FLAT_RAD = math.radians(15)
"""A coil that leans no more against the scalp below it has its edge no nearer to it than its middle: 80 mm from the
middle 15° come down by 21 mm, and a scalp with a radius of 100 mm falls away by 40 mm."""
THERE_M, THERE_RAD = 0.003, math.radians(3)
"""On the target, near enough to call it tracking; the lease has limits of its own."""


@dataclass(frozen=True, slots=True)
class Target:
    """What the coil is sent to, with what is derived from it once."""

    head_from_target: Pose
    scalp: Ellipsoid
    keep_out: Ellipsoid
    """For a coil that lies flat along the scalp."""
    swing: Ellipsoid
    """For one that does not, and whose edge may reach further in than its middle."""
    stand_off_m: float
    """Off the target along its normal: outside the ellipsoid that is kept clear."""
    target_from_head: Pose
    lean_rad: float
    """Of its normal against the scalp's."""

    @classmethod
    def of(cls, head_from_target: Pose, scalp: Ellipsoid, limits: ArmLimits, away_m: float) -> Target:
        """Raises ValueError when its normal leads nowhere out of the head within `FURTHEST_OFF_M`."""
        keep_out = scalp.grown(limits.clearance_m)
        off_m = away_m
        while keep_out.holds(before(head_from_target, off_m).translation):
            off_m += 0.01
            if off_m > FURTHEST_OFF_M:
                raise ValueError("the target's normal does not lead out of the head: check the target's orientation")
        return cls(
            head_from_target,
            scalp,
            keep_out,
            scalp.grown(limits.swing_m),
            off_m,
            head_from_target.inverse(),
            tilt_of(head_from_target, scalp),
        )


class Approach:
    """Remembers how far it has closed in."""

    def __init__(self, target: Target, limits: ArmLimits) -> None:
        self.target = target
        self._limits = limits
        self.gap_m: float | None = None
        """Off the target along its normal, while closing in; None on the way around the head."""

    def goal(self, head_from_tcp: Pose, dt_s: float) -> tuple[Pose, float]:
        """From where the reference is: head_from_goal, and how fast the goal closes in by itself, m/s."""
        target = self.target
        target_from_tcp = target.target_from_head @ head_from_tcp
        error = Error.of(target_from_tcp)
        turned = target_from_tcp.angle
        if self.gap_m is None and error.lateral_m <= IN_LINE_M and turned <= IN_LINE_RAD:
            if -target.stand_off_m - IN_LINE_M <= error.depth_m:
                self.gap_m = max(0.0, -error.depth_m)
        elif error.lateral_m > self._limits.lateral_m or turned > OUT_OF_LINE_RAD:
            self.gap_m = None
        if self.gap_m is None:
            return self._around(head_from_tcp), 0.0
        closing = self._limits.closing_m_s
        if self.gap_m <= 0 or error.lateral_m > WAIT_M or abs(error.depth_m + self.gap_m) > WAIT_M:
            closing = 0.0
        self.gap_m = max(0.0, self.gap_m - closing * dt_s)
        return before(target.head_from_target, self.gap_m), closing if self.gap_m > 0 else 0.0

    def _around(self, head_from_tcp: Pose) -> Pose:
        """Flat along the scalp, and turned as the target is once before it; what leans comes out before it turns."""
        target = self.target
        place = before(target.head_from_target, target.stand_off_m)
        if (place.inverse() @ head_from_tcp).distance <= BEFORE_IT_M:
            return place
        flat = tilt_of(head_from_tcp, target.scalp) <= FLAT_RAD
        keep_out = target.keep_out if flat else target.swing
        point = next_point(keep_out, head_from_tcp.translation, place.translation)
        if keep_out.holds(head_from_tcp.translation):
            return Pose(head_from_tcp.quaternion, point)
        turned = flat_along(target.scalp, Pose(place.quaternion, head_from_tcp.translation))
        return Pose(turned.quaternion, point)


def there(error: Error, angle_rad: float) -> bool:
    """Whether the coil is on its target."""
    return error.distance_m <= THERE_M and angle_rad <= THERE_RAD
