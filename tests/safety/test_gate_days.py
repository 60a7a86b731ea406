"""Treatment days: a course goes through without a refusal, and what must be refused is."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from safety import control
from safety.book import EMPTY_BOOK, Book
from safety.ledger_format import By, Kind, Record, Settled, key, settled_note
from tests.safety.conftest import PROTOCOLS, WALL_US, VirtualRoom, taken

pytestmark = pytest.mark.untraced

S, MS, HOUR = 1_000_000, 1_000, 3_600_000_000
ROME = ZoneInfo("Europe/Rome")
SUBJECT, COIL = "S-0001", "coil-1"
WEEKDAYS, HUNT = 30, 60
ARMING_US = 1_250 * MS
"""From arming to the trigger, in `run_train`."""


def wall_us(moment: datetime) -> int:
    """Unix µs."""
    return int(moment.timestamp()) * S


def weekdays(first: date) -> Iterator[date]:
    """Thirty of them."""
    day, given = first, 0
    while given < WEEKDAYS:
        if day.weekday() < 5:
            given += 1
            yield day
        day += timedelta(days=1)


class Course:
    """One subject's ledger over weeks. Each day has its own start of the watchdog, on a fresh clock."""

    def __init__(self) -> None:
        self.book: Book = EMPTY_BOOK

    def room_at(self, at_us: int, origin_us: int) -> VirtualRoom:
        """The watchdog after a reboot: BOOT is in the ledger, BOOTTIME begins somewhere else."""
        self.record(Kind.BOOT, at_us)
        room = VirtualRoom(origin_us=origin_us, book=self.book)
        room.wall_shift_us = at_us - WALL_US
        room.start()
        return room

    def record(self, kind: Kind, at_us: int, **fields: Any) -> int:
        """One record more; its number."""
        seq = self.book.last_seq + 1
        who = {} if kind is Kind.BOOT else {"subject": key(SUBJECT), "coil": key(COIL)}
        self.book = self.book.apply(seq, Record(kind, wall_us=at_us, **who, **fields))
        return seq

    def take_over(self, room: VirtualRoom) -> None:
        """What the room's gate wrote is this ledger's from here on."""
        self.book = room.state.book

    def deliver(self, at_us: int, *, session: bytes, protocol: str, pulses: int, trains: int, every_us: int) -> None:
        """Trains, reserved and settled as the gate does it."""
        for n in range(trains):
            when_us = at_us + n * every_us
            same = {"session": session, "protocol": key(protocol) if protocol else bytes(8)}
            ref = self.record(Kind.RESERVE, when_us, pulses=pulses, **same)
            note = settled_note(Settled(pulses, pulses, By.RUNNING))
            self.record(Kind.SETTLE, when_us + 5 * S, ref=ref, pulses=pulses, note=note, **same)

    def hunt(self, at_us: int, origin_us: int) -> None:
        """A threshold is determined, with as many pulses as a hunt may have."""
        room = self.room_at(at_us, origin_us)
        answer = room.open(kind="threshold", protocol="", threshold=None)
        assert answer["ok"], answer
        room.pass_time(100 * MS)
        self.take_over(room)
        self.deliver(
            at_us + 60 * S,
            session=bytes.fromhex(answer["session"]),
            protocol="",
            pulses=1,
            trains=HUNT,
            every_us=5 * S,
        )
        self.record(Kind.CLOSE, at_us + HUNT * 5 * S + 120 * S, session=bytes.fromhex(answer["session"]))

    def run(self, at_us: int, origin_us: int, trains: int, protocol: str = "mdd-10hz-37") -> int:
        """What `treat` gives, each train through the gate; how many pulses went out."""
        room = self.room_at(at_us, origin_us)
        assert room.open(protocol)["ok"]
        assert room.release()["ok"]
        (phase,) = PROTOCOLS[protocol].phases
        level, pulses = 54, phase.train.pulses
        room.set_train(level=level, pulses=pulses)
        for n in range(trains):
            due_us = at_us + 60 * S + n * (phase.train.duration_us + phase.gap_us)
            room.pass_time(due_us - ARMING_US - room.now.wall_us)
            assert room.run_train(level=level, pulses=pulses)["outcome"] == "delivered"
        room.ask(control.CloseSession(by="ann"))
        room.pass_time(100 * MS)
        self.take_over(room)
        return room.pulses

    def treat(self, at_us: int, origin_us: int, trains: int = 75, protocol: str = "mdd-10hz-37") -> dict[str, Any]:
        """A treatment, or so many of its trains; the answer that it was opened with."""
        room = self.room_at(at_us, origin_us)
        answer = room.open(protocol)
        if not answer["ok"]:
            return answer
        room.pass_time(100 * MS)
        self.take_over(room)
        phase = PROTOCOLS[protocol].phases[0]
        session = bytes.fromhex(answer["session"])
        every_us = phase.train.duration_us + phase.gap_us
        self.deliver(
            at_us + 60 * S,
            session=session,
            protocol=protocol,
            pulses=phase.train.pulses,
            trains=trains,
            every_us=every_us,
        )
        self.record(Kind.CLOSE, at_us + 60 * S + trains * every_us, session=session)
        return answer


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("around", ["2026-03-02", "2026-10-05", "any"])
def test_thirty_weekdays_at_jittered_hours_pass_without_a_refusal(around: str, seed: int) -> None:
    """From a day before a clock change or any day; ± 4 h about 14:00; a threshold each week, a reboot each day."""
    chance = random.Random(f"{around} {seed}")
    first = date(2026, 1, 1) + timedelta(days=chance.randrange(700))
    if around != "any":
        first = date.fromisoformat(around) + timedelta(days=chance.randrange(14))
    course = Course()
    for number, day in enumerate(weekdays(first)):
        hour_us = chance.randrange(-4 * HOUR, 4 * HOUR)
        at_us = wall_us(datetime.combine(day, time(14), ROME)) + hour_us
        if number % 5 == 0:
            course.hunt(at_us - HOUR, chance.choice([0, 2**31, 2**32, 10**15]))
        answer = course.treat(at_us, chance.choice([0, 2**31, 2**32, 10**15]))
        assert answer["ok"], (number, day, answer)
        assert answer["understood"]["course"] == number * 3_000
    assert course.book.course(key(SUBJECT), key("mdd-10hz-37")) == WEEKDAYS * 3_000


