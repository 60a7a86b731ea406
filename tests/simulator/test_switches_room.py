"""Every switch of the arm, and those of the whole room, does what its line of help says; wrong words are refused."""

from __future__ import annotations

import json

import pytest

from drivers.errors import OperatorError
from drivers.poses import Pose
from drivers.trackers import Tool
from simulator.control import answer
from simulator.directions import seven
from simulator.room_switches import ALL_SWITCHES, ROOM_SWITCHES, turn
from simulator.switches import SWITCHES
from simulator.world import Kind
from tests.simulator import test_switches_head, test_switches_tracker
from tests.simulator.rooms import MS, RoomTalk, S, missing, seen
from tests.simulator.switches_at_work import Bites

bites = Bites()


# ── the arm ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@bites("protective-stop", "unlock", "emergency-stop", "kill-program")
def test_the_arm_is_stopped_and_made_ready_again() -> None:
    talk = RoomTalk()
    talk.start_program()
    assert talk.say("arm")["program"] == "coil_hold"
    talk.say("kill-program")
    assert talk.say("arm")["program"] == ""
    talk.say("protective-stop")
    talk.rest(100 * MS)
    assert talk.say("arm")["safety"] == "protective_stop"
    with pytest.raises(OperatorError, match="5s"):
        talk.say("unlock")
    talk.rest(5 * S)
    talk.say("unlock")
    assert talk.say("arm")["safety"] == "normal"
    talk.say("emergency-stop")
    assert talk.say("arm")["safety"] == "robot_emergency_stop"
    talk.say("emergency-stop", pressed=False)
    assert talk.say("arm")["mode"] == "power_off"


@bites("freeze-rtde", "drop-rtde", "slow-arm")
def test_the_controllers_faults_reach_the_controller_and_end_with_reset() -> None:
    talk = RoomTalk()
    talk.say("freeze-rtde")
    talk.say("drop-rtde")
    talk.say("slow-arm", percent=25)
    controller = talk.room.controller
    assert (controller.stream_frozen, controller.drops, controller.slowed) == (True, 1, 0.25)
    talk.say("reset")
    assert (controller.stream_frozen, controller.slowed) == (False, 1.0)


@bites("lead-arm")
def test_a_hand_leads_an_arm_that_lets_itself_be_led() -> None:
    talk = RoomTalk()
    before = talk.room.arm.robot_from_tcp
    talk.say("lead-arm", mm=20, direction="up")
    talk.rest(S)
    assert (before.inverse() @ talk.room.arm.robot_from_tcp).distance < 1e-6
    talk.room.arm.guide()
    talk.rest(S)
    led = talk.room.arm.robot_from_tcp.translation
    assert led[2] - before.translation[2] == pytest.approx(0.02, abs=0.001)
    goal = before @ Pose.turned((0.1, -0.2, 0.1), (0.01, 0.02, -0.03))
    talk.say("lead-arm", to=",".join(map(str, seven(goal))))
    talk.rest(S)
    left = goal.inverse() @ talk.room.arm.robot_from_tcp
    assert (left.distance, left.angle) == pytest.approx((0, 0), abs=1e-4)
    talk.say("lead-arm", mm=0.0)
    assert talk.room.arm.led_to is None


# ── words ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@bites("reset")
def test_reset_ends_the_faults_of_stimulator_tracker_and_camera_and_leaves_the_head_where_it_is() -> None:
    talk = RoomTalk()
    talk.say("shift", mm=20, s=0.2)
    talk.rest(S)
    where, looks = talk.head(), seen(talk)
    talk.say("bump-camera", mm=10)
    assert (looks.inverse() @ seen(talk)).distance > 0.005
    for name in ("silent", "vanish", "pull-tracker"):
        talk.say(name)
    talk.say("hide", s=60)
    assert missing(talk.frames(100 * MS), Tool.HEAD) > 3
    talk.say("freeze-tracker", how="silent")
    assert talk.frames(100 * MS)[2:] == [], "those on their way come"
    port = talk.room.bench.port
    assert (port.silent, port.present, talk.room.tracker_plugged) == (True, False, False)
    talk.say("reset")
    assert (port.silent, port.present, talk.room.tracker_plugged) == (False, True, True)
    assert talk.head() == where
    assert (looks.inverse() @ seen(talk)).distance < 0.001


def test_every_switch_has_a_test_and_a_line_of_help() -> None:
    shown = bites.names | test_switches_head.bites.names | test_switches_tracker.bites.names
    assert set(ROOM_SWITCHES) == shown
    assert set(ALL_SWITCHES) == shown | set(SWITCHES)
    assert all("\n" not in switch.line and switch.line.endswith(".") for switch in ROOM_SWITCHES.values())


def test_the_stimulators_switches_work_in_a_room_too() -> None:
    talk = RoomTalk()
    talk.say("panel-arm")
    talk.rest(2 * S)
    talk.say("panel-trigger")
    talk.rest(S)
    assert talk.say("pulses") == {"pulses": 1}
    assert talk.say("log")["happenings"][-1]["coil"]["touches"] is False
    assert [each.kind for each in talk.happenings] == [Kind.ARMED, Kind.PULSE]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (b'{"do": "explode"}', "no switch"),
        (b'{"do": "shift", "mm": "far"}', "mm is float"),
        (b'{"do": "shift", "direction": "west"}', "a direction is"),
        (b'{"do": "shift", "s": 0}', "over in"),
        (b'{"do": "nod", "times": 0}', "at least once"),
        (b'{"do": "head"}', "needs motion"),
        (b'{"do": "room", "who": 1}', "has no who"),
        (b'{"do": "shift", "mm": NaN}', "number up to"),
    ],
)
def test_a_wrong_request_is_answered_with_what_is_wrong(line: bytes, complaint: str) -> None:
    said = json.loads(answer(RoomTalk().room, line))
    assert said["ok"] is False
    assert complaint in said["error"]


def test_a_stimulator_alone_says_that_it_has_no_room() -> None:
    bench = RoomTalk().room.bench
    assert turn(bench, "pulses") == {"pulses": 0}
    with pytest.raises(OperatorError, match="--room robot"):
        turn(bench, "shift")
    assert turn(bench, "reset") == {}
