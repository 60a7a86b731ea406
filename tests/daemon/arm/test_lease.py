"""The lease: what it takes to begin, what it takes to go on, and how quickly it is gone.

Numbers in mm, degrees and ms, typed here on purpose: each limit is met from both sides.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest

from daemon.arm.lease import Lease, LeaseKeeper, Situation

START_US = 55_000_000
MS = 1_000
STANDS = (0.1, 0.2, 1.3)
PERFECT = Situation(START_US, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0, 0, 0, STANDS)
WELL = Situation(START_US, 0.0005, math.radians(0.5), 0.0, 0.0, 0.0, 0.0001, 0.001, 20_000, 4_000, 20_000, STANDS)


def dwelt(now: Situation = WELL) -> LeaseKeeper:
    """On target for long enough."""
    keeper = LeaseKeeper(100 * MS)
    keeper.judge(replace(now, at_us=START_US))
    assert keeper.judge(replace(now, at_us=START_US + 300 * MS)) is Lease.BEGIN
    return keeper


def came(now: Situation) -> Lease:
    """What a coil has that has stood so for 300 ms."""
    keeper = LeaseKeeper(100 * MS)
    keeper.judge(now)
    return keeper.judge(replace(now, at_us=START_US + 300 * MS))


def stays(now: Situation) -> Lease:
    """What a coil has that was perfectly on its target for 300 ms, and then stands so."""
    return dwelt(PERFECT).judge(replace(now, at_us=START_US + 302 * MS))


def goes_on(now: Situation) -> Lease:
    """What a coil has that may go on, and then stands so."""
    keeper = LeaseKeeper(100 * MS)
    assert keeper.judge(replace(PERFECT, distance_m=0.004)) is Lease.CONTINUE
    return keeper.judge(replace(now, at_us=START_US + 2 * MS))


def off(mm: float) -> Situation:
    """So far from the target."""
    return replace(PERFECT, distance_m=mm / 1e3)


def turned(degrees: float) -> Situation:
    """Turned so far against it."""
    return replace(PERFECT, angle_rad=math.radians(degrees))


def drifts(mm_s: float) -> Situation:
    """The head moves."""
    return replace(PERFECT, head_m_s=mm_s / 1e3)


BEGIN = (Lease.BEGIN, Lease.CONTINUE)
CONTINUE = (Lease.CONTINUE, Lease.NONE)


@pytest.mark.parametrize(
    ("judged", "stands", "least", "most", "leases"),
    [
        (came, off, 1.79, 1.81, BEGIN),
        (came, turned, 2.69, 2.71, BEGIN),
        (came, drifts, 4.49, 4.51, BEGIN),
        (stays, off, 1.99, 2.01, BEGIN),
        (stays, turned, 2.99, 3.01, BEGIN),
        (stays, drifts, 4.99, 5.01, BEGIN),
        (came, off, 4.49, 4.51, CONTINUE),
        (came, turned, 5.39, 5.41, CONTINUE),
        (came, drifts, 17.9, 18.1, CONTINUE),
        (goes_on, off, 4.99, 5.01, CONTINUE),
        (goes_on, turned, 5.99, 6.01, CONTINUE),
    ],
)
def test_a_train_may_begin_and_go_on_up_to_its_limit_and_come_in_at_nine_tenths_of_it(
    judged: Callable[[Situation], Lease],
    stands: Callable[[float], Situation],
    least: float,
    most: float,
    leases: tuple[Lease, Lease],
) -> None:
    assert (judged(stands(least)), judged(stands(most))) == leases


def goes_away(mm_s: float, frame_ms: int, late_ms: int = 14) -> int | None:
    """A head that stood goes at one speed for a second, seen by so many frames; after how many ms no train goes on."""
    keeper = dwelt(PERFECT)
    for after_ms in range(4, 1_000, 4):
        seen_ms = max(-frame_ms, (after_ms - late_ms) // frame_ms * frame_ms)
        head = (STANDS[0], STANDS[1] + mm_s * max(0, seen_ms) / 1e6, STANDS[2])
        age_us, at_us = (after_ms - seen_ms) * MS, START_US + (300 + after_ms) * MS
        now = replace(PERFECT, at_us=at_us, head_age_us=age_us, head_m_s=mm_s / 1e3, head=head)
        if keeper.judge(now) is Lease.NONE:
            return after_ms
    return None


@pytest.mark.parametrize("frame_ms", [4, 16, 50])
def test_a_train_goes_on_up_to_20_mm_s_however_often_and_late_the_head_is_seen(frame_ms: int) -> None:
    assert goes_away(19.9, frame_ms) is None
    assert goes_away(20.1, frame_ms) is not None


def test_a_train_is_cut_once_its_head_has_gone_2_mm_in_a_tenth_of_a_second() -> None:
    assert [goes_away(mm_s, 4, 0) for mm_s in (20.1, 41, 105)] == [100, 52, 20]


@pytest.mark.parametrize(("mm", "lease"), [(1.0, Lease.CONTINUE), (1.95, Lease.CONTINUE), (2.05, Lease.NONE)])
def test_a_head_that_twitches_and_is_back_at_once_does_not_cut_a_train_however_fast_it_is(
    mm: float, lease: Lease
) -> None:
    keeper, aside = dwelt(PERFECT), (STANDS[0], STANDS[1] + mm / 1e3, STANDS[2])
    twitch = replace(PERFECT, at_us=START_US + 320 * MS, head_m_s=mm / 20, head=aside)

    assert keeper.judge(twitch) is lease


def test_a_head_that_rests_elsewhere_is_not_judged_by_its_way_there() -> None:
    keeper, elsewhere = dwelt(PERFECT), (STANDS[0], STANDS[1] + 0.01, STANDS[2])
    keeper.judge(replace(PERFECT, at_us=START_US + 350 * MS, distance_m=0.01))
    rests = [replace(PERFECT, at_us=START_US + at_ms * MS, head=elsewhere) for at_ms in (380, 384)]

    assert [keeper.judge(now) for now in rests] == [Lease.CONTINUE] * 2


def test_it_begins_only_after_the_dwell() -> None:
    keeper = LeaseKeeper(100 * MS)
    said = [keeper.judge(replace(WELL, at_us=START_US + at_ms * 1000)) for at_ms in (0, 100, 299, 300)]

    assert said == [Lease.CONTINUE] * 3 + [Lease.BEGIN]


def test_leaving_for_one_turn_starts_the_dwell_anew() -> None:
    keeper = dwelt()
    keeper.judge(replace(WELL, at_us=START_US + 400_000, distance_m=0.003))
    back = [keeper.judge(replace(WELL, at_us=START_US + at_ms * 1000)) for at_ms in (404, 700, 704)]

    assert back == [Lease.CONTINUE, Lease.CONTINUE, Lease.BEGIN]


@pytest.mark.parametrize(
    ("change", "lease"),
    [
        ({"distance_m": 0.0017}, Lease.BEGIN),
        ({"distance_m": 0.0019}, Lease.CONTINUE),
        ({"angle_rad": math.radians(2.8)}, Lease.BEGIN),
        ({"angle_rad": math.radians(2.95)}, Lease.CONTINUE),
        ({"head_age_us": 100_000}, Lease.BEGIN),
        ({"head_age_us": 100_001}, Lease.NONE),
        ({"robot_age_us": 50_000}, Lease.BEGIN),
        ({"robot_age_us": 50_001}, Lease.NONE),
        ({"coil_age_us": 100_000}, Lease.BEGIN),
        ({"coil_age_us": 100_001}, Lease.NONE),
        ({"coil_age_us": None}, Lease.NONE),
        ({"noise_m": 0.0007}, Lease.BEGIN),
        ({"noise_m": 0.0008}, Lease.CONTINUE),
        ({"site_m_s": 0.1, "head_age_us": 10_000, "coil_age_us": 10_000}, Lease.BEGIN),
        ({"site_m_s": 0.1, "head_age_us": 14_000, "coil_age_us": 10_000}, Lease.CONTINUE),
        ({"site_m_s": 0.02, "coil_age_us": 60_000}, Lease.BEGIN),
        ({"site_m_s": 0.02, "coil_age_us": 70_000}, Lease.CONTINUE),
        ({"turning_rad_s": 2.0}, Lease.BEGIN),
        ({"turning_rad_s": 2.5}, Lease.CONTINUE),
    ],
)
def test_each_limit_is_tightened_by_noise_and_by_what_is_not_known_yet(change: dict, lease: Lease) -> None:
    assert dwelt().judge(replace(WELL, at_us=START_US + 300 * MS + 2_000, **change)) is lease


def test_a_coil_marker_that_comes_into_view_again_starts_the_dwell_anew() -> None:
    keeper = dwelt()
    keeper.judge(replace(WELL, at_us=START_US + 400_000, coil_age_us=None))
    back = [keeper.judge(replace(WELL, at_us=START_US + at_ms * 1000)) for at_ms in (404, 703, 704)]

    assert back == [Lease.CONTINUE, Lease.CONTINUE, Lease.BEGIN]


def test_none_forgets_the_dwell() -> None:
    keeper = dwelt()

    assert keeper.none() is Lease.NONE
    assert keeper.judge(replace(WELL, at_us=START_US + 300 * MS + 2_000)) is Lease.CONTINUE
