"""What the arm may be told and may be measured doing. All of it are engineering choices unless a source is named.

The arm's own controller and our program in it check again, with limits of their own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from daemon.arm.reasons import ArmReason
from drivers.poses import Pose, Vector
from drivers.robots import Joints, RobotCapabilities, RobotState

MODEL_M, MODEL_RAD = 0.02, math.radians(2)
"""An arm's own lengths put its tool a few millimetres from where its model's do; another model's, or another tool,
centimetres."""


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
    follow_closing_m_s: float = 0.125
    """Towards the head, however the head moves: after a head that goes away the coil is told to close in no faster."""
    measured_speed_m_s: float = 0.30
    """What is measured may overshoot what is told by a fifth."""
    measured_closing_m_s: float = 0.15
    """Between coil and head, within 50 mm of the target, when it is the arm that moves; a fifth more than is told."""
    lead_m: float = 0.04
    """The reference goes no further ahead of the arm; its program refuses 50 mm."""
    lead_rad: float = 0.15
    """Its program refuses 0.2 rad."""
    joint_margin_rad: float = math.radians(5)
    singular: tuple[tuple[int, float], ...] = ((2, math.radians(8)), (4, math.radians(8)))
    """Joints, counted from 0, whose angle must not come near 0 or π: elbow and second wrist of a UR."""
    off_axis_m: float = 0.12
    """The wrist's least distance from where the first joint turns without moving it. 0.25 m/s there turn that joint by
    2.1 rad/s, which is all that the slowest of them does (120°/s: the UR10e's data sheet)."""
    told_rad: float = math.radians(2)
    told_m: float = 0.02
    """What is told keeps this much more off the last three than what is measured, which may overshoot it: lengths of a
    model put its joints a degree wrong at most, and a retract needs some room."""
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


def of_the_model(capabilities: RobotCapabilities, robot: RobotState) -> ArmReason | None:
    """Whether the arm is another than its kinematics are of; None when it is not, or when nobody knows."""
    if capabilities.kinematics is None:
        return None
    apart = capabilities.kinematics.robot_from_tcp(robot.joints).inverse() @ robot.robot_from_tcp
    return None if apart.distance <= MODEL_M and apart.angle <= MODEL_RAD else ArmReason.OTHER_MODEL


def of_the_command(
    limits: ArmLimits, capabilities: RobotCapabilities, robot_from_tcp: Pose, near: Joints
) -> ArmReason | None:
    """Why the arm, with its joints at `near`, must not be told to go on to this pose; None when it may."""
    if not limits.box.holds(robot_from_tcp.translation):
        return ArmReason.OUT_OF_REACH
    if capabilities.kinematics is None:
        return None
    joints = capabilities.kinematics.joints_for(robot_from_tcp, near)
    if joints is None:
        return ArmReason.OUT_OF_REACH
    return of_the_joints(limits, capabilities, joints, more_rad=limits.told_rad, more_m=limits.told_m)


def of_the_goal(limits: ArmLimits, robot: RobotCapabilities, point: Vector) -> ArmReason | None:
    """Why the arm must not be told to go to a point of its base frame; None when it may."""
    if not limits.box.holds(point) or math.hypot(*point) > robot.reach_m:
        return ArmReason.OUT_OF_REACH
    return None


def of_the_arm(limits: ArmLimits, capabilities: RobotCapabilities, robot: RobotState) -> ArmReason | None:
    """Which limit the arm's measured posture is over; None when it is over none."""
    if not limits.box.holds(robot.robot_from_tcp.translation):
        return ArmReason.OUT_OF_REACH
    return of_the_joints(limits, capabilities, robot.joints)


def of_the_joints(
    limits: ArmLimits, capabilities: RobotCapabilities, joints: Joints, *, more_rad: float = 0.0, more_m: float = 0.0
) -> ArmReason | None:
    """Which limit a posture is over, or nearer to than `more_…`; None when it is over none."""
    margin = limits.joint_margin_rad + more_rad
    for angle, (low, high) in zip(joints, capabilities.joint_limits, strict=True):
        if not low + margin <= angle <= high - margin:
            return ArmReason.JOINT_RANGE
    for joint, least in limits.singular:
        if abs(math.sin(joints[joint])) < math.sin(least + more_rad):
            return ArmReason.NEAR_SINGULARITY
    if capabilities.kinematics is not None and capabilities.kinematics.off_axis_m(joints) < limits.off_axis_m + more_m:
        return ArmReason.NEAR_SINGULARITY
    return None