def day_of(at_us: int) -> date:
    """The treatment day by the clock on the wall: it begins at 03:00."""
    return (datetime.fromtimestamp(at_us / S, ROME).replace(tzinfo=None) - timedelta(hours=3)).date()


@pytest.mark.parametrize("seed", range(4))
def test_about_three_in_the_morning_only_what_would_be_too_much_for_one_treatment_day_is_refused(seed: int) -> None:
    """± 4 h about 03:00: what was given, and in which day, is counted here by the clock on the wall."""
    chance = random.Random(f"nights {seed}")
    course, given, refused = Course(), list[int](), 0
    for day in weekdays(date(2026, 1, 1) + timedelta(days=chance.randrange(700))):
        at_us = wall_us(datetime.combine(day, time(3), ROME)) + chance.randrange(-4 * HOUR, 4 * HOUR)
        answer = course.treat(at_us, chance.randrange(10**15))
        today = 40 * sum(day_of(each_us) == day_of(at_us) for each_us in given)
        assert answer["ok"] == (today + 3_000 <= 3_000 + 120), (day, today, answer)
        if answer["ok"]:
            given += [at_us + 60 * S + n * 30 * S + 5 * S for n in range(75)]
        else:
            assert answer["reason"] == "day-full"
            refused += 1
    assert 0 < refused < WEEKDAYS
    assert course.book.course(key(SUBJECT), key("mdd-10hz-37")) == 40 * len(given)


def test_a_day_written_straight_counts_as_one_that_runs_through_the_gate_across_three_in_the_morning() -> None:
    night = wall_us(datetime(2026, 5, 6, 2, 57, tzinfo=ROME))
    straight, run = Course(), Course()
    assert straight.treat(night, 123_456_789_012, trains=8)["ok"]
    assert run.run(night, 123_456_789_012, trains=8) == 320

    for hours in (1, 12, 24, 25, 7 * 24):
        then_us = night + hours * HOUR
        counts = [
            (book.day(key(SUBJECT), then_us, ROME), book.window(key(SUBJECT), then_us, 12 * HOUR))
            for book in (straight.book, run.book)
        ]
        assert counts[0] == counts[1], hours
    assert run.book.day(key(SUBJECT), night + HOUR, ROME) == 320 - 4 * 40, "4 trains are over by 03:00"
    assert run.book.course(key(SUBJECT), key("mdd-10hz-37")) == 320


