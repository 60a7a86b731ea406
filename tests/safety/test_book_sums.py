"""The sums behind the book, to the pulse and the microsecond: what each keeps apart, in which order, and until when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from safety.book import Book
from safety.book_sums import KEPT_US, Account, Reserve, Session, Sums
from safety.ledger_format import KEY0, By, Carry, Kind, Record, carried_note
from tests.safety.book_records import (
    ANNA,
    BRUNO,
    DAY,
    EVENING,
    HOUR,
    MORNING,
    ONES,
    OTHER,
    SECOND,
    TENS,
    about,
    book_of,
    settle,
)

T = 1_800_000_000 * SECOND
WEEKS = Account({TENS: 11}, before=0).add(T + 300, 3).add(T + 100, 1).add(T + 200, 2).add(T + 200, 5)
"""Four deliveries that became known in another order."""


# --- one account ----------------------------------------------------------------------------------------------


def test_what_becomes_known_late_counts_at_its_own_time() -> None:
    assert list(WEEKS.times()) == [(T + 100, 1), (T + 200, 2), (T + 200, 5), (T + 300, 3)]
    assert [WEEKS.since(T + us) for us in (99, 100, 101, 200, 201, 300, 301)] == [11, 11, 10, 10, 3, 3, 0]


@pytest.mark.parametrize(
    ("us", "times", "before"),
    [
        (101, [(T + 200, 2), (T + 200, 5), (T + 300, 3)], 1),
        (200, [(T + 200, 2), (T + 200, 5), (T + 300, 3)], 1),
        (201, [(T + 300, 3)], 8),
        (301, [], 11),
    ],
)
def test_what_is_forgotten_goes_on_counting_as_one_number(us: int, times: list[tuple[int, int]], before: int) -> None:
    kept = WEEKS.forget(T + us)

    assert (list(kept.times()), kept.before, kept.courses) == (times, before, {TENS: 11})


@pytest.mark.parametrize("us", [0, 100])
def test_an_account_that_has_nothing_to_forget_is_not_copied(us: int) -> None:
    assert WEEKS.forget(T + us) is WEEKS


def test_what_comes_after_something_was_forgotten_counts_beside_it() -> None:
    kept = WEEKS.forget(T + 201).add(T + 250, 4).add_course(TENS, 4).add_course(ONES, 6).add_all_courses(100)

    assert list(kept.times()) == [(T + 250, 4), (T + 300, 3)]
    assert (kept.before, kept.since(T + 250), kept.since(T + 251)) == (8, 7, 3)
    assert kept.courses == {TENS: 115, ONES: 106}


# --- a copy ---------------------------------------------------------------------------------------------------


def test_a_copy_has_every_sum_and_is_changed_apart() -> None:
    reserve = about(MORNING, Kind.RESERVE, pulses=20)
    made = [
        Sums(
            {ANNA: WEEKS}, Account(before=2), {OTHER: Session(BRUNO, TENS, counted=3)}, {4: Reserve(4, reserve)},
            frozenset({5}), frozenset({BRUNO}), OTHER, T + 6, 7, T + 8, 9,
        ) for _ in range(2)
    ]  # fmt: skip
    copy = made[0].copy()
    assert copy == made[0]

    for seq, record in enumerate((about(MORNING, Kind.OPEN, pulses=1), reserve, settle(4, 1), settle(9, 1)), 8):
        copy.step(seq, record)

    assert copy != made[0]
    assert made[0] == made[1]


# --- trips ----------------------------------------------------------------------------------------------------


def test_the_first_reason_of_a_trip_stands_until_it_is_reset() -> None:
    first, second = Record(Kind.TRIP, code=7), Record(Kind.TRIP, code=9)
    latched = book_of(first, second, Record(Kind.BOOT), about(MORNING, Kind.OPEN))

    assert [book.open_trip for book in (book_of(first), latched)] == [7, 7]
    assert latched.apply(5, Record(Kind.RESET)).open_trip == 0
    assert latched.apply(5, Record(Kind.RESET)).apply(6, second).open_trip == 9


# --- whom a worst case reaches --------------------------------------------------------------------------------


def test_a_worst_case_of_somebody_never_seen_counts_at_its_time() -> None:
    book = book_of(Record(Kind.LOST, 600, subject=ANNA, wall_us=T), Record(Kind.BOOT, wall_us=T + HOUR))

    assert [book.window(ANNA, T + HOUR, HOUR - us) for us in (0, 1)] == [600, 0]
    assert book.window(BRUNO, T + HOUR, HOUR) == 0


def test_a_worst_case_of_a_session_is_its_subject_s_and_its_protocol_s_after_a_settlement_too() -> None:
    settled = book_of(about(MORNING, Kind.RESERVE, pulses=20), settle(1, 20))
    book = settled.apply(3, Record(Kind.FOUND_ARMED, 600, session=MORNING))

    assert (book.session(MORNING), book.course(ANNA, TENS), book.window(ANNA, 0, HOUR)) == (620, 620, 620)
    assert book.course(KEY0, KEY0) == 0


# --- what is carried from elsewhere ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "windows", "course"),
    [
        (Carry.ALL, [40, 0], 40),
        (Carry.WINDOWS, [40, 0], 0),
        (Carry.COURSE, [0, 0], 40),
        (Carry.EVERYBODY, [40, 40], 0),
    ],
)
@pytest.mark.parametrize(("note", "until_us"), [(b"", T), (carried_note(T - HOUR), T - HOUR), (carried_note(T + 1), T)])
def test_what_is_carried_counts_where_its_code_says_and_never_later_than_now(
    code: Carry, windows: list[int], course: int, note: bytes, until_us: int
) -> None:
    carried = Record(Kind.CARRIED, 40, subject=ANNA, protocol=TENS, code=code, note=note, wall_us=T)
    book = book_of(carried)

    assert [book.window(who, T, T - until_us) for who in (ANNA, BRUNO)] == windows
    assert [book.window(who, T + 1, T - until_us) for who in (ANNA, BRUNO)] == [0, 0]
    assert (book.course(ANNA, TENS), book.course(ANNA, ONES)) == (course, 0)


def test_what_is_carried_adds_to_what_is_known() -> None:
    carried = [Record(Kind.CARRIED, 40, subject=ANNA, protocol=TENS, code=code) for code in Carry]
    book = book_of(about(MORNING, Kind.RESERVE, pulses=20), settle(1, 7), *carried, *carried)

    assert (book.course(ANNA, TENS), book.window(ANNA, 0, HOUR), book.window(BRUNO, 0, HOUR)) == (167, 247, 80)
    assert book.session(MORNING) == 7


# --- until when -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", [about(MORNING, Kind.CLOSE, wall_us=T + 5), Record(Kind.BOOT, wall_us=T + 5)])
@pytest.mark.parametrize("closing", [settle(1, 20, By.COUNTED), Record(Kind.RESOLVE, ref=1)])
def test_a_reserve_that_is_closed_late_counts_until_its_end_and_no_longer(end: Record, closing: Record) -> None:
    reserve = about(MORNING, Kind.RESERVE, pulses=20, wall_us=T)
    book = book_of(reserve, end, replace(closing, wall_us=T + 3 * HOUR))

    assert [book.window(ANNA, T + 5 + HOUR, span_us) for span_us in (3 * HOUR, 2 * HOUR - 5)] == [20, 0]


Look = Callable[[int], Record]


def boot(us: int) -> Record:
    return Record(Kind.BOOT, wall_us=us)


def opening(us: int) -> Record:
    """Of another subject's session: it looks through the book as a start does."""
    return about(OTHER, Kind.OPEN, pulses=1, wall_us=us)


