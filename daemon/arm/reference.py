"""The reference that is streamed: it goes to its goal as fast as speed, acceleration and jerk allow, and no faster.

ruckig (Berscheid & Kröger 2021, the community edition) plans anew in every step, so the goal may move. Rotation is
planned in the frame of the present orientation, where the rotation vector is zero: its limits then are those of the
angular velocity, without the distortion that a rotation vector has far from zero. A limit of a length is shared out
to the axes by √3, so that no direction exceeds it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from ruckig import ControlInterface, InputParameter, Result, Ruckig, Synchronization, Trajectory

from daemon.arm.limits import ArmLimits
from drivers.poses import Pose, Vector

NOTHING = [0.0] * 6
PER_AXIS = 1 / math.sqrt(3)
LONGEST_STEP_S = 0.02
"""A later step is taken as this long: the arm's own program has stopped by then."""
NEAR_STILL_M_S = 1e-4
NEAR_STILL_RAD_S = 1e-3
NEAR_BORDER_M = 0.06
"""Nearer to the border of the box, the way to a stand is planned too: 0.25 m/s need 31 mm to stop."""

OUTSIDE_M = 0.001
"""Within this no arm comes up to the closing speed: 4 m/s² over half a millimetre make 63 mm/s."""

State = tuple[list[float], list[float], list[float]]
"""Six positions, speeds and accelerations: three of the tool's point, then three about its axes."""


