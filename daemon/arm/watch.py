"""Which limit is exceeded while the coil is at the head, or on its way there: as measured, and as told."""

from __future__ import annotations

import math

from daemon.arm import limits
from daemon.arm.approach import Target
from daemon.arm.goals import Error
from daemon.arm.health import AWAKE, Health
from daemon.arm.limits import ArmLimits
from daemon.arm.prediction import Estimate
from daemon.arm.reasons import ArmReason
from daemon.arm.setup import Setup
from drivers.poses import Pose
from drivers.robots import Program, RobotState

NEAR_M = 0.05
"""Nearer to the target than this, head and coil may not close too fast (engineering choice:
within the 60 mm of a retract)."""


def of_the_arm(now_us: int, setup: Setup, health: Health, arm: RobotState, told: Pose) -> ArmReason | None:
    """What is wrong with the arm as measured, whatever the head does."""
    most = setup.limits
    if arm.program is Program.REFUSED:
        return ArmReason.REFUSED_GOAL
    if arm.program not in AWAKE:
        return ArmReason.ROBOT_TIMED_OUT
    if health.pressed(now_us):
        return ArmReason.FORCE
    if math.hypot(*health.velocity) > most.measured_speed_m_s:
        return ArmReason.TOO_FAST
    ahead_m = math.dist(arm.robot_from_tcp.translation, told.translation)
    if ahead_m > most.lead_m or arm.robot_from_tcp.angle_to(told) > most.lead_rad:
        return ArmReason.ROBOT_SLOW
    return limits.of_the_arm(most, setup.robot, arm)


def of_the_head(
    setup: Setup, health: Health, target: Target, *, head: Estimate, error: Error, sent: Pose | None
) -> ArmReason | None:
    """What is wrong with the coil against the head. `sent` is camera_from_head when the coil was sent."""
    most, camera = setup.limits, setup.robot_from_camera
    if camera is None:
        return ArmReason.NOT_CALIBRATED
    goal = camera.apply(head.pose.apply(target.head_from_target.translation))
    over = limits.of_the_goal(most, setup.robot, goal)
    if over is not None:
        return over
    if target.lean_rad > most.tilt_rad:
        return ArmReason.TILT
    if sent is not None and sent.angle_to(head.pose) > most.tilt_rad:
        return ArmReason.TILT
    near = error.distance_m < NEAR_M
    if near and error.tilt_rad > most.tilt_rad:
        return ArmReason.TILT
    return ArmReason.CLOSING_FAST if near and _closing(most, health, target, camera, head) else None


def _closing(most: ArmLimits, health: Health, target: Target, camera: Pose, head: Estimate) -> bool:
    """Whether the arm brings the coil to the head too fast. A head that comes by itself is followed, away from it."""
    if math.hypot(*health.velocity) <= most.measured_closing_m_s / 2:
        return False
    inward = camera.rotate(head.pose.rotate(target.head_from_target.rotate((0.0, 0.0, 1.0))))
    site = camera.rotate(head.velocity_of(target.head_from_target.translation))
    arm = sum(a * b for a, b in zip(health.velocity, inward, strict=True))
    together = arm - sum(a * b for a, b in zip(site, inward, strict=True))
    return together > most.measured_closing_m_s and arm > most.measured_closing_m_s / 2
