"""What the gate writes into the ledger of a reservation's end, and what follows when the ledger has it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from drivers.stimulators import Condition
from safety import ledgering
from safety.asking import SessionKind
from safety.control import AskPermit, Resolve
from safety.events import Answer, Committed
from safety.ledger_format import By, Kind, Record, Settled, key, settled_of
from safety.reasons import Reason
from safety.state import Block, Device, Phase
from safety.turn import Turn
from tests.safety.book_records import book_of
from tests.safety.conftest import HOLDER, VirtualRoom, new, turn_of
from tests.safety.rooms import ready
from tests.safety.said import told

RESOLVE = Resolve(by="ann", ref=2, why="the coil clicked", nonce="0" * 32)
IN_DOUBT = book_of(Record(Kind.RESERVE, 20), Record(Kind.RESERVE, 7), Record(Kind.UNKNOWN, 7, ref=2))


@pytest.fixture(scope="module")
def armed() -> VirtualRoom:
    return ready(new)


@pytest.fixture(scope="module")
def asked() -> VirtualRoom:
    """A permit is asked for and its reservation is on its way to the disk."""
    room = ready(new)
    room.disk_us = 100_000
    room.ask(AskPermit(level_tenths=450, rate_tenths=100, pulses=20))
    while room.state.pending is None or room.state.pending.token is None:
        room.pass_time(1_000)
    return room


def sent(turn: Turn) -> list[tuple[Kind, int, int]]:
    """Kind, pulses and reference of what is on its way."""
    return [(record.kind, record.pulses, record.ref) for _, record, _ in turn.state.commits]


# --- settled ----------------------------------------------------------------------------------------------------


def test_a_reservation_ends_at_what_was_accounted_for_with_what_the_evidence_allows(armed: VirtualRoom) -> None:
    turn = turn_of(armed)

    ledgering.close_block(turn, Block(41, 50, spent=40, settled=23, low=21, high=25, by=By.RUNNING))

    ((_, record, _),) = turn.state.commits
    assert (record.kind, record.ref, record.pulses) == (Kind.SETTLE, 41, 23)
    assert settled_of(record) == Settled(21, 25, By.RUNNING)
    assert (record.subject, record.session) == (key("S-0001"), turn.session.key)


# --- confirmed --------------------------------------------------------------------------------------------------


def test_what_the_ledger_holds_is_counted_and_no_more_on_its_way_the_rest_is(armed: VirtualRoom) -> None:
    before = turn_of(armed, commits=())
    tokens = [before.commit(Kind.SETTLE, pulses=pulses) for pulses in (5, 7, 11)]
    for token, left in zip(tokens, ((7, 11), (5, 11), (5, 7)), strict=True):
        turn = Turn(before.room, before.state, before.now)

        ledgering.committed(turn, Committed(token, 4711))

        assert [pulses for _, pulses, _ in sent(turn)] == list(left)
        assert turn.state.book.last_seq == 4711
        assert (turn.actions, turn.state.phase) == ([], Phase.ARMED)


def test_a_reservation_that_the_ledger_holds_counts_and_is_granted_under_its_number(asked: VirtualRoom) -> None:
    turn = turn_of(asked)
    pending = turn.state.pending
    assert pending is not None
    assert pending.token is not None

    ledgering.committed(turn, Committed(pending.token, 4711))

    assert turn.state.book.session(turn.session.key) == 20
    (permit,) = turn.state.permits
    assert (permit.block, permit.number) == (Block(4711, 20), 1)
    (answered,) = (action for action in turn.actions if isinstance(action, Answer))
    assert (answered.connection, answered.body["ok"], answered.body["ref"]) == (HOLDER, True, 4711)


def test_a_script_may_spend_just_what_the_ledger_holds_for_it(armed: VirtualRoom) -> None:
    turn = turn_of(armed)
    token = turn.commit(Kind.RESERVE, pulses=33)
    turn.to(session=replace(turn.session, kind=SessionKind.SCRIPT, block_token=token))

    ledgering.committed(turn, Committed(token, 4711))

    assert turn.session.block == Block(4711, 33)
    assert turn.session.block_token is None


def test_a_reservation_nobody_waits_for_any_more_is_given_back_whole(armed: VirtualRoom) -> None:
    turn = turn_of(armed, commits=())
    token = turn.commit(Kind.RESERVE, pulses=33)
    turn.to(unwanted=(token - 1, token, token + 1))

    ledgering.committed(turn, Committed(token, 4711))

    assert sent(turn) == [(Kind.SETTLE, 0, 4711)]
    assert turn.state.unwanted == (token - 1, token + 1)


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.RESERVE])
def test_nothing_but_a_reservation_gives_leave_to_spend(asked: VirtualRoom, kind: Kind) -> None:
    turn = turn_of(asked)
    pending = turn.state.pending
    assert pending is not None
    token = turn.commit(kind)
    turn.to(pending=replace(pending, token=token))

    ledgering.committed(turn, Committed(token, 4711))

    assert turn.state.permits == ()


@pytest.mark.parametrize("tokens", [(), (90, 92)])
def test_a_record_that_nobody_sent_locks_out(armed: VirtualRoom, tokens: tuple[int, ...]) -> None:
    turn = turn_of(armed, commits=tuple((token, Record(Kind.RESERVE, 1), 0) for token in tokens))
    last = turn.state.book.last_seq

    ledgering.committed(turn, Committed(91, 4711))

    assert turn.state.phase is Phase.LOCKOUT
    assert told(turn.actions)[-1] == {
        "kind": "lockout", "reason": "locked-out", "detail": "the ledger confirmed record 4711, which nobody sent",
    }  # fmt: skip
    assert turn.state.book.last_seq == last


# --- resolved ---------------------------------------------------------------------------------------------------


def test_a_person_takes_a_pulse_as_delivered_and_the_ledger_keeps_who_and_why(armed: VirtualRoom) -> None:
    turn = turn_of(armed, book=IN_DOUBT, commits=(), device=Device(present=True, condition=Condition.STANDBY))

    assert ledgering.resolve(turn, RESOLVE) is None

    ((_, record, _),) = turn.state.commits
    assert (record.kind, record.ref, record.note) == (Kind.RESOLVE, 2, key("ann") + key("the coil clicked"))
    assert told(turn.actions) == [{"kind": "resolved", "ref": 2, "by": "ann"}]


@pytest.mark.parametrize("ref", [1, 3])
def test_a_pulse_that_is_not_in_doubt_is_not_resolved(armed: VirtualRoom, ref: int) -> None:
    turn = turn_of(armed, book=IN_DOUBT, commits=(), device=Device(present=True, condition=Condition.ARMED))

    assert ledgering.resolve(turn, replace(RESOLVE, ref=ref)) is Reason.NOTHING_TO_RESOLVE
    assert (turn.actions, turn.state.commits) == ([], ())


@pytest.mark.parametrize(
    ("present", "condition", "reason"),
    [
        (True, Condition.ARMED, Reason.RESOLVE_CONDITIONS),
        (True, Condition.READY, Reason.RESOLVE_CONDITIONS),
        (True, None, Reason.RESOLVE_CONDITIONS),
        (True, Condition.STANDBY, None),
        (False, Condition.ARMED, None),
        (False, None, None),
    ],
)
def test_a_pulse_is_resolved_once_the_device_stands_by_or_is_away(
    armed: VirtualRoom, condition: Condition | None, reason: Reason | None, *, present: bool
) -> None:
    turn = turn_of(armed, book=IN_DOUBT, commits=(), device=Device(present=present, condition=condition))

    assert ledgering.resolve(turn, RESOLVE) is reason
    assert len(turn.state.commits) == (reason is None)


@pytest.mark.parametrize("ref", [2, 3])
def test_nothing_is_resolved_where_nothing_can_be_written_down(armed: VirtualRoom, ref: int) -> None:
    standby = Device(present=True, condition=Condition.STANDBY)
    turn = turn_of(armed, phase=Phase.LOCKOUT, book=IN_DOUBT, commits=(), device=standby)

    assert ledgering.resolve(turn, replace(RESOLVE, ref=ref)) is Reason.LOCKED_OUT
    assert (turn.actions, turn.state.commits) == ([], ())
