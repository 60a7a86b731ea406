"""How a permit ends: nobody used it in time, it was taken back, or the last of its pulses is accounted for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from drivers.quantities import SINGLE, PercentMso, Train
from safety import permits
from safety.asking import SessionKind
from safety.reasons import Reason
from safety.state import Block, Delivery
from safety.turn import Turn
from tests.safety.conftest import VirtualRoom, new, turn_of
from tests.safety.permit_turns import NUMBER, one_hertz, pulse, recorded, settled
from tests.safety.rooms import script
from tests.safety.said import told

MS, S = 1_000, 1_000_000


@pytest.fixture(scope="module")
def single() -> VirtualRoom:
    return one_hertz()


@pytest.fixture(scope="module")
def scripted() -> VirtualRoom:
    return script(new)


def under_way(room: VirtualRoom, number: int = NUMBER) -> Delivery:
    return Delivery(Train(1, SINGLE), PercentMso(540), number, 0, room.now.us, room.now.us)


# --- expired ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("past_us", "gone"), [(0, False), (1, True)])
def test_a_permit_that_nobody_used_is_gone_after_its_end_and_its_pulses_are_given_back(
    single: VirtualRoom, past_us: int, *, gone: bool
) -> None:
    turn = turn_of(single, permits=(pulse(single.now.us, expires_us=single.now.us - past_us),))
    permits.expire(turn)
    assert told(turn.actions) == [{"kind": "withdrawn", "permit": NUMBER, "reason": "permit-expired"}] * gone
    assert settled(turn) == [(NUMBER + 100, 0, 0, 0)] * gone
    assert bool(turn.state.permits) != gone


@pytest.mark.parametrize(("past_us", "gone"), [(0, False), (1, True)])
def test_between_two_triggers_a_permit_lives_as_long_after_the_next_may_come(
    single: VirtualRoom, past_us: int, *, gone: bool
) -> None:
    now_us = single.now.us
    permit = pulse(now_us, expires_us=now_us - 10 * S, index=1, left=2)
    turn = turn_of(single, permits=(permit,), armed_at_us=now_us - S - 500 * MS - past_us)
    permits.expire(turn)
    assert bool(turn.state.permits) != gone


def test_what_is_under_way_or_the_timer_s_does_not_expire(single: VirtualRoom) -> None:
    now_us = single.now.us
    for turn in (
        turn_of(single, permits=(pulse(now_us, S, expires_us=now_us - S),)),
        turn_of(single, permits=(pulse(now_us, expires_us=now_us - S),), delivery=under_way(single)),
        turn_of(single),
    ):
        before = turn.state
        permits.expire(turn)
        assert (turn.state, turn.actions) == (before, [])


# --- taken back -------------------------------------------------------------------------------------------------


def test_every_permit_is_taken_back_but_the_one_whose_pulse_is_under_way(single: VirtualRoom) -> None:
    now_us = single.now.us
    fired = pulse(now_us, S, 2 * S, left=2, index=1, block=Block(5, 3, spent=1))
    behind = pulse(now_us, 3 * S, number=NUMBER + 1, block=Block(6, 3, spent=2, settled=2, low=1, high=2))
    turn = turn_of(single, permits=(fired, behind), delivery=under_way(single))

    permits.drop(turn, Reason.STOP_ASKED)

    assert turn.state.permits == (replace(fired, left=0, due=()),)
    assert told(turn.actions) == [{"kind": "withdrawn", "permit": NUMBER + 1, "reason": "stop-asked"}]
    assert settled(turn) == [(6, 2, 1, 2)]


def test_a_permit_is_taken_back_although_another_s_pulse_is_under_way(single: VirtualRoom) -> None:
    turn = turn_of(single, permits=(pulse(single.now.us),), delivery=under_way(single, NUMBER + 1))
    permits.drop(turn, Reason.STOP_ASKED)
    assert turn.state.permits == ()


def test_where_nothing_is_granted_nothing_is_taken_back(single: VirtualRoom) -> None:
    turn = turn_of(single)
    permits.drop(turn, Reason.STOP_ASKED)
    assert (turn.state, turn.actions) == (single.state, [])


# --- used up ----------------------------------------------------------------------------------------------------


def used_up(room: VirtualRoom, **changes: object) -> Turn:
    """The first permit has none of its triggers left; a second waits behind it."""
    now_us = room.now.us
    block = Block(5, 3, spent=3, settled=2, low=1, high=3)
    first, behind = pulse(now_us, left=0, block=block), pulse(now_us, number=NUMBER + 1)
    turn = turn_of(room, **({"permits": (first, behind)} | changes))
    permits.close_used_up(turn)
    return turn


def test_a_permit_used_up_is_settled_at_what_was_accounted_for_whether_or_not_its_session_lasts(
    single: VirtualRoom,
) -> None:
    for session in (single.state.session, None):
        turn = used_up(single, session=session)
        assert settled(turn) == [(5, 2, 1, 3)]
        assert [permit.number for permit in turn.state.permits] == [NUMBER + 1]
        assert turn.state.session == session


def test_a_permit_is_not_used_up_while_a_trigger_is_left_or_under_way(single: VirtualRoom) -> None:
    for changes in (
        {"permits": ()}, {"permits": (pulse(single.now.us, left=1),)}, {"delivery": under_way(single)},
    ):  # fmt: skip
        turn = used_up(single, **changes)
        assert turn.actions == []
        assert turn.state == turn_of(single, permits=turn.state.permits, delivery=turn.state.delivery).state


@pytest.mark.parametrize("kind", [SessionKind.SCRIPT, SessionKind.PHANTOM])
def test_a_script_s_block_comes_back_to_its_session_with_what_was_spent_of_it(
    scripted: VirtualRoom, kind: SessionKind
) -> None:
    session = scripted.state.session
    assert session is not None
    before = replace(session, kind=kind, block=Block(5, 50))

    turn = used_up(scripted, session=before)

    assert turn.state.session == replace(before, block=Block(5, 3, spent=3, settled=2, low=1, high=3))
    assert recorded(turn) == []
    assert [permit.number for permit in turn.state.permits] == [NUMBER + 1]


@pytest.mark.parametrize("block", [None, Block(6, 50)], ids=["none", "a newer one"])
def test_a_permit_out_of_a_block_that_its_session_has_no_more_is_settled(
    scripted: VirtualRoom, block: Block | None
) -> None:
    session = scripted.state.session
    assert session is not None
    before = replace(session, block=block)
    turn = used_up(scripted, session=before)
    assert settled(turn) == [(5, 2, 1, 3)]
    assert turn.state.session == before
