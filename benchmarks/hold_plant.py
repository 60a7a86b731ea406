"""A room for the benchmark of the coil hold: one head, one tracker, one arm that lags, all from one seed.

The arm is Cartesian: a transport delay, then a critically damped follower with limits of speed and acceleration, the
same for every law. Kinematics and contact are the simulator's business; here thousands of seconds have to be cheap.
"""

from __future__ import annotations

import math
import random
from collections import deque
from collections.abc import Mapping

from daemon.arm.goals import Ellipsoid
from daemon.arm.outputs import Command
from drivers.poses import Pose
from drivers.robots import Program, RobotCapabilities, RobotMode, RobotState, SafetyMode
from drivers.trackers import Tool, TrackerCapabilities
from simulator.head.motion import Head
from simulator.head.statistics import Motion
from simulator.tracking import SimulatedTracker, TrackerProfile

TRACKER = TrackerCapabilities("simulated Vega", 60.0, 14_000, 2_000, 0.00005)
ARM = RobotCapabilities(
    model="Cartesian follower", primitive="pose every turn", rate_hz=500.0, least_rate_hz=125.0, dead_man_us=20_000,
    dead_man_idle_us=200_000, on_silence="stands", reach_m=1.3, latency_us=80_000, joint_limits=((-6.2, 6.2),) * 6,
)  # fmt: skip
DELAY_US = 8_000
LAG_S = 0.072
"""Of the follower; 80 ms with the delay, as the simulated UR. Each seed draws its own within ±20 %, unknown to all."""
SPEED_M_S, ACCELERATION_M_S2 = 0.25, 5.0
TURN_RAD_S, TURN_RAD_S2 = 1.5, 30.0
RETRACT_M, RETRACT_M_S = 0.06, 0.05
NECK_N_M, SKULL_N_M, GAP_M = 5_000.0, 150_000.0, 0.005
ROOM_FROM_HEAD = Pose.turned((0.0, 0.0, 0.0), (0.55, 0.0, 0.45))
CAMERA_AT = (1.9, 0.6, 1.0)
HEAD_FROM_MARKER = Pose.turned((0.1, -0.2, 0.3), (0.10, 0.0, 0.05))
"""A marker on the forehead; the target lies over the motor cortex, about 0.15 m away."""
SCALP = Ellipsoid((-0.09, 0.0, -0.05), (0.10, 0.08, 0.09))
TCP_FROM_COIL = Pose.turned((0.0, 0.0, 1.0), (0.0, 0.12, -0.03))


def _target() -> Pose:
    """head_from_target in the marker's frame: at the top left of the scalp, its normal inwards, 5 mm off."""
    x, y, z = -0.35, 0.45, 0.82
    length = math.hypot(x, y, z)
    point = SCALP.point((x / length, y / length, z / length))
    a, b, c = SCALP.inward(point)
    turn = Pose.turned(_between((0.0, 0.0, 1.0), (a, b, c)))
    return Pose(turn.quaternion, (point[0] - a * GAP_M, point[1] - b * GAP_M, point[2] - c * GAP_M))


def _between(a: tuple[float, float, float], b: tuple[float, float, float]) -> tuple[float, float, float]:
    axis = (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])
    sine, cosine = math.hypot(*axis), sum(p * q for p, q in zip(a, b, strict=True))
    angle = math.atan2(sine, cosine)
    return (axis[0] / sine * angle, axis[1] / sine * angle, axis[2] / sine * angle)


HEAD_FROM_TARGET = _target()


def _looking() -> Pose:
    """robot_from_camera: a Polaris looks along its own -z."""
    back = [camera - head for camera, head in zip(CAMERA_AT, ROOM_FROM_HEAD.translation, strict=True)]
    length = math.hypot(*back)
    return Pose.turned(_between((0.0, 0.0, 1.0), (back[0] / length, back[1] / length, back[2] / length)), CAMERA_AT)


ROBOT_FROM_CAMERA = _looking()


