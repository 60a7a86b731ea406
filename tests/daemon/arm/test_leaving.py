"""A program that ends while the coil is at the head is started again to take it off: once, if the arm may move."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from daemon.arm.hold import ArmReason, Command, HoldState, Lease, Verb
from drivers.robots import Program, RobotMode, RobotState, SafetyMode
from tests.daemon.arm.hold_room import Room, states, tracking

ENDS = {Verb.STOP: "stopped", Verb.AWAY: "away", Verb.PARK: "parked"}


def ended(state: RobotState) -> RobotState:
    """An arm that would obey, if only our program ran."""
    return replace(state, program=Program.ABSENT)


def until_started(room: Room, *, takes_s: float = 0.4) -> Callable[[RobotState], RobotState]:
    """The program is gone until it has been asked for so long."""
    asked_us: list[int] = []

    def says(state: RobotState) -> RobotState:
        if room.said and room.said[-1].command is Command.START:
            asked_us.append(room.now_us)
        return state if asked_us and room.now_us - asked_us[0] >= takes_s * 1e6 else ended(state)

    return says


def came_off_mm(room: Room, since: int) -> float:
    """How far off the target the coil stands, and that nothing but the program's own retract brought it there."""
    assert {said.command for said in room.said[since:]} <= {Command.START, Command.RETRACT, Command.REST}
    return -room.on_target().translation[2] * 1e3


# --- by itself


def test_a_program_that_ends_at_the_head_is_started_again_and_takes_the_coil_off() -> None:
    room = tracking()
    since = len(room.said)
    room.robot_says = until_started(room)
    first = room.turn()
    room.run(3)

    assert (first.state, first.command, first.lease) == (HoldState.RETRACT, Command.START, Lease.NONE)
    assert came_off_mm(room, since) == pytest.approx(60, abs=1)
    assert (room.said[-1].state, room.said[-1].why) == (HoldState.RETRACT, ArmReason.PROGRAM_ENDED)
    assert room.said[-1].command is Command.REST
    assert room.order(Verb.TO_TARGET) is None, "a person sends it back"


@pytest.mark.parametrize("verb", ENDS)
def test_a_program_that_ends_on_the_way_off_is_started_again_to_finish_it(verb: Verb) -> None:
    room = tracking()
    assert room.order(verb) is None
    room.run(0.2)
    halfway_mm = -room.on_target().translation[2] * 1e3
    room.robot_says = until_started(room)
    output = room.turn()
    room.run(1.5, until=lambda said: said.command is Command.FOLLOW)

    assert (output.state.value, output.command) == (ENDS[verb], Command.START)
    assert halfway_mm < 25
    assert -room.on_target().translation[2] * 1e3 > 60


def test_a_program_that_ends_further_off_is_left_alone() -> None:
    room = tracking()
    room.order(Verb.AWAY)
    room.run(2)
    since = len(room.said)
    room.robot_says = ended
    room.run(1)

    assert (room.hold.state, room.said[-1].why) == (HoldState.FAULT, ArmReason.ROBOT_STOPPED)
    assert {said.command for said in room.said[since:]} == {Command.REST}


@pytest.mark.parametrize(
    ("says", "reason"),
    [
        ({"safety": SafetyMode.PROTECTIVE_STOP}, ArmReason.ROBOT_STOPPED),
        ({"safety": SafetyMode.SAFEGUARD_STOP}, ArmReason.ROBOT_STOPPED),
        ({"safety": SafetyMode.EMERGENCY_STOP}, ArmReason.ROBOT_STOPPED),
        ({"mode": RobotMode.BRAKES_ON}, ArmReason.ROBOT_OFF),
        ({"mode": RobotMode.BACKDRIVE}, ArmReason.ROBOT_STOPPED),
    ],
)
def test_no_program_is_started_in_an_arm_that_its_own_safety_or_a_person_holds(says: dict, reason: ArmReason) -> None:
    room = tracking()
    since = len(room.said)
    room.robot_says = lambda state: replace(state, program=Program.ABSENT, **says)
    room.run(1)

    assert {said.command for said in room.said[since:]} == {Command.REST}
    assert (room.hold.state, room.said[-1].why) == (HoldState.FAULT, reason)


def test_a_stop_while_the_program_is_being_started_ends_the_attempt() -> None:
    room = tracking()
    room.robot_says = ended
    room.run(0.2)
    before = room.said[-1].command
    room.robot_says = lambda state: replace(ended(state), safety=SafetyMode.PROTECTIVE_STOP)
    room.run(0.1)
    room.robot_says = lambda state: state
    room.run(2)

    assert before is Command.START
    assert (room.hold.state, room.said[-1].why) == (HoldState.FAULT, ArmReason.ROBOT_STOPPED)
    assert room.on_target().distance < 0.001


def test_a_program_that_does_not_start_in_five_seconds_leaves_a_coil_of_which_that_is_said() -> None:
    room = tracking()
    room.robot_says = ended
    room.run(4.9)
    before = room.said[-1]
    room.run(5)

    assert (before.state, before.command) == (HoldState.RETRACT, Command.START)
    assert (room.hold.state, room.said[-1].why) == (HoldState.FAULT, ArmReason.NOT_TAKEN_OFF)
    assert room.said[-1].command is Command.REST


def test_a_program_that_ends_again_is_not_started_again() -> None:
    room = tracking()
    since = len(room.said)
    room.robot_says = until_started(room)
    room.run(1, until=lambda said: said.command is Command.RETRACT)
    room.run(0.1)
    room.robot_says = ended
    room.run(1)

    assert states(room.said[since:]) == [HoldState.RETRACT, HoldState.FAULT]
    assert room.said[-1].why is ArmReason.NOT_TAKEN_OFF


def test_a_controller_that_is_lost_while_the_program_was_to_start_is_said_to_have_left_the_coil_there() -> None:
    lost, alive = tracking(), tracking()
    lost.robot_says = ended
    lost.run(0.2)
    for room in (lost, alive):
        room.robot_says = lambda _state: None
        room.run(0.5)

    assert (lost.hold.state, lost.said[-1].why) == (HoldState.FAULT, ArmReason.NOT_TAKEN_OFF)
    assert (alive.hold.state, alive.said[-1].why) == (HoldState.FAULT, ArmReason.ROBOT_UNREACHABLE)


# --- for a person


@pytest.mark.parametrize("verb", [Verb.STOP, Verb.AWAY])
def test_whoever_sends_a_coil_off_that_was_left_has_the_program_started_once_more(verb: Verb) -> None:
    room = tracking()
    room.robot_says = ended
    room.run(6)
    left_in = room.hold.state
    since = len(room.said)

    assert room.order(verb) is None
    assert room.turn().command is Command.START
    assert room.said[-1].why is None
    room.robot_says = until_started(room)
    room.run(3)

    assert left_in is HoldState.FAULT
    assert came_off_mm(room, since) == pytest.approx(60, abs=1)
    assert room.said[-1].state.value == ENDS[verb]


@pytest.mark.parametrize("verb", [Verb.STOP, Verb.AWAY])
def test_whoever_sends_it_off_in_vain_is_told_that_it_was_not_taken_off(verb: Verb) -> None:
    room = tracking()
    room.robot_says = ended
    room.run(6)
    assert room.order(verb) is None
    room.run(5.2)

    assert (room.hold.state, room.said[-1].why) == (HoldState.FAULT, ArmReason.NOT_TAKEN_OFF)
    assert room.said[-1].command is Command.REST
