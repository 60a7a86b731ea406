"""The book's rules, one by one: what counts, for whom, how long, and what only a person can settle."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from hypothesis import given

from drivers.errors import OurError
from safety.book import EMPTY_BOOK, day_start_us
from safety.ledger_format import KEY0, By, Kind, Record, key
from tests.safety.book_records import (
    ANNA,
    BRUNO,
    DAY,
    EVENING,
    HOME,
    HOUR,
    MORNING,
    ONES,
    ORIGINS,
    OTHER,
    ROME,
    SECOND,
    TENS,
    about,
    book_of,
    settle,
)


@given(ORIGINS)
def test_a_reserve_counts_in_full_until_its_settlement_lowers_it(origin: int) -> None:
    book = book_of(
        about(MORNING, Kind.OPEN, pulses=60, wall_us=origin),
        about(MORNING, Kind.RESERVE, pulses=20, wall_us=origin + 1),
    )
    assert (book.session(MORNING), book.remaining(MORNING), book.day(ANNA, origin, ROME)) == (20, 40, 20)
    assert [reserve.seq for reserve in book.unsettled(MORNING)] == [2]
    book = book.apply(3, settle(2, 17))
    assert (book.session(MORNING), book.remaining(MORNING), book.day(ANNA, origin, ROME)) == (17, 43, 17)
    assert book.unsettled(MORNING) == ()


def test_more_pulses_than_were_reserved_count_too() -> None:
    book = book_of(about(MORNING, Kind.RESERVE, pulses=20), settle(1, 23))
    assert book.session(MORNING) == 23


def test_a_settlement_counts_once_and_one_of_nothing_lowers_nothing() -> None:
    reserve = about(MORNING, Kind.RESERVE, pulses=20)
    assert book_of(reserve, settle(1, 10), settle(1, 0)).session(MORNING) == 10
    assert book_of(reserve, settle(99, 0)).session(MORNING) == 20


def test_an_unknown_counts_in_full_until_a_person_books_it_as_delivered() -> None:
    book = book_of(about(MORNING, Kind.RESERVE, pulses=20), about(MORNING, Kind.UNKNOWN, ref=1, pulses=20))
    assert (book.unknowns, book.session(MORNING)) == ((1,), 20)
    guessed = book.apply(3, settle(1, 0, By.ASSUMED))
    assert (guessed.unknowns, guessed.session(MORNING)) == ((1,), 20)
    resolved = guessed.apply(4, Record(Kind.RESOLVE, ref=1))
    assert (resolved.unknowns, resolved.session(MORNING), resolved.unsettled(MORNING)) == ((), 20, ())


def test_a_count_settles_an_unknown_without_a_person() -> None:
    book = book_of(
        about(MORNING, Kind.RESERVE, pulses=20), about(MORNING, Kind.UNKNOWN, ref=1), settle(1, 18, By.COUNTED)
    )
    assert (book.unknowns, book.session(MORNING)) == ((), 18)


def test_unknowns_are_told_in_the_order_of_their_numbers() -> None:
    reserves = [about(MORNING, Kind.RESERVE, pulses=1) for _ in range(12)]
    book = book_of(*reserves, *(about(MORNING, Kind.UNKNOWN, ref=ref) for ref in (12, 3, 9)))
    assert book.unknowns == (3, 9, 12)


def test_an_open_reserve_counts_as_now_until_its_session_or_the_watchdog_ended() -> None:
    origin = 1_800_000_000 * SECOND
    reserve = about(MORNING, Kind.RESERVE, pulses=20, wall_us=origin)
    later = origin + 3 * DAY
    assert book_of(reserve).window(ANNA, later, HOUR) == 20
    for end in (about(MORNING, Kind.CLOSE, wall_us=origin + 5), Record(Kind.BOOT, wall_us=origin + 5)):
        book = book_of(reserve, end)
        assert book.window(ANNA, later, HOUR) == 0
        assert book.window(ANNA, origin + 5 + HOUR, HOUR) == 20
        assert book.window(ANNA, origin + 6 + HOUR, HOUR) == 0
    assert book_of(reserve, about(OTHER, Kind.CLOSE, wall_us=origin + 5)).window(ANNA, later, HOUR) == 20


def test_a_settled_train_counts_up_to_the_very_end_of_the_window() -> None:
    origin = 1_800_000_000 * SECOND
    book = book_of(about(MORNING, Kind.RESERVE, pulses=20, wall_us=origin), replace(settle(1, 20), wall_us=origin + 5))
    assert book.window(ANNA, origin + 5 + HOUR, HOUR) == 20
    assert book.window(ANNA, origin + 6 + HOUR, HOUR) == 0


def test_what_a_device_found_armed_may_deliver_are_the_reserves_of_this_start_and_the_last() -> None:
    reserve = about(MORNING, Kind.RESERVE, pulses=20, wall_us=10)
    book = book_of(reserve)
    assert book.open_reservations == ((1, 20),)
    book = book.apply(2, Record(Kind.BOOT, wall_us=20))
    assert book.open_reservations == ((1, 20),)
    book = book.apply(3, Record(Kind.BOOT, wall_us=30))
    assert book.open_reservations == ()


def test_a_train_across_three_in_the_morning_counts_in_both_days() -> None:
    three = day_start_us(1_800_000_000 * SECOND, ROME)
    reserve = about(MORNING, Kind.RESERVE, pulses=20, wall_us=three - SECOND)
    book = book_of(reserve, replace(settle(1, 20), wall_us=three + SECOND))
    assert book.day(ANNA, three + HOUR, ROME) == 20
    book = book_of(reserve, replace(settle(1, 20), wall_us=three - 1))
    assert book.day(ANNA, three - 1, ROME) == 20
    assert book.day(ANNA, three, ROME) == 0


def test_a_clock_that_steps_back_shortens_no_window() -> None:
    origin = 1_800_000_000 * SECOND
    book = book_of(
        about(MORNING, Kind.RESERVE, pulses=20, wall_us=origin),
        replace(settle(1, 20), wall_us=origin - 30 * DAY),
        about(EVENING, Kind.RESERVE, pulses=5, wall_us=origin - 30 * DAY),
    )
    assert book.last_wall_us == origin
    assert book.window(ANNA, origin - 20 * DAY, 12 * HOUR) == 25
    assert book.day(ANNA, origin - 20 * DAY, ROME) == 25


def test_a_question_from_before_the_last_record_is_of_its_day() -> None:
    origin = 1_800_000_000 * SECOND
    records = [
        Record(kind, pulses=20, subject=ANNA, ref=ref, wall_us=at, note=settle(1, 20).note)
        for ref, at in ((1, origin), (3, origin + 2 * DAY))
        for kind in (Kind.RESERVE, Kind.SETTLE)
    ]
    assert book_of(*records).day(ANNA, origin, ROME) == 20
    assert book_of(*records).window(ANNA, origin, 12 * HOUR) == 20


def test_windows_further_back_than_times_are_kept_are_our_own_error() -> None:
    assert EMPTY_BOOK.window(ANNA, 0, 8 * DAY) == 0
    with pytest.raises(OurError, match="keeps times"):
        EMPTY_BOOK.window(ANNA, 0, 8 * DAY + 1)


def test_a_later_segment_may_plan_fewer_pulses_and_never_more() -> None:
    opened = about(MORNING, Kind.OPEN, pulses=60)
    assert book_of(opened, replace(opened, pulses=40)).remaining(MORNING) == 40
    assert book_of(opened, replace(opened, pulses=80)).remaining(MORNING) == 60
    assert book_of(opened, replace(opened, pulses=80)).opened(MORNING) == replace(opened, pulses=80)


def test_a_session_that_was_never_opened_has_nothing_left() -> None:
    book = book_of(about(MORNING, Kind.RESERVE, pulses=20))
    assert (book.remaining(MORNING), book.opened(MORNING), book.last_opened) == (0, None, None)
    assert EMPTY_BOOK.session(MORNING) == 0


def test_a_session_is_over_after_eight_days_and_its_pulses_stay_in_the_course() -> None:
    opened = about(MORNING, Kind.OPEN, pulses=60, wall_us=DAY)
    records = [opened, about(MORNING, Kind.RESERVE, pulses=20, wall_us=DAY), replace(settle(2, 20), wall_us=DAY)]
    at_seven, at_nine = (book_of(*records, Record(Kind.BOOT, wall_us=days * DAY)) for days in (8, 10))
    assert (at_seven.opened(MORNING), at_seven.session(MORNING)) == (opened, 20)
    assert (at_nine.opened(MORNING), at_nine.session(MORNING)) == (None, 0)
    assert at_nine.course(ANNA, TENS) == 20


def test_an_open_reserve_is_booked_in_full_after_eight_days_and_an_unknown_one_waits_for_a_person() -> None:
    records = [about(MORNING, Kind.RESERVE, pulses=20, wall_us=DAY), Record(Kind.BOOT, wall_us=DAY)]
    book = book_of(*records, Record(Kind.BOOT, wall_us=11 * DAY))
    assert (book.unsettled(MORNING), book.course(ANNA, TENS)) == ((), 20)
    book = book_of(*records, about(MORNING, Kind.UNKNOWN, ref=1), Record(Kind.BOOT, wall_us=11 * DAY))
    assert ([reserve.seq for reserve in book.unsettled(MORNING)], book.unknowns) == ([1], (1,))


def test_a_session_with_an_unknown_is_not_forgotten() -> None:
    opened = about(MORNING, Kind.OPEN, pulses=60, wall_us=DAY)
    reserve = about(MORNING, Kind.RESERVE, pulses=20, wall_us=DAY)
    unknown = about(MORNING, Kind.UNKNOWN, ref=2, wall_us=DAY)
    book = book_of(opened, reserve, unknown, Record(Kind.BOOT, wall_us=11 * DAY))
    assert (book.opened(MORNING), book.remaining(MORNING)) == (opened, 40)


@pytest.mark.parametrize("kind", [Kind.LOST, Kind.FOUND_ARMED])
def test_a_worst_case_of_a_known_session_counts_there_alone(kind: Kind) -> None:
    book = book_of(
        about(MORNING, Kind.OPEN, pulses=700), about(OTHER, Kind.OPEN, pulses=700),
        Record(kind, pulses=600, session=MORNING),
    )  # fmt: skip
    assert (book.remaining(MORNING), book.remaining(OTHER)) == (100, 700)
    assert (book.course(ANNA, TENS), book.course(BRUNO, TENS)) == (600, 0)
    assert (book.day(ANNA, 0, ROME), book.day(BRUNO, 0, ROME)) == (600, 0)


@pytest.mark.parametrize("kind", [Kind.LOST, Kind.FOUND_ARMED])
def test_a_worst_case_nobody_can_assign_counts_against_everybody(kind: Kind) -> None:
    book = book_of(about(MORNING, Kind.OPEN, pulses=700), about(OTHER, Kind.OPEN, pulses=700), Record(kind, pulses=600))
    for subject, session in ((ANNA, MORNING), (BRUNO, OTHER)):
        assert (book.remaining(session), book.day(subject, 0, ROME), book.course(subject, TENS)) == (100, 600, 600)
    assert book.day(key("a stranger"), 0, ROME) == 600
    assert book.course(key("a stranger"), TENS) == 0


def test_a_worst_case_of_a_subject_counts_in_all_its_sessions_and_courses_and_in_no_other() -> None:
    book = book_of(
        *(about(session, Kind.OPEN, pulses=700) for session in HOME), Record(Kind.LOST, pulses=600, subject=ANNA)
    )
    assert [book.remaining(session) for session in (MORNING, EVENING, OTHER)] == [100, 100, 700]
    assert [book.course(ANNA, TENS), book.course(ANNA, ONES), book.course(BRUNO, TENS)] == [600, 600, 0]


def test_an_unknown_of_a_closed_reserve_counts_on_its_own() -> None:
    reserve, unknown = about(MORNING, Kind.RESERVE, pulses=20), about(MORNING, Kind.UNKNOWN, ref=1, pulses=1)
    book = book_of(reserve, settle(1, 3), unknown)
    assert (book.unknowns, book.session(MORNING)) == ((1,), 4)


@pytest.mark.parametrize("kind", [Kind.EMERGENCY, Kind.BLOCK])
def test_an_emergency_and_a_block_stand_until_they_are_lifted(kind: Kind) -> None:
    book = book_of(Record(kind, subject=ANNA))
    assert (book.blocked(ANNA), book.blocked(BRUNO)) == (True, False)
    assert not book.apply(2, Record(Kind.UNBLOCK, subject=ANNA)).blocked(ANNA)
    assert book.apply(2, Record(Kind.UNBLOCK, subject=BRUNO)).blocked(ANNA)


def test_an_emergency_with_nobody_under_the_coil_blocks_nobody() -> None:
    assert not book_of(Record(Kind.EMERGENCY)).blocked(KEY0)


def test_an_emergency_stands_until_a_session_is_opened_or_its_subject_unblocked() -> None:
    pressed = about(MORNING, Kind.EMERGENCY)
    book = book_of(about(MORNING, Kind.OPEN), pressed, about(MORNING, Kind.CLOSE))
    assert book.emergency == pressed
    assert book.apply(4, Record(Kind.UNBLOCK, subject=ANNA)).emergency is None
    assert book.apply(4, Record(Kind.UNBLOCK, subject=BRUNO)).emergency == pressed
    assert book.apply(4, Record(Kind.BLOCK, subject=BRUNO)).emergency == pressed
    assert book.apply(4, about(OTHER, Kind.OPEN)).emergency is None
    assert book_of(about(MORNING, Kind.OPEN)).emergency is None
    assert book_of(Record(Kind.UNBLOCK, subject=ANNA)).emergency is None


def test_a_session_that_an_emergency_ended_is_closed_for_good_whatever_follows() -> None:
    book = book_of(about(MORNING, Kind.OPEN, pulses=60), about(MORNING, Kind.EMERGENCY), about(OTHER, Kind.OPEN))
    assert (book.closed_for_good(MORNING), book.closed_for_good(OTHER), book.closed_for_good(EVENING)) == (
        True, False, False,
    )  # fmt: skip
    later = book.apply(4, about(MORNING, Kind.RESERVE, pulses=5)).apply(5, settle(4, 5))
    unblocked = later.apply(6, Record(Kind.UNBLOCK, subject=ANNA))
    assert unblocked.closed_for_good(MORNING)
    assert unblocked.session(MORNING) == 5
    assert not book_of(Record(Kind.EMERGENCY, session=MORNING)).closed_for_good(MORNING), "of a session nobody opened"
    assert not book_of(about(MORNING, Kind.OPEN), about(MORNING, Kind.BLOCK)).closed_for_good(MORNING)


def test_a_trip_stays_latched_whatever_record_follows_but_its_reset() -> None:
    tripped = book_of(Record(Kind.TRIP, code=7))
    assert tripped.apply(2, about(MORNING, Kind.CLOSE)).open_trip == 7
    assert tripped.apply(2, Record(Kind.RESET, code=7)).open_trip == 0


def test_the_session_opened_last_is_remembered_through_its_end() -> None:
    book = book_of(about(MORNING, Kind.OPEN), about(OTHER, Kind.OPEN, pulses=3), about(OTHER, Kind.CLOSE))
    assert book.last_opened == about(OTHER, Kind.OPEN, pulses=3)


def test_the_book_knows_its_newest_record() -> None:
    assert (EMPTY_BOOK.last_seq, EMPTY_BOOK.last_wall_us) == (0, 0)
    book = book_of(Record(Kind.TRIP, wall_us=9), Record(Kind.RESET, wall_us=12), from_seq=41)
    assert (book.last_seq, book.last_wall_us) == (42, 12)


def test_a_record_costs_microseconds_with_thousands_behind_it() -> None:
    """The gate applies records in its loop: 20 µs on a quiet machine; 400 µs here tells a copy of everything apart."""
    names = [key(str(n)) for n in range(100)]
    records: list[Record] = []
    for n in range(10_000):
        name = names[n % 100]
        at = n * 60 * SECOND
        records.append(Record(Kind.RESERVE, 40, subject=name, session=name, protocol=TENS, wall_us=at))
        records.append(replace(settle(2 * n + 1, 40), wall_us=at + SECOND))
    book = book_of(*records)
    reserve = Record(Kind.RESERVE, 40, subject=names[0], session=names[0], wall_us=10_001 * 60 * SECOND)
    begin = time.process_time_ns()
    for _ in range(200):
        book.apply(20_001, reserve).apply(20_002, settle(20_001, 40))
    assert (time.process_time_ns() - begin) / 400 < 400_000
