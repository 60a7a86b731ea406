"""The kinematics of a UR, for an arm that has limits: a pose that no joint may turn to is out of reach as well."""

from __future__ import annotations

import math

from drivers.poses import Pose
from drivers.robots import Joints
from drivers.ur import kinematics
from drivers.ur.kinematics import Unreachable
from simulator.arm.profile import ArmProfile

__all__ = ["Unreachable", "joints_for", "robot_from_flange"]


def robot_from_flange(profile: ArmProfile, joints: Joints) -> Pose:
    """Where the flange is."""
    return kinematics.robot_from_flange(profile.links, joints)


def joints_for(profile: ArmProfile, flange: Pose, near: Joints) -> Joints:
    """The joints that put the flange there, on the side of `near`. Unreachable when there are none."""
    joints = kinematics.joints_for(profile.links, flange, near)
    if max(abs(joint) for joint in joints) > profile.joint_limit:
        raise Unreachable(f"no joints for this pose within ±{math.degrees(profile.joint_limit):.0f}° of every joint")
    return joints
