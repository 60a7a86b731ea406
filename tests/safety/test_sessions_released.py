"""The operator's release: whose it is, of what, and all that must be well for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from safety import control, sessions
from safety.events import Tell
from safety.frames import No
from safety.ledger_format import Kind, Record, key
from safety.reasons import Reason
from safety.state import Device, Phase
from safety.turn import Turn
from tests.safety.book_records import book_of
from tests.safety.conftest import HOLDER, VirtualRoom, new, turn_of

MS, S = 1_000, 1_000_000
OTHER = 9
NONCE = "5" * 32
IN_DOUBT = book_of(Record(Kind.RESERVE, 20), Record(Kind.UNKNOWN, 20, ref=1))


@pytest.fixture(scope="module")
def opened() -> VirtualRoom:
    """A demo that waits for its release."""
    room = new()
    assert room.open()["ok"]
    return room


def told(turn: Turn) -> list[dict[str, Any]]:
    return [action.body for action in turn.actions if isinstance(action, Tell)]


def fresh(room: VirtualRoom, **changes: Any) -> Turn:
    """A turn whose newest nonce is NONCE."""
    return turn_of(room, **({"nonces": ((NONCE, room.now.us),), "commits": ()} | changes))


def release(turn: Turn, connection: int = HOLDER, **changes: Any) -> sessions.Yes | No:
    hashed = turn.state.session.hash if turn.state.session else "0" * 32
    base: dict[str, Any] = {"hash": hashed, "nonce": NONCE, "by": "ann"}
    return sessions.release(turn, connection, control.Release(**(base | changes)))


@pytest.mark.parametrize("paused", [None, Reason.STOP_ASKED])
def test_a_release_lets_the_session_begin_and_the_ledger_keeps_whose_it_was(
    opened: VirtualRoom, paused: Reason | None
) -> None:
    turn = fresh(opened)
    turn.to(session=replace(turn.session, paused=paused))
    before = turn.session

    assert release(turn) == sessions.Yes({})

    assert turn.session == replace(before, released=True, paused=None)
    assert told(turn) == [{"kind": "released", "at_us": turn.now.us, "wall_us": turn.now.wall_us, "by": "ann"}]
    ((_, record, _),) = turn.state.commits
    assert (record.kind, record.note, record.session) == (Kind.RELEASE, key("ann"), before.key)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"session": None}, Reason.NO_SESSION),
        ({"phase": Phase.TRIPPED}, Reason.TRIPPED),
        ({"phase": Phase.LOCKOUT}, Reason.LOCKED_OUT),
        ({"phase": Phase.BOOT}, Reason.BOOT),
        ({"phase": Phase.BOOT, "device": Device()}, Reason.PORT_ABSENT),
        ({"book": IN_DOUBT}, Reason.UNKNOWN_OPEN),
        ({"nonces": ()}, Reason.NONCE_STALE),
    ],
)
def test_nothing_is_released_while_something_stands_against_it(
    opened: VirtualRoom, changes: dict[str, Any], reason: Reason
) -> None:
    turn = fresh(opened, **changes)
    assert release(turn) == No(reason)
    assert (turn.state.session, turn.actions) == (changes.get("session", opened.state.session), [])


def test_only_the_holder_releases_and_only_what_was_shown(opened: VirtualRoom) -> None:
    assert release(fresh(opened), OTHER) == No(Reason.NOT_SESSION_HOLDER)
    assert release(fresh(opened), hash="0" * 32) == No(Reason.HASH_DIFFERS)


@pytest.mark.parametrize(("tenths", "no"), [(None, None), (399, None), (400, Reason.COIL_HOT), (401, Reason.COIL_HOT)])
def test_nothing_is_released_that_a_warm_coil_would_stop_at_once(
    opened: VirtualRoom, tenths: int | None, no: Reason | None
) -> None:
    turn = fresh(opened, device=replace(opened.state.device, temperature_tenths=tenths))
    assert release(turn) == (No(no) if no else sessions.Yes({}))


@pytest.mark.parametrize(("age_us", "stopped_ago_us", "is_fresh"), [
    (2 * S, 3 * S, True),
    (2 * S + 1, 3 * S, False),
    (0, 1, True),
    (0, 0, False),
    (500 * MS, 500 * MS + 1, True),
    (500 * MS, 500 * MS, False),
])  # fmt: skip
def test_what_the_operator_saw_is_two_seconds_old_at_most_and_younger_than_the_last_stop(
    opened: VirtualRoom, age_us: int, stopped_ago_us: int, *, is_fresh: bool
) -> None:
    now_us = opened.now.us
    seen = (("1" * 32, now_us), (NONCE, now_us - age_us), ("2" * 32, now_us))
    turn = turn_of(opened, nonces=seen, stopped_us=now_us - stopped_ago_us)
    assert sessions.nonce_is_fresh(turn, NONCE) is is_fresh
    assert sessions.nonce_is_fresh(turn, "6" * 32) is False
