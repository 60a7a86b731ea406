"""The UR driver against the simulated controller that runs our script's text: real sockets, virtual time."""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from drivers.errors import DeadlinePassed, DeviceRefused, PortLost
from drivers.poses import Pose
from drivers.robots import Program, RobotState, SafetyMode
from drivers.ur import arm as arm_module
from drivers.ur.arm import UrArm
from drivers.ur.negotiation import InputsTaken
from drivers.ur.registers import SEQUENCES
from drivers.ur.site import Box, UrSite
from simulator.arm.arm import Arm
from simulator.arm.profile import ArmProfile
from simulator.clock import RealClock, VirtualClock
from simulator.wires.ur.controller import Controller
from simulator.wires.ur.ports import UrPorts
from tests.drivers.ur_room import opened

HOST = f"127.83.{os.getpid() >> 8 & 0xFF}.{os.getpid() & 0xFF}"
"""The ports are fixed: every process that runs tests has a loopback address of its own."""
STEP_US = 2_000


class Room:
    """A simulated controller, and one clock for it and for the driver."""

    def __init__(self) -> None:
        self.clock = VirtualClock(31_415_926_535)
        self.controller = Controller(Arm(ArmProfile(unlock_after_us=400_000)), self.clock)
        self.ports = UrPorts(self.controller, HOST)
        self.site = UrSite(host=HOST, flange_from_tcp=Pose(translation=(0.0, 0.0, 0.08)))
        self.arms: list[UrArm] = []

    def dial(self, site: UrSite | None = None, *, start: bool = True, first_sequence: int | None = None) -> UrArm:
        arm = UrArm.dial(site or self.site, self.clock.now_us(), start=start, first_sequence=first_sequence)
        self.arms.append(arm)
        return arm

    def turn(self, arm: UrArm, act: Callable[[], object] | None = None, times: int = 1) -> RobotState:
        """Periods of the controller and of the driver; the newest state."""
        for _ in range(times):
            self.clock.advance_to(self.clock.now_us() + STEP_US)
            self.ports.wake()
            self.ports.advance(self.clock.now_us())
            arm.read(self.clock.now_us())
            (act or arm.rest)()
        assert arm.last is not None
        return arm.last

    def turn_until(self, arm: UrArm, done: Callable[[], bool], act: Callable[[], object] | None = None) -> None:
        for _ in range(4000):
            if arm.last is not None and done():
                return
            self.clock.advance_to(self.clock.now_us() + STEP_US)
            self.ports.wake()
            self.ports.advance(self.clock.now_us())
            arm.read(self.clock.now_us())
            (act or arm.rest)()
        pytest.fail("it never came to that")

    def started(self, site: UrSite | None = None, *, first_sequence: int | None = None) -> UrArm:
        arm = self.dial(site, first_sequence=first_sequence)
        self.turn_until(arm, lambda: not arm.starting)
        return arm

    def program(self, arm: UrArm) -> Program:
        assert arm.last is not None
        return arm.last.program

    def follow(self, arm: UrArm, along_y_m: float, times: int) -> RobotState:
        """Streams a goal that moves evenly along the base's y."""
        assert arm.last is not None
        start, (x, y, z) = arm.last.robot_from_tcp, arm.last.robot_from_tcp.translation
        for n in range(times):
            goal = Pose(start.quaternion, (x, y + along_y_m * (n + 1) / times, z))
            self.turn(arm, lambda goal=goal: arm.stream(goal))
        return self.turn(arm, lambda: arm.stream(goal), times=200)


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    monkeypatch.setattr(arm_module, "ENDING_S", 0.0)  # nobody turns this controller while `close` waits
    made = Room()
    yield made
    for arm in made.arms:
        arm.close()
    made.ports.close()


def test_the_program_starts_and_has_the_sites_tool(room: Room) -> None:
    arm = room.started()

    assert room.program(arm) is Program.IDLE
    assert room.controller.arm.body.flange_from_tcp.translation == pytest.approx((0.0, 0.0, 0.08))


