"""The lateness histogram: what it says beside the sorted list, and what it forgets."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from daemon.arm.lateness import BUCKETS, LONGEST_US, SLICE_US, Histogram, Late, Lateness, bucket, upper_us

LATENESSES = st.lists(st.integers(0, LONGEST_US), min_size=1, max_size=300)


@given(st.integers(0, LONGEST_US))
def test_a_lateness_lies_in_its_bucket_and_the_bucket_is_at_most_a_sixteenth_wide(late_us: int) -> None:
    index = bucket(late_us)
    below = upper_us(index - 1) if index else -1

    assert below < late_us <= upper_us(index)
    assert upper_us(index) - late_us <= max(late_us / 16, 0)
    assert 0 <= index < BUCKETS


def test_what_is_later_than_the_last_bucket_counts_in_it_and_a_clock_gone_back_in_the_first() -> None:
    assert bucket(LONGEST_US * 10) == BUCKETS - 1
    assert bucket(-5) == 0


@given(LATENESSES)
def test_a_percentile_is_never_less_than_that_of_the_sorted_list_and_at_most_a_sixteenth_more(lates: list[int]) -> None:
    histogram = Histogram()
    for late_us in lates:
        histogram.add(late_us)
    figures, ranked = histogram.figures(), sorted(lates)

    for share, said in ((500, figures.p50), (990, figures.p99), (999, figures.p999)):
        exact = ranked[-(-len(ranked) * share // 1000) - 1]
        assert exact <= said <= exact + exact / 16
    assert figures.max == ranked[-1]


def test_no_wakings_give_no_figures() -> None:
    assert Histogram().figures() == Late()
    assert (Lateness().recent, Lateness().recent_counts) == (Late(), [])


def run(lateness: Lateness, from_us: int, seconds: int, late_us: int) -> int:
    """Wakes a hundred times a second; the time after it."""
    for turn in range(seconds * 100):
        lateness.woke(from_us + turn * SLICE_US // 100, late_us)
    return from_us + seconds * SLICE_US


def test_a_late_second_is_forgotten_after_ten_more_but_never_by_the_figures_since_the_start() -> None:
    lateness = Lateness()
    now_us = run(lateness, random.randrange(10**12), 2, 5_000)
    now_us = run(lateness, now_us, 8, 20)

    assert lateness.recent.max == 5_000

    run(lateness, now_us, 5, 20)

    assert lateness.recent.max == 20
    assert lateness.since_start().max == 5_000


def test_the_figures_of_the_last_ten_seconds_are_those_of_the_counts_beside_them() -> None:
    lateness, draw = Lateness(), random.Random(1)
    now_us = draw.randrange(10**12)
    for _ in range(200):
        now_us = run(lateness, now_us, 1, draw.randrange(2_000))
    again = Histogram(lateness.recent_counts + [0] * (BUCKETS - len(lateness.recent_counts)))
    again.total, again.greatest_us = sum(again.counts), lateness.recent.max

    assert again.total == 1000
    assert again.figures() == lateness.recent
    assert lateness.recent_counts[-1] > 0, "no zeros are told behind the last"


def test_turns_left_out_are_counted() -> None:
    lateness = Lateness()
    lateness.woke(10, 0)
    lateness.woke(20, 9_000, missed=4)

    assert lateness.missed == 4
