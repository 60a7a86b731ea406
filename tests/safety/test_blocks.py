"""Emergency, block and unblock: what each changes at once, leaves on the disk, tells and answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from safety import blocks, control, events, gate
from safety.book import Book
from safety.events import Answer, Tell, Write
from safety.frames import No
from safety.instant import Instant
from safety.ledger_format import KEY0, Kind, Record, key
from safety.reasons import Reason
from safety.sessions import Yes
from safety.state import Confirming, Emergency, Phase
from safety.turn import Turn
from tests.safety.book_records import book_of
from tests.safety.conftest import ARM_LOOP, HOLDER, VirtualRoom, new, tightened, turn_of
from tests.safety.rooms import ready, released, running

MS, S = 1_000, 1_000_000
HALF_AN_HOUR_US = 1_800 * S
NONCE, OLD = "0" * 32, "1" * 32
RUN, CLI, STRANGER = 21, 22, 23
TREATMENT = b"\7" * 8
PRESS = control.Emergency("bob")
UNBLOCK = control.Unblock("ann", "S-0001", "dr. bianchi", "seen and well", NONCE)
BLOCK = control.Block("ann", "S-0001", "a new implant", NONCE)


@pytest.fixture(scope="module")
def armed() -> VirtualRoom:
    return ready(new)


@pytest.fixture(scope="module")
def idle() -> VirtualRoom:
    return new()


def told(turn: Turn) -> dict[str, dict[str, Any]]:
    """The last of each kind, without the time."""
    bodies = [dict(action.body) for action in turn.actions if isinstance(action, Tell)]
    return {body.pop("kind"): {k: v for k, v in body.items() if k not in ("at_us", "wall_us")} for body in bodies}


def recorded(turn: Turn) -> list[Record]:
    return [record for _, record, _ in turn.state.commits]


def kinds(turn: Turn) -> list[Kind]:
    return [record.kind for record in recorded(turn)]


# --- emergency --------------------------------------------------------------------------------------------------------


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


# --- block and unblock ------------------------------------------------------------------------------------------------

BLOCKED = Record(Kind.BLOCK, subject=key("S-0001"))
ROLES = ((HOLDER, "daemon"), (ARM_LOOP, "lease"), (RUN, "guarded"), (CLI, "cli"))


def asked(room: VirtualRoom, message: control.Block | control.Unblock = UNBLOCK, **changes: Any) -> Turn:
    base = {"book": book_of(BLOCKED), "nonces": ((NONCE, room.now.us),), "commits": (), "roles": ROLES}
    return turn_of(room, **(base | changes))


def ask(turn: Turn, message: control.Block | control.Unblock, connection: int = HOLDER) -> No | Reason | None:
    return blocks.request(turn, connection, 5, message)


@pytest.mark.parametrize(
    ("message", "kind", "who"), [(UNBLOCK, Kind.UNBLOCK, "dr. bianchi"), (BLOCK, Kind.BLOCK, "ann")]
)
def test_a_change_is_on_record_with_who_answers_for_it_and_why_and_waits_for_the_disk(
    idle: VirtualRoom, message: control.Block | control.Unblock, kind: Kind, who: str
) -> None:
    turn = asked(idle)
    assert ask(turn, message) is None

    (record,) = recorded(turn)
    assert (record.kind, record.subject) == (kind, key("S-0001"))
    assert record.note == key(who) + key(message.why)
    token = turn.state.commits[0][0]
    assert turn.state.confirming == Confirming(token, HOLDER, 5, message, turn.now.us)
    assert not [action for action in turn.actions if isinstance(action, Answer)]


REFUSED: list[tuple[str, dict[str, Any], int, control.Unblock, No | Reason]] = [
    ("by a stranger", {}, STRANGER, UNBLOCK, Reason.NOT_SESSION_HOLDER),
    ("by a command line", {}, CLI, UNBLOCK, Reason.NOT_SESSION_HOLDER),
    ("by the arm", {}, ARM_LOOP, UNBLOCK, Reason.NOT_SESSION_HOLDER),
    ("past a daemon", {}, RUN, UNBLOCK, Reason.NOT_SESSION_HOLDER),
    ("on an old nonce", {}, HOLDER, replace(UNBLOCK, nonce=OLD), Reason.NONCE_STALE),
    ("where nothing is written down", {"phase": Phase.LOCKOUT}, HOLDER, UNBLOCK, Reason.LOCKED_OUT),
    ("of nobody blocked", {}, HOLDER, replace(UNBLOCK, subject="S-0002"),
     No(Reason.NOT_BLOCKED, {"subject": "S-0002"})),
]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "connection", "message", "no"), [each[1:] for each in REFUSED], ids=[each[0] for each in REFUSED]
)
def test_an_unblocking_is_refused(
    idle: VirtualRoom, changes: dict[str, Any], connection: int, message: control.Unblock, no: No | Reason
) -> None:
    turn = asked(idle, **changes)
    assert ask(turn, message, connection) == no
    assert recorded(turn) == []


def test_where_no_daemon_is_a_guarded_run_may_unblock(idle: VirtualRoom) -> None:
    turn = asked(idle, roles=((RUN, "guarded"), (CLI, "cli")))
    assert ask(turn, UNBLOCK, CLI) is Reason.NOT_SESSION_HOLDER
    assert ask(turn, UNBLOCK, RUN) is None


@pytest.mark.parametrize("message", [BLOCK, UNBLOCK])
def test_no_block_changes_while_a_session_is_open(armed: VirtualRoom, message: control.Block | control.Unblock) -> None:
    turn = asked(armed)
    assert ask(turn, message) is Reason.BLOCK_WHILE_OPEN
    turn.to(session=None)
    assert ask(turn, message) is None


def test_who_is_not_blocked_can_be_blocked(idle: VirtualRoom) -> None:
    assert ask(asked(idle, book=Book()), BLOCK) is None


def test_one_change_is_under_way_at_a_time(idle: VirtualRoom) -> None:
    turn = asked(idle)
    assert ask(turn, UNBLOCK) is None
    assert ask(turn, BLOCK) is Reason.BLOCK_LATE


def answers(turn: Turn) -> list[tuple[int, int, dict[str, Any]]]:
    return [(a.connection, a.request_id, a.body) for a in turn.actions if isinstance(a, Answer)]


def test_once_it_is_durable_it_is_confirmed_and_told_in_clear_words(idle: VirtualRoom) -> None:
    pressed = Record(Kind.EMERGENCY, subject=key("S-0001"), session=TREATMENT)
    turn = asked(idle, book=book_of(pressed), emergency=Emergency(5, "bob", "S-0001", TREATMENT))
    ask(turn, UNBLOCK)
    token = turn.state.commits[0][0]
    blocks.durable(turn, token + 1)
    assert answers(turn) == []

    turn.to(book=turn.state.book.apply(2, recorded(turn)[0]))
    blocks.durable(turn, token)
    assert answers(turn) == [(HOLDER, 5, {"ok": True})]
    words = {"subject": "S-0001", "by": "ann", "physician": "dr. bianchi", "why": "seen and well"}
    assert told(turn)["unblocked"] == words
    assert turn.state.confirming is None
    assert turn.state.emergency is None


def test_unblocking_somebody_else_leaves_the_emergency_standing(idle: VirtualRoom) -> None:
    pressed = Record(Kind.EMERGENCY, subject=key("S-0002"), session=TREATMENT)
    stands = Emergency(5, "bob", "S-0002", TREATMENT)
    turn = asked(idle, book=book_of(pressed, BLOCKED), emergency=stands)
    ask(turn, UNBLOCK)
    turn.to(book=turn.state.book.apply(3, recorded(turn)[0]))
    blocks.durable(turn, turn.state.commits[0][0])
    assert turn.state.emergency == stands


def test_a_block_that_is_durable_is_told_and_leaves_an_emergency_standing(idle: VirtualRoom) -> None:
    stands = Emergency(5, "bob", "", KEY0)
    turn = asked(idle, book=Book(), emergency=stands)
    ask(turn, BLOCK)
    turn.to(book=turn.state.book.apply(1, recorded(turn)[0]))
    blocks.durable(turn, turn.state.commits[0][0])
    assert answers(turn) == [(HOLDER, 5, {"ok": True})]
    assert told(turn)["blocked"] == {"subject": "S-0001", "by": "ann", "why": "a new implant"}
    assert turn.state.emergency == stands


@pytest.mark.parametrize(("waited_us", "late"), [(500 * MS, False), (500 * MS + 1, True)])
def test_a_disk_that_is_too_slow_leaves_the_change_unconfirmed(
    idle: VirtualRoom, waited_us: int, *, late: bool
) -> None:
    turn = asked(idle)
    ask(turn, UNBLOCK)
    turn.now = Instant(turn.now.us + waited_us, turn.now.wall_us + waited_us)
    blocks.expire(turn)

    late_answer = (HOLDER, 5, {"ok": False, "reason": "block-late", "detail": {}})
    assert answers(turn) == ([late_answer] if late else [])
    assert (turn.state.confirming is None) is late
    refused = {"do": "unblock", "reason": "block-late", "detail": {}}
    assert told(turn).get("request-refused") == (refused if late else None)
    assert kinds(turn) == [Kind.UNBLOCK], "its record stands"


def test_a_ledger_that_fails_answers_at_once(idle: VirtualRoom) -> None:
    turn = asked(idle)
    ask(turn, UNBLOCK)
    turn.to(phase=Phase.LOCKOUT)
    blocks.expire(turn)
    assert answers(turn) == [(HOLDER, 5, {"ok": False, "reason": "locked-out", "detail": {}})]


def test_nothing_is_waited_for_where_nothing_was_asked(idle: VirtualRoom) -> None:
    turn = asked(idle)
    blocks.expire(turn)
    blocks.durable(turn, 1)
    blocks.forget(turn, HOLDER)
    assert turn.actions == []


@pytest.mark.parametrize(("connection", "waits"), [(HOLDER, False), (RUN, True)])
def test_who_is_gone_gets_no_answer(idle: VirtualRoom, connection: int, *, waits: bool) -> None:
    turn = asked(idle)
    ask(turn, UNBLOCK)
    blocks.forget(turn, connection)
    assert (turn.state.confirming is not None) is waits


def test_an_unblocking_goes_through_the_gate_and_is_answered_by_the_disk() -> None:
    room = new(book=book_of(BLOCKED))
    room.disk_us = 200 * MS
    assert room.ask(replace(UNBLOCK, nonce=room.nonce)) == {}
    assert room.open()["reason"] == "subject-blocked"
    room.pass_time(250 * MS)

    assert {"ok": True} in room.answers.values()
    assert room.open()["ok"]


def test_a_disk_that_hangs_and_a_holder_that_goes_are_seen_by_the_gate() -> None:
    room = new(book=book_of(BLOCKED))
    room.disk_us = 5 * S
    room.ask(replace(UNBLOCK, nonce=room.nonce))
    room.pass_time(600 * MS)
    assert room.last("request-refused")["reason"] == "block-late"

    room.ask(replace(UNBLOCK, nonce=room.nonce))
    assert room.state.confirming is not None
    room.feed(events.Disconnected(HOLDER))
    assert room.state.confirming is None
