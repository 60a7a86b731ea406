"""What is asked for: its pulses, when each is due, and how a row of slow ones grows and ends."""

from __future__ import annotations

import pytest

from drivers.quantities import SECOND_US, SINGLE, Hertz, PercentMso, Train
from safety.asking import Ask, Past, run_after

T = 987_654_321
LEVEL = PercentMso.of(45)
ONE, THREE = Train(1, SINGLE), Train(3, Hertz.of(10))
BREAK_US = 2 * SECOND_US


@pytest.mark.parametrize(
    ("asked", "times_us"),
    [
        (Ask(LEVEL, ONE, T), [T]),
        (Ask(LEVEL, THREE, T), [T, T + 100_000, T + 200_000]),
        (Ask(LEVEL, ONE, T, 3, 4 * SECOND_US), [T, T + 4 * SECOND_US, T + 8 * SECOND_US]),
        (
            Ask(LEVEL, THREE, T, 2, SECOND_US),
            [T, T + 100_000, T + 200_000, T + 1_000_000, T + 1_100_000, T + 1_200_000],
        ),
    ],
)
def test_every_trigger_delivers_its_train_and_they_lie_their_spacing_apart(asked: Ask, times_us: list[int]) -> None:
    assert list(asked.pulse_times_us()) == times_us
    assert asked.pulses == len(times_us)


def slow(pulses: int, first_us: int, tenths: int = 10) -> Past:
    """A train at 1 Hz or another rate."""
    return Past(first_us, Train(pulses, Hertz(tenths)))


LAST = slow(4, T)


@pytest.mark.parametrize(("gap_us", "run"), [(BREAK_US - 1, 30 + 3), (BREAK_US, 3), (BREAK_US + 1, 3)])
def test_a_run_goes_on_until_a_whole_break_lies_between_last_and_first_pulse(gap_us: int, run: int) -> None:
    assert LAST.last_us == T + 3 * SECOND_US
    assert run_after(30, LAST, slow(3, LAST.last_us + gap_us), BREAK_US) == run


def test_a_run_begins_with_the_first_train_of_all() -> None:
    assert run_after(30, None, slow(3, T), BREAK_US) == 3
    assert run_after(0, None, Past(T, ONE), BREAK_US) == 1


@pytest.mark.parametrize(("tenths", "run"), [(9, 33), (10, 33), (11, 0)])
def test_what_is_faster_than_1_hertz_ends_a_run_and_begins_none(tenths: int, run: int) -> None:
    assert run_after(30, LAST, slow(3, LAST.last_us + SECOND_US, tenths), BREAK_US) == run
