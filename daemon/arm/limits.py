"""What the arm may be told and may be measured doing. All of it are engineering choices unless a source is named.

The arm's own controller and our program in it check again, with limits of their own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from daemon.arm.reasons import ArmReason
from drivers.poses import Vector
from drivers.robots import RobotCapabilities, RobotState


@dataclass(frozen=True, slots=True)
class Box:
    """A workspace in the robot's base frame, metres."""

    low: Vector = (-1.0, -1.0, -0.1)
    high: Vector = (1.0, 1.0, 1.4)

    def __post_init__(self) -> None:
        if any(low >= high for low, high in zip(self.low, self.high, strict=True)):
            raise ValueError("a box ends above where it begins")

    def holds(self, point: Vector) -> bool:
        """Whether the point lies inside."""
        (a, b, c), (d, e, f), (x, y, z) = self.low, self.high, point
        return a <= x <= d and b <= y <= e and c <= z <= f


@dataclass(frozen=True, slots=True)
class ArmLimits:
    """Of the reference that is streamed, and of the arm as measured."""

    box: Box = Box()
    speed_m_s: float = 0.25
    """Of the tool, while it follows the head; also the limit in the arm's own program."""
    approach_speed_m_s: float = 0.1
    acceleration_m_s2: float = 4.0
    jerk_m_s3: float = 200.0
    turn_rad_s: float = 1.0
    turn_acceleration_rad_s2: float = 15.0
    turn_jerk_rad_s3: float = 600.0
    closing_m_s: float = 0.05
    """Towards the head, while approaching; as fast as the arm's program retracts by itself."""
    measured_speed_m_s: float = 0.30
    """What is measured may overshoot what is told by a fifth."""
    measured_closing_m_s: float = 0.15
    """Between coil and head, within 50 mm of the target, when it is the arm that moves."""
    lead_m: float = 0.04
    """The reference goes no further ahead of the arm; its program refuses 50 mm."""
    lead_rad: float = 0.15
    """Its program refuses 0.2 rad."""
    joint_margin_rad: float = math.radians(5)
    singular: tuple[tuple[int, float], ...] = ((2, math.radians(8)), (4, math.radians(8)))
    """Joints, counted from 0, whose angle must not come near 0 or π: elbow and second wrist of a UR."""
    tilt_rad: float = math.radians(35)
    """Of the coil against the scalp's normal, and of the head against how it was when the coil was sent."""
    force_n: float = 20.0
    force_us: int = 50_000
    """interlocks.md H34: 20 N for 50 ms."""
    touch_n: float = 8.0
    touch_us: int = 8_000
    """While it stands and waits at a head it does not see: over twice the 3.5 N a UR's sensor may err by (its data
    sheet), in two states of the arm. A head that comes 20 mm within a second then meets 17 N at most, as simulated."""
    lateral_m: float = 0.025
    """Further off the target than this, sideways, it comes up and approaches: it does not slide along the scalp."""
    clearance_m: float = 0.04
    """From the scalp, on the way to and from the place before the target, of a coil that lies flat along it."""
    swing_m: float = 0.10
    """From the scalp, of a coil that lies otherwise: a figure-of-eight coil's edge is 80 to 90 mm from its point."""


def of_the_goal(limits: ArmLimits, robot: RobotCapabilities, point: Vector) -> ArmReason | None:
    """Why the arm must not be told to go to a point of its base frame; None when it may."""
    if not limits.box.holds(point) or math.hypot(*point) > robot.reach_m:
        return ArmReason.OUT_OF_REACH
    return None


def of_the_arm(limits: ArmLimits, capabilities: RobotCapabilities, robot: RobotState) -> ArmReason | None:
    """Which limit the arm's measured posture is over; None when it is over none."""
    if not limits.box.holds(robot.robot_from_tcp.translation):
        return ArmReason.OUT_OF_REACH
    margin = limits.joint_margin_rad
    for angle, (low, high) in zip(robot.joints, capabilities.joint_limits, strict=True):
        if not low + margin <= angle <= high - margin:
            return ArmReason.JOINT_RANGE
    for joint, least in limits.singular:
        if abs(math.sin(robot.joints[joint])) < math.sin(least):
            return ArmReason.NEAR_SINGULARITY
    return None
