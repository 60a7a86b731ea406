"""A turn of the loop: who may say what, what follows from it, and in which order it goes out."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from daemon.arm.goals import Error
from daemon.arm.lease import Lease
from daemon.arm.loop import AT_REST_US, LAST_WAY_US, SILENT_US
from daemon.arm.outputs import Command
from daemon.arm.reasons import ArmReason
from daemon.arm.robot_link import RETRY_US
from daemon.arm.table import HoldState, Verb
from drivers.errors import CoilwardError, DeviceRefused, PortLost
from drivers.poses import Pose
from drivers.robots import Program, RobotMode, SafetyMode
from drivers.trackers import Missing, Tool
from tests.daemon.arm.loop_stand_ins import LoopRoom

TARGET = {
    "do": "target",
    "id": "left-m1",
    "head_from_target": [1.0, 0, 0, 0, 0.03, 0.02, 0.11],
    "scalp": {"centre": [0, 0, 0.0], "radii": [0.08, 0.1, 0.09]},
}


@pytest.fixture
def room(tmp_path: Path) -> Iterator[LoopRoom]:
    made = LoopRoom(tmp_path, random.randrange(10**9, 10**12))
    yield made
    made.close()


def frame(room: LoopRoom, number: int = 1, **changes: Any) -> dict[str, Any]:
    pose = [1.0, 0, 0, 0, 0.1, 0.2, 1.3]
    times = {"source_us": room.now_us - 9_000, "received_us": room.now_us - 500}
    return {"do": "frame", "n": number, **times, "tools": {"head": pose}, "fault": "", **changes}


# --- who may say what


@pytest.mark.parametrize(("to", "verb"), [(verb.value, verb) for verb in Verb if verb is not Verb.STOP])
def test_the_daemon_may_send_the_coil_anywhere(room: LoopRoom, to: str, verb: Verb) -> None:
    assert room.client("daemon").ask(do="go", to=to) == {"re": "go", "ok": True, "why": None}
    assert room.hold.verbs == [verb]


@pytest.mark.parametrize("to", ["target", "park", "hand"])
def test_somebody_at_the_command_line_may_not(room: LoopRoom, to: str) -> None:
    assert "only the daemon" in room.client("cli").ask(do="go", to=to)["why"]
    assert room.hold.verbs == []


def test_everybody_with_a_name_may_send_the_coil_away(room: LoopRoom) -> None:
    assert room.client("cli").ask(do="go", to="away")["ok"]
    assert room.hold.verbs == [Verb.AWAY]


@pytest.mark.parametrize("role", ["", "cli", "daemon"])
def test_everybody_may_stop_even_without_a_name(room: LoopRoom, role: str) -> None:
    assert room.client(role).ask(do="stop")["ok"]
    assert room.hold.verbs == [Verb.STOP]


def test_without_a_name_nothing_else_is_heard(room: LoopRoom) -> None:
    assert room.client().ask(do="go", to="away")["why"] == "say hello first"
    assert room.client().ask(**frame(room))["why"] == "say hello first"
    assert room.hold.told == []


def test_a_stop_outlives_everything_said_in_the_same_turn(room: LoopRoom) -> None:
    daemon, person = room.client("daemon"), room.client("cli")
    person.send(do="stop")
    daemon.send(do="go", to="target")
    room.turn()

    assert room.hold.verbs == [Verb.TO_TARGET, Verb.STOP]


def test_a_refusal_of_the_hold_is_answered_with_its_reason_and_its_sentence(room: LoopRoom) -> None:
    room.hold.refuses[Verb.TO_TARGET] = ArmReason.NO_TARGET

    answer = room.client("daemon").ask(do="go", to="target")

    assert (answer["ok"], answer["why"]) == (False, "no-target")
    assert answer["sentence"] == str(ArmReason.NO_TARGET.sentence)


# --- targets and frames


def test_a_target_reaches_the_hold_whole(room: LoopRoom) -> None:
    assert room.client("daemon").ask(**TARGET)["ok"]
    ((pose, scalp),) = room.hold.told

    assert pose == Pose((1.0, 0, 0, 0), (0.03, 0.02, 0.11))
    assert (scalp.centre, scalp.radii) == ((0.0, 0.0, 0.0), (0.08, 0.1, 0.09))


def test_a_target_that_no_head_has_is_refused(room: LoopRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    def aim(_pose: Pose, _scalp: object) -> None:
        raise ValueError("the normal leads into the head")

    monkeypatch.setattr(room.hold, "aim", aim)

    assert "leads into the head" in room.client("daemon").ask(**TARGET)["why"]


def test_frames_reach_the_hold_in_order_and_get_no_answer(room: LoopRoom) -> None:
    daemon = room.client("daemon")
    for number in (1, 2, 3):
        daemon.send(**frame(room, number, tools={"head": [1.0, 0, 0, 0, 0, 0, 1.3], "coil": {"missing": "not-seen"}}))
    room.turn()

    assert [seen.number for seen in room.hold.told] == [1, 2, 3]
    assert room.hold.told[0].tools[Tool.HEAD].pose == Pose(translation=(0.0, 0.0, 1.3))
    assert room.hold.told[0].tools[Tool.COIL].missing is Missing.NOT_SEEN
    assert [answer["re"] for answer in daemon.answers] == ["hello"]


@pytest.mark.parametrize("role", ["cli"])
def test_only_the_daemons_frames_and_targets_count(room: LoopRoom, role: str) -> None:
    client = room.client(role)

    assert "only the daemon" in client.ask(**frame(room))["why"]
    assert "only the daemon" in client.ask(**TARGET)["why"]
    assert room.hold.told == []


def test_a_frame_of_another_clock_is_refused(room: LoopRoom) -> None:
    later = room.now_us + 60_000_000

    answer = room.client("daemon").ask(**frame(room, source_us=later - 10, received_us=later))

    assert "CLOCK_MONOTONIC" in answer["why"]
    assert room.hold.told == []


# --- the daemon's end


HELD = [HoldState.APPROACH, HoldState.TRACK, HoldState.FREEZE]


def at(room: LoopRoom, state: HoldState, command: Command = Command.FOLLOW) -> None:
    room.hold.output = replace(room.hold.output, state=state, command=command)


@pytest.mark.parametrize("state", HELD)
def test_a_daemon_that_hangs_up_sends_the_coil_home(room: LoopRoom, state: HoldState) -> None:
    daemon = room.client("daemon")
    at(room, state)
    room.turn()
    daemon.close()
    room.turn()

    assert room.hold.verbs == [Verb.PARK]


@pytest.mark.parametrize("state", HELD)
def test_a_daemon_silent_for_a_second_sends_it_home_and_one_that_speaks_does_not(
    room: LoopRoom, state: HoldState
) -> None:
    daemon = room.client("daemon")
    at(room, state)
    for _ in range(5):
        daemon.send(do="status")
        room.turn(SILENT_US)
    assert room.hold.verbs == []

    room.turn(SILENT_US + 1)
    assert room.hold.verbs == [Verb.PARK]


@pytest.mark.parametrize("state", [HoldState.AWAY, HoldState.RETRACT])
def test_without_a_daemon_a_coil_that_is_off_the_head_goes_to_its_place_once_it_rests(
    room: LoopRoom, state: HoldState
) -> None:
    at(room, state, Command.RETRACT)
    room.turns(5)
    assert room.hold.verbs == []

    at(room, state, Command.REST)
    room.turns(2)
    assert Verb.PARK in room.hold.verbs


@pytest.mark.parametrize("state", [HoldState.HAND, HoldState.PARKED, HoldState.STOPPED, HoldState.FAULT])
def test_what_a_person_holds_or_has_stopped_stays_where_it_is_without_a_daemon(
    room: LoopRoom, state: HoldState
) -> None:
    at(room, state, Command.REST)
    room.turns(5, SILENT_US)

    assert room.hold.verbs == []


def test_where_going_home_is_refused_the_coil_at_least_comes_off(room: LoopRoom) -> None:
    room.hold.refuses[Verb.PARK] = ArmReason.NOT_NOW
    at(room, HoldState.TRACK)
    room.turns(2)

    assert room.hold.verbs[:2] == [Verb.PARK, Verb.STOP]


# --- the arm


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


@pytest.mark.parametrize(
    "stopped",
    [
        {"program": Program.TRACKING},
        {"program": Program.ABSENT, "safety": SafetyMode.PROTECTIVE_STOP},
        {"program": Program.ABSENT, "mode": RobotMode.POWER_OFF},
    ],
)
def test_nobodys_order_starts_a_program_in_an_arm_that_is_stopped(room: LoopRoom, stopped: dict[str, Any]) -> None:
    daemon = room.client("daemon")
    room.with_an_arm()
    room.hold.refuses[Verb.TO_TARGET] = ArmReason.ROBOT_STOPPED
    room.robot.comes = stopped
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


# --- what it says


def test_the_state_is_said_twenty_times_a_second_and_at_once_when_it_changes(room: LoopRoom) -> None:
    client = room.client("cli")
    room.turns(1)
    before = len(client.states)
    room.turns(500)
    assert 19 <= len(client.states) - before <= 20

    room.turn()
    before = len(client.states)
    at(room, HoldState.FREEZE)
    room.hold.output = replace(room.hold.output, why=ArmReason.HEAD_LOST)
    room.turn()
    (said,) = client.states[before:]
    assert (said["state"], said["why"], said["at_us"]) == ("freeze", "head-lost", room.now_us)


def test_errors_are_said_in_millimetres_and_degrees(room: LoopRoom) -> None:
    daemon = room.client("daemon")
    daemon.send(**frame(room))
    room.with_an_arm()
    room.robot.comes = {}
    error = Error(0.0012, -0.0005, 0.01, -0.02)
    room.hold.output = replace(
        room.hold.output, state=HoldState.TRACK, lease=Lease.BEGIN, error=error, head_speed_m_s=0.0013
    )
    room.turn()
    said = daemon.states[-1]

    assert said["error"] == {"lateral_mm": 1.2, "depth_mm": -0.5, "tilt_deg": 0.573, "twist_deg": -1.146}
    assert (said["lease"], said["head_speed_mm_s"]) == ("begin", 1.3)
    assert said["robot"] == {
        "mode": "running", "safety": "normal", "program": "tracking", "tcp": [1, 0, 0, 0, 0, 0, 0],
    }  # fmt: skip
    assert said["frame_age_ms"] == 9.0 + 2.0 * 2
    assert said["frame"] == {name: value for name, value in frame(room).items() if name != "do"} | {
        "source_us": said["frame"]["source_us"],
        "received_us": said["frame"]["received_us"],
    }


def test_without_arm_and_frames_the_state_says_so(room: LoopRoom) -> None:
    client = room.client("cli")
    room.turn(50_000)
    said = client.states[-1]

    assert said["robot"] == {"mode": "unreachable", "safety": "unknown", "program": "absent", "tcp": None}
    assert (said["error"], said["frame"], said["frame_age_ms"]) == (None, None, None)


def test_figures_of_the_loop_are_told_to_whoever_asks(room: LoopRoom) -> None:
    for turn in range(2000):
        room.loop.lateness.woke(room.now_us + turn * 2000, 40 if turn else 7_000, missed=0 if turn else 3)

    answer = room.client("cli").ask(do="status")

    assert answer["late_us"]["max"] == answer["late_ever_us"]["max"] == 7_000
    assert answer["missed"] == 3


def test_it_tells_how_long_the_goal_took_from_the_waking_and_from_the_frame(room: LoopRoom) -> None:
    daemon = room.client("daemon")
    room.with_an_arm()
    room.took_us = 300
    daemon.send(**frame(room, received_us=room.now_us - 400))
    room.turns(510)

    answer = daemon.ask(do="status")

    assert answer["goal_us"]["max"] == 300
    assert answer["frame_us"]["max"] == 0
    room.took_us = 0
    room.turn()
    daemon.send(**frame(room, received_us=room.now_us))
    room.turn()
    assert daemon.ask(do="status")["frame_us"]["max"] == 400 + 2_000 + 300


# --- the end


def test_told_to_end_it_takes_the_coil_off_the_head_before_it_goes(room: LoopRoom) -> None:
    at(room, HoldState.TRACK)
    room.turn()
    assert not room.loop.ended(room.now_us)

    room.loop.end(room.now_us)
    room.loop.end(room.now_us)
    at(room, HoldState.STOPPED, Command.RETRACT)
    room.turns(500)
    assert room.hold.verbs == [Verb.STOP]
    assert not room.loop.ended(room.now_us)

    at(room, HoldState.STOPPED, Command.REST)
    room.turns(AT_REST_US // 2_000 + 1)
    assert room.loop.ended(room.now_us)


def test_an_arm_that_never_comes_to_rest_holds_the_end_up_for_five_seconds_only(room: LoopRoom) -> None:
    at(room, HoldState.STOPPED, Command.RETRACT)
    room.turn()
    room.loop.end(room.now_us)
    room.turn(LAST_WAY_US)
    assert not room.loop.ended(room.now_us)

    room.turn()
    assert room.loop.ended(room.now_us)


def test_while_it_ends_nothing_but_a_stop_is_obeyed(room: LoopRoom) -> None:
    daemon = room.client("daemon")
    room.loop.end(room.now_us)

    assert "ending" in daemon.ask(do="go", to="target")["why"]
    assert daemon.ask(do="stop")["ok"]
    assert room.hold.verbs == [Verb.STOP]
