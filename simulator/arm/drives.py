"""What moves the joints: each drive is one way of being told to move, and steps the joints by one tick.

A drive changes a `Body` in place: angles and speeds. It knows the arm's lengths and limits, no time of day.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from drivers.poses import Pose, Vector
from drivers.robots import Joints
from simulator.arm.kinematics import joints_for, robot_from_flange
from simulator.arm.profile import ArmProfile

Twist = tuple[float, float, float, float, float, float]
"""Speed of the tool in the robot's base: m/s and rad/s."""
STILL: Twist = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
STANDS_RAD_S = 1e-4
"""A joint slower than this stands: 0.1 mm/s at the end of the whole arm. An engineering choice."""


@dataclass(slots=True)
class Body:
    """The joints as they are, and what the flange carries."""

    profile: ArmProfile
    joints: Joints
    flange_from_tcp: Pose = field(default_factory=Pose)
    speeds: Joints = STILL
    tcp_from_flange: Pose = field(init=False)

    def __post_init__(self) -> None:
        self.carry(self.flange_from_tcp)

    def carry(self, flange_from_tcp: Pose) -> None:
        """Another tool."""
        self.flange_from_tcp, self.tcp_from_flange = flange_from_tcp, flange_from_tcp.inverse()

    @property
    def robot_from_tcp(self) -> Pose:
        """Where the tool is."""
        return robot_from_flange(self.profile, self.joints) @ self.flange_from_tcp

    @property
    def stands(self) -> bool:
        """No joint turns."""
        return max(map(abs, self.speeds)) < STANDS_RAD_S

    def joints_for(self, robot_from_tcp: Pose, near: Joints | None = None) -> Joints:
        """The joints for this pose of the tool, on the side of `near`, or of those it has. Unreachable when none."""
        flange = robot_from_tcp @ self.tcp_from_flange
        return joints_for(self.profile, flange, self.joints if near is None else near)

    def follow(self, goal: Joints, lag_s: float, dt_s: float) -> None:
        """One tick of a critically damped second-order servo that lags a moving goal by `lag_s`, within limits.

        A critically damped servo of frequency w follows a ramp 2/w behind.
        """
        omega = 2 / lag_s
        fastest, most = self.profile.joint_speed_rad_s, self.profile.joint_acceleration_rad_s2
        joints, speeds = [], []
        for at, speed, wanted in zip(self.joints, self.speeds, goal, strict=True):
            push = omega * (omega * (wanted - at) - 2 * speed)
            new = speed + max(-most, min(most, push)) * dt_s
            new = max(-fastest, min(fastest, new))
            speeds.append(new)
            joints.append(at + new * dt_s)
        self._set(joints, speeds)

    def turn(self, wanted: Joints, rad_s2: float, dt_s: float) -> None:
        """One tick of turning at these speeds, reached at this acceleration, within limits."""
        fastest = self.profile.joint_speed_rad_s
        most = min(rad_s2, self.profile.joint_acceleration_rad_s2) * dt_s
        speeds = [
            max(-fastest, min(fastest, speed + max(-most, min(most, goal - speed))))
            for speed, goal in zip(self.speeds, wanted, strict=True)
        ]
        self._set([at + speed * dt_s for at, speed in zip(self.joints, speeds, strict=True)], speeds)

    def _set(self, joints: Sequence[float], speeds: Sequence[float]) -> None:
        a, b, c, d, e, f = joints
        self.joints = (a, b, c, d, e, f)
        a, b, c, d, e, f = speeds
        self.speeds = (a, b, c, d, e, f)


class Drive(Protocol):
    """One way of moving."""

    def step(self, body: Body, dt_s: float) -> None:
        """One tick. Unreachable when the arm cannot be where it was told to be."""
        ...


@dataclass(slots=True)
class Servo:
    """Follows joints that are given anew in every tick (servoj); stays at the last when none come."""

    goal: Joints
    lag_s: float

    def step(self, body: Body, dt_s: float) -> None:
        """Towards the goal."""
        body.follow(self.goal, self.lag_s, dt_s)


