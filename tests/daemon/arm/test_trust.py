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
        self._number = 0

    def arm(self, pose: Pose = ARM_AT, *, ms: float = 0.0) -> None:
        """Where the arm stands, so many ms after the newest frame."""
        self.trust.arm(self.at_us + round(ms * MS), pose)

    def frame(self, *, ms: float = 0.0, head: Pose | None = HEAD_AT, coil: Pose | None = None) -> ArmReason | None:
        """The frame so many ms later, with head and coil at these places of the camera's; why it is not believed."""
        self.at_us += round(ms * MS)
        self._number += 1
        speck = Pose(translation=(0.0, 0.0, 1e-9 * self._number))  # no tracker shows the same twice
        tools = {
            tool: NOT_SEEN if pose is None else Sight(pose @ speck)
            for tool, pose in {Tool.HEAD: head, Tool.COIL: coil}.items()
        }
        judgement = self.trust.judge(Frame(self._number, self.at_us, self.at_us + 14 * MS, tools))
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
        (20, by(mm=15.9), by(mm=16.1)),  # 10 mm, and 300 mm/s for 20 ms
        (1000, by(mm=309), by(mm=311)),
        (20, by(degrees=13.7), by(degrees=13.8)),  # 0.2 rad, and 2 rad/s for 20 ms
        (1000, by(degrees=125.9), by(degrees=126.2)),
    ],
)
def test_a_head_moves_10_mm_and_300_mm_s_or_two_tenths_of_a_radian_and_2_rad_s_and_no_further(
    after_ms: float, good: Pose, wrong: Pose
) -> None:
    def jump(way: Pose) -> ArmReason | None:
        seen = Seen()
        assert seen.frame() is None
        return seen.frame(ms=after_ms, head=HEAD_AT @ way)

    assert (jump(good), jump(wrong)) == (None, ArmReason.JUMP)


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
