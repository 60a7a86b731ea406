"""Which frames are believed: each limit met from both sides; numbers in mm, degrees and ms, typed here on purpose."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest

from daemon.arm.reasons import ArmReason
from daemon.arm.trust import Trust
from drivers.poses import Pose
from drivers.trackers import Frame, Sight, Tool
from simulator.head.events import Nod, Shift, cough, startle, turned_about_centre
from tests.daemon.arm.hold_room import NOT_SEEN, ROBOT_FROM_CAMERA, TCP_FROM_COIL

MS = 1_000
CAMERA = ROBOT_FROM_CAMERA.inverse()
HEAD_AT = Pose.turned((0.2, -0.1, 0.4), (0.3, 0.1, -1.2))
"""camera_from_head."""
ARM_AT = Pose.turned((0.4, 2.0, 0.3), (0.5, 0.1, 0.4))
"""robot_from_tcp."""
DISAGREES = ArmReason.COIL_MARKER_DISAGREES


def by(mm: float = 0.0, degrees: float = 0.0) -> Pose:
    """So far away, along an axis of its own, and turned about another."""
    return Pose.turned((0.0, math.radians(degrees), 0.0), (mm / 1e3, 0.0, 0.0))


class Seen:
    """Frames judged one after the other. The arm's states are told as they come, the frames a moment later."""

    def __init__(self, measured: Pose | None = None) -> None:
        self.trust = Trust(ROBOT_FROM_CAMERA, measured)
        self.at_us = random.randrange(10**6, 10**12)
        self.number = 0
        self._specks = 0

    def arm(self, pose: Pose = ARM_AT, *, ms: float = 0.0) -> None:
        """Where the arm stands, so many ms after the newest frame."""
        self.trust.arm(self.at_us + round(ms * MS), pose)

    def frame(self, *, ms: float = 0.0, head: Pose | None = HEAD_AT, coil: Pose | None = None) -> ArmReason | None:
        """The frame so many ms later, with head and coil at these places of the camera's; why it is not believed."""
        self.at_us += round(ms * MS)
        self._specks += 1
        speck = Pose(translation=(0.0, 0.0, 1e-9 * self._specks))  # no tracker shows the same twice
        tools = {
            tool: NOT_SEEN if pose is None else Sight(pose @ speck)
            for tool, pose in {Tool.HEAD: head, Tool.COIL: coil}.items()
        }
        return self.shows(tools)

    def shows(self, tools: dict[Tool, Sight]) -> ArmReason | None:
        """The frame at this time."""
        self.number += 1
        judgement = self.trust.judge(Frame(self.number, self.at_us, self.at_us + 14 * MS, tools))
        assert judgement is not None
        assert (judgement.head is None) == (judgement.why_not is not None)
        return judgement.why_not

    def coil(self, on_tool: Pose, *, ms: float = 20.0) -> ArmReason | None:
        """A frame with the arm at rest and the coil's marker at this place of its tool."""
        self.arm(ms=ms)
        return self.frame(ms=ms, coil=CAMERA @ ARM_AT @ on_tool)


# --- the head


@pytest.mark.parametrize(
    ("after_ms", "good", "wrong"),
    [
        (20, by(mm=9.9), by(mm=10.1)),
        (50, by(mm=9.9), by(mm=10.1)),
        (1050, by(mm=309), by(mm=311)),  # and 300 mm/s for 1 s
        (20, by(degrees=11.4), by(degrees=11.5)),  # 0.2 rad
        (50, by(degrees=11.4), by(degrees=11.5)),
        (1050, by(degrees=125.9), by(degrees=126.2)),  # and 2 rad/s for 1 s
    ],
)
def test_a_head_moves_10_mm_or_two_tenths_of_a_radian_and_further_only_while_it_is_not_seen(
    after_ms: float, good: Pose, wrong: Pose
) -> None:
    def jump(way: Pose) -> ArmReason | None:
        seen = Seen()
        assert seen.frame() is None
        return seen.frame(ms=after_ms, head=HEAD_AT @ way)

    assert (jump(good), jump(wrong)) == (None, ArmReason.JUMP)