def after(book: Book, record: Record) -> Book:
    return book.apply(book.last_seq + 1, record)


@pytest.mark.parametrize("look", [boot, opening])
def test_an_ended_reserve_is_booked_when_its_end_is_older_than_any_window(look: Look) -> None:
    ended = book_of(about(MORNING, Kind.RESERVE, pulses=20, wall_us=T), about(MORNING, Kind.CLOSE, wall_us=T + 5))
    still, over = (after(ended, look(T + 5 + KEPT_US + us)) for us in (0, 1))

    assert [len(book.unsettled(MORNING)) for book in (still, over)] == [1, 0]
    assert [book.course(ANNA, TENS) for book in (still, over)] == [20, 20]


@pytest.mark.parametrize("look", [boot, opening])
@pytest.mark.parametrize(
    "records",
    [
        pytest.param([about(MORNING, Kind.OPEN, pulses=60, wall_us=T)], id="opened"),
        pytest.param(
            [
                about(MORNING, Kind.OPEN, pulses=60, wall_us=T - 7 * DAY),
                about(MORNING, Kind.OPEN, pulses=60, wall_us=T),
            ],
            id="opened again",
        ),
        pytest.param(
            [
                about(MORNING, Kind.OPEN, pulses=60, wall_us=T - 7 * DAY),
                about(MORNING, Kind.RESERVE, pulses=20, wall_us=T - HOUR),
                replace(settle(2, 20), session=MORNING, wall_us=T),
            ],
            id="settled",
        ),
        pytest.param(
            [
                about(MORNING, Kind.RESERVE, pulses=20, wall_us=T - DAY),
                about(MORNING, Kind.CLOSE, wall_us=T - DAY),
                about(MORNING, Kind.OPEN, pulses=60, wall_us=T),
                replace(settle(1, 20), wall_us=T),
            ],
            id="opened again and then settled",
        ),
    ],
)
def test_a_session_is_kept_for_eight_days_from_its_newest_record_on(look: Look, records: list[Record]) -> None:
    book = book_of(*records)
    still, over = (after(book, look(T + KEPT_US + us)) for us in (0, 1))

    assert (still.opened(MORNING), still.session(MORNING)) == (book.opened(MORNING), book.session(MORNING))
    assert (over.opened(MORNING), over.session(MORNING)) == (None, 0)


@pytest.mark.parametrize("look", [boot, opening])
def test_of_times_older_than_any_window_the_pulses_alone_are_kept(look: Look) -> None:
    book = book_of(
        Record(Kind.LOST, 600, wall_us=T),
        about(EVENING, Kind.RESERVE, pulses=20, wall_us=T),
        replace(settle(2, 20), wall_us=T),
    )
    still, over = (after(book, look(T + KEPT_US + us)) for us in (0, 1))

    assert [still.window(who, T, KEPT_US) for who in (ANNA, BRUNO)] == [620, 600]
    codes = [[record.code for record in each.carried() if record.subject != BRUNO] for each in (still, over)]
    assert codes == [[Carry.EVERYBODY, Carry.WINDOWS, Carry.COURSE], [Carry.COURSE]]
