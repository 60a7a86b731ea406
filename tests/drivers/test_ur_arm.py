"""The UR driver against a small controller on real loopback sockets, both turned by the test on a clock of its own."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import pytest

from drivers.errors import BadFrame, ConfigError, DeadlinePassed, DeviceRefused, PortLost, PortNotFound
from drivers.poses import Pose
from drivers.robots import Program, RobotMode, RobotState, SafetyMode
from drivers.ur import arm as arm_module
from drivers.ur.arm import UrArm
from drivers.ur.codec import ControllerVersion, Data, SetupInputs, SetupOutputs, Text
from drivers.ur.negotiation import InputsTaken
from drivers.ur.registers import INPUTS, SEQUENCES, Command
from drivers.ur.site import Box, Ports, UrSite
from tests.drivers.rtde_controller import PLAYING, STOPPED, RtdeController

START_US = 77_123_456_789
STEP_US = 2_000
GOAL = Pose.turned((0.1, -0.2, 3.0), (0.4, -0.1, 0.5))


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


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    monkeypatch.setattr(arm_module, "ENDING_S", 0.0)  # nobody turns this controller while `close` waits
    made = Room()
    yield made
    made.close()


# ── connecting ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_arm_is_connected_by_reading_alone_and_then_tells_its_state(room: Room) -> None:
    arm = room.connected()

    assert arm.last is not None
    assert (arm.last.mode, arm.last.safety, arm.last.program) == (RobotMode.RUNNING, SafetyMode.NORMAL, Program.ABSENT)
    assert arm.last.received_us == room.now_us
    assert arm.fileno() >= 0


def test_it_asks_an_e_series_for_500_hz_and_a_cb3_for_125(room: Room) -> None:
    room.connected()
    assert [each.frequency_hz for each in room.controller.asked if isinstance(each, SetupOutputs)] == [500.0]

    room.controller.settings.version = ControllerVersion(3, 15, 0, 0)
    room.connected()
    assert [each.frequency_hz for each in room.controller.asked if isinstance(each, SetupOutputs)] == [125.0]


def test_set_points_before_the_stream_has_begun_go_nowhere_and_raise_nothing(room: Room) -> None:
    arm = room.dial(first_sequence=5)

    assert arm.rest() == 5
    assert room.controller.set_points == []


def test_registers_of_another_client_are_refused_with_who_and_what_to_do(room: Room) -> None:
    room.controller.settings.owned = ("input_int_register_24", "input_double_register_30")
    arm = room.dial()

    with pytest.raises(InputsTaken) as refused:
        room.turn(20, act=lambda: None)

    for words in ("input_int_register_24, input_double_register_30", "another program", "Stop that program"):
        assert words in str(refused.value)
    with pytest.raises(PortLost):
        arm.fileno()


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"speaks_version_2": False}, DeviceRefused, "version 2"),
        ({"version": ControllerVersion(5, 2, 9, 0)}, DeviceRefused, "5.2.9.0"),
        ({"version": ControllerVersion(3, 8, 0, 0)}, DeviceRefused, "Update it"),
        ({"unknown": ("speed_scaling",)}, DeviceRefused, "speed_scaling"),
        ({"starts": False}, DeviceRefused, "does not start"),
        ({"other_types": {"speed_scaling": "INT32"}}, BadFrame, "always told otherwise"),
        ({"says_nothing": True}, DeadlinePassed, "does not answer within 3 s"),
    ],
)
def test_a_controller_that_cannot_be_set_up_says_why(
    room: Room, change: dict[str, object], error: type[Exception], words: str
) -> None:
    for name, value in change.items():
        setattr(room.controller.settings, name, value)
    room.dial()

    with pytest.raises(error, match=words):
        room.turn(2000, act=lambda: None)


@pytest.mark.parametrize("version", [ControllerVersion(5, 3, 0, 0), ControllerVersion(3, 9, 0, 0)])
def test_the_oldest_software_with_the_registers_is_taken(room: Room, version: ControllerVersion) -> None:
    room.controller.settings.version = version

    assert room.connected().last is not None


def test_nobody_listening_is_told_at_the_first_reads(room: Room) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    site = UrSite(host="127.0.0.1", ports=Ports(rtde=port))

    with pytest.raises(PortNotFound, match="ECONNREFUSED"):
        UrArm.dial(site, START_US).read(START_US)


# ── states, stale and fresh ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_state_is_given_once(room: Room) -> None:
    arm = room.connected()
    assert room.turn() is not None

    assert arm.read(room.now_us) is None


def test_of_states_that_waited_the_newest_is_given(room: Room) -> None:
    arm = room.connected()
    room.controller.turn()
    room.controller.turn()

    state = arm.read(room.now_us)

    assert state is not None
    assert state.controller_s == room.controller.values["timestamp"]


def test_a_controller_whose_clock_stands_tells_nothing_new_and_is_left_after_a_quarter_second(room: Room) -> None:
    arm = room.connected()
    fresh_us = room.now_us
    room.controller.clock_stands = True

    assert [room.turn() for _ in range(125)] == [None] * 125
    assert arm.last is not None
    assert arm.last.received_us == fresh_us
    with pytest.raises(DeadlinePassed, match="its clock stands still"):
        room.turn()
    with pytest.raises(PortLost):
        arm.rest()


def test_a_controller_that_falls_silent_is_left_after_a_quarter_second(room: Room) -> None:
    room.connected()
    room.controller.streams = False
    room.turn(125)

    with pytest.raises(DeadlinePassed, match="nothing comes"):
        room.turn()


def test_what_it_repeated_long_ago_is_not_blamed_for_a_later_silence(room: Room) -> None:
    room.connected()
    room.controller.clock_stands = True
    room.turn(10)
    room.controller.clock_stands = False
    room.turn(10)
    room.controller.streams = False

    with pytest.raises(DeadlinePassed, match="nothing comes"):
        room.turn(200)


def test_the_last_state_is_read_before_the_end_is_told(room: Room) -> None:
    arm = room.connected()
    room.controller.turn()
    room.controller.hang_up()

    assert arm.read(room.now_us) is not None
    with pytest.raises(PortLost, match="hung up"):
        arm.read(room.now_us)


def test_data_of_a_recipe_that_nobody_asked_for_ends_the_connection(room: Room) -> None:
    room.connected()
    assert room.controller.client is not None
    room.controller.client.send(Data(2, bytes(8)).to_bytes())
    room.controller.streams = False

    with pytest.raises(BadFrame, match="recipe 2"):
        room.turn()


def test_a_controller_that_goes_on_in_time_is_kept(room: Room) -> None:
    room.connected()
    room.controller.streams = False
    room.turn(124)
    room.controller.streams = True

    assert room.turn(2) is not None


def test_a_stream_that_is_started_and_never_begins_is_left_too(room: Room) -> None:
    room.controller.settings.tells = False
    room.dial()

    with pytest.raises(DeadlinePassed, match="nothing comes"):
        room.turn(200)


def test_a_pose_that_is_none_ends_the_connection(room: Room) -> None:
    room.connected()
    room.controller.values["actual_TCP_pose"] = (float("nan"),) * 6

    with pytest.raises(BadFrame, match="pose"):
        room.turn(2)


def test_what_the_controller_says_for_people_ends_nothing(room: Room) -> None:
    arm = room.connected()
    assert room.controller.client is not None
    room.controller.client.send(Text("half the speed", "slider", 2).to_bytes())

    assert room.turn(2) is not None
    assert arm.last is not None


# ── set-points ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("order", "command"),
    [
        (lambda arm: arm.stream(GOAL), Command.FOLLOW),
        (lambda arm: arm.rest(), Command.REST),
        (lambda arm: arm.retract(), Command.RETRACT),
        (lambda arm: arm.guide(on=True), Command.GUIDE),
        (lambda arm: arm.guide(on=False), Command.REST),
    ],
)
def test_each_order_is_its_command_and_the_next_number(
    room: Room, order: Callable[[UrArm], int], command: Command
) -> None:
    arm = room.connected()
    room.turn()
    before = room.controller.set_points[-1]

    number = order(arm)
    room.turn()

    sent = [point for point in room.controller.set_points if point[0] == number]
    assert [point[1] for point in sent] == [command]
    assert number == before[0] + 2  # the one in between was the turn's own rest


def test_a_goal_goes_out_in_metres_and_as_a_rotation_vector_with_the_sites_speed(room: Room) -> None:
    arm = room.connected()

    number = arm.stream(GOAL)
    room.turn()

    (sent,) = [point for point in room.controller.set_points if point[0] == number]
    assert sent[2:] == pytest.approx((0.4, -0.1, 0.5, 0.1, -0.2, 3.0, 0.25))


def test_numbers_begin_again_after_the_largest(room: Room) -> None:
    room.dial(first_sequence=SEQUENCES - 3)
    room.turn_until(lambda: len(room.controller.set_points) > 4)

    numbers = [point[0] for point in room.controller.set_points]
    assert numbers[:4] == [SEQUENCES - 2, SEQUENCES - 1, 0, 1]


def test_numbers_begin_where_no_register_left_over_can_be(room: Room) -> None:
    first = {room.dial(first_sequence=None).rest() for _ in range(3)}

    assert len(first) == 3


def test_a_controller_that_takes_no_set_points_is_left_and_no_packet_is_cut(room: Room) -> None:
    arm = room.connected()
    room.controller.reads = False
    with pytest.raises(PortLost, match="takes no set-points"):
        room.turn(60_000, act=lambda: [arm.stream(GOAL) for _ in range(200)])

    room.controller.reads = True
    for _ in range(100):
        room.controller.turn()

    numbers = [point[0] for point in room.controller.set_points]
    assert len(numbers) > 100
    assert numbers == sorted(numbers)


# ── our program ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_start_sends_the_program_and_ends_when_it_echoes(room: Room) -> None:
    arm = room.started()

    assert room.controller.texts[0].decode() == arm.program.text
    assert arm.last is not None
    assert arm.last.program is Program.IDLE


def test_without_being_asked_nothing_is_started(room: Room) -> None:
    room.connected()
    room.turn(50)

    assert room.controller.texts == []


def test_a_program_that_runs_already_is_not_sent_again(room: Room) -> None:
    arm = room.started()
    sent = len(room.controller.texts)

    arm.start(room.now_us)
    room.turn_until(lambda: not arm.starting)

    assert len(room.controller.texts) == sent


def test_a_start_waits_until_the_arm_has_power(room: Room) -> None:
    room.controller.values["robot_mode"] = 3
    arm = room.dial(start=True)
    room.turn(500)
    assert arm.last is not None
    assert (arm.last.mode, arm.starting, room.controller.texts) == (RobotMode.POWER_OFF, True, [])

    room.controller.values["robot_mode"] = 7
    room.turn_until(lambda: not arm.starting)

    assert arm.last.program is Program.IDLE


def test_a_program_that_is_taken_and_not_run_is_refused_with_the_remedy(room: Room) -> None:
    room.controller.settings.runs_programs = False
    room.dial(start=True)

    with pytest.raises(DeviceRefused, match="remote control"):
        room.turn(3000)


def test_another_program_is_left_alone(room: Room) -> None:
    room.controller.settings.foreign_program = True
    room.controller.values["runtime_state"] = PLAYING
    room.dial(start=True)

    with pytest.raises(DeviceRefused, match="Another program runs"):
        room.turn(2000)
    assert room.controller.texts == []


def test_an_older_program_of_ours_is_stopped_by_a_set_point_and_replaced(room: Room) -> None:
    room.controller.values |= {"runtime_state": PLAYING, "output_int_register_27": 1}

    arm = room.started()

    assert Command.STOP in {point[1] for point in room.controller.set_points}
    assert arm.last is not None
    assert arm.last.program is Program.IDLE


def test_registers_left_over_do_not_make_another_program_ours(room: Room) -> None:
    arm = room.started()
    room.turn(10)
    room.controller.settings.foreign_program = True

    room.turn(160)

    assert arm.last is not None
    assert arm.last.program is Program.ABSENT


def test_registers_left_over_do_not_make_a_start_believe_that_it_is_done(room: Room) -> None:
    room.started()
    room.turn(10)
    room.controller.settings.foreign_program = True
    room.controller.hang_up()
    with pytest.raises(PortLost):
        room.turn(3)
    room.dial(start=True, first_sequence=1_000_000)

    with pytest.raises(DeviceRefused, match="Another program runs"):
        room.turn(2000)


def test_a_program_that_has_ended_is_absent_and_not_started_again(room: Room) -> None:
    arm = room.started()
    sent = len(room.controller.texts)
    room.controller.values["runtime_state"] = STOPPED

    room.turn(500)

    assert arm.last is not None
    assert arm.last.program is Program.ABSENT
    assert len(room.controller.texts) == sent


# ── ending and coming back ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_lost_connection_is_told_and_the_next_dial_sends_every_recipe_again(room: Room) -> None:
    room.started()
    asked = list(room.controller.asked)
    room.controller.hang_up()
    with pytest.raises(PortLost, match="reconnect"):
        room.turn(3)

    arm = room.connected()

    assert room.controller.asked == asked
    assert SetupInputs(tuple(name for name, _ in INPUTS)) in asked
    room.turn(2)
    assert arm.last is not None
    assert arm.last.program is Program.IDLE  # it ran on, and needs no start


def test_closing_at_rest_ends_the_program(room: Room) -> None:
    arm = room.started()
    room.turn(3)

    arm.close()
    room.controller.turn()

    assert room.controller.set_points[-1][1] == Command.STOP


def test_closing_while_it_follows_says_nothing_so_that_the_program_withdraws(room: Room) -> None:
    arm = room.started()
    room.turn(3, act=lambda: arm.stream(GOAL))
    assert arm.last is not None
    assert arm.last.program is Program.TRACKING

    arm.close()
    room.controller.turn()

    assert room.controller.set_points[-1][1] == Command.FOLLOW


def test_a_second_close_does_nothing(room: Room) -> None:
    arm = room.started()

    arm.close()
    arm.close()

    with pytest.raises(PortLost):
        arm.read(room.now_us)


# ── the site ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"host": "robot.local"}, "numeric"),
        ({"model": "UR6"}, "UR5e"),
        ({"payload_kg": -0.1}, "payload_kg"),
        ({"payload_kg": float("nan")}, "payload_kg"),
        ({"speed_m_s": 0.26}, "speed_m_s"),
        ({"slack": 0.5}, "slack"),
        ({"box": Box(low=(0.1, 0, 0), high=(0.1, 1, 1))}, "along x"),
    ],
)
def test_a_site_that_cannot_be_is_refused_by_its_key(change: dict[str, object], words: str) -> None:
    UrSite(host="192.168.1.5")
    with pytest.raises(ConfigError, match=words):
        UrSite(**({"host": "192.168.1.5"} | change))