@pytest.mark.parametrize("way", [by(mm=15), by(mm=60), by(degrees=20)], ids=["15 mm", "60 mm", "20 degrees"])
def test_a_marker_that_was_pushed_aside_is_never_believed_however_long_it_is_seen_there(way: Pose) -> None:
    seen = Seen()
    assert seen.frame() is None

    assert {seen.frame(ms=20, head=HEAD_AT @ way) for _ in range(500)} == {ArmReason.JUMP}
    assert seen.frame(ms=20) is None, "it is where it was"
    assert seen.frame(ms=20, head=HEAD_AT @ by(mm=9)) is None


def test_a_marker_that_jumped_is_not_excused_by_being_hidden_afterwards() -> None:
    def comes_back(first: Pose) -> ArmReason | None:
        """20 mm off, after 0.3 s out of sight."""
        seen = Seen()
        assert seen.frame() is None
        seen.frame(ms=20, head=HEAD_AT @ first)
        assert seen.frame(ms=20, head=None) is ArmReason.HEAD_LOST
        return seen.frame(ms=300, head=HEAD_AT @ by(mm=20))

    assert (comes_back(by(mm=1)), comes_back(by(mm=30))) == (None, ArmReason.JUMP)


def test_how_far_an_unseen_head_may_have_gone_is_not_forgotten_over_a_frame_that_is_left_out() -> None:
    def goes_on(coil: Pose) -> ArmReason | None:
        seen = Seen()
        assert seen.coil(TCP_FROM_COIL) is None
        seen.arm(ms=1_050)
        seen.frame(ms=1_050, head=HEAD_AT @ by(mm=300), coil=CAMERA @ ARM_AT @ coil)
        return seen.frame(ms=20, head=HEAD_AT @ by(mm=309))

    assert goes_on(TCP_FROM_COIL) is None
    assert goes_on(TCP_FROM_COIL @ by(mm=6)) is None, "the coil's marker was wrong, not the head's"


@pytest.mark.parametrize("rate_hz", [20, 30, 60, 250])
def test_no_head_that_startles_coughs_or_shifts_in_full_view_is_ever_said_to_have_jumped(rate_hz: int) -> None:
    moves = [
        startle(0, (0.6, 0.8, 0.0), speed_m_s=0.2),
        cough(0),
        Nod(0, math.radians(15), 1_000_000),
        Shift(0, (0.0, 0.03, 0.0), 600_000),
    ]
    for move in moves:
        for phase in range(10):
            seen = Seen()
            for at_us in range(-100_000 + phase * 5_000, 1_500_000, round(1e6 / rate_hz)):
                place = turned_about_centre((0.0, 0.0, 0.0), move.at(at_us))
                assert seen.frame(ms=1e3 / rate_hz, head=HEAD_AT @ place) is None


# --- the tracker


def test_a_tracker_that_counts_its_frames_anew_is_believed_at_once() -> None:
    seen = Seen()
    for _ in range(50):
        assert seen.frame(ms=20) is None
    seen.number = 0

    assert seen.frame(ms=5_000) is None
    assert seen.frame(ms=20) is None


def test_a_frame_that_was_seen_no_later_than_the_last_says_nothing() -> None:
    seen = Seen()
    assert seen.frame() is None
    for earlier_us, judged in ((0, False), (20_000, False), (-1, True)):
        frame = Frame(77, seen.at_us - earlier_us, seen.at_us + 14 * MS, {Tool.HEAD: Sight(HEAD_AT)})
        assert (seen.trust.judge(frame) is not None) is judged


@pytest.mark.parametrize("stuck", [Tool.HEAD, Tool.COIL, Tool.POINTER])
def test_a_single_tool_whose_pose_is_repeated_to_the_last_digit_tells_of_a_frozen_tracker(stuck: Tool) -> None:
    seen, kept = Seen(), Sight(HEAD_AT @ by(mm=2))

    def frame(nth: int, *, repeated: bool) -> ArmReason | None:
        seen.at_us += 20 * MS
        others = {tool: Sight(HEAD_AT @ by(mm=1e-6 * nth)) for tool in Tool}
        return seen.shows({**others, stuck: kept} if repeated else others)

    assert [frame(nth, repeated=nth in (2, 3, 4)) for nth in range(1, 7)] == [
        None, None, ArmReason.TRACKER_FROZEN, ArmReason.TRACKER_FROZEN, None, None,
    ]  # fmt: skip


