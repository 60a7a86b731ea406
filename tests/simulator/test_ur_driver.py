"""Our own driver and the simulated controller, over real sockets, both turned by the test on one virtual clock."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from drivers.errors import DeadlinePassed, PortLost
from drivers.poses import Pose
from drivers.robots import Program, RobotMode, RobotState, SafetyMode
from drivers.ur.arm import UrArm
from drivers.ur.negotiation import InputsTaken
from drivers.ur.site import UrSite
from simulator.arm.arm import Arm
from simulator.arm.profile import UR5E, ArmProfile
from simulator.clock import VirtualClock
from simulator.wires.ur.controller import POLYSCOPE, Controller
from simulator.wires.ur.ports import UrPorts
from tests.simulator.test_ur_ports import own_host

STEP_US = 2_000
COIL = Pose((1, 0, 0, 0), (0.0, 0.0, 0.12))


class Lab:
    """One controller, one driver."""

    def __init__(self, profile: ArmProfile = UR5E, version: tuple[int, int, int, int] = POLYSCOPE) -> None:
        self.clock = VirtualClock(123_456_789_000)
        self.sim = Arm(profile, flange_from_tcp=COIL)
        self.controller = Controller(self.sim, self.clock, version=version)
        self.ports = UrPorts(self.controller, own_host())
        self.site = UrSite(host=self.ports.host, model=profile.model, flange_from_tcp=COIL)
        self.arm = UrArm.dial(self.site, self.clock.now_us())
        self.state: RobotState | None = None

    def turn(self, act: Callable[[], object] | None = None, times: int = 1) -> None:
        for _ in range(times):
            self.clock.advance_to(self.clock.now_us() + self.sim.profile.step_us)
            self.ports.wake()
            self.ports.advance(self.clock.now_us())
            self.state = self.arm.read(self.clock.now_us()) or self.state
            (act or self.arm.rest)()

    def until(self, done: Callable[[], bool], act: Callable[[], object] | None = None) -> None:
        for _ in range(5_000):
            if done():
                return
            self.turn(act)
        pytest.fail(f"it never came to that: {self.controller.notes}")

    @property
    def now(self) -> RobotState:
        assert self.state
        return self.state

    def close(self) -> None:
        self.arm.close()
        self.ports.close()


@pytest.fixture
def lab() -> Iterator[Lab]:
    made = Lab()
    made.until(lambda: not made.arm.starting)
    made.turn(times=5)
    yield made
    made.close()


def test_it_starts_our_script_and_reads_the_arm_as_it_is(lab: Lab) -> None:
    apart = lab.now.robot_from_tcp.inverse() @ lab.sim.robot_from_tcp

    assert (lab.now.mode, lab.now.safety, lab.now.program) == (RobotMode.RUNNING, SafetyMode.NORMAL, Program.IDLE)
    assert (apart.distance, apart.angle) == pytest.approx((0, 0), abs=1e-6)
    assert lab.now.joints == lab.sim.body.joints


def test_what_it_streams_is_where_the_coil_goes(lab: Lab) -> None:
    goal = lab.sim.robot_from_tcp @ Pose.turned((0, 0.05, 0), (0.02, -0.01, -0.01))
    lab.turn(lambda: lab.arm.stream(goal), times=600)

    apart = goal.inverse() @ lab.sim.robot_from_tcp
    assert lab.now.program is Program.TRACKING
    assert (apart.distance, apart.angle) == pytest.approx((0, 0), abs=1e-4)


def test_a_driver_that_falls_silent_while_moving_makes_the_controller_retract_the_coil(lab: Lab) -> None:
    start = lab.sim.robot_from_tcp
    lab.turn(lambda: lab.arm.stream(start), times=20)
    lab.turn(lambda: None, times=1_000)

    assert lab.now.program is Program.RETRACTED
    assert math.dist(start.translation, lab.sim.robot_from_tcp.translation) == pytest.approx(0.060, abs=0.003)


def test_a_protective_stop_reaches_it_and_the_program_is_gone(lab: Lab) -> None:
    lab.turn(lambda: lab.arm.stream(lab.sim.robot_from_tcp), times=20)
    lab.controller.protective_stop()
    lab.turn(times=5)

    assert lab.now.safety is SafetyMode.PROTECTIVE_STOP
    assert lab.now.program is Program.ABSENT


def test_a_frozen_stream_is_noticed_and_the_coil_retracts(lab: Lab) -> None:
    start = lab.sim.robot_from_tcp
    lab.turn(lambda: lab.arm.stream(start), times=20)
    lab.controller.freeze_stream()
    with pytest.raises(DeadlinePassed, match="nothing new"):
        lab.turn(lambda: lab.arm.stream(start), times=300)
    lab.controller.advance(lab.clock.now_us() + 3_000_000)

    assert math.dist(start.translation, lab.sim.robot_from_tcp.translation) == pytest.approx(0.060, abs=0.003)


def test_a_dropped_connection_is_noticed_at_once(lab: Lab) -> None:
    lab.controller.drop_rtde()

    with pytest.raises(PortLost):
        lab.turn(times=10)


def test_a_second_driver_is_told_that_the_inputs_are_taken(lab: Lab) -> None:
    second = UrArm.dial(lab.site, lab.clock.now_us(), start=False)
    try:
        with pytest.raises(InputsTaken):
            lab.turn(lambda: (lab.arm.rest(), second.read(lab.clock.now_us())), times=50)
    finally:
        second.close()


def test_a_cb3_at_125_hertz_is_followed_and_streamed_to_as_well() -> None:
    lab = Lab(replace(UR5E, model="UR5", step_us=8_000), version=(3, 15, 0, 106331))
    lab.until(lambda: not lab.arm.starting)
    goal = lab.sim.robot_from_tcp @ Pose.turned((0, 0.05, 0), (0.01, 0, -0.01))
    lab.turn(lambda: lab.arm.stream(goal), times=200)
    apart = goal.inverse() @ lab.sim.robot_from_tcp
    lab.close()

    assert lab.now.program is Program.TRACKING
    assert (apart.distance, apart.angle) == pytest.approx((0, 0), abs=1e-3)


def test_closing_it_at_rest_ends_the_program() -> None:
    lab = Lab()
    lab.until(lambda: not lab.arm.starting)
    lab.turn(times=5)
    lab.arm.close()
    for _ in range(20):
        lab.clock.advance_to(lab.clock.now_us() + STEP_US)
        lab.ports.wake()
        lab.ports.advance(lab.clock.now_us())
    lab.ports.close()

    assert lab.controller.program is None
    assert lab.sim.stands
