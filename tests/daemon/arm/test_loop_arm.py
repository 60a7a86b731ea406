"""A turn of the loop: what goes out to the arm, and what becomes of an arm that is lost, stopped or found again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from daemon.arm.outputs import Command
from daemon.arm.reasons import ArmReason
from daemon.arm.robot_link import RETRY_US
from daemon.arm.table import HoldState, Verb
from drivers.errors import CoilwardError, DeviceRefused, PortLost
from drivers.poses import Pose
from drivers.robots import Program, RobotMode, SafetyMode
from tests.daemon.arm.loop_stand_ins import LoopRoom, at


@pytest.mark.parametrize(
    ("command", "sent"),
    [
        (Command.REST, "rest"),
        (Command.RETRACT, "retract"),
        (Command.GUIDE, "guide"),
        (Command.FOLLOW, Pose(translation=(0.1, 0.2, 0.3))),
    ],
)
def test_each_turn_sends_one_set_point(room: LoopRoom, command: Command, sent: object) -> None:
    room.with_an_arm()
    room.robot.sent.clear()
    goal = Pose(translation=(0.1, 0.2, 0.3))
    room.hold.output = replace(room.hold.output, command=command, goal=goal)
    room.turns(3)

    assert room.robot.sent == [sent] * 3


def test_an_arm_that_is_not_heard_any_more_is_told_nothing_so_that_it_takes_the_coil_off_by_itself(
    room: LoopRoom,
) -> None:
    room.with_an_arm()
    room.hold.output = replace(room.hold.output, state=HoldState.FAULT, why=ArmReason.ROBOT_UNREACHABLE)
    room.robot.sent.clear()
    room.turns(5)
    assert room.robot.sent == []

    room.hold.output = replace(room.hold.output, why=ArmReason.ROBOT_STOPPED)
    room.turns(5)
    assert room.robot.sent == ["rest"] * 5


def test_the_hold_sees_the_newest_state_with_its_own_time(room: LoopRoom) -> None:
    room.with_an_arm()
    room.robot.comes = {}
    room.turn()
    came_us = room.now_us
    room.turns(3)

    assert [state and state.received_us for state in room.hold.robots[-3:]] == [came_us] * 3


def test_an_arm_that_is_lost_is_none_said_once_and_dialled_again_every_second(room: LoopRoom) -> None:
    room.with_an_arm()
    room.robot.fails = PortLost("The port is shut. Switch it on.")
    room.turn()
    assert room.hold.robots[-1] is None
    assert not room.robot.connected

    room.turns(3 * 500)
    assert len(room.robot.dialled) == 1 + 3
    room.robot.fails, room.robot.comes = None, {}
    room.turn(RETRY_US)
    assert room.hold.robots[-1] is not None
    assert [words for words in room.said if "shut" in words] == ["no arm: The port is shut. Switch it on."]


def test_an_arm_that_takes_no_set_points_is_lost_too(room: LoopRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    room.with_an_arm()
    monkeypatch.setattr(room.robot, "read", lambda _now_us: None)
    room.robot.fails = PortLost("It takes no more bytes.")
    room.turns(2)

    assert room.hold.robots[-1] is None


def test_the_program_is_started_with_the_first_connection_and_later_only_for_a_person(room: LoopRoom) -> None:
    daemon = room.client("daemon")
    room.with_an_arm()
    room.robot.fails = PortLost("The cable is out. Plug it in.")
    room.turn()
    room.robot.fails, room.robot.comes = None, {"program": Program.ABSENT}
    room.turn(RETRY_US)
    room.hold.refuses[Verb.TO_TARGET] = ArmReason.ROBOT_STOPPED
    room.turns(10)
    assert room.robot.dialled == [True, False]
    assert room.robot.started == 0

    answer = daemon.ask(do="go", to="target")
    assert (answer["ok"], answer["why"]) == (False, "robot-stopped")
    assert "being started" in answer["sentence"]
    assert room.robot.started == 1


def test_what_the_controller_refuses_is_told_to_whoever_asks_and_watches_until_the_arm_obeys(room: LoopRoom) -> None:
    refusal = "The robot does not run it. Look at its pendant: it must be in remote control."
    daemon = room.client("daemon")
    room.with_an_arm()
    room.robot.fails = DeviceRefused(refusal)
    room.turn()
    room.robot.fails, room.robot.comes = None, {"program": Program.ABSENT}
    room.turn(RETRY_US)
    room.hold.refuses[Verb.TO_TARGET] = ArmReason.ROBOT_STOPPED

    assert refusal in daemon.ask(do="go", to="target")["sentence"]
    room.turns(50)
    assert daemon.states[-1]["trouble"] == refusal
    room.robot.comes = {"program": Program.TRACKING}
    room.turns(50)
    assert daemon.states[-1]["trouble"] == ""
    assert refusal not in daemon.ask(do="go", to="target")["sentence"]


def test_a_program_that_has_ended_is_started_when_the_hold_asks_for_it_and_said_once(room: LoopRoom) -> None:
    room.with_an_arm()
    room.robot.comes = {"program": Program.ABSENT}
    at(room, HoldState.TRACK)
    room.turn()
    started = room.robot.started
    room.robot.sent.clear()
    at(room, HoldState.RETRACT, Command.START)
    room.turns(3)

    assert (started, room.robot.started) == (0, 3)
    assert room.robot.sent == ["rest"] * 3
    assert [words for words in room.said if "to take the coil off" in words] == [
        "the program in the arm's controller had ended: it is started to take the coil off"
    ]


@pytest.mark.parametrize(
    "stopped",
    [
        {"program": Program.TRACKING},
        {"program": Program.ABSENT, "safety": SafetyMode.PROTECTIVE_STOP},
        {"program": Program.ABSENT, "mode": RobotMode.POWER_OFF},
    ],
)
def test_neither_an_order_nor_the_hold_starts_a_program_in_an_arm_that_is_stopped(
    room: LoopRoom, stopped: dict[str, Any]
) -> None:
    daemon = room.client("daemon")
    room.with_an_arm()
    room.hold.refuses[Verb.TO_TARGET] = ArmReason.ROBOT_STOPPED
    room.robot.comes = stopped
    room.turn()
    at(room, HoldState.RETRACT, Command.START)
    room.turn()

    assert daemon.ask(do="go", to="target")["sentence"] == str(ArmReason.ROBOT_STOPPED.sentence)
    assert room.robot.started == 0


@pytest.mark.parametrize(
    ("failure", "again"),
    [(DeviceRefused("Another program runs. End it at the pendant."), False), (PortLost("It is off. Wait."), True)],
)
def test_a_program_that_was_refused_is_not_tried_again_and_one_that_was_never_reached_is(
    room: LoopRoom, failure: CoilwardError, again: bool
) -> None:
    room.robot.fails = failure
    room.turn()
    room.robot.fails = None
    room.turn(RETRY_US)

    assert room.robot.dialled == [True, again]
    assert f"no arm: {failure}" in room.said
