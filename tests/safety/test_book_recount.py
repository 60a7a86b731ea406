"""The book against a recount that shares nothing with it.

The recount keeps every record and, for each question, walks all of them again from the start.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safety.book import EMPTY_BOOK, day_start_us
from safety.ledger_format import KEY0, By, Carry, Kind, Record, carried_note, key
from tests.safety.book_records import (
    ANNA,
    BRUNO,
    DAY,
    HOME,
    HOUR,
    ONES,
    ORIGINS,
    ROME,
    SECOND,
    TENS,
    WEEK,
    about,
    book_of,
    settle,
)

pytestmark = pytest.mark.untraced

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


# --- any history ----------------------------------------------------------------------------------------------


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
