"""A year's ledger stays small in memory, and what is forgotten is only when a pulse came, never that it did."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from safety.book_sums import Account

TIMES = st.lists(st.tuples(st.integers(0, 1_000), st.integers(1, 50)), max_size=12)


def account(pulses: list[tuple[int, int]]) -> Account:
    """With these (time, pulses), in the order given."""
    made = Account()
    for until_us, count in pulses:
        made = made.add(until_us, count)
    return made


@given(TIMES, st.integers(0, 1_001))
def test_forgetting_keeps_every_sum_that_can_still_be_asked_for(pulses: list[tuple[int, int]], before_us: int) -> None:
    forgotten = account(pulses).forget(before_us)

    for wall_us in range(before_us, 1_002):
        assert forgotten.since(wall_us) == sum(count for until_us, count in pulses if until_us >= wall_us)


@given(TIMES, st.integers(0, 1_001))
def test_forgetting_leaves_exactly_the_times_not_yet_past(pulses: list[tuple[int, int]], before_us: int) -> None:
    forgotten = account(pulses).forget(before_us)

    assert [until_us for until_us, _ in forgotten.times()] == sorted(t for t, _ in pulses if t >= before_us)


@given(TIMES, st.integers(0, 1_001))
def test_what_is_forgotten_still_counts_before_the_rest(pulses: list[tuple[int, int]], before_us: int) -> None:
    forgotten = account(pulses).forget(before_us)

    assert forgotten.before == sum(count for until_us, count in pulses if until_us < before_us)


def test_what_need_not_be_forgotten_is_left_as_it_is() -> None:
    recent = account([(500, 20), (600, 20)])

    assert recent.forget(500) is recent
    assert recent.forget(501) is not recent
