"""A script's block of pulses: reserved before it arms, refilled between its trains, given back when it is disarmed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from drivers.quantities import Hertz, PercentMso, Train
from drivers.stimulators import Settings
from safety import frames, permits
from safety.asking import SessionKind
from safety.ledger_format import Kind, Record, key
from safety.reasons import Reason
from safety.state import Block, Permit, Phase, Session
from safety.turn import Turn
from tests.safety.conftest import VirtualRoom, new, turn_of
from tests.safety.permit_turns import pulse, recorded, settled
from tests.safety.rooms import ready, script
from tests.safety.said import told

MS, S = 1_000, 1_000_000
SCRIPTS = [SessionKind.SCRIPT, SessionKind.PHANTOM]


@pytest.fixture(scope="module")
def armed() -> VirtualRoom:
    """A script's room, armed for 20 pulses, its block untouched."""
    return script(new)


def session_of(room: VirtualRoom, **changes: Any) -> Session:
    assert room.state.session is not None
    return replace(room.state.session, **changes)


def reserve_of(turn: Turn) -> Record:
    """What a block's reservation says: fifty pulses at the ceiling of the session."""
    session, now = turn.session, turn.now
    return Record(
        Kind.RESERVE, 50, 500, 0, key(session.subject), session.key, key(session.coil), simulated=True,
        boot_us=now.us, wall_us=now.wall_us,
    )  # fmt: skip


# --- before it arms ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", SCRIPTS)
def test_a_script_waits_for_its_block_and_asks_for_it_once(armed: VirtualRoom, kind: SessionKind) -> None:
    turn = turn_of(armed, session=session_of(armed, kind=kind, block=None), commits=())
    token = turn.state.next_token

    assert permits.block_for_script(turn) is permits.block_for_script(turn) is frames.WAIT

    assert recorded(turn) == [reserve_of(turn)]
    assert turn.session == session_of(armed, kind=kind, block=None, block_token=token)


@pytest.mark.parametrize("kind", SCRIPTS)
def test_a_script_arms_while_a_pulse_is_left_in_its_block(armed: VirtualRoom, kind: SessionKind) -> None:
    turn = turn_of(armed, session=session_of(armed, kind=kind, block=Block(5, 50, spent=49)))
    assert permits.block_for_script(turn) is None
    assert turn.actions == []


def test_a_block_that_is_used_up_is_settled_before_the_next_is_asked_for(armed: VirtualRoom) -> None:
    used = Block(5, 50, spent=50, settled=48, low=47, high=49)
    turn = turn_of(armed, session=session_of(armed, block=used), commits=())
    assert permits.block_for_script(turn) is frames.WAIT
    settlement, reservation = recorded(turn)
    assert (settlement.kind, settlement.ref, settlement.pulses) == (Kind.SETTLE, 5, 48)
    assert reservation == reserve_of(turn)
    assert turn.session == session_of(armed, block=None, block_token=turn.state.commits[1][0])


def test_a_treatment_needs_no_block() -> None:
    turn = turn_of(ready(new))
    assert permits.block_for_script(turn) is None
    assert turn.actions == []


# --- its permits ------------------------------------------------------------------------------------------------


