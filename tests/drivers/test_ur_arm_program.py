"""When the UR driver starts our program in the controller and when it leaves it alone, ends it, or finds it again."""

from __future__ import annotations

import pytest

from drivers.errors import DeviceRefused, PortLost
from drivers.robots import Program, RobotMode
from drivers.ur.codec import SetupInputs
from drivers.ur.registers import INPUTS, Command
from tests.drivers.rtde_controller import PLAYING, STOPPED
from tests.drivers.ur_room import GOAL, Room

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
