"""Block and unblock: what each changes at once, leaves on the disk, tells and answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from safety import blocks, control, events
from safety.book import Book
from safety.events import Answer
from safety.frames import No
from safety.instant import Instant
from safety.ledger_format import KEY0, Kind, Record, key
from safety.reasons import Reason
from safety.state import Confirming, Emergency, Phase
from safety.turn import Turn
from tests.safety.block_turns import NONCE, TREATMENT, UNBLOCK, kinds, recorded, told
from tests.safety.book_records import book_of
from tests.safety.conftest import ARM_LOOP, HOLDER, VirtualRoom, new, turn_of
from tests.safety.rooms import ready

MS, S = 1_000, 1_000_000
OLD = "1" * 32
RUN, CLI, STRANGER = 21, 22, 23
BLOCK = control.Block("ann", "S-0001", "a new implant", NONCE)
BLOCKED = Record(Kind.BLOCK, subject=key("S-0001"))
ROLES = ((HOLDER, "daemon"), (ARM_LOOP, "lease"), (RUN, "guarded"), (CLI, "cli"))


@pytest.fixture(scope="module")
def armed() -> VirtualRoom:
    return ready(new)


@pytest.fixture(scope="module")
def idle() -> VirtualRoom:
    return new()


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
