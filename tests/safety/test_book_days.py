"""The treatment day: it begins at three of the room's clock, in every zone and across every change of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safety.book import EMPTY_BOOK, day_start_us
from safety.ledger_format import Kind, Record, key
from tests.safety.book_records import (
    ANNA,
    DAY,
    HOUR,
    ORIGINS,
    ROME,
    SECOND,
    TENS,
    settle,
)


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
