"""Emergency: what it changes at once, leaves on the disk and tells."""

from __future__ import annotations

from dataclasses import replace

import pytest

from safety import blocks, control, events, gate
from safety.book import Book
from safety.events import Write
from safety.instant import Instant
from safety.ledger_format import KEY0, Kind, Record, key
from safety.sessions import Yes
from safety.state import Emergency, Phase
from safety.turn import Turn
from tests.safety.block_turns import TREATMENT, UNBLOCK, kinds, recorded, told
from tests.safety.book_records import book_of
from tests.safety.conftest import ARM_LOOP, HOLDER, VirtualRoom, new, tightened, turn_of
from tests.safety.rooms import ready, released, running

MS, S = 1_000, 1_000_000
HALF_AN_HOUR_US = 1_800 * S
RUN, CLI, STRANGER = 21, 22, 23
PRESS = control.Emergency("bob")


@pytest.fixture(scope="module")
def armed() -> VirtualRoom:
    return ready(new)


@pytest.fixture(scope="module")
def idle() -> VirtualRoom:
    return new()


def press(turn: Turn, by: str = "bob") -> None:
    assert blocks.emergency(turn, control.Emergency(by)) == Yes({"at_us": turn.now.us})


@pytest.mark.parametrize("phase", [Phase.BOOT, Phase.SAFE, Phase.ARMED, Phase.TRIPPED, Phase.LOCKOUT])
def test_an_emergency_disarms_in_its_very_step_whatever_is_the_matter(armed: VirtualRoom, phase: Phase) -> None:
    for session in (armed.state.session, None):
        turn = turn_of(armed, phase=phase, session=session)
        press(turn)

        assert Write(turn.room.dialect.disarm) in turn.actions
        assert turn.state.disarming is not None
        assert turn.state.session is None


def test_an_emergency_ends_the_session_and_is_on_record_against_its_subject(armed: VirtualRoom) -> None:
    turn = turn_of(armed, commits=())
    session = turn.session
    press(turn)

    emergency, close = recorded(turn)
    assert (emergency.kind, close.kind) == (Kind.EMERGENCY, Kind.CLOSE)
    assert (emergency.subject, emergency.session) == (key("S-0001"), session.key)
    assert (emergency.coil, emergency.note) == (key("coil-1"), key("bob"))
    assert told(turn)["stop-asked"] == {"by": "bob"}
    assert told(turn)["session-closed"] == {"session": session.key.hex(), "why": "emergency", "by": "bob"}
    pressed = {"pressed_us": turn.now.wall_us, "by": "bob", "subject": "S-0001", "session": session.key.hex()}
    assert told(turn)["emergency"] == pressed
    assert turn.state.emergency is not None
    assert turn.state.emergency.told == pressed
    assert turn.state.blocked("S-0001"), "before it is on the disk"
    assert not turn.state.blocked("S-0002")


def test_it_is_of_the_open_session_though_that_is_not_on_the_disk_yet(armed: VirtualRoom) -> None:
    turn = turn_of(armed, commits=(), book=Book())
    session = turn.session
    press(turn)
    assert (recorded(turn)[0].session, recorded(turn)[0].subject) == (session.key, key("S-0001"))


@pytest.mark.parametrize(("kind", "blocked"), [(Kind.EMERGENCY, True), (Kind.BLOCK, True), (Kind.OPEN, False)])
def test_a_block_holds_from_when_it_is_on_its_way_to_the_disk(idle: VirtualRoom, kind: Kind, *, blocked: bool) -> None:
    state = replace(idle.state, commits=((1, Record(kind, subject=key("S-0001")), 0),))
    assert (state.blocked("S-0001"), state.blocked("S-0002")) == (blocked, False)


def test_a_second_press_stops_once_more_and_records_nothing_more(armed: VirtualRoom) -> None:
    turn = turn_of(armed, commits=())
    press(turn)
    first, before = turn.state.emergency, kinds(turn)
    turn.actions.clear()
    press(turn, "ann")

    assert turn.actions[0] == Write(turn.room.dialect.disarm)
    assert (turn.state.emergency, kinds(turn)) == (first, before)
    assert set(told(turn)) == {"stop-asked"}


def test_the_emergency_of_a_phantom_blocks_nobody() -> None:
    room = new()
    assert room.open("", "", kind="phantom", threshold=None)["ok"]
    turn = turn_of(room, commits=())
    press(turn)

    assert recorded(turn)[0].subject == KEY0
    assert told(turn)["emergency"]["subject"] is None
    assert told(turn)["emergency"]["session"] is not None


def closed(room: VirtualRoom, subject: bytes = key("S-0001"), **ago: int) -> Turn:
    """A room with nothing open, some time after somebody's session."""
    ends_us = room.now.wall_us
    book = book_of(
        Record(Kind.OPEN, 60, subject=subject, session=TREATMENT, wall_us=ends_us - 60 * S),
        Record(Kind.CLOSE, subject=subject, session=TREATMENT, wall_us=ends_us),
    )
    turn = turn_of(room, book=book, commits=())
    turn.now = Instant(room.now.us, ends_us + ago.get("us", 0))
    return turn


