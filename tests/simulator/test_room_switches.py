"""Every order of the room does what its line of help says."""

from __future__ import annotations

import json
import math
from collections.abc import Callable

import pytest

from drivers.errors import OperatorError
from drivers.poses import Pose
from drivers.trackers import Frame, Missing, Tool
from simulator.control import answer
from simulator.directions import seven
from simulator.head.statistics import Motion
from simulator.room_switches import ALL_SWITCHES, ROOM_SWITCHES, turn
from simulator.switches import SWITCHES
from simulator.world import Kind
from tests.simulator.rooms import MS, RoomTalk, S

BITES: set[str] = set()


def bites(*names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Marks a test as the one that shows these switches at work."""
    BITES.update(names)
    return lambda test: test


def moved(talk: RoomTalk, us: int) -> float:
    """How far the head's frame is from here after so long, metres."""
    before = talk.head()
    talk.rest(us)
    return math.dist(before.translation, talk.head().translation)


def furthest(talk: RoomTalk, us: int) -> float:
    before, most = talk.head(), 0.0
    for _ in range(us // (4 * MS)):
        talk.rest(4 * MS)
        most = max(most, math.dist(before.translation, talk.head().translation))
    return most


def seen(talk: RoomTalk, tool: Tool = Tool.HEAD) -> Pose:
    pose = talk.frames(100 * MS)[-1].tools[tool].pose
    assert pose is not None
    return pose


def missing(frames: list[Frame], tool: Tool) -> int:
    return sum(frame.tools[tool].missing is Missing.NOT_SEEN for frame in frames)


# ── the truth ───────────────────────────────────────────────────────────────────────────────────────────────────────


@bites("room", "room-truth", "arm", "forget-peaks")
def test_the_truth_can_be_looked_at_and_is_json() -> None:
    talk = RoomTalk(Motion.REST, 7)
    talk.rest(S)
    room, truth, arm = talk.say("room"), talk.say("room-truth"), talk.say("arm")
    json.dumps([room, truth, arm])
    assert (room["motion"], room["seed"], room["touches"]) == ("rest", 7, 0)
    assert room["frame"] in range(57, 61)
    assert (arm["mode"], arm["safety"], arm["program"]) == ("running", "normal", "")
    robot_from_head = Pose.of(truth["robot_from_skull"][:4], truth["robot_from_skull"][4:]) @ (
        Pose.of(truth["head_from_skull"][:4], truth["head_from_skull"][4:]).inverse()
    )
    by_camera = Pose.of(truth["robot_from_camera"][:4], truth["robot_from_camera"][4:]) @ seen(talk)
    assert (robot_from_head.inverse() @ by_camera).distance < 0.001
    assert set(truth["fiducials"]) == {"NAS", "LPA", "RPA"}
    talk.say("forget-peaks")


@bites("aim-truth")
def test_pulses_can_be_judged_against_another_target() -> None:
    talk = RoomTalk()
    talk.place_on_target()
    target = talk.room.head_from_target @ Pose(translation=(0.01, 0, 0))
    talk.say("aim-truth", head_from_target=",".join(map(str, [*target.quaternion, *target.translation])))
    assert talk.room.coil_place(talk.now_us).lateral_m == pytest.approx(0.01)
    with pytest.raises(OperatorError, match="seven numbers"):
        talk.say("aim-truth", head_from_target="1,2,3")


@bites("hold-pointer")
@pytest.mark.parametrize("at", ["NAS", "LPA", "RPA", "point"])
def test_the_pointer_is_seen_with_its_tip_where_it_is_held(at: str) -> None:
    talk = RoomTalk()
    assert missing(talk.frames(100 * MS), Tool.POINTER) > 3
    talk.say("hold-pointer", at=at, x=0, y=0, z=130)
    skull_from_tip = (talk.room.placement.skull_from_head @ seen(talk).inverse() @ seen(talk, Tool.POINTER)).translation
    assert skull_from_tip == pytest.approx((talk.room.placement.fiducials | {"point": (0, 0, 0.13)})[at], abs=0.001)
    talk.say("hold-pointer", at="none")
    talk.rest(100 * MS)
    assert missing(talk.frames(100 * MS), Tool.POINTER) > 3
    with pytest.raises(OperatorError, match="held at"):
        talk.say("hold-pointer", at="nose")


# ── the head ────────────────────────────────────────────────────────────────────────────────────────────────────────


@bites("head")
def test_a_head_can_become_restless_and_still_again() -> None:
    talk = RoomTalk()
    assert furthest(talk, S) == 0
    talk.say("head", motion="free", seed=4)
    assert furthest(talk, 3 * S) > 0.0005
    talk.say("head", motion="still")
    assert furthest(talk, S) == 0
    with pytest.raises(OperatorError, match="restrained"):
        talk.say("head", motion="dancing")


@bites("shift")
@pytest.mark.parametrize("direction", ["forward", "back", "left", "right", "up", "down", "any"])
def test_a_shift_goes_where_it_says(direction: str) -> None:
    talk = RoomTalk()
    talk.say("shift", mm=20, s=0.5, direction=direction)
    assert moved(talk, S) == pytest.approx(0.02)
    assert moved(talk, S) == 0


@bites("nod", "breathe", "coughs", "startles", "leave", "twitches")
@pytest.mark.parametrize(
    ("name", "arguments", "least_m", "most_m"),
    [
        ("nod", {"deg": 8, "s": 1}, 0.01, 0.04),
        ("breathe", {"mm": 1, "s": 5}, 0.0008, 0.0011),
        ("coughs", {}, 0.004, 0.015),
        ("startles", {"mm_s": 150, "direction": "left"}, 0.019, 0.021),
        ("leave", {"s": 1, "missed_mm": 0.0}, 0.6, 0.7),
    ],
)
def test_what_goes_out_comes_back(name: str, arguments: dict[str, float], least_m: float, most_m: float) -> None:
    talk = RoomTalk()
    before = talk.head()
    talk.say(name, **arguments)
    assert least_m < furthest(talk, 7 * S) < most_m
    assert math.dist(before.translation, talk.head().translation) < 1e-9


def test_pulses_make_the_head_twitch_from_now_on() -> None:
    talk = RoomTalk()
    talk.say("twitches", mm=2)
    talk.say("panel-arm")
    talk.rest(2 * S)
    talk.say("panel-trigger")
    assert furthest(talk, 300 * MS) == pytest.approx(0.002, rel=0.05)


@bites("stiffness")
def test_a_stiffer_neck_pushes_back_harder() -> None:
    talk = RoomTalk()
    talk.place_on_target(off_m=-0.006)
    soft = talk.room.contact(talk.now_us).force_n
    talk.say("stiffness", neck_n_mm=50)
    assert talk.room.contact(talk.now_us).force_n > 5 * soft
    with pytest.raises(OperatorError, match="above zero"):
        talk.say("stiffness", neck_n_mm=0)


# ── the tracker ─────────────────────────────────────────────────────────────────────────────────────────────────────


@bites("hide")
def test_a_hidden_tool_is_missing_for_as_long_as_said() -> None:
    talk = RoomTalk()
    talk.say("hide", s=0.3, tool="head")
    frames = talk.frames(S)
    assert missing(frames, Tool.HEAD) in range(17, 20)
    assert missing(frames, Tool.COIL) == 0
    talk.say("hide", s=0.3, tool="all")
    assert missing(talk.frames(S), Tool.COIL) in range(17, 20)
    with pytest.raises(OperatorError, match="a tool is"):
        talk.say("hide", tool="hat")


@bites("lose-sights")
def test_sights_are_lost_by_their_share() -> None:
    talk = RoomTalk()
    assert missing(talk.frames(5 * S), Tool.HEAD) == 0
    talk.say("lose-sights", percent=50)
    assert 100 < missing(talk.frames(5 * S), Tool.HEAD) < 200
    with pytest.raises(OperatorError, match="percent"):
        talk.say("lose-sights", percent=101)


@bites("freeze-tracker")
def test_a_frozen_tracker_shows_a_head_that_stands_while_it_moves() -> None:
    talk = RoomTalk()
    talk.rest(100 * MS)
    talk.say("freeze-tracker", how="poses")
    talk.say("shift", mm=20, s=0.3)
    talk.rest(100 * MS)
    frames = talk.frames(S)
    assert len({frame.number for frame in frames}) == len(frames)
    assert len({frame.tools[Tool.HEAD].pose for frame in frames}) == 1
    talk.say("reset")
    talk.rest(100 * MS)
    assert len({frame.tools[Tool.HEAD].pose for frame in talk.frames(S)}) > 50
    with pytest.raises(OperatorError, match="silent"):
        talk.say("freeze-tracker", how="solid")


@bites("swap-markers", "jump-marker")
def test_wrong_markers_are_seen_where_they_are_not() -> None:
    talk = RoomTalk()
    head, coil = seen(talk), seen(talk, Tool.COIL)
    talk.say("swap-markers", s=0.5)
    assert math.dist(seen(talk).translation, coil.translation) < 0.001
    talk.rest(S)
    talk.say("jump-marker", mm=40, s=0.5)
    assert math.dist(seen(talk).translation, head.translation) == pytest.approx(0.04, abs=0.001)
    talk.rest(S)
    assert math.dist(seen(talk).translation, head.translation) < 0.001


@bites("late-frames", "tracker-says")
def test_a_tracker_can_be_late_and_say_that_it_is_broken() -> None:
    talk = RoomTalk()
    talk.say("late-frames", ms=50)
    talk.say("tracker-says", fault="too-much-infrared", s=1)
    frame = talk.frames(S)[-1]
    assert frame.received_us - frame.source_us > 55 * MS
    assert frame.fault == "too-much-infrared"
    with pytest.raises(OperatorError, match="hardware-failure"):
        talk.say("tracker-says", fault="tired")


@bites("pull-tracker", "plug-tracker")
def test_the_trackers_cable_is_pulled_and_plugged() -> None:
    talk = RoomTalk()
    talk.say("pull-tracker")
    assert not talk.room.tracker_plugged
    talk.say("plug-tracker")
    assert talk.room.tracker_plugged


@bites("bump-camera")
def test_a_bumped_camera_sees_head_and_coil_elsewhere_by_the_same() -> None:
    talk = RoomTalk()
    head, coil = seen(talk), seen(talk, Tool.COIL)
    truth = talk.head()
    talk.say("bump-camera", mm=10, deg=2)
    assert talk.head() == truth
    assert math.dist(seen(talk).translation, head.translation) > 0.005
    assert ((head.inverse() @ coil).inverse() @ (seen(talk).inverse() @ seen(talk, Tool.COIL))).distance < 0.001


@bites("bump-base")
def test_a_bumped_base_carries_arm_and_coil_with_it() -> None:
    talk = RoomTalk()
    talk.place_on_target(off_m=0.03)  # clear of the head, which it would push aside
    arm = talk.room.arm.robot_from_tcp
    talk.say("bump-base", mm=10, deg=0.0)
    place = talk.room.coil_place(talk.now_us)
    assert math.hypot(place.lateral_m, place.depth_m + 0.03) == pytest.approx(0.01)
    assert talk.room.arm.robot_from_tcp == arm
    talk.say("reset")
    assert talk.room.coil_place(talk.now_us).lateral_m < 1e-9


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
def test_reset_ends_the_faults_of_stimulator_and_tracker_and_leaves_the_head_where_it_is() -> None:
    talk = RoomTalk()
    talk.say("shift", mm=20, s=0.2)
    talk.rest(S)
    where = talk.head()
    for name in ("silent", "vanish", "freeze-tracker", "pull-tracker", "hide", "bump-camera"):
        talk.say(name)
    talk.say("reset")
    assert talk.head() == where
    assert talk.room.bench.port.present
    assert not talk.room.bench.port.silent
    assert talk.room.tracker_plugged
    talk.rest(100 * MS)
    assert seen(talk).translation != (0, 0, 0)


def test_every_switch_has_a_test_and_a_line_of_help() -> None:
    assert set(ROOM_SWITCHES) == BITES
    assert set(ALL_SWITCHES) == BITES | set(SWITCHES)
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
