"""How long the coil hold lives on what it knows: each time met from both sides, typed here in ms on purpose.

A turn of the room is 4 ms: what ends after 400 ms ends in the turn that is the first one later.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from daemon.arm.hold import ArmReason, HoldState, Lease, Verb
from daemon.arm.sight import Sight
from drivers.trackers import Frame, Tool
from drivers.trackers import Sight as Seen
from tests.daemon.arm.hold_room import HEAD, PARK, SETUP, TRACKER, Room, states, tracking, without

MS = 1_000
TURN_US = 4 * MS


def looked(source_us: int, received_us: int) -> Sight:
    """What is known after one frame of the head."""
    sight = Sight(SETUP)
    sight.saw(Frame(1, source_us, received_us, {Tool.HEAD: Seen(HEAD)}), followed=True)
    return sight


def test_the_coil_is_moved_by_a_pose_of_the_head_up_to_50_ms_old() -> None:
    sight = looked(1_000 * MS, 1_014 * MS)

    assert sight.trouble(1_050 * MS) is None
    assert sight.trouble(1_050 * MS + 1) is ArmReason.TRACKER_SILENT


def test_a_frame_that_comes_within_a_period_and_a_half_of_the_last_is_late_and_no_silence() -> None:
    sight = looked(1_000 * MS, 1_060 * MS)

    assert sight.trouble(1_060 * MS + 29_000) is ArmReason.TRACKER_LATE  # 25 ms, and four deviations of the latency
    assert sight.trouble(1_060 * MS + 29_001) is ArmReason.TRACKER_SILENT


@pytest.mark.parametrize(("rate_hz", "coast_ms", "fresh_ms"), [(60, 50, 100), (20, 91, 100), (10, 166, 166)])
def test_no_age_is_stricter_than_a_period_and_a_half_of_the_tracker_and_its_latency(
    rate_hz: float, coast_ms: int, fresh_ms: int
) -> None:
    setup = replace(SETUP, tracker=replace(TRACKER, rate_hz=rate_hz, latency_us=14 * MS, latency_sd_us=1 * MS))

    assert (setup.coast_us, setup.fresh_us(100 * MS)) == (coast_ms * MS, fresh_ms * MS)


def test_the_lease_lasts_until_the_last_pose_of_the_head_is_100_ms_old() -> None:
    room = tracking()
    assert room.last_seen is not None
    last_us = room.last_seen.source_us
    room.spoil = lambda frame: without(frame, Tool.HEAD)
    room.run(0.5, until=lambda said: said.lease is Lease.NONE)

    assert 100 * MS < room.now_us - last_us <= 100 * MS + TURN_US
    assert [said.error is None for said in room.said[-2:]] == [False, True], "nor is an error told any more"


def test_the_lease_lasts_until_the_arms_last_word_is_50_ms_old() -> None:
    room = tracking()
    last_us = room.now_us
    room.robot_says = lambda _: None
    room.run(0.5, until=lambda said: said.lease is Lease.NONE)

    assert room.now_us - last_us == 52 * MS


@pytest.mark.parametrize("spoil", [lambda _: None, lambda frame: without(frame, Tool.HEAD)], ids=["silent", "hidden"])
def test_a_coil_at_the_head_stands_unseeing_for_four_tenths_of_a_second(
    spoil: Callable[[Frame], Frame | None],
) -> None:
    room = tracking()
    room.spoil = spoil
    room.run(1, until=lambda said: said.state is HoldState.FREEZE)
    stands_us = room.now_us
    room.run(1, until=lambda said: said.state is HoldState.RETRACT)

    assert room.now_us - stands_us == 400 * MS + TURN_US


def waits_far_from_the_head(hidden_s: float) -> Room:
    """Its head is hidden for so long while the coil is on its way."""
    room = Room(at=PARK)
    room.run(0.2)
    assert room.order(Verb.TO_TARGET) is None
    room.run(0.5)
    from_us = room.now_us
    room.spoil = lambda frame: without(frame, Tool.HEAD) if frame.source_us < from_us + hidden_s * 1e6 else frame
    room.run(1, until=lambda said: said.state is HoldState.FREEZE)
    return room


def test_far_from_the_head_it_waits_for_ten_seconds_and_goes_on_by_itself() -> None:
    room = waits_far_from_the_head(9.9)
    room.run(11, until=lambda said: said.state is not HoldState.FREEZE)

    assert states(room.said)[-2:] == [HoldState.FREEZE, HoldState.APPROACH]


def test_far_from_the_head_it_no_longer_goes_on_by_itself_after_ten_seconds() -> None:
    room = waits_far_from_the_head(11)
    stands_us = room.now_us
    room.run(11, until=lambda said: said.state is not HoldState.FREEZE)
    given_up_us = room.now_us
    room.run(2)

    assert given_up_us - stands_us == 10_000 * MS + TURN_US
    assert states(room.said)[-2:] == [HoldState.FREEZE, HoldState.AWAY]
