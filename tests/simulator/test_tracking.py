"""The tracker as physics: when it sees, how well, how late, and each way in which it fails."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from statistics import fmean, stdev

import pytest

from drivers.poses import Pose
from drivers.trackers import Frame, Missing, Tool
from simulator.tracking import Freeze, Scene, SimulatedTracker, TrackerProfile

S = 1_000_000
START_US = 10**9
QUIET = TrackerProfile(noise_m=0, noise_rad=0)
HEAD, COIL = Pose(translation=(0, 0, -1.5)), Pose.turned((0, 0.2, 0), (0.1, 0, -1.5))


def passing(at_us: int) -> Mapping[Tool, Pose]:
    """A head that goes by at 100 mm/s, and a coil that stands."""
    return {Tool.HEAD: Pose(translation=((at_us - START_US) * 1e-7, 0, -1.5)), Tool.COIL: COIL}


def standing(_at_us: int) -> Mapping[Tool, Pose]:
    return {Tool.HEAD: HEAD, Tool.COIL: COIL}


def tracker(profile: TrackerProfile = QUIET, scene: Scene = passing, seed: int = 1) -> SimulatedTracker:
    return SimulatedTracker(profile, scene, seed, START_US)


def frames(seen: SimulatedTracker, until_s: float) -> list[Frame]:
    seen.step_to(START_US + round(until_s * S))
    return seen.take()


def place(frame: Frame, tool: Tool = Tool.HEAD) -> float:
    pose = frame.tools[tool].pose
    assert pose is not None
    return pose.translation[0]


def test_it_sees_at_its_rate_and_numbers_what_it_sees() -> None:
    seen = frames(tracker(), 2.0)
    assert [frame.number for frame in seen] == list(range(1, len(seen) + 1))
    assert 118 <= len(seen) <= 120
    assert {b.source_us - a.source_us for a, b in pairwise(seen)} == {16_666, 16_667}


def test_a_frame_shows_the_instant_it_was_seen_at_and_comes_14_ms_later() -> None:
    seen = frames(tracker(), 30)
    assert all(place(frame) == pytest.approx((frame.source_us - START_US) * 1e-7, abs=1e-9) for frame in seen)
    late = [frame.received_us - frame.source_us for frame in seen]
    assert fmean(late) == pytest.approx(14_000, rel=0.03)
    assert stdev(late) == pytest.approx(2_000, rel=0.15)


def test_no_frame_is_there_before_it_is_ready_and_none_overtakes_another() -> None:
    seen = tracker(TrackerProfile(latency_sd_us=20_000))
    last_us = 0
    for at_us in range(START_US, START_US + S, 500):
        seen.step_to(at_us)
        for frame in seen.take():
            assert last_us <= frame.received_us <= at_us
            last_us = frame.received_us
    assert seen.newest is not None


def test_noise_is_as_large_as_said_and_differs_from_axis_to_axis() -> None:
    poses = [frame.tools[Tool.HEAD].pose for frame in frames(tracker(TrackerProfile(), standing), 30)]
    known = [pose for pose in poses if pose]
    for axis in range(3):
        assert stdev(pose.translation[axis] for pose in known) == pytest.approx(0.00005, rel=0.1)
        turns = [math.degrees(pose.rotation_vector[axis]) for pose in known]
        assert stdev(turns) == pytest.approx(0.05, rel=0.1)
    assert known[0].translation[0] != known[0].translation[1]


def test_turning_speeds_as_published_are_what_such_noise_looks_like_from_frame_to_frame() -> None:
    profile = TrackerProfile(rate_hz=25)
    poses = [frame.tools[Tool.HEAD].pose for frame in frames(tracker(profile, standing), 60)]
    known = [pose for pose in poses if pose]
    speeds = [math.degrees((a.inverse() @ b).angle) * 25 for a, b in pairwise(known)]
    assert 1.9 < fmean(speeds) < 3.3


def test_what_is_not_in_the_room_is_not_seen_and_what_is_too_near_is_out_of_the_volume() -> None:
    near = tracker(QUIET, lambda _: {Tool.HEAD: Pose(translation=(0, 0, -0.5))})
    (frame, *_) = frames(near, 0.2)
    assert frame.tools[Tool.HEAD].missing is Missing.OUT_OF_VOLUME
    assert frame.tools[Tool.POINTER].missing is Missing.NOT_SEEN


def test_a_hidden_tool_comes_back_by_itself_and_the_others_are_seen_meanwhile() -> None:
    seen = tracker()
    frames(seen, 1)
    seen.faults.hidden_until_us[Tool.HEAD] = START_US + round(1.3 * S)
    during, after = frames(seen, 1.3)[1:-1], frames(seen, 2)[1:]
    assert {frame.tools[Tool.HEAD].missing for frame in during} == {Missing.NOT_SEEN}
    assert all(frame.tools[Tool.COIL].pose for frame in during)
    assert all(frame.tools[Tool.HEAD].pose for frame in after)


def test_dropouts_take_their_share_and_leave_the_noise_of_the_rest_as_it_was() -> None:
    whole, holed = tracker(TrackerProfile(), standing), tracker(TrackerProfile(dropout=0.2), standing)
    pairs = list(zip(frames(whole, 30), frames(holed, 30), strict=True))
    lost = [b.tools[Tool.HEAD].pose is None for _, b in pairs]
    assert fmean(lost) == pytest.approx(0.2, rel=0.15)
    kept = [(a, b) for a, b in pairs if b.tools[Tool.HEAD].pose]
    assert all(a.tools[Tool.HEAD] == b.tools[Tool.HEAD] for a, b in kept)


def test_frozen_poses_keep_their_place_while_the_numbers_run_on() -> None:
    seen = tracker()
    before = frames(seen, 1)[-1]
    seen.faults.frozen = (Freeze.POSES, START_US + 2 * S)
    frozen = frames(seen, 1.9)
    assert [frame.number for frame in frozen] == list(range(before.number + 1, before.number + 1 + len(frozen)))
    assert len({place(frame) for frame in frozen[1:]}) == 1
    assert len({place(frame) for frame in frames(seen, 3)}) > 50


def test_frozen_numbers_repeat_the_last_frame_and_a_silent_tracker_says_nothing() -> None:
    for freeze, kept in ((Freeze.NUMBERS, 1), (Freeze.SILENT, 0)):
        seen = tracker()
        frames(seen, 1)
        seen.faults.frozen = (freeze, START_US + 2 * S)
        frames(seen, 1.1)
        assert len({frame.number for frame in frames(seen, 2)}) == kept
        after = frames(seen, 2.2)
        assert after[-1].number > 125  # the camera itself went on


def test_swapped_markers_stand_in_each_others_place() -> None:
    seen = tracker(QUIET, standing)
    seen.faults.swapped = (Tool.HEAD, Tool.COIL, START_US + S)
    frame = frames(seen, 0.5)[-1]
    assert frame.tools[Tool.HEAD].pose == COIL
    assert frame.tools[Tool.COIL].pose == HEAD
    assert frames(seen, 2)[-1].tools[Tool.HEAD].pose == HEAD


def test_a_marker_that_jumps_is_seen_elsewhere_at_once() -> None:
    seen = tracker(QUIET, standing)
    seen.faults.jumps[Tool.HEAD] = (Pose.turned((0, 0, 0.1), (0.04, 0, 0)), START_US + S)
    jumped = frames(seen, 0.5)[-1].tools[Tool.HEAD].pose
    assert jumped is not None
    assert jumped.translation == (0.04, 0, -1.5)
    assert jumped.angle == pytest.approx(0.1)
    assert frames(seen, 2)[-1].tools[Tool.HEAD].pose == HEAD


def test_extra_latency_and_a_fault_of_its_own_are_told() -> None:
    seen = tracker()
    seen.faults.extra_latency_us = 50_000
    seen.faults.fault = ("hardware-failure", START_US + S)
    frame = frames(seen, 0.5)[-1]
    assert frame.received_us - frame.source_us > 50_000
    assert frame.fault == "hardware-failure"
    assert frames(seen, 2)[-1].fault == ""


def test_a_wire_that_takes_nothing_loses_the_oldest_frames() -> None:
    seen = tracker()
    taken = frames(seen, 60)
    assert len(taken) == 256
    assert taken[-1] == seen.newest
