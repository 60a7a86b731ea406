"""One turn of the gate by itself: what it has not, or may not do, is a mistake of ours and never passes quietly."""

from __future__ import annotations

import pytest

from safety import events
from safety.facts import facts
from safety.ledger_format import KEY0, Kind, Record, key
from safety.state import Phase, State
from safety.turn import Turn
from tests.safety.conftest import new, turn_of
from tests.safety.rooms import hunting, released


def test_what_only_follows_from_a_session_or_a_trigger_is_a_mistake_of_ours_without_one() -> None:
    turn = turn_of(new())
    with pytest.raises(AssertionError, match=r"^there is no session$"):
        facts(turn)
    with pytest.raises(AssertionError, match=r"^no pulses are under way$"):
        _ = turn.delivery


def test_a_field_that_the_state_has_not_is_a_mistake_of_ours() -> None:
    with pytest.raises(TypeError, match="phaze"):
        turn_of(new()).to(phaze=Phase.SAFE)


def test_a_move_that_is_not_in_the_table_locks_out_and_says_so() -> None:
    turn = turn_of(new())
    turn.move(Phase.FIRING)
    assert turn.state.phase is Phase.LOCKOUT
    said = {"kind": "our-mistake", "what": "safe to firing is not in the table"}
    assert turn.state.lockout == "the watchdog made a mistake: safe to firing is not in the table"
    assert turn.actions == [events.Tell({**said, "at_us": turn.now.us, "wall_us": turn.now.wall_us})]


def test_staying_in_a_phase_is_no_move() -> None:
    turn = turn_of(new())
    turn.move(Phase.SAFE)
    assert (turn.state.phase, turn.actions) == (Phase.SAFE, [])


def test_a_reply_is_handed_over_the_moment_it_is_known_and_nothing_else_is() -> None:
    room, handed = new(), list[events.Reply]()
    turn = Turn(room.room, room.state, room.now, handed.append)
    reply, write = events.Reply(events.Door.PTY, b"x"), events.Write(b"y")

    turn.do(write)
    turn.do(reply)

    assert (handed, turn.actions) == ([reply], [write])


# --- records ----------------------------------------------------------------------------------------------------


def sent(turn: Turn, token: int, before: State) -> Record:
    """The record that went to the ledger under this token, once, and is waited for from now on."""
    (action,) = turn.actions
    assert isinstance(action, events.Commit)
    assert action.token == token == before.next_token
    assert turn.state.next_token == token + 1
    assert turn.state.commits == (*before.commits, (token, action.record, turn.now.us))
    return action.record


def test_a_record_of_a_session_says_whom_with_what_and_when_it_is_about() -> None:
    room = released(new)
    turn, session = turn_of(room), room.state.session
    assert session is not None

    token = turn.commit(Kind.RESERVE, pulses=20)

    assert sent(turn, token, room.state) == Record(
        Kind.RESERVE, 20, subject=key("S-0001"), session=session.key, coil=key("coil-1"), protocol=key("demo"),
        simulated=True, boot_us=room.now.us, wall_us=room.now.wall_us,
    )  # fmt: skip


def test_a_record_of_a_session_without_protocol_names_none() -> None:
    turn = turn_of(hunting(new))
    turn.commit(Kind.RESERVE)
    assert turn.state.commits[-1][1].protocol == KEY0


def test_a_record_without_a_session_names_nobody() -> None:
    room = new()
    turn = turn_of(room)

    token = turn.commit(Kind.BOOT)

    assert sent(turn, token, room.state) == Record(
        Kind.BOOT, simulated=True, boot_us=room.now.us, wall_us=room.now.wall_us
    )


def test_a_record_may_be_about_somebody_else_than_the_session() -> None:
    turn = turn_of(released(new))
    turn.commit(Kind.FOUND_ARMED, subject=key("S-0009"), session=b"\7" * 8)
    record = turn.state.commits[-1][1]
    assert (record.subject, record.session) == (key("S-0009"), b"\7" * 8)


def test_records_wait_for_the_disk_in_their_order_each_under_a_number_of_its_own() -> None:
    room = new()
    waiting = (7, Record(Kind.BOOT), 0)
    turn = turn_of(room, commits=(waiting,), next_token=8)

    tokens = [turn.commit(Kind.TRIP), turn.commit(Kind.RESET)]

    assert tokens == [8, 9]
    assert [(token, each.kind) for token, each, _ in turn.state.commits] == [
        (7, Kind.BOOT), (8, Kind.TRIP), (9, Kind.RESET),
    ]  # fmt: skip
