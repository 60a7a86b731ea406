"""What the ledger counts against a subject, and what it may come to."""

from __future__ import annotations

from dataclasses import replace

from safety import control, doses
from safety.authorisations import Authorisation
from safety.ledger_format import Kind, Record, key
from safety.sessions import Yes
from tests.safety.book_records import book_of
from tests.safety.conftest import LIMITS, PROTOCOLS, VirtualRoom, new, turn_of

HOUR_US = 3_600_000_000
SUBJECT = {"subject": key("S-0001"), "protocol": key("demo"), "session": b"\7" * 8}


def delivered(room: VirtualRoom, pulses: int, hours_ago: int) -> Record:
    return Record(Kind.FOUND_ARMED, pulses, wall_us=room.now.wall_us - hours_ago * HOUR_US, **SUBJECT)


def test_each_window_says_what_it_holds_and_each_protocol_what_it_may_come_to() -> None:
    room = new()
    opened = Record(Kind.OPEN, 60, wall_us=room.now.wall_us - 100 * HOUR_US, **SUBJECT)
    book = book_of(opened, delivered(room, 7, 60), delivered(room, 5, 11), delivered(room, 3, 0))
    answer = doses.dose(turn_of(room, book=book), control.Dose("S-0001"))

    assert isinstance(answer, Yes)
    body = dict(answer.body)
    allowed = body.pop("allowed")
    day = book.day(key("S-0001"), room.now.wall_us, room.room.zone)
    assert body == {"day": day, "twelve_hours": 8, "week": 15, "blocked": False}
    assert set(allowed) == set(PROTOCOLS)
    assert allowed["demo"] == {"day": 180, "week": 6 * 180, "course": 120_000, "counted": 15}
    assert allowed["lf-right-1hz"]["counted"] == 0


def test_who_has_leave_for_an_accelerated_course_may_have_more_of_it_a_day() -> None:
    longer = next(each for each in PROTOCOLS.values() if each.exceeds)
    fast = replace(longer, accelerated=True, per_day=18_000)
    leave = Authorisation("a physician", "a test", "S-0001", fast.id, fast.version, fast.exceeds, 0, 2**62)
    room = VirtualRoom(protocols={fast.id: fast}, authorisations=(leave,))
    days = {
        name: doses.dose(turn_of(room), control.Dose(name)).body["allowed"][fast.id]["day"]
        for name in ("S-0001", "S-0002")
    }
    assert days == {"S-0001": LIMITS.day_pulses_accelerated + 120, "S-0002": LIMITS.day_pulses + 120}


def test_a_subject_nobody_knows_has_had_nothing_and_a_block_is_said() -> None:
    room = new()
    turn = turn_of(room, book=book_of(Record(Kind.BLOCK, subject=key("S-0009"))))
    known = {name: doses.dose(turn, control.Dose(name)).body for name in ("S-0009", "S-0010")}

    assert [known[name]["blocked"] for name in known] == [True, False]
    assert [known["S-0010"][name] for name in ("day", "twelve_hours", "week")] == [0, 0, 0]


def test_who_has_said_hello_may_ask_for_a_dose() -> None:
    room = new()
    room.ask(control.Hello("cli"), 22)
    assert room.ask(control.Dose("S-0001"), 22)["day"] == 0
    assert room.ask(control.Dose("S-0001"), 23)["reason"] == "not-session-holder"
