"""How the arm does: whether it obeys, how fast it really is, what it feels, and whether it keeps up."""

from __future__ import annotations

import math
from collections import deque

from daemon.arm.limits import ArmLimits
from daemon.arm.reasons import ArmReason
from drivers.poses import Pose, Vector
from drivers.robots import Program, RobotMode, RobotState, SafetyMode

UNREACHABLE_US = 100_000
"""Silence, or a clock of the controller that stands; its own program has stopped the arm by then (engineering choice:
five times the 20 ms it waits)."""
SPEED_WINDOW_S = 0.02
"""Speed is measured over this long: poses are rounded and stamped with some jitter (engineering choice)."""
GAP_S = 0.2
"""States further apart than this, or of a clock that was set back, make no speed (engineering choice)."""
FULL_SPEED = 0.95
"""Below this share of its speed the arm stretches its set-points in time (robot.md §3.6) by more than is let pass
(engineering choice)."""
AWAKE = frozenset({Program.IDLE, Program.TRACKING})
_OFF = frozenset({RobotMode.POWER_OFF, RobotMode.BRAKES_ON})
_LETS_MOVE = frozenset({SafetyMode.NORMAL, SafetyMode.REDUCED})


class Health:
    """Fed with every state of the arm."""

    def __init__(self, limits: ArmLimits, unreachable_us: int = UNREACHABLE_US) -> None:
        self._unreachable_us = unreachable_us
        self.state: RobotState | None = None
        self.velocity: Vector = (0.0, 0.0, 0.0)
        """Of the tool's point as measured, m/s."""
        self._past: deque[tuple[float, Pose]] = deque(maxlen=64)
        self._ticked_us = 0
        self._press = _Press(limits.force_n, limits.force_us)
        self._touch = _Press(limits.touch_n, limits.touch_us)

    def take(self, state: RobotState) -> bool:
        """The newest state; False when it was here before."""
        before = self.state
        if before is not None and state.received_us <= before.received_us:
            return False
        if before is None or state.controller_s == 0 or state.controller_s != before.controller_s:
            self._ticked_us = state.received_us
        self.state = state
        self._measure(state)
        self._press.feel(state)
        self._touch.feel(state)
        return True

    def trouble(self, now_us: int) -> ArmReason | None:
        """Why the arm does not obey at all; None when it does."""
        state = self.state
        if state is None or now_us - min(state.received_us, self._ticked_us) > self._unreachable_us:
            return ArmReason.ROBOT_UNREACHABLE
        if state.mode is RobotMode.UNREACHABLE:
            return ArmReason.ROBOT_UNREACHABLE
        if state.mode in _OFF and state.safety in _LETS_MOVE:
            return ArmReason.ROBOT_OFF
        able = state.mode is RobotMode.RUNNING or state.program is Program.HAND_GUIDED
        if not able or state.safety not in _LETS_MOVE or state.program is Program.ABSENT:
            return ArmReason.ROBOT_STOPPED
        return None

    def asleep(self, now_us: int) -> bool:
        """Whether the arm would obey, if only our program ran in its controller."""
        state = self.state
        return self.ended and state is not None and now_us - state.received_us <= self._unreachable_us

    @property
    def ended(self) -> bool:
        """The same, by the last that was heard of it, however long ago."""
        state = self.state
        if state is None or state.program is not Program.ABSENT:
            return False
        return state.mode is RobotMode.RUNNING and state.safety in _LETS_MOVE

    @property
    def slow(self) -> bool:
        """Whether it moves slower than it is told."""
        return self.state is not None and self.state.speed_scaling < FULL_SPEED

    def pressed(self, now_us: int) -> bool:
        """Whether a force stands that must not."""
        return self._press.lasts(now_us)

    def touched(self, now_us: int) -> bool:
        """Whether something comes against an arm that stands: while it moves, its own tool's inertia is as much."""
        return self._touch.lasts(now_us)

    def _measure(self, state: RobotState) -> None:
        at_s = state.controller_s or state.received_us / 1e6
        past = self._past
        if past and not 0 < at_s - past[-1][0] < GAP_S:
            past.clear()
        past.append((at_s, state.robot_from_tcp))
        while len(past) > 1 and at_s - past[1][0] >= SPEED_WINDOW_S:
            past.popleft()
        then_s, then = past[0]
        if at_s - then_s < SPEED_WINDOW_S / 2:
            self.velocity = (0.0, 0.0, 0.0)
            return
        (x, y, z), (a, b, c), dt_s = state.robot_from_tcp.translation, then.translation, at_s - then_s
        self.velocity = ((x - a) / dt_s, (y - b) / dt_s, (z - c) / dt_s)


class _Press:
    """A force above `limit_n` for `lasting_us`."""

    def __init__(self, limit_n: float, lasting_us: int) -> None:
        self._limit_n, self._lasting_us = limit_n, lasting_us
        self._since_us: int | None = None

    def feel(self, state: RobotState) -> None:
        if math.hypot(*state.force[:3]) <= self._limit_n:
            self._since_us = None
        elif self._since_us is None:
            self._since_us = state.received_us

    def lasts(self, now_us: int) -> bool:
        return self._since_us is not None and now_us - self._since_us >= self._lasting_us
