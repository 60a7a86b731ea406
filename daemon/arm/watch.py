"""Which limit is exceeded while the coil is at the head, or on its way there: as measured, and as told."""

from __future__ import annotations

import math

from daemon.arm import limits
from daemon.arm.goals import Error
from daemon.arm.health import AWAKE, Health
from daemon.arm.prediction import Estimate
from daemon.arm.reasons import ArmReason
from daemon.arm.setup import Setup
from daemon.arm.steering import Steering
from drivers.poses import Pose
from drivers.robots import Program, RobotState

NEAR_M = 0.05
"""Nearer to the target than this, head and coil may not close too fast."""


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
    lead = arm.robot_from_tcp.inverse() @ told
    if lead.distance > most.lead_m or lead.angle > most.lead_rad:
        return ArmReason.ROBOT_SLOW
    return limits.of_the_arm(most, setup.robot, arm)


def of_the_head(
    setup: Setup, health: Health, steering: Steering, *, head: Estimate, error: Error, sent: Pose | None
) -> ArmReason | None:
    """What is wrong with the coil against the head. `sent` is camera_from_head when the coil was sent."""
    most, goal = setup.limits, steering.on_target(head)
    over = None if goal is None else limits.of_the_goal(most, setup.robot, goal)
    if over is not None:
        return over
    if sent is not None and (sent.inverse() @ head.pose).angle > most.tilt_rad:
        return ArmReason.TILT
    near = error.distance_m < NEAR_M
    if near and error.tilt_rad > most.tilt_rad:
        return ArmReason.TILT
    return ArmReason.CLOSING_FAST if near and _closing(setup, health, steering, head) else None


def _closing(setup: Setup, health: Health, steering: Steering, head: Estimate) -> bool:
    """Whether the arm brings the coil to the head too fast. A head that comes by itself is followed, away from it."""
    camera, target = setup.robot_from_camera, steering.target
    if camera is None or target is None:
        return False
    inward = camera.rotate(head.pose.rotate(target.head_from_target.rotate((0.0, 0.0, 1.0))))
    site = camera.rotate(head.velocity_of(target.head_from_target.translation))
    arm = sum(a * b for a, b in zip(health.velocity, inward, strict=True))
    together = arm - sum(a * b for a, b in zip(site, inward, strict=True))
    most = setup.limits.measured_closing_m_s
    return together > most and arm > most / 2
