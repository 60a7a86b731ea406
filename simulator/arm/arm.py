"""A simulated arm: joints that follow with a lag, a tool that touches things, and a safety that stops it.

`step` is one tick of the controller. What the tool touches is a function that the room gives: the force at a pose.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from enum import Enum

from drivers.poses import Pose
from drivers.robots import Joints, Wrench
from simulator.arm.drives import STILL, Body, Drive, Led, Line, Servo, Turn, Twist, moved, servo_lag_s, twist_between
from simulator.arm.kinematics import Unreachable, robot_from_flange
from simulator.arm.profile import HOME, UR5E, ArmProfile

NO_FORCE: Wrench = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
Contact = Callable[[Pose], Wrench]
"""From where the tool is (robot_from_tcp) to the force on it, N and Nm in the robot's base."""


def nothing_there(_robot_from_tcp: Pose) -> Wrench:
    """An empty room."""
    return NO_FORCE


class Stopped(Enum):
    """Why the arm's own safety stopped it."""

    FORCE = "force on the tool above the limit"
    SPEED = "tool faster than the limit"
    JOINT_LIMIT = "a joint at its limit"
    OUT_OF_REACH = "told to move out of its reach"
    ORDERED = "somebody asked for it"


class Arm:
    """One arm on its base. Nothing moves but in `step`."""

    def __init__(
        self,
        profile: ArmProfile = UR5E,
        *,
        joints: Joints = HOME,
        flange_from_tcp: Pose | None = None,
        contact: Contact = nothing_there,
        seed: int = 0,
    ) -> None:
        self.profile = profile
        self.body = Body(profile, joints, flange_from_tcp or Pose())
        self.contact = contact
        self.led_to: Pose | None = None
        """Where a hand would lead the tool, once it may be led."""
        self.scaling = 1.0
        """Share of the asked speed that it really moves at, 0 to 1."""
        self.braked = False
        """Brakes on: no power, or an emergency stop."""
        self.stopped: Stopped | None = None
        self.ticks = 0
        self.robot_from_tcp = self.body.robot_from_tcp
        self.tcp_speed: Twist = STILL
        self.touch: Wrench = contact(self.robot_from_tcp)
        """The force really on the tool."""
        self.force: Wrench = self.touch
        """What its sensor says."""
        self._drive: Drive = Servo(joints, profile.move_lag_s)
        self._zero: Wrench = NO_FORCE
        self._random = random.Random(seed)  # noqa: S311  noise, no secret
        self._pressed = 0

    # ── what it is told ─────────────────────────────────────────────────────────────────────────────────────────────

    def servo(self, goal: Joints, lookahead_s: float, gain: float) -> None:
        """Follow these joints; takes effect in the next tick."""
        lag_s = servo_lag_s(self.profile, lookahead_s, gain)
        if isinstance(self._drive, Servo):
            self._drive.goal, self._drive.lag_s = goal, lag_s
        else:
            self._take(Servo(goal, lag_s))

    def turn(self, speeds: Joints, rad_s2: float) -> None:
        """Turn the joints at these speeds, rad/s, until told otherwise."""
        self._take(Turn(speeds, rad_s2))

    def line(self, twist: Twist, m_s2: float) -> None:
        """Move the tool at this speed, until told otherwise."""
        if isinstance(self._drive, Line):
            self._drive.twist, self._drive.m_s2 = twist, m_s2
        else:
            # where a goal of this speed would have been in the last tick: the tool goes on without a jerk
            ahead = moved(self.robot_from_tcp, self.tcp_speed, self.profile.move_lag_s - self.profile.step_s)
            self._take(Line(twist, m_s2, ahead, self.tcp_speed))

    def halt(self, rad_s2: float | None = None) -> None:
        """Bring every joint to a stand, at the profile's own deceleration when none is given."""
        self._take(Turn(STILL, rad_s2 or self.profile.stop_rad_s2))

    def guide(self) -> None:
        """Let a hand lead the tool."""
        if not isinstance(self._drive, Led):
            self._take(Led(self.robot_from_tcp))

    @property
    def reached(self) -> bool:
        """The speed that `line` asked for is the one it now means to have."""
        return not isinstance(self._drive, Line) or self._drive.now == self._drive.twist

    @property
    def guided(self) -> bool:
        """A hand may lead it."""
        return isinstance(self._drive, Led)

    @property
    def goal(self) -> Joints:
        """The joints it is on its way to; where it is, when it is told a speed instead."""
        return self._drive.goal if isinstance(self._drive, Servo) else self.body.joints

    @property
    def goal_pose(self) -> Pose:
        """The pose it is on its way to."""
        if isinstance(self._drive, (Line, Led)):
            return self._drive.at
        return robot_from_flange(self.profile, self.goal) @ self.body.flange_from_tcp

    @property
    def stands(self) -> bool:
        """Nothing of it moves."""
        return self.body.stands

    def zero_force(self) -> None:
        """From now on what the sensor feels is called nothing."""
        self._zero = self.touch

    def set_tool(self, flange_from_tcp: Pose) -> None:
        """Another tool centre point."""
        self.body.carry(flange_from_tcp)
        self.robot_from_tcp = self.body.robot_from_tcp

    def stop_for(self, why: Stopped) -> None:
        """A protective stop: it brakes, and obeys nothing until `release`."""
        if self.stopped is None:
            self.halt()
            self.stopped = why

    def release(self) -> None:
        """The end of a protective stop; it stands where it is."""
        self.stopped = None
        self._pressed = 0

    def place(self, robot_from_tcp: Pose) -> None:
        """Puts the tool there at once, standing: how a test begins. Unreachable when it cannot be there."""
        self.body.joints, self.body.speeds = self.body.joints_for(robot_from_tcp), STILL
        self.robot_from_tcp, self.tcp_speed = self.body.robot_from_tcp, STILL
        self.touch = self.force = self.contact(self.robot_from_tcp)
        self._drive = Servo(self.body.joints, self.profile.move_lag_s)

    def _take(self, drive: Drive) -> None:
        if self.stopped is None:
            self._drive = drive

    # ── one tick ────────────────────────────────────────────────────────────────────────────────────────────────────

    def step(self) -> None:
        """Moves, feels, and stops for what it feels."""
        self.ticks += 1
        dt_s = self.profile.step_s
        if self.braked:
            self.body.speeds = STILL
        else:
            self._move(dt_s * self.scaling)
        before, self.robot_from_tcp = self.robot_from_tcp, self.body.robot_from_tcp
        self.tcp_speed = twist_between(before, self.robot_from_tcp, dt_s)
        self.touch = self.contact(self.robot_from_tcp)
        self.force = self._sensed()
        self._guard()

    def _move(self, dt_s: float) -> None:
        if isinstance(self._drive, Led):
            self._drive.to = self.led_to
        try:
            self._drive.step(self.body, dt_s)
        except Unreachable:
            self.stop_for(Stopped.OUT_OF_REACH)
        if max(map(abs, self.body.joints)) > self.profile.joint_limit:
            self.stop_for(Stopped.JOINT_LIMIT)

    def _sensed(self) -> Wrench:
        a, b, c, d, e, f = (felt - zero for felt, zero in zip(self.touch, self._zero, strict=True))
        if sigma := self.profile.force_noise_n:
            noise = self._random.gauss
            a, b, c = a + noise(0, sigma), b + noise(0, sigma), c + noise(0, sigma)
        return (a, b, c, d, e, f)

    def _guard(self) -> None:
        if math.hypot(*self.tcp_speed[:3]) > self.profile.tcp_speed_stop_m_s:
            self.stop_for(Stopped.SPEED)
        pressed = math.hypot(*self.force[:3]) > self.profile.tcp_force_stop_n
        self._pressed = self._pressed + 1 if pressed else 0
        if self._pressed >= self.profile.force_stop_ticks:
            self.stop_for(Stopped.FORCE)
