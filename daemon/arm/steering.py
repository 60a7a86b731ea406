"""Where the arm is steered in one turn: along with the head, to its parking place, or to a stand."""

from __future__ import annotations

import math

from daemon.arm.approach import Approach, Target, there
from daemon.arm.goals import Error, next_point
from daemon.arm.lag import Lag
from daemon.arm.prediction import Estimate
from daemon.arm.reference import Reference
from daemon.arm.setup import Setup
from daemon.arm.sight import Sight
from drivers.poses import Pose, Vector

STILL: Vector = (0.0, 0.0, 0.0)
PARKED_M, PARKED_RAD = 0.001, math.radians(0.5)
"""Within this of its parking place the reference is there (engineering choices)."""


class Steering:
    """Owns the reference. `target` is what the coil is sent to, None before one is chosen."""

    def __init__(self, setup: Setup) -> None:
        self.lag = Lag(setup.robot.latency_us)
        self.reference = Reference(setup.limits)
        self.target: Target | None = None
        self._setup = setup
        self._approach: Approach | None = None
        self._goal: Pose | None = None
        """robot_from_goal as last followed on the target; None on the way to it."""

    def begin(self) -> None:
        """A new way to the target."""
        self._goal = None
        self._approach = None if self.target is None else Approach(self.target, self._setup.limits)

    def take_over(self, robot_from_tcp: Pose) -> None:
        """The arm stands there, and was moved by something else before."""
        self.reference.reset(robot_from_tcp)
        self.lag.forget()

    def on_target(self, head: Estimate | None) -> Pose | None:
        """robot_from_target for this head; None without target, head or calibration."""
        camera = self._setup.robot_from_camera
        if head is None or self.target is None or camera is None:
            return None
        return camera @ head.pose @ self.target.head_from_target

    def error(self, head: Estimate | None, robot_from_tcp: Pose | None) -> tuple[Error | None, float]:
        """The coil against its target, and the whole angle between them in radians."""
        robot_from_target = self.on_target(head)
        if robot_from_target is None or robot_from_tcp is None:
            return None, 0.0
        target_from_tcp = robot_from_target.inverse() @ robot_from_tcp
        return Error.of(target_from_tcp), target_from_tcp.angle

    def follow(self, now_us: int, dt_s: float, sight: Sight, *, tracks: bool) -> Pose | None:
        """One step with the head, as it is predicted for when the arm will have moved. None without head or target."""
        head, camera, target = sight.ahead(now_us, self.lag.us), self._setup.robot_from_camera, self.target
        if head is None or camera is None or target is None or self._approach is None:
            return None
        limits, robot_from_head = self._setup.limits, camera @ head.pose
        self._goal = robot_from_head @ target.head_from_target if tracks else None
        if tracks:
            head_from_goal, closing, near = target.head_from_target, 0.0, True
        else:
            head_from_goal, closing = self._approach.goal(robot_from_head.inverse() @ self.reference.pose, dt_s)
            near = self._approach.gap_m is not None
        a, b, c = camera.rotate(head.velocity_of(head_from_goal.translation))
        x, y, z = robot_from_head.rotate(head_from_goal.rotate((0.0, 0.0, closing)))
        return self.reference.towards(
            robot_from_head @ head_from_goal,
            (a + x, b + y, c + z),
            head_from_goal.inverse().rotate(head.turning),
            dt_s,
            speed_m_s=limits.speed_m_s if near else limits.approach_speed_m_s,
            together=not near,
        )

    def stand(self, dt_s: float) -> Pose:
        """One step towards a stand: on the target at the last goal, which an arm that lags passes by less than braking
        would carry it; elsewhere wherever braking ends.
        """
        if self._goal is None:
            return self.reference.brake(dt_s)
        speed = self._setup.limits.speed_m_s
        return self.reference.towards(self._goal, STILL, STILL, dt_s, speed_m_s=speed, together=False)

    def arrived(self, error: Error | None, angle_rad: float) -> bool:
        """Whether the way to the target is behind it."""
        closed = self._approach is not None and self._approach.gap_m == 0
        return closed and error is not None and there(error, angle_rad)

    def park(self, now_us: int, dt_s: float, sight: Sight) -> Pose:
        """One step towards the parking place, clear of the head wherever it was last seen."""
        park, camera, head = self._setup.park, self._setup.robot_from_camera, sight.at(now_us)
        point, turned = park.translation, park.quaternion
        if head is not None and camera is not None and self.target is not None:
            robot_from_head = camera @ head.pose
            back = robot_from_head.inverse()
            start, end = back.apply(self.reference.pose.translation), back.apply(point)
            keep_out = self.target.keep_out if self.target.swing.holds(end) else self.target.swing
            point = robot_from_head.apply(next_point(keep_out, start, end))
            if keep_out.holds(start):  # it comes out before it turns
                turned = self.reference.pose.quaternion
        goal, speed = Pose(turned, point), self._setup.limits.approach_speed_m_s
        return self.reference.towards(goal, STILL, STILL, dt_s, speed_m_s=speed, together=True)

    def is_parked(self) -> bool:
        """Whether the reference has come to rest at the parking place."""
        apart = self._setup.park.inverse() @ self.reference.pose
        return apart.distance < PARKED_M and apart.angle < PARKED_RAD and self.reference.stands

    def is_near(self, head: Estimate | None, robot_from_tcp: Pose) -> bool:
        """Whether the coil is so near the head that it must not stay there blindly; True when nobody knows."""
        camera = self._setup.robot_from_camera
        if head is None or camera is None or self.target is None:
            return True
        return self.target.keep_out.holds((camera @ head.pose).inverse().apply(robot_from_tcp.translation))
