"""A small controller on real loopback sockets and the UR driver, both turned by the test on a clock of its own."""

from __future__ import annotations

import select
import time
from collections.abc import Callable

import pytest

from drivers.poses import Pose
from drivers.robots import RobotState
from drivers.ur.arm import UrArm
from drivers.ur.site import Ports, UrSite
from tests.drivers.rtde_controller import RtdeController

START_US = 77_123_456_789
STEP_US = 2_000
GOAL = Pose.turned((0.1, -0.2, 3.0), (0.4, -0.1, 0.5))


def opened(site: UrSite) -> UrArm:
    """An arm on real time that tells its state and runs our program, 11 s after it was dialled at the latest."""
    arm = UrArm.dial(site, time.monotonic_ns() // 1000)
    give_up_s = time.monotonic() + 11 * site.slack
    while arm.last is None or arm.starting:
        assert time.monotonic() < give_up_s, arm.last
        select.select([arm.fileno()], [], [], 0.004)
        arm.read(time.monotonic_ns() // 1000)
        arm.rest()
    return arm


class Room:
    """One controller, one arm, one clock."""

    def __init__(self) -> None:
        self.controller = RtdeController()
        self.now_us = START_US
        self.arm: UrArm | None = None
        self.states: list[RobotState] = []

    @property
    def site(self) -> UrSite:
        ports = Ports(rtde=self.controller.rtde_port, script=self.controller.script_port)
        return UrSite(host=self.controller.host, ports=ports)

    def dial(self, *, start: bool = False, first_sequence: int | None = 5) -> UrArm:
        if self.arm is not None:
            self.arm.close()
        self.arm = UrArm.dial(self.site, self.now_us, start=start, first_sequence=first_sequence)
        return self.arm

    def turn(self, times: int = 1, act: Callable[[], object] | None = None) -> RobotState | None:
        """Periods of both sides; the last state read."""
        assert self.arm is not None
        state = None
        for _ in range(times):
            self.now_us += STEP_US
            self.controller.turn()
            state = self.arm.read(self.now_us)
            self.states += [state] if state is not None else []
            (act or self.arm.rest)()
        return state

    def turn_until(self, done: Callable[[], bool], act: Callable[[], object] | None = None, most: int = 6000) -> None:
        for _ in range(most):
            if done():
                return
            self.turn(act=act)
        pytest.fail("it never came to that")

    def connected(self) -> UrArm:
        arm = self.dial()
        self.turn_until(lambda: arm.last is not None)
        return arm

    def started(self) -> UrArm:
        arm = self.dial(start=True)
        self.turn_until(lambda: not arm.starting)
        return arm

    def close(self) -> None:
        if self.arm is not None:
            self.arm.close()
        self.controller.close()