def test_a_script_s_permit_is_one_trigger_of_what_is_read_back_out_of_its_block(armed: VirtualRoom) -> None:
    turn = turn_of(armed, next_permit=17)
    block = session_of(armed).block
    assert block is not None

    assert permits.make_for_script(turn) is None

    expires_us = armed.now.us + 500 * MS
    made = Permit(17, PercentMso(400), Train(20, Hertz(100)), 1, 0, 0, expires_us, block)
    assert (turn.state.permits, turn.state.next_permit) == ((made,), 18)
    assert turn.actions == []

    permits.forget_unused(turn)
    assert turn.state.permits == ()
    assert turn.session.block == block


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"permits": True}, Reason.TRAIN_RUNNING),
        ({"block": None}, Reason.NOT_ARMED),
        ({"block": None, "remote": False}, Reason.REMOTE_LOST),
        ({"confirmed": None}, Reason.READ_BACK_STALE),
        ({"confirmed": None, "permits": True}, Reason.TRAIN_RUNNING),
        ({"confirmed": None, "block": None}, Reason.NOT_ARMED),
    ],
)
def test_a_script_s_trigger_is_refused_for_what_it_lacks(
    armed: VirtualRoom, changes: dict[str, Any], reason: Reason
) -> None:
    known = {name: changes[name] for name in ("remote", "confirmed") if name in changes}
    turn = turn_of(armed, device=replace(armed.state.device, **known))
    if "permits" in changes:
        turn.to(permits=(pulse(armed.now.us),))
    if "block" in changes:
        turn.to(session=session_of(armed, block=None))
    before = turn.state
    assert permits.make_for_script(turn) == frames.No(reason)
    assert (turn.state, turn.actions) == (before, [])


# --- refilled ---------------------------------------------------------------------------------------------------


def refilled(room: VirtualRoom, left: int, pulses: int = 20, **changes: Any) -> bool:
    """Whether a block with so many pulses left is changed for a new one before the next train."""
    block = Block(5, 50, spent=50 - left, settled=50 - left, low=1, high=50)
    read = Settings(PercentMso(400), Hertz(100), pulses, pulses * 100) if pulses else None
    device = replace(room.state.device, confirmed=read)
    turn = turn_of(room, **({"session": session_of(room, block=block), "device": device, "commits": ()} | changes))
    before = turn.state

    permits.refill_script_block(turn)

    if turn.actions:
        settlement, reservation = recorded(turn)
        assert (settlement.kind, settlement.ref, settlement.pulses) == (Kind.SETTLE, 5, 50 - left)
        assert reservation == reserve_of(turn)
        assert turn.session == session_of(room, block=None, block_token=turn.state.commits[1][0])
    else:
        assert turn.state == before
    return bool(turn.actions)


@pytest.mark.parametrize(
    ("left", "pulses", "anew"),
    [(20, 20, False), (19, 20, True), (0, 1, True), (49, 50, True), (49, 51, False), (0, 0, False)],
)
def test_a_block_is_reserved_anew_when_the_next_train_would_not_fit_and_would_fit_a_whole_one(
    armed: VirtualRoom, left: int, pulses: int, *, anew: bool
) -> None:
    assert refilled(armed, left, pulses) is anew


def test_a_block_is_reserved_anew_only_between_the_trains_of_an_armed_script(armed: VirtualRoom) -> None:
    assert refilled(armed, 0)
    assert not refilled(armed, 0, phase=Phase.SAFE)
    assert not refilled(armed, 0, phase=Phase.FIRING)
    assert not refilled(armed, 0, permits=(pulse(armed.now.us),))
    assert not refilled(armed, 0, session=session_of(armed, block=None))
    assert not refilled(armed, 0, session=None)


# --- given back -------------------------------------------------------------------------------------------------


def test_a_disarmed_script_gets_back_what_it_did_not_spend(armed: VirtualRoom) -> None:
    turn = turn_of(armed, session=session_of(armed, block=Block(5, 50, spent=20, settled=20, low=19, high=21)))
    permits.settle_standing_block(turn)
    assert settled(turn) == [(5, 20, 19, 21)]
    assert turn.session == session_of(armed, block=None)
    assert told(turn.actions) == []


def test_a_block_is_not_settled_while_a_trigger_out_of_it_is_open_nor_where_there_is_none(armed: VirtualRoom) -> None:
    for changes in (
        {"permits": (pulse(armed.now.us),)}, {"session": session_of(armed, block=None)}, {"session": None},
    ):  # fmt: skip
        turn = turn_of(armed, **changes)
        before = turn.state
        permits.settle_standing_block(turn)
        assert (turn.state, turn.actions) == (before, [])
