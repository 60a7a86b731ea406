"""The book against a recount that shares nothing with it, and its rules one by one.

The recount keeps every record and, for each question, walks all of them again from the start.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.errors import OurError
from safety.book import EMPTY_BOOK, Book, day_start_us
from safety.ledger_format import KEY0, By, Carry, Kind, Record, Settled, carried_note, key, settled_note

SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR
WEEK = 7 * DAY
ROME = ZoneInfo("Europe/Rome")
ANNA, BRUNO = key("anna"), key("bruno")
MORNING, EVENING, OTHER = key("morning"), key("evening"), key("other")
TENS, ONES = key("ten hertz"), key("one hertz")
HOME = {MORNING: (ANNA, TENS), EVENING: (ANNA, ONES), OTHER: (BRUNO, TENS)}
ORIGINS = st.integers(10**15, 4 * 10**15)


def about(session: bytes, kind: Kind, **fields: object) -> Record:
    subject, protocol = HOME[session]
    return replace(Record(kind, session=session, subject=subject, protocol=protocol), **fields)


def settle(ref: int, pulses: int, by: By = By.RUNNING) -> Record:
    return Record(Kind.SETTLE, pulses=pulses, ref=ref, note=settled_note(Settled(0, pulses, by)))


def book_of(*records: Record, from_seq: int = 1) -> Book:
    return Book.of(enumerate(records, from_seq))


# --- the recount ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Item:
    """Pulses that count: for whom, and until when they may have been delivered (None: they still may)."""

    subject: bytes | None
    session: bytes | None
    protocols: frozenset[tuple[bytes, bytes]]
    pulses: int
    until: int | None


class Recount:
    """What counts after all of `records`, found by walking them."""

    def __init__(self, records: Sequence[Record]) -> None:
        self.records = records
        self.times = [max(record.wall_us for record in records[: n + 1]) for n in range(len(records))]
        self.items = [item for n in range(len(records)) for item in self.items_of(n)]

    def items_of(self, n: int) -> list[Item]:
        record, now = self.records[n], self.times[n]
        courses = frozenset({(record.subject, record.protocol)})
        match record.kind:
            case Kind.RESERVE:
                pulses, until, _ = self.fate(n)
                return [Item(record.subject, record.session, courses, pulses, until)]
            case Kind.UNKNOWN if not self.is_open(record.ref, n):
                return [Item(record.subject, record.session, courses, record.pulses, now)]
            case Kind.LOST | Kind.FOUND_ARMED:
                return self.worst(n)
            case Kind.CARRIED if record.code == Carry.EVERYBODY:
                return [Item(None, KEY0, frozenset(), record.pulses, self.carried(n))]
            case Kind.CARRIED:
                windows = record.subject if record.code != Carry.COURSE else b"nobody"
                in_courses = courses if record.code != Carry.WINDOWS else frozenset()
                return [Item(windows, KEY0, in_courses, record.pulses, self.carried(n))]
        return []

    def carried(self, n: int) -> int:
        when = int.from_bytes(self.records[n].note[:8], "little")
        return min(when or self.records[n].wall_us, self.times[n])

    def fate(self, n: int) -> tuple[int, int | None, int | None]:
        """Pulses of a RESERVE, until when it could deliver, and where it was closed."""
        reserve, seq, until, unknown = self.records[n], n + 1, None, False
        for later in range(n + 1, len(self.records)):
            record, now = self.records[later], self.times[later]
            ends = record.kind is Kind.BOOT or (record.kind is Kind.CLOSE and record.session == reserve.session)
            if ends and until is None:
                until = now
            if record.ref != seq:
                continue
            end = now if until is None else until
            if record.kind is Kind.UNKNOWN:
                unknown = True
            if record.kind is Kind.RESOLVE:
                return reserve.pulses, end, later
            if record.kind is Kind.SETTLE and (not unknown or record.note[8] == By.COUNTED):
                return record.pulses, end, later
        return reserve.pulses, until, None

    def is_open(self, ref: int, before: int) -> bool:
        if not 1 <= ref <= before or self.records[ref - 1].kind is not Kind.RESERVE:
            return False
        closed = self.fate(ref - 1)[2]
        return closed is None or closed > before

    def worst(self, n: int) -> list[Item]:
        record, now = self.records[n], self.times[n]
        known = [one for at, one in enumerate(self.records[:n]) if self.names_a_session(one, at)]
        if any(one.session == record.session for one in known):
            subject, protocol = HOME[record.session]
            return [Item(subject, record.session, frozenset({(subject, protocol)}), record.pulses, now)]
        told = [one for one in self.records[:n] if one.kind is Kind.CARRIED and one.code in (Carry.ALL, Carry.COURSE)]
        courses = frozenset((one.subject, one.protocol) for one in (*known, *told))
        sessions = {one.session: one.subject for one in known}
        if record.subject != KEY0:
            courses = frozenset(course for course in courses if course[0] == record.subject)
            sessions = {name: who for name, who in sessions.items() if who == record.subject}
        items = [Item(b"nobody", name, frozenset(), record.pulses, now) for name in sessions]
        return [*items, Item(record.subject if record.subject != KEY0 else None, None, courses, record.pulses, now)]

    def names_a_session(self, record: Record, n: int) -> bool:
        alone = record.kind is Kind.UNKNOWN and not self.is_open(record.ref, n)
        return alone or record.kind in (Kind.OPEN, Kind.RESERVE)

    def since(self, subject: bytes, since: int) -> int:
        return sum(
            item.pulses
            for item in self.items
            if item.subject in (None, subject) and (item.until is None or item.until >= since)
        )

    def session(self, session: bytes) -> int:
        return sum(item.pulses for item in self.items if item.session == session)

    def course(self, subject: bytes, protocol: bytes) -> int:
        return sum(item.pulses for item in self.items if (subject, protocol) in item.protocols)


OFTEN = (*[Kind.RESERVE] * 6, *[Kind.SETTLE] * 5)
SELDOM = (
    Kind.OPEN, Kind.CLOSE, Kind.BOOT, Kind.UNKNOWN, Kind.RESOLVE, Kind.LOST, Kind.FOUND_ARMED, Kind.CARRIED,
    Kind.TRIP, Kind.RELEASE,
)  # fmt: skip
kinds = st.sampled_from((*OFTEN, *SELDOM))


@st.composite
def histories(draw: st.DrawFn, longest_step: int = 2 * HOUR) -> list[Record]:
    """Records in any order, most of them sensible; clocks may step back by up to a minute."""
    now = draw(ORIGINS)
    records: list[Record] = []
    for _ in range(draw(st.integers(1, 40))):
        now += draw(st.integers(-60 * SECOND, longest_step))
        reserves = [n for n, record in enumerate(records, 1) if record.kind is Kind.RESERVE]
        ref = draw(st.sampled_from(reserves[-4:]) | st.integers(0, 50)) if reserves else 0
        session, kind, pulses = draw(st.sampled_from(list(HOME))), draw(kinds), draw(st.integers(0, 60))
        if kind in (Kind.SETTLE, Kind.UNKNOWN, Kind.RESOLVE) and ref in reserves:
            session = records[ref - 1].session
        record = about(session, kind, pulses=pulses, wall_us=now)
        if kind is Kind.SETTLE:
            record = replace(record, ref=ref, note=settle(ref, pulses, draw(st.sampled_from(By))).note)
        elif kind in (Kind.UNKNOWN, Kind.RESOLVE):
            record = replace(record, ref=ref)
        elif kind in (Kind.LOST, Kind.FOUND_ARMED):
            nameless = draw(st.sampled_from([{}, {"session": KEY0}, {"session": KEY0, "subject": KEY0}]))
            record = replace(record, protocol=KEY0, **nameless)
        elif kind is Kind.CARRIED:
            note = draw(st.sampled_from([b"", carried_note(now - HOUR), carried_note(now + HOUR)]))
            record = replace(record, session=KEY0, code=draw(st.sampled_from(Carry)), note=note)
        records.append(record)
    return records


@settings(max_examples=200)
@given(histories(), st.integers(0, 30 * HOUR))
def test_the_book_agrees_with_a_naive_recount(records: list[Record], later: int) -> None:
    book, recount = book_of(*records), Recount(records)
    now = recount.times[-1] + later
    for subject in (ANNA, BRUNO, key("a stranger")):
        assert book.window(subject, now, 12 * HOUR) == recount.since(subject, now - 12 * HOUR)
        assert book.window(subject, now, WEEK) == recount.since(subject, now - WEEK)
        assert book.day(subject, now, ROME) == recount.since(subject, day_start_us(now, ROME))
        for protocol in (TENS, ONES):
            assert book.course(subject, protocol) == recount.course(subject, protocol)
    for session in HOME:
        assert book.session(session) == recount.session(session)


@given(histories())
def test_applying_one_by_one_is_the_same_as_reading_the_whole_and_changes_no_older_book(records: list[Record]) -> None:
    books = [EMPTY_BOOK]
    for seq, record in enumerate(records, 1):
        books.append(books[-1].apply(seq, record))
    for n, book in enumerate(books):
        assert book == book_of(*records[:n])


@given(histories(longest_step=3 * DAY), st.integers(0, DAY))
def test_what_is_forgotten_after_eight_days_never_lowers_a_count(records: list[Record], later: int) -> None:
    book, recount = book_of(*records), Recount(records)
    now = recount.times[-1] + later
    for subject in (ANNA, BRUNO):
        assert book.window(subject, now, WEEK) >= recount.since(subject, now - WEEK)
        assert book.day(subject, now, ROME) >= recount.since(subject, day_start_us(now, ROME))
        for protocol in (TENS, ONES):
            assert book.course(subject, protocol) >= recount.course(subject, protocol)


@given(histories(), st.integers(0, DAY))
def test_a_new_ledger_that_begins_with_the_carried_totals_counts_the_same(records: list[Record], later: int) -> None:
    old = book_of(*records, Record(Kind.BOOT))
    now = old.last_wall_us + later
    carried = [replace(record, wall_us=now) for record in old.carried()]
    new = book_of(Record(Kind.GENESIS, wall_us=now), *carried, from_seq=1000)
    for subject in (ANNA, BRUNO, key("a stranger")):
        for span in (HOUR, 12 * HOUR, WEEK):
            assert new.window(subject, now, span) == old.window(subject, now, span)
        for protocol in (TENS, ONES):
            assert new.course(subject, protocol) == old.course(subject, protocol)


def test_blocks_are_carried_too() -> None:
    carried = list(book_of(Record(Kind.BLOCK, subject=ANNA), Record(Kind.EMERGENCY, subject=BRUNO)).carried())
    assert {record.subject for record in carried if record.kind is Kind.BLOCK} == {ANNA, BRUNO}


# --- the rules, one by one ------------------------------------------------------------------------------------


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


def test_the_session_opened_last_is_remembered_through_its_end() -> None:
    book = book_of(about(MORNING, Kind.OPEN), about(OTHER, Kind.OPEN, pulses=3), about(OTHER, Kind.CLOSE))
    assert book.last_opened == about(OTHER, Kind.OPEN, pulses=3)


def test_the_book_knows_its_newest_record() -> None:
    assert (EMPTY_BOOK.last_seq, EMPTY_BOOK.last_wall_us) == (0, 0)
    assert book_of(Record(Kind.TRIP, wall_us=9), from_seq=41).last_seq == 41


# --- the treatment day ----------------------------------------------------------------------------------------


def utc(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND


@pytest.mark.parametrize(
    ("zone", "at", "begins"),
    [
        ("Europe/Rome", "2026-01-05T10:00", "2026-01-05T02:00"),
        ("Europe/Rome", "2026-01-05T01:59", "2026-01-04T02:00"),
        ("Europe/Rome", "2026-01-05T02:00", "2026-01-05T02:00"),
        # Forward at 02:00: the day before has 23 hours. 03:00 exists and is the very change.
        ("Europe/Rome", "2026-03-29T00:59", "2026-03-28T02:00"),
        ("Europe/Rome", "2026-03-29T01:00", "2026-03-29T01:00"),
        # Back at 03:00 to 02:00: that night has 25 hours, and 03:00 comes after the repeated hour.
        ("Europe/Rome", "2026-10-25T01:30", "2026-10-24T01:00"),
        ("Europe/Rome", "2026-10-25T02:00", "2026-10-25T02:00"),
        # Helsinki leaves 03:00 out and, in autumn, has it twice: the first one begins the day.
        ("Europe/Helsinki", "2026-03-29T00:59", "2026-03-28T01:00"),
        ("Europe/Helsinki", "2026-03-29T01:00", "2026-03-29T01:00"),
        ("Europe/Helsinki", "2026-10-25T00:00", "2026-10-25T00:00"),
        ("Europe/Helsinki", "2026-10-25T01:30", "2026-10-25T00:00"),
        # Samoa had no 30 December 2011.
        ("Pacific/Apia", "2011-12-30T12:00", "2011-12-29T13:00"),
    ],
)
def test_the_treatment_day_begins_at_three_of_the_rooms_clock(zone: str, at: str, begins: str) -> None:
    assert day_start_us(utc(at), ZoneInfo(zone)) == utc(begins)


@given(ORIGINS, st.sampled_from(sorted(available_timezones())), st.integers(0, 3 * DAY))
def test_every_moment_of_every_zone_lies_in_one_day_of_about_24_hours(at: int, name: str, later: int) -> None:
    zone = ZoneInfo(name)
    begin = day_start_us(at, zone)
    assert at - 2 * DAY < begin <= at
    assert begin <= day_start_us(at + later, zone)
    assert day_start_us(begin, zone) == begin
    local = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=begin)).astimezone(zone)
    assert local.hour in (3, 4)


def test_thirty_days_of_ordinary_sessions_never_see_yesterday() -> None:
    """Treatments at jittered hours, across both clock changes of a year."""
    for first in ("2026-03-15T08:00", "2026-10-12T08:00"):
        book, seq = EMPTY_BOOK, 0
        for day in range(30):
            start = utc(first) + day * DAY + ((day * 7) % 9 - 4) * HOUR
            session = key(f"session {first} {day}")
            assert book.day(ANNA, start, ROME) == 0
            for train in range(75):
                at = start + train * 30 * SECOND
                reserve = Record(Kind.RESERVE, pulses=40, subject=ANNA, session=session, protocol=TENS, wall_us=at)
                book = book.apply(seq + 1, reserve).apply(seq + 2, replace(settle(seq + 1, 40), wall_us=at + SECOND))
                seq += 2
            assert book.day(ANNA, start + 2 * HOUR, ROME) == 3000
        assert book.course(ANNA, TENS) == 30 * 3000


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