def test_a_pose_that_is_repeated_after_the_tool_was_hidden_is_no_news_either() -> None:
    seen, sights = Seen(), {Tool.HEAD: Sight(HEAD_AT)}
    assert seen.shows(sights) is None
    assert seen.frame(ms=20, head=None) is ArmReason.HEAD_LOST
    seen.at_us += 20 * MS

    assert seen.shows(sights) is ArmReason.TRACKER_FROZEN


# --- the markers


COIL_AT = CAMERA @ ARM_AT @ TCP_FROM_COIL


def test_a_head_marker_that_appears_within_30_mm_of_the_coils_place_is_the_coils() -> None:
    def appears(mm: float) -> ArmReason | None:
        seen = Seen()
        assert seen.coil(TCP_FROM_COIL) is None
        return seen.frame(ms=20, head=COIL_AT @ by(mm=mm))

    assert (appears(29.5), appears(30.5)) == (ArmReason.MARKER_SWAP, ArmReason.JUMP)


def test_a_head_marker_that_appears_where_the_coil_was_half_a_second_ago_is_the_coils() -> None:
    def appears(after_ms: float) -> ArmReason | None:
        seen = Seen()
        assert seen.coil(TCP_FROM_COIL) is None
        assert seen.frame(ms=after_ms - 20) is None
        return seen.frame(ms=20, head=COIL_AT @ by(mm=1))

    assert (appears(500), appears(500.001)) == (ArmReason.MARKER_SWAP, ArmReason.JUMP)


# --- the coil's marker against the arm's word


@pytest.mark.parametrize(
    ("good", "wrong"), [(by(mm=3.95), by(mm=4.05)), (by(degrees=2.84), by(degrees=2.89))], ids=["shift", "turn"]
)
def test_a_coil_marker_shifts_4_mm_or_turns_a_twentieth_of_a_radian_at_once_and_no_further(
    good: Pose, wrong: Pose
) -> None:
    def shifts(way: Pose) -> ArmReason | None:
        seen = Seen()
        assert seen.coil(TCP_FROM_COIL) is None
        return seen.coil(TCP_FROM_COIL @ way)

    assert (shifts(good), shifts(wrong)) == (None, DISAGREES)


@pytest.mark.parametrize(
    ("creeps", "good", "wrong"),
    [(lambda s: by(mm=s), 9.9, 10.1), (lambda s: by(degrees=s / 2), 11.4, 11.5)],  # 0.1 rad are 5.73°
    ids=["shift", "turn"],
)
def test_a_coil_marker_creeps_10_mm_or_a_tenth_of_a_radian_off_its_measured_place_and_no_further(
    creeps: Callable[[float], Pose], good: float, wrong: float
) -> None:
    """At 1 mm/s, or half a degree per second: what is expected follows."""

    def crept(to_s: float) -> ArmReason | None:
        seen = Seen(TCP_FROM_COIL)
        for step in range(round(good / 0.2)):
            assert seen.coil(TCP_FROM_COIL @ creeps(0.2 * step), ms=200) is None
        return seen.coil(TCP_FROM_COIL @ creeps(to_s), ms=200)

    assert (crept(good), crept(wrong)) == (None, DISAGREES)


def test_where_the_coil_marker_is_expected_follows_what_is_seen_with_a_time_of_3_s() -> None:
    """Of 3.9 mm it has gone 63.3 % after 3 s, and from there 4 mm are allowed."""

    def goes_on(mm: float) -> ArmReason | None:
        seen = Seen()
        assert seen.coil(TCP_FROM_COIL) is None
        for _ in range(150):
            assert seen.coil(TCP_FROM_COIL @ by(mm=3.9)) is None
        return seen.coil(TCP_FROM_COIL @ by(mm=mm))

    assert (goes_on(6.45), goes_on(6.49)) == (None, DISAGREES)