class Arm:
    """Follows the goals it was given a delay ago."""

    def __init__(self, pose: Pose, seed: int) -> None:
        draw = random.Random(f"arm/{seed}")
        self.pose = pose
        self.lag_s = LAG_S * draw.uniform(0.8, 1.2)
        self.program = Program.IDLE
        self._velocity = [0.0] * 6
        self._coming: deque[tuple[int, Pose]] = deque()
        self._goal = pose
        self._retracting: Pose | None = None

    def command(self, now_us: int, command: Command, goal: Pose | None) -> None:
        """What a law says in one turn."""
        if command is Command.RETRACT and self.program is not Program.RETRACTED:
            if self._retracting is None:
                self._retracting, self.program = self.pose @ Pose(translation=(0, 0, -RETRACT_M)), Program.RETRACTING
                self._coming.clear()
                self._goal = self.pose
        elif command is not Command.RETRACT:
            self._retracting = None
            self.program = Program.TRACKING if command is Command.FOLLOW else Program.IDLE
            if goal is not None:
                self._coming.append((now_us, goal))

    def step(self, now_us: int, dt_s: float) -> None:
        """One tick."""
        while self._coming and self._coming[0][0] + DELAY_US <= now_us:
            self._goal = self._coming.popleft()[1]
        if self._retracting is not None:
            left = (self._goal.inverse() @ self._retracting).distance
            self._goal = self._goal.towards(self._retracting, min(1.0, RETRACT_M_S * dt_s / max(left, 1e-9)))
            if left < 1e-6:
                self.program = Program.RETRACTED
        apart = self.pose.inverse() @ Pose(self._goal.quaternion)
        turn = self.pose.rotate(apart.rotation_vector)
        push = [a - b for a, b in zip(self._goal.translation, self.pose.translation, strict=True)]
        omega = 2 / self.lag_s
        wanted = [omega * (omega * p - 2 * v) for p, v in zip([*push, *turn], self._velocity, strict=True)]
        pushed = _capped(wanted, ACCELERATION_M_S2, TURN_RAD_S2)
        new = [v + a * dt_s for v, a in zip(self._velocity, pushed, strict=True)]
        self._velocity = _capped(new, SPEED_M_S, TURN_RAD_S)
        x, y, z = (p + v * dt_s for p, v in zip(self.pose.translation, self._velocity[:3], strict=True))
        turned = Pose.turned([part * dt_s for part in self._velocity[3:]]) @ Pose(self.pose.quaternion)
        self.pose = Pose(turned.quaternion, (x, y, z))

    def state(self, now_us: int) -> RobotState:
        """What it says of itself."""
        still = (0.0,) * 6
        return RobotState(
            now_us, self.pose, (0.5, -1.2, 1.4, -1.0, -1.5, 0.3), still, still, RobotMode.RUNNING, SafetyMode.NORMAL,
            self.program, 0, 1.0, now_us / 1e6,
        )  # fmt: skip


def _capped(six: list[float], most: float, most_turn: float) -> list[float]:
    shift, turn = math.hypot(*six[:3]), math.hypot(*six[3:])
    a, b = min(1.0, most / shift) if shift else 1.0, min(1.0, most_turn / turn) if turn else 1.0
    return [part * a for part in six[:3]] + [part * b for part in six[3:]]


class Room:
    """Head, tracker and arm on one clock, stepped in fixed ticks."""

    def __init__(self, motion: Motion, seed: int, start_us: int, *, latency: bool = True) -> None:
        self.head = Head(ROOM_FROM_HEAD, (0.0, 0.0, 0.0), motion, seed, start_us)
        self.arm = Arm(self.target(start_us), seed)
        profile = TrackerProfile() if latency else TrackerProfile(latency_us=0, latency_sd_us=0)
        self.tracker = SimulatedTracker(profile, self._scene, seed, start_us)

    def marker(self, time_us: int) -> Pose:
        """robot_from_head: the marker on the head, as it really is."""
        return self.head.pose(time_us) @ HEAD_FROM_MARKER

    def target(self, time_us: int) -> Pose:
        """robot_from_target, as it really is."""
        return self.marker(time_us) @ HEAD_FROM_TARGET

    def _scene(self, time_us: int) -> Mapping[Tool, Pose]:
        camera = ROBOT_FROM_CAMERA.inverse()
        return {Tool.HEAD: camera @ self.marker(time_us), Tool.COIL: camera @ self.arm.pose @ TCP_FROM_COIL}