def test_the_arm_follows_a_goal_and_echoes_its_number(room: Room) -> None:
    arm = room.started()
    assert arm.last is not None
    before = arm.last.robot_from_tcp

    state = room.follow(arm, 0.03, times=150)

    moved = (before.inverse() @ state.robot_from_tcp).distance
    assert moved == pytest.approx(0.03, abs=0.0005)
    assert state.program is Program.TRACKING
    sent = arm.stream(state.robot_from_tcp)
    assert 0 < (sent - state.echoed) % SEQUENCES <= 3


def test_it_follows_across_the_wrap_of_the_numbers(room: Room) -> None:
    arm = room.started(first_sequence=SEQUENCES - 100)

    state = room.follow(arm, 0.01, times=100)

    assert state.program is Program.TRACKING
    assert state.echoed < SEQUENCES // 2


def test_silence_while_it_follows_makes_the_program_withdraw_60_mm_along_the_tool(room: Room) -> None:
    arm = room.started()
    before = room.follow(arm, 0.01, times=50).robot_from_tcp

    assert room.turn(arm, lambda: None, times=8).program is Program.TRACKING
    room.turn_until(arm, lambda: room.program(arm) is Program.RETRACTED, act=lambda: None)

    assert arm.last is not None
    x, y, z = (before.inverse() @ arm.last.robot_from_tcp).translation
    assert (x, y) == pytest.approx((0, 0), abs=0.001)
    assert -0.065 < z <= -0.06
    room.turn(arm, times=3)
    assert room.program(arm) is Program.IDLE


def test_set_points_at_125_hz_keep_it_following(room: Room) -> None:
    arm = room.started()
    state = room.follow(arm, 0.005, times=50)
    goal = state.robot_from_tcp

    for n in range(400):
        state = room.turn(arm, (lambda: arm.stream(goal)) if n % 4 == 0 else (lambda: None))

    assert state.program is Program.TRACKING


def test_a_retract_that_was_asked_ends_at_rest(room: Room) -> None:
    arm = room.started()
    before = room.follow(arm, 0.01, times=50).robot_from_tcp

    room.turn_until(arm, lambda: room.program(arm) is Program.RETRACTED, act=arm.retract)
    there = room.turn(arm, arm.retract, times=100).robot_from_tcp

    assert 0.060 < (before.inverse() @ there).distance < 0.068, "and the way it takes to stop"


def test_a_hand_may_lead_it_until_the_driver_says_no_longer(room: Room) -> None:
    arm = room.started()

    assert room.turn(arm, lambda: arm.guide(on=True), times=20).program is Program.HAND_GUIDED
    assert room.turn(arm, lambda: arm.guide(on=False), times=20).program is Program.IDLE


def test_a_goal_outside_the_sites_box_is_refused_and_a_rest_clears_it(room: Room) -> None:
    arm = room.started(UrSite(host=HOST, box=Box(low=(0.3, -0.2, 0.2), high=(0.7, -0.12, 0.7))))
    room.follow(arm, 0.01, times=50)
    assert room.program(arm) is Program.TRACKING

    room.follow(arm, 0.01, times=50)

    assert room.program(arm) is Program.REFUSED
    assert room.turn(arm, times=5).program is Program.IDLE


def test_a_second_driver_is_told_who_owns_the_registers(room: Room) -> None:
    first = room.started()
    second = room.dial(start=False)

    def both() -> None:
        first.rest()
        second.read(room.clock.now_us())

    with pytest.raises(InputsTaken, match="another coilward-arm"):
        room.turn(first, both, times=20)

    assert room.turn(first, times=5).program is Program.IDLE


def test_a_dropped_stream_is_dialled_again_and_the_program_ran_on(room: Room) -> None:
    arm = room.started()
    room.controller.drop_rtde()
    with pytest.raises(PortLost):
        room.turn(arm, times=5)

    again = room.dial(start=False)
    room.turn_until(again, lambda: room.program(again) is Program.IDLE)

    assert [note.text for note in room.controller.notes].count("program coil_hold starts") == 1


