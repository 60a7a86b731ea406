"""The lease: what it takes to begin, what it takes to go on, and how quickly it is gone."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from daemon.arm.lease import DWELL_US, FRESH_US, Lease, LeaseKeeper, Situation

START_US = 55_000_000
WELL = Situation(START_US, 0.0005, math.radians(0.5), 0.0, 0.0, 0.0, 0.0001, 0.001, 20_000, 4_000)


def dwelt(now: Situation = WELL) -> LeaseKeeper:
    """On target for long enough."""
    keeper = LeaseKeeper(FRESH_US)
    keeper.judge(replace(now, at_us=START_US))
    assert keeper.judge(replace(now, at_us=START_US + DWELL_US)) is Lease.BEGIN
    return keeper


def test_it_begins_only_after_the_dwell() -> None:
    keeper = LeaseKeeper(FRESH_US)
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
        ({"distance_m": 0.0047}, Lease.CONTINUE),
        ({"distance_m": 0.0049}, Lease.NONE),
        ({"angle_rad": math.radians(2.8)}, Lease.BEGIN),
        ({"angle_rad": math.radians(2.95)}, Lease.CONTINUE),
        ({"angle_rad": math.radians(5.95)}, Lease.NONE),
        ({"head_m_s": 0.0049}, Lease.BEGIN),
        ({"head_m_s": 0.0051}, Lease.CONTINUE),
        ({"head_m_s": 0.0201}, Lease.NONE),
        ({"head_age_us": FRESH_US}, Lease.BEGIN),
        ({"head_age_us": FRESH_US + 1}, Lease.NONE),
        ({"robot_age_us": 50_001}, Lease.NONE),
        ({"noise_m": 0.0007}, Lease.BEGIN),
        ({"noise_m": 0.0008}, Lease.CONTINUE),
        ({"site_m_s": 0.1, "head_age_us": 10_000}, Lease.BEGIN),
        ({"site_m_s": 0.1, "head_age_us": 14_000}, Lease.CONTINUE),
        ({"turning_rad_s": 2.0}, Lease.BEGIN),
        ({"turning_rad_s": 2.5}, Lease.CONTINUE),
    ],
)
def test_each_limit_is_tightened_by_noise_and_by_what_is_not_known_yet(change: dict, lease: Lease) -> None:
    assert dwelt().judge(replace(WELL, at_us=START_US + DWELL_US + 2_000, **change)) is lease


def test_it_takes_less_to_stay_than_to_come_in() -> None:
    on_the_edge = replace(WELL, distance_m=0.00175)
    keeper = LeaseKeeper(FRESH_US)
    keeper.judge(on_the_edge)

    assert keeper.judge(replace(on_the_edge, at_us=START_US + 2 * DWELL_US)) is Lease.CONTINUE
    assert dwelt().judge(replace(on_the_edge, at_us=START_US + 2 * DWELL_US)) is Lease.BEGIN


def test_none_forgets_the_dwell() -> None:
    keeper = dwelt()

    assert keeper.none() is Lease.NONE
    assert keeper.judge(replace(WELL, at_us=START_US + DWELL_US + 2_000)) is Lease.CONTINUE