@pytest.mark.parametrize("measured", [TCP_FROM_COIL, None], ids=["measured", "as first seen"])
def test_how_far_the_tracker_sees_the_coil_off_the_arms_word_is_never_learned_away(measured: Pose | None) -> None:
    seen = Seen(measured)
    assert seen.coil(TCP_FROM_COIL) is None
    for _ in range(1_000):
        assert seen.coil(by(mm=3.5) @ TCP_FROM_COIL) is None

    assert seen.trust.off.translation == pytest.approx((0.0035, 0.0, 0.0), abs=1e-6)
    assert seen.trust.off.angle < 1e-6


def test_a_single_frame_moves_it_by_its_share_of_50_ms_and_after_50_ms_one_frame_says_all() -> None:
    def after(ms: float) -> float:
        seen = Seen()
        assert seen.coil(TCP_FROM_COIL) is None
        seen.coil(by(mm=3) @ TCP_FROM_COIL, ms=ms)
        return seen.trust.off.distance * 1e3

    assert [after(ms) for ms in (10, 20, 50, 500)] == pytest.approx([0.6, 1.2, 3.0, 3.0], abs=1e-3)


def test_when_the_coils_marker_was_last_seen_is_remembered() -> None:
    seen = Seen(TCP_FROM_COIL)
    assert seen.frame() is None
    before = seen.trust.coil_us
    assert seen.coil(TCP_FROM_COIL) is None
    at_us = seen.at_us
    assert seen.frame(ms=20) is None

    assert (before, seen.trust.coil_us) == (None, at_us)


def test_three_frames_in_a_row_accuse_and_three_acquit() -> None:
    seen, off = Seen(), TCP_FROM_COIL @ by(mm=6)
    for _ in range(3):
        assert seen.coil(TCP_FROM_COIL) is None
    for places, moved in (
        ((off, off, TCP_FROM_COIL, off, off), None),
        ((off,), DISAGREES),
        ((TCP_FROM_COIL, TCP_FROM_COIL, off, TCP_FROM_COIL, TCP_FROM_COIL), DISAGREES),
        ((TCP_FROM_COIL,), None),
    ):
        for place in places:
            seen.coil(place)
        assert seen.trust.moved is moved


# --- where the arm was when a frame was seen


def off_by_6_mm(arm_says: Callable[[Seen], None]) -> ArmReason | None:
    """What is said of a coil marker 6 mm off its place, in a frame 1 s after the one that showed where that is."""
    seen = Seen()
    assert seen.coil(TCP_FROM_COIL) is None
    seen.at_us += 1_000 * MS
    arm_says(seen)
    return seen.frame(coil=COIL_AT @ by(mm=6))


def test_the_arms_newest_word_counts_for_20_ms() -> None:
    assert off_by_6_mm(lambda seen: seen.arm(ms=-19.999)) is DISAGREES
    assert off_by_6_mm(lambda seen: seen.arm(ms=-20)) is None, "nobody knows"


def test_two_words_of_the_arm_50_ms_apart_tell_where_it_was_between_them() -> None:
    def apart(ms: float) -> ArmReason | None:
        def says(seen: Seen) -> None:
            seen.arm(ms=-ms / 2)
            seen.arm(ms=ms - ms / 2)

        return off_by_6_mm(says)

    assert (apart(50), apart(50.002)) == (DISAGREES, None)


def test_an_arm_that_moved_within_30_ms_explains_as_much() -> None:
    """It went 10 mm; the marker is seen where it would be, had it not."""

    def moved(ms_ago: float) -> ArmReason | None:
        seen = Seen()
        assert seen.coil(TCP_FROM_COIL) is None
        seen.at_us += 1_000 * MS
        seen.arm(ms=-ms_ago)
        for ms in range(-29, 1):
            seen.arm(ARM_AT @ by(mm=10), ms=ms)
        return seen.frame(coil=COIL_AT)

    assert (moved(30), moved(30.001)) == (None, DISAGREES)


def test_without_a_calibration_no_coil_marker_is_wrong() -> None:
    calibrated, uncalibrated = Seen(TCP_FROM_COIL), Seen()
    uncalibrated.trust = Trust(None, TCP_FROM_COIL)

    assert calibrated.coil(TCP_FROM_COIL @ by(mm=50)) is DISAGREES
    assert uncalibrated.coil(TCP_FROM_COIL @ by(mm=50)) is None
