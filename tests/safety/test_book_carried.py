"""What one ledger carries to the next, record by record: everything open in full, at its time, for whom it counts."""

from __future__ import annotations

from safety.book import EMPTY_BOOK
from safety.ledger_format import KEY0, By, Carry, Kind, Record, carried_note
from tests.safety.book_records import (
    ANNA,
    BRUNO,
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
HISTORY = (
    about(MORNING, Kind.OPEN, pulses=60, wall_us=T),
    about(MORNING, Kind.RESERVE, pulses=20),
    settle(2, 17),
    about(EVENING, Kind.RESERVE, pulses=30, wall_us=T + HOUR),
    about(EVENING, Kind.UNKNOWN, ref=4),
    Record(Kind.LOST, 600, wall_us=T + 2 * HOUR),
    about(OTHER, Kind.RESERVE, pulses=5, wall_us=T + 3 * HOUR),
    about(OTHER, Kind.CLOSE, wall_us=T + 4 * HOUR),
    Record(Kind.BLOCK, subject=BRUNO),
    Record(Kind.EMERGENCY, subject=ANNA, wall_us=T + 5 * HOUR),
)


def windows(us: int, pulses: int, subject: bytes) -> Record:
    return Record(Kind.CARRIED, pulses, subject=subject, code=Carry.WINDOWS, note=carried_note(us))


def course(pulses: int, subject: bytes, protocol: bytes) -> Record:
    return Record(Kind.CARRIED, pulses, subject=subject, protocol=protocol, code=Carry.COURSE)


def test_a_new_ledger_begins_with_what_counts_of_the_old_one_and_what_is_open_counts_in_full() -> None:
    assert list(book_of(*HISTORY).carried()) == [
        Record(Kind.CARRIED, 600, code=Carry.EVERYBODY, note=carried_note(T + 2 * HOUR)),
        windows(T, 17, ANNA),
        windows(T + 5 * HOUR, 30, ANNA),
        course(617, ANNA, TENS),
        course(630, ANNA, ONES),
        windows(T + 4 * HOUR, 5, BRUNO),
        course(5, BRUNO, TENS),
        *(Record(Kind.BLOCK, subject=subject) for subject in sorted((ANNA, BRUNO))),
    ]
    assert list(EMPTY_BOOK.carried()) == []


def test_to_be_carried_changes_no_book() -> None:
    book = book_of(*HISTORY)

    assert list(book.carried()) == list(book.carried())
    assert book == book_of(*HISTORY)
    assert (book.unknowns, [reserve.seq for reserve in book.unsettled(EVENING)]) == ((4,), [4])


def test_a_course_is_what_one_subject_had_of_one_protocol_booked_and_open() -> None:
    book = book_of(*HISTORY)

    assert [book.course(ANNA, TENS), book.course(ANNA, ONES)] == [617, 630]
    assert [book.course(BRUNO, TENS), book.course(BRUNO, ONES)] == [5, 0]
    assert book.course(KEY0, TENS) == 0


def test_a_record_more_is_closed_by_its_own_number() -> None:
    book = book_of(about(MORNING, Kind.RESERVE, pulses=20), from_seq=40)
    book = book.apply(41, about(MORNING, Kind.RESERVE, pulses=7))
    assert book.open_reservations == ((40, 20), (41, 7))
    assert book.last_seq == 41

    book = book.apply(42, settle(41, 1, By.COUNTED))
    assert (book.open_reservations, book.session(MORNING)) == (((40, 20),), 21)