@pytest.mark.parametrize(("ago_us", "whose"), [(HALF_AN_HOUR_US, TREATMENT), (HALF_AN_HOUR_US + 1, None)])
def test_with_nothing_open_it_is_of_whoever_was_treated_in_the_last_half_hour(
    idle: VirtualRoom, ago_us: int, whose: bytes | None
) -> None:
    turn = closed(idle, us=ago_us)
    press(turn)

    (record,) = recorded(turn)
    assert record.kind is Kind.EMERGENCY
    assert (record.session, record.subject) == ((whose, key("S-0001")) if whose else (KEY0, KEY0))
    assert told(turn)["emergency"]["session"] == (whose.hex() if whose else None)
    assert told(turn)["emergency"]["subject"] is None, "the ledger holds keys, not pseudonyms"


def test_a_site_may_look_further_back(idle: VirtualRoom) -> None:
    turn = tightened(closed(idle, us=2 * HALF_AN_HOUR_US), emergency_within=3_600)
    press(turn)
    assert recorded(turn)[0].session == TREATMENT


def test_with_nobody_ever_treated_it_is_of_nobody(idle: VirtualRoom) -> None:
    turn = turn_of(idle, commits=())
    press(turn)
    (record,) = recorded(turn)
    assert (record.session, record.subject, record.note) == (KEY0, KEY0, key("bob"))


def test_after_a_phantom_it_is_of_nobody(idle: VirtualRoom) -> None:
    turn = closed(idle, key(""))
    press(turn)
    assert (recorded(turn)[0].session, recorded(turn)[0].subject) == (TREATMENT, KEY0)


@pytest.mark.parametrize("connection", [HOLDER, RUN, CLI, STRANGER, ARM_LOOP])
def test_anybody_may_press_it(connection: int) -> None:
    room = running(new)
    assert room.ask(PRESS, connection)["ok"]
    assert room.state.session is None


def test_a_guarded_run_presses_in_the_name_of_its_user() -> None:
    room = released(new)
    room.ask(control.Hello("guarded"), RUN)
    room.ask(PRESS, RUN, uid=1001)
    assert room.last("emergency")["by"] == "uid 1001"


def test_in_a_train_it_is_cut_counted_and_never_gone_on_with() -> None:
    room = running(new)
    session = room.state.session
    assert session is not None
    room.ask(PRESS, STRANGER)
    room.pass_time(2 * S)

    assert room.state.phase is Phase.SAFE
    assert room.state.device.condition is not None
    assert room.pulses <= room.state.book.session(session.key) <= 20
    refused = room.open(continues=session.key.hex(), reason="it was short")
    assert refused["reason"] == "subject-blocked"
    room.ask(replace(UNBLOCK, nonce=room.nonce))
    refused = room.open(continues=session.key.hex(), reason="it was short")
    assert (refused["reason"], refused["detail"]) == ("cannot-continue", {"why": "an emergency ended it"})
    assert room.open()["ok"], "a new one begins"


def test_no_session_opens_while_its_record_is_on_its_way_to_the_disk() -> None:
    room = new()
    room.open()
    room.pass_time(S)
    room.disk_us = 400 * MS
    room.ask(PRESS, STRANGER)
    while room.state.disarming:
        room.pass_time(5 * MS)

    assert not room.state.book.blocked(key("S-0001"))
    assert room.open()["reason"] == "subject-blocked"
    assert room.open(subject="S-0002")["ok"]


def test_it_stands_until_a_session_is_opened() -> None:
    room = new()
    room.open()
    room.ask(PRESS, STRANGER)
    room.pass_time(S)
    assert room.ask(control.Status())["status"]["emergency"]["subject"] == "S-0001"
    assert room.ask(control.Status())["status"]["blocked"]

    room.open(subject="S-0002")
    room.pass_time(10 * MS)
    status = room.ask(control.Status())["status"]
    assert (status["emergency"], status["blocked"]) == (None, False)
    room.ask(PRESS, STRANGER)
    assert room.state.emergency is not None
    assert room.state.emergency.subject == "S-0002"


def test_it_stands_through_a_restart_by_what_the_ledger_holds(idle: VirtualRoom) -> None:
    pressed = Record(Kind.EMERGENCY, subject=key("S-0001"), session=TREATMENT, wall_us=77)
    state, _ = gate.step(
        idle.room, replace(idle.state, book=book_of(pressed), emergency=None), events.Started(), idle.now
    )
    assert state.emergency == Emergency(77, "", "", TREATMENT)
    told_of = {"pressed_us": 77, "by": None, "subject": None, "session": TREATMENT.hex()}
    assert state.emergency is not None
    assert state.emergency.told == told_of
    state, _ = gate.step(idle.room, replace(idle.state, emergency=None), events.Started(), idle.now)
    assert state.emergency is None
