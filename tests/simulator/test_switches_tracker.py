"""Every switch of the tracker, and every knock against what stands in its sight, does what its line of help says."""

from __future__ import annotations

import math

import pytest

from drivers.errors import OperatorError
from drivers.trackers import Tool
from tests.simulator.rooms import MS, RoomTalk, S, missing, seen
from tests.simulator.switches_at_work import Bites

bites = Bites()


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
