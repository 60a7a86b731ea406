"""The treatment day: it begins at three of the room's clock, in every zone and across every change of it."""

from __future__ import annotations

from bisect import bisect
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
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

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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
        # Winamac once went from 02:00 to 04:00: its day begins an hour later, when three o'clock would have been.
        ("America/Indiana/Winamac", "2007-03-11T08:59", "2007-03-10T09:00"),
        ("America/Indiana/Winamac", "2007-03-11T09:00", "2007-03-11T09:00"),
        # Samoa had no 30 December 2011.
        ("Pacific/Apia", "2011-12-30T12:00", "2011-12-29T13:00"),
    ],
)
def test_the_treatment_day_begins_at_three_of_the_rooms_clock(zone: str, at: str, begins: str) -> None:
    assert day_start_us(utc(at), ZoneInfo(zone)) == utc(begins)


def test_a_day_begins_at_a_whole_microsecond() -> None:
    assert isinstance(day_start_us(utc("2026-01-05T10:00") + 1, ROME), int)


TWO_HOURS_OR_THREE = {
    "America/Bahia_Banderas", "America/Indiana/Winamac", "Antarctica/Casey", "Antarctica/Davis", "Antarctica/Troll",
    "Antarctica/Vostok", "Asia/Chita", "Asia/Magadan", "Europe/Simferopol",
}  # fmt: skip
"""Zones that since 2001 moved their clock by so much at once: such a day of theirs has 21 to 27 hours.

Half an hour (Lord Howe, Caracas, Pyongyang) fits between 23 and 25, and so does Samoa: the day it left out never began.
"""


def the_day_around(at_us: int, name: str) -> tuple[int, int]:
    """Begin and end of the treatment day that holds a moment, held to what is claimed of every day."""
    zone = ZoneInfo(name)
    least, longest = (21 * HOUR, 27 * HOUR) if name in TWO_HOURS_OR_THREE else (23 * HOUR, 25 * HOUR)
    begin = day_start_us(at_us, zone)
    end = day_start_us(begin + longest, zone)
    assert begin <= at_us < end, name
    assert least <= end - begin <= longest, name
    assert (day_start_us(begin, zone), day_start_us(end - 1, zone), day_start_us(end, zone)) == (begin, begin, end)
    begins = EPOCH + timedelta(microseconds=begin)
    evening_before = (begins - timedelta(hours=12)).astimezone(zone).utcoffset()
    assert evening_before is not None
    assert time(3) in (begins.astimezone(zone).time(), (begins + evening_before).time()), name
    return begin, end


@given(ORIGINS, st.sampled_from(sorted(available_timezones())), st.integers(0, DAY))
def test_every_moment_of_every_zone_lies_in_one_day_of_23_to_25_hours_that_begins_at_three(
    at: int, name: str, later: int
) -> None:
    begin, end = the_day_around(at, name)
    assert day_start_us(begin + later % (end - begin), ZoneInfo(name)) == begin


def changed_by(since: datetime, zone: ZoneInfo) -> datetime:
    """The first full hour after `since` at which the clock of a zone was changed, in the fortnight behind it."""
    old = since.astimezone(zone).utcoffset()
    hour = timedelta(hours=1)
    return since + hour * bisect(
        range(14 * 24), 0, key=lambda n: (since + n * hour).astimezone(zone).utcoffset() != old
    )


def changes_of_clocks() -> dict[tuple[datetime, timedelta | None, timedelta | None], str]:
    """Every change from 2001 to 2025: an hour after it at most, the offsets around it, and one zone that has it."""
    fortnights = [datetime(2001, 1, 1, tzinfo=UTC) + n * timedelta(weeks=2) for n in range(25 * 26)]
    found = {}
    for name in sorted(available_timezones()):
        zone = ZoneInfo(name)
        offsets = [day.astimezone(zone).utcoffset() for day in fortnights]
        for since, (old, new) in zip(fortnights, pairwise(offsets), strict=False):
            if old != new:
                found[changed_by(since, zone), old, new] = name
    return found


def test_the_days_around_every_change_of_a_clock_have_23_to_25_hours_and_each_begins_where_the_last_ended() -> None:
    changes = changes_of_clocks()
    assert len(changes) > 1_000, "there is something to look at"
    for (after, _, _), name in changes.items():
        end = (after - EPOCH) // timedelta(microseconds=1) - 2 * DAY
        for _ in range(4):
            _, end = the_day_around(end, name)


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