class Reference:
    """Where the arm is told to be. One call of `towards` or `brake` in each turn of the loop."""

    def __init__(self, limits: ArmLimits) -> None:
        self._limits = limits
        self._planner = Ruckig(6)
        self._plan = Trajectory(6)
        self._go = self._input(ControlInterface.Position)
        self._stop = self._input(ControlInterface.Velocity)
        self._pose = Pose()
        self._state: State = (list(NOTHING), list(NOTHING), list(NOTHING))
        self.reset(Pose())

    @property
    def pose(self) -> Pose:
        """robot_from_tcp as last told."""
        return self._pose

    @property
    def velocity(self) -> Vector:
        """Of the tool's point in the robot's frame, m/s."""
        x, y, z = self._state[1][:3]
        return (x, y, z)

    @property
    def stands(self) -> bool:
        """Whether it has come to rest."""
        speeds = self._state[1]
        return math.hypot(*speeds[:3]) < NEAR_STILL_M_S and math.hypot(*speeds[3:]) < NEAR_STILL_RAD_S

    def reset(self, robot_from_tcp: Pose) -> None:
        """At rest there: where the arm stands when it is taken over."""
        self._pose = robot_from_tcp
        self._state = ([*robot_from_tcp.translation, 0.0, 0.0, 0.0], list(NOTHING), list(NOTHING))

    def towards(
        self, goal: Pose, velocity: Vector, turning: Vector, dt_s: float, *, speed_m_s: float, together: bool
    ) -> Pose:
        """One step of `dt_s` towards where the goal is at its end; where to be then.

        The goal itself moves, so the way is planned in a frame that drifts along with it: to meet it, not to arrive
        where it has been, which would hunt after every new frame. `velocity` is the goal's in the robot's frame,
        `turning` its angular velocity in its own. `together` keeps all axes on one straight way; else each goes as
        fast as it can. Where the goal lies further in, along its +z, it is closed in on no faster than the limit,
        whatever it does itself. Where a step would lead out of the box with no way left to stop inside, it brakes
        instead.
        """
        local = self._pose.inverse() @ goal
        most, most_turn, step_s = speed_m_s * PER_AXIS, self._limits.turn_rad_s * PER_AXIS, min(dt_s, LONGEST_STEP_S)
        drift = [*_within(velocity, 0.95 * most), *_within(local.rotate(turning), 0.95 * most_turn)]
        meets = [*goal.translation, *local.rotation_vector]
        position, speed, acceleration = self._state
        go = self._go
        closing = self._limits.follow_closing_m_s * PER_AXIS if self._is_outside(goal) else math.inf
        go.max_velocity = [min(closing, most - part) for part in drift[:3]] + [most_turn - part for part in drift[3:]]
        go.min_velocity = [-min(closing, most + part) for part in drift[:3]] + [-most_turn - part for part in drift[3:]]
        go.synchronization = Synchronization.Time if together else Synchronization.No
        apart = [at - (to - by * step_s) for at, to, by in zip(position, meets, drift, strict=True)]
        after = self._after(go, step_s, (apart, [at - by for at, by in zip(speed, drift, strict=True)], acceleration))
        if after is None:
            return self.brake(dt_s)
        place = [at + to for at, to in zip(after[0], meets, strict=True)]
        back: State = (place, [at + by for at, by in zip(after[1], drift, strict=True)], after[2])
        return self._take(back) if self._can_stop_inside(back) else self.brake(dt_s)

    def brake(self, dt_s: float) -> Pose:
        """One step towards a stand, every axis as soon as it can."""
        after = self._after(self._stop, min(dt_s, LONGEST_STEP_S), self._state)
        if after is None:  # cannot be: every finite state has a way to a stand
            raise ArithmeticError(f"no way to stop from {self._state}")
        return self._take(after)

    def _is_outside(self, goal: Pose) -> bool:
        """Whether the goal lies further in than this: along its +z, which leads into the head."""
        (x, y, z), (a, b, c), (u, v, w) = goal.translation, self._pose.translation, goal.rotate((0.0, 0.0, 1.0))
        return (x - a) * u + (y - b) * v + (z - c) * w > OUTSIDE_M

    def _take(self, after: State) -> Pose:
        x, y, z, *turned = after[0]
        self._pose = Pose(self._pose.quaternion, (x, y, z)) @ Pose.turned(turned)
        self._state = ([x, y, z, 0.0, 0.0, 0.0], after[1], after[2])
        return self._pose

    def _after(self, way: InputParameter, dt_s: float, state: State) -> State | None:
        way.current_position, way.current_velocity, way.current_acceleration = state
        if self._planner.calculate(way, self._plan) not in (Result.Working, Result.Finished):
            return None
        position, speed, acceleration = self._plan.at_time(dt_s)
        return list(position), list(speed), list(acceleration)

    def _can_stop_inside(self, state: State) -> bool:
        low, high = self._limits.box.low, self._limits.box.high
        inner = zip(state[0][:3], low, high, strict=True)
        if all(a + NEAR_BORDER_M < at < b - NEAR_BORDER_M for at, a, b in inner):
            return True
        if self._after(self._stop, 0.0, state) is None:
            return False
        stands, _, _ = self._plan.at_time(self._plan.duration)  # the furthest: a brake never turns back
        return all(
            a <= min(at, end) and max(at, end) <= b
            for at, end, a, b in zip(state[0][:3], stands[:3], low, high, strict=True)
        )

    def _input(self, interface: ControlInterface) -> InputParameter:
        limits, way = self._limits, InputParameter(6)
        way.control_interface = interface
        way.synchronization = Synchronization.No
        way.max_velocity = [limits.speed_m_s * PER_AXIS] * 3 + [limits.turn_rad_s * PER_AXIS] * 3
        way.max_acceleration = [limits.acceleration_m_s2 * PER_AXIS] * 3 + [
            limits.turn_acceleration_rad_s2 * PER_AXIS
        ] * 3
        way.max_jerk = [limits.jerk_m_s3 * PER_AXIS] * 3 + [limits.turn_jerk_rad_s3 * PER_AXIS] * 3
        way.target_position = NOTHING
        way.target_velocity = NOTHING
        way.target_acceleration = NOTHING
        return way


def _within(vector: Sequence[float], most: float) -> Vector:
    """The vector, shortened where one of its parts exceeds `most`."""
    x, y, z = vector
    largest = max(abs(x), abs(y), abs(z))
    scale = min(1.0, most / largest) if largest else 1.0
    return (x * scale, y * scale, z * scale)