def test_a_frozen_stream_is_left_and_the_program_withdraws_the_coil(room: Room) -> None:
    arm = room.started()
    before = room.follow(arm, 0.01, times=50).robot_from_tcp
    room.controller.freeze_stream()

    with pytest.raises(DeadlinePassed, match="nothing comes"):
        room.turn(arm, lambda: arm.stream(before), times=200)
    room.controller.advance(room.controller.now_us + 2_000_000)

    assert (before.inverse() @ room.controller.arm.robot_from_tcp).translation[2] < -0.059


def test_a_protective_stop_stays_until_a_person_unlocks_and_starts(room: Room) -> None:
    arm = room.started()
    room.controller.protective_stop()

    state = room.turn(arm, times=250)
    assert (state.safety, state.program) == (SafetyMode.PROTECTIVE_STOP, Program.ABSENT)
    room.controller.unlock()
    state = room.turn(arm, times=300)
    assert (state.safety, state.program) == (SafetyMode.NORMAL, Program.ABSENT)

    arm.start(room.clock.now_us())
    room.turn_until(arm, lambda: not arm.starting)

    assert room.program(arm) is Program.IDLE


def test_local_control_is_refused_with_the_remedy(room: Room) -> None:
    room.controller.remote = False

    with pytest.raises(DeviceRefused, match="remote control"):
        room.started()


def test_another_tool_replaces_the_program_that_runs(room: Room) -> None:
    first = room.started()
    room.controller.drop_rtde()
    with pytest.raises(PortLost):
        room.turn(first, times=5)
    other = UrSite(host=HOST, flange_from_tcp=Pose(translation=(0.0, 0.0, 0.12)))

    arm = room.started(other)

    assert room.program(arm) is Program.IDLE
    assert room.controller.arm.body.flange_from_tcp.translation[2] == pytest.approx(0.12)


def test_a_program_of_somebody_else_is_left_alone(room: Room) -> None:
    room.controller.upload("def theirs():\nwhile True:\nsync()\nend\nend\n")

    with pytest.raises(DeviceRefused, match="Another program runs"):
        room.started()

    assert room.controller.program is not None
    assert room.controller.program.name == "theirs"


@pytest.fixture
def live() -> Iterator[Controller]:
    """A simulated controller on real time, in a thread of its own."""
    controller = Controller(Arm(), RealClock())
    ports = UrPorts(controller, HOST)
    ended = threading.Event()

    def run() -> None:
        while not ended.is_set():
            left_us = max(0, ports.next_us - controller.clock.now_us())
            if select.select([ports.fileno()], [], [], left_us / 1e6)[0]:
                ports.wake()
            ports.advance(controller.clock.now_us())

    thread = threading.Thread(target=run)
    thread.start()
    yield controller
    ended.set()
    thread.join()
    ports.close()


@pytest.mark.system
def test_on_real_time_it_opens_follows_and_leaves_no_program_behind(live: Controller) -> None:
    arm = opened(UrSite(host=HOST, slack=10.0))
    assert arm.last is not None
    assert arm.last.program is Program.IDLE
    goal = arm.last.robot_from_tcp

    ends_at = time.monotonic() + 0.5
    while time.monotonic() < ends_at:
        select.select([arm.fileno()], [], [], 0.01)
        arm.read(time.monotonic_ns() // 1000)
        arm.stream(goal)
    assert arm.last.program is Program.TRACKING
    for _ in range(50):
        select.select([arm.fileno()], [], [], 0.01)
        arm.read(time.monotonic_ns() // 1000)
        arm.rest()
    assert arm.last.program is Program.IDLE
    arm.close()

    assert live.program is None
    assert live.notes[-1].text.startswith("program coil_hold ends")