@dataclass(slots=True)
class Turn:
    """Turns the joints at given speeds until told otherwise (speedj); with speed zero it stops them (stopj)."""

    speeds: Joints
    rad_s2: float

    def step(self, body: Body, dt_s: float) -> None:
        """Towards the speeds."""
        body.turn(self.speeds, self.rad_s2, dt_s)


def servo_lag_s(profile: ArmProfile, lookahead_s: float, gain: float) -> float:
    """How far behind a moving goal the arm follows: low lookahead and high gain are fast."""
    return profile.servo_base_lag_s + lookahead_s + profile.servo_gain_lag_s / gain


@dataclass(slots=True)
class Line:
    """Moves the tool at a given speed until told otherwise (speedl); with speed zero it stops it (stopl)."""

    twist: Twist
    m_s2: float
    at: Pose
    """Where the controller means the tool to be by now."""
    now: Twist = STILL
    """What it means its speed to be by now."""

    def step(self, body: Body, dt_s: float) -> None:
        """Brings the meant speed nearer to the wanted one, the meant pose on by it, and the joints after it."""
        self.now = _eased(self.now, self.twist, self.m_s2 * dt_s)
        self.at = moved(self.at, self.now, dt_s)
        body.follow(body.joints_for(self.at), body.profile.move_lag_s, dt_s)


LEAD_M_S, LEAD_RAD_S = 0.25, 1.5
"""How fast a hand leads the tool: as fast as a robot may go in manual mode (ISO 10218-1), and an engineering choice."""


@dataclass(slots=True)
class Led:
    """Hand guiding: goes where a hand leads it, and stays where the hand lets go."""

    at: Pose
    to: Pose | None = None

    def step(self, body: Body, dt_s: float) -> None:
        """A little nearer to the hand's goal."""
        if self.to is not None:
            left = self.at.inverse() @ self.to
            ticks = max(left.distance / (LEAD_M_S * dt_s), left.angle / (LEAD_RAD_S * dt_s), 1.0)
            self.at = self.at.towards(self.to, 1 / ticks)
        body.follow(body.joints_for(self.at), body.profile.move_lag_s, dt_s)


def moved(pose: Pose, twist: Twist, dt_s: float) -> Pose:
    """The pose after moving at this speed for so long."""
    x, y, z = pose.translation
    place = (x + twist[0] * dt_s, y + twist[1] * dt_s, z + twist[2] * dt_s)
    turn = Pose.turned((twist[3] * dt_s, twist[4] * dt_s, twist[5] * dt_s))
    return Pose.of((turn @ Pose(pose.quaternion)).quaternion, place)


def twist_between(before: Pose, after: Pose, dt_s: float) -> Twist:
    """The mean speed of the tool from one pose to the next, shortly after."""
    (a, b, c), (x, y, z) = before.translation, after.translation
    w, i, j, k = before.quaternion
    p, q, r, s = after.quaternion
    # after times the conjugate of before; its vector part is half the small angle
    half = 2 / dt_s if p * w + q * i + r * j + s * k >= 0 else -2 / dt_s
    return (
        (x - a) / dt_s,
        (y - b) / dt_s,
        (z - c) / dt_s,
        half * (-p * i + q * w - r * k + s * j),
        half * (-p * j + r * w - s * i + q * k),
        half * (-p * k + s * w - q * j + r * i),
    )


def _eased(now: Twist, wanted: Twist, most: float) -> Twist:
    """`now` brought nearer to `wanted` by at most `most`, m/s and rad/s each as a vector."""
    parts: list[float] = []
    for first in (0, 3):
        gap: Vector = (
            wanted[first] - now[first],
            wanted[first + 1] - now[first + 1],
            wanted[first + 2] - now[first + 2],
        )
        size = math.hypot(*gap)
        share = 1.0 if size <= most else most / size
        parts += [now[first + axis] + gap[axis] * share for axis in range(3)]
    a, b, c, d, e, f = parts
    return (a, b, c, d, e, f)
