"""Every switch of head and pointer, and of the truth about them, does what its line of help says."""

from __future__ import annotations

import json
import math

import pytest

from drivers.errors import OperatorError
from drivers.poses import Pose
from drivers.trackers import Tool
from simulator.head.statistics import Motion
from tests.simulator.rooms import MS, RoomTalk, S, missing, seen
from tests.simulator.switches_at_work import Bites

bites = Bites()


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


# ── the truth ───────────────────────────────────────────────────────────────────────────────────────────────────────


@bites("room", "room-truth", "arm")
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


def pressed(talk: RoomTalk, deep_m: float) -> tuple[float, int]:
    """The coil presses so deep and comes off again: the worst force until now, newtons, and how many touches."""
    talk.place_on_target(off_m=-0.005 - deep_m)  # the target is 5 mm off the scalp
    talk.rest(100 * MS)
    talk.place_on_target(off_m=0.03)
    talk.rest(100 * MS)
    room = talk.say("room")
    return room["peak_force_n"], room["touches"]


@bites("forget-peaks")
def test_the_worst_force_and_the_touches_are_kept_until_they_are_forgotten() -> None:
    talk = RoomTalk()
    assert pressed(talk, 0.003) == (pytest.approx(14.52, abs=0.01), 1)
    assert pressed(talk, 0.001) == (pytest.approx(14.52, abs=0.01), 2)
    talk.say("forget-peaks")
    assert (talk.say("room")["peak_force_n"], talk.say("room")["touches"]) == (0, 0)
    assert pressed(talk, 0.001) == (pytest.approx(4.84, abs=0.01), 1)


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


@bites("nod", "breathe", "coughs", "startles", "leave")
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


@bites("twitches")
def test_pulses_make_the_head_twitch_until_that_is_ended() -> None:
    talk = RoomTalk()
    talk.say("panel-arm")
    talk.rest(2 * S)
    for mm in (0, 2, 1, 0):
        talk.say("twitches", mm=mm)
        talk.say("panel-trigger")
        assert furthest(talk, 300 * MS) == pytest.approx(mm / 1e3, rel=0.05)
        talk.rest(S)
    assert talk.say("pulses") == {"pulses": 4}


@bites("stiffness")
def test_a_stiffer_neck_pushes_back_harder() -> None:
    talk = RoomTalk()
    talk.place_on_target(off_m=-0.006)
    soft = talk.room.contact(talk.now_us).force_n
    talk.say("stiffness", neck_n_mm=50)
    assert talk.room.contact(talk.now_us).force_n > 5 * soft
    with pytest.raises(OperatorError, match="above zero"):
        talk.say("stiffness", neck_n_mm=0)