@pytest.mark.parametrize("origin_us", [0, 2**31, 2**32, 10**15])
def test_a_session_across_three_in_the_morning_counts_in_both_days(
    origin_us: int,
) -> None:
    course = Course()
    night = wall_us(datetime(2026, 5, 6, 2, 45, tzinfo=ROME))
    assert course.treat(night, origin_us)["ok"]
    assert course.treat(night + 2 * HOUR, origin_us)["reason"] == "day-full"
    assert course.treat(night + 30 * HOUR, origin_us)["ok"]


@pytest.mark.parametrize("hours", [1, 4, 9])
def test_a_repeated_session_on_the_same_day_is_refused_when_it_is_opened(hours: int) -> None:
    course = Course()
    morning = wall_us(datetime(2026, 5, 6, 9, tzinfo=ROME))
    assert course.treat(morning, 0)["ok"]
    assert course.treat(morning + hours * HOUR, 0)["reason"] == "day-full"
    assert course.treat(morning + 24 * HOUR, 0)["ok"]


def test_after_a_stop_the_watchdog_alone_knows_what_is_left_and_refuses_one_pulse_more(room: Any) -> None:
    session = room.open()["session"]
    assert room.release()["ok"]
    room.set_train()
    room.run_train()
    room.ask(control.Stop(by="ann"))
    room.pass_time(S)
    room.ask(control.CloseSession(by="ann"))
    room.pass_time(100 * MS)

    again = VirtualRoom(origin_us=0, firmware=room.profile.firmware, book=room.state.book)  # both processes are new
    again.wall_shift_us = 600 * S
    again.start()
    answer = again.open(continues=session, reason="the subject had to sneeze")
    assert answer["ok"], answer
    assert answer["understood"]["pulses_left"] == 40
    assert answer["understood"]["plan"] == [
        {"trains": 1, "pulses": 20, "rate_tenths": 100, "level_tenths": 450, "gap_us": 0},
        {"trains": 1, "pulses": 20, "rate_tenths": 100, "level_tenths": 450, "gap_us": 6 * S},
    ]
    assert again.release()["ok"]
    again.set_train()
    for _ in range(2):
        again.run_train()
        again.stay(5 * S)
    again.set_single()
    again.arm()
    refused = again.permit(rate=0, pulses=1)
    assert (refused["reason"], refused["detail"]["asked"], refused["detail"]["allowed"]) == ("session-full", "61", "60")
    assert (room.pulses, again.pulses) == (20, 40)


def test_a_lowered_intensity_holds_and_rises_again_in_steps_to_what_was_prescribed(room: Any) -> None:
    def to(tenths: int) -> dict[str, Any]:
        answer: dict[str, Any] = room.ask(control.Intensity(intensity_tenths=tenths, by="ann"))
        return answer

    assert room.open()["ok"]
    assert room.release()["ok"]
    room.set_train()
    room.run_train()
    assert to(900)["ceiling_tenths"] == 400
    room.stay(5 * S)
    room.arm()
    assert room.permit(level=45)["reason"] == "level-over-ceiling"
    room.frame("EA")
    room.set_train(level=40)
    room.arm()
    assert room.permit(level=40)["ok"]
    assert taken(room.frame("EH"))
    room.wait_settled(4 * S)
    assert to(951)["reason"] == "raise-too-large"
    assert to(950)["ok"]
    asked_twice = to(1000)
    assert asked_twice["reason"] == "raise-too-large", "one step, then a train at it"
    assert asked_twice["detail"] == {"asked": "100 % rMT", "allowed": "95 % rMT"}
    room.stay(5 * S)
    room.set_train(level=42)
    room.run_train(level=42)
    assert to(1001)["reason"] == "intensity-over-limit"
    assert to(1000)["ceiling_tenths"] == 450
