"""Records of three sessions of two people, and the book they make."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from safety.book import Book
from safety.ledger_format import By, Kind, Record, Settled, key, settled_note

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
