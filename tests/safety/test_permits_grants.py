"""A reservation that is durable: granted in time, given back when nobody wants it, kept when the disk was late."""

from __future__ import annotations

from dataclasses import replace

import pytest

from drivers.quantities import SINGLE, Hertz, PercentMso, Train
from safety import permits
from safety.asking import Ask
from safety.control import AskPermit
from safety.events import Answer
from safety.reasons import Reason
from safety.state import Block, Pending, Permit
from safety.turn import Turn
from tests.safety.conftest import HOLDER, VirtualRoom, new, turn_of
from tests.safety.permit_turns import answered, one_hertz, pulse, recorded, settled
from tests.safety.rooms import ready, script
from tests.safety.said import told

MS, S = 1_000, 1_000_000
REQUEST, TOKEN, SEQ = 55, 9_001, 42
ASK = Ask(PercentMso(540), Train(1, SINGLE), 0, 3, S, PercentMso(500))
TIMES_US = (200 * MS, 1_200 * MS, 2_200 * MS)
MESSAGE = AskPermit(540, 0, 1, triggers=3, spacing_us=S, times_us=TIMES_US, train=6)


@pytest.fixture(scope="module")
def single() -> VirtualRoom:
    return one_hertz()


@pytest.fixture(scope="module")
def armed() -> VirtualRoom:
    return ready(new)


def reserving(room: VirtualRoom, since_us: int = 0, message: AskPermit = MESSAGE, **changes: object) -> Turn:
    """A turn in which a reservation has been on its way to the disk for so long."""
    pending = Pending(HOLDER, REQUEST, message, ASK, room.now.us - since_us, TOKEN)
    return turn_of(room, pending=pending, next_permit=17, **changes)


def granted(turn: Turn) -> Permit:
    permits.reserved(turn, TOKEN, SEQ, 3)
    assert turn.state.pending is None
    return turn.state.permits[-1]


# --- granted ----------------------------------------------------------------------------------------------------


def test_whoever_asked_is_told_the_permit_and_everybody_that_it_was_granted(single: VirtualRoom) -> None:
    turn = reserving(single)
    now_us = single.now.us
    due = tuple(now_us + each for each in TIMES_US)
    expires_us = due[0] + 500 * MS

    permit = granted(turn)

    block, estimate = Block(SEQ, 3), PercentMso(500)
    assert permit == Permit(17, PercentMso(540), Train(1, SINGLE), 3, S, now_us, expires_us, block, due, estimate)
    body = {"ok": True, "permit": 17, "reserved": 3, "ref": SEQ, "expires_us": expires_us}
    assert answered(turn) == [Answer(HOLDER, REQUEST, body)]
    assert told(turn.actions) == [{"kind": "granted", "permit": 17, "ref": SEQ, "pulses": 3, "train": 6}]
    assert recorded(turn) == []
    assert (turn.state.permits, turn.state.next_permit) == ((permit,), 18)


def test_a_permit_for_the_speaker_lives_from_its_grant_on(single: VirtualRoom) -> None:
    permit = granted(reserving(single, message=replace(MESSAGE, times_us=())))
    assert (permit.due, permit.expires_us) == ((), single.now.us + 500 * MS)


def test_a_block_waits_behind_the_one_that_runs_and_goes_on_from_its_last_pulse(single: VirtualRoom) -> None:
    running = pulse(single.now.us, S, 2 * S)
    turn = reserving(single, permits=(running,))
    permit = granted(turn)
    assert turn.state.permits == (running, permit)
    assert permit.due == tuple(single.now.us + 2 * S + each for each in TIMES_US)


# --- refused all the same -----------------------------------------------------------------------------------------


def assert_refused(turn: Turn, reason: str) -> None:
    body = {"ok": False, "reason": reason, "detail": {}}
    assert answered(turn) == [Answer(HOLDER, REQUEST, body)]
    assert told(turn.actions) == [{"kind": "permit-refused", "reason": reason, "detail": {}}]
    assert (turn.state.pending, turn.state.permits, turn.state.unwanted) == (None, (), ())


def test_a_reservation_grants_within_the_time_a_disk_has_and_stands_after_it(single: VirtualRoom) -> None:
    assert granted(reserving(single, 200 * MS)).number == 17

    late = reserving(single, 200 * MS + 1)
    permits.reserved(late, TOKEN, SEQ, 3)
    assert_refused(late, "ledger-late")
    assert recorded(late) == []


def test_a_reservation_for_what_may_not_be_granted_any_more_is_given_back(single: VirtualRoom) -> None:
    turn = reserving(single, device=replace(single.state.device, remote=False))
    permits.reserved(turn, TOKEN, SEQ, 3)
    assert_refused(turn, "remote-lost")
    assert settled(turn) == [(SEQ, 0, 0, 0)]


def test_what_was_reserved_is_given_back_when_the_coil_is_only_near_its_target_by_then() -> None:
    room = one_hertz(profile="robot")
    assert granted(reserving(room, lease="begin")).number == 17
    for lease in ("continue", "none"):
        turn = reserving(room, lease=lease)
        permits.reserved(turn, TOKEN, SEQ, 3)
        assert_refused(turn, "lease-missing")
        assert settled(turn) == [(SEQ, 0, 0, 0)]


# --- unwanted -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("token", "stands", "unwanted"),
    [(None, False, (1,)), (TOKEN, False, (1, TOKEN)), (TOKEN, True, (1,)), (None, True, (1,))],
)
def test_what_nobody_waits_for_any_more_is_unwanted_from_then_on_if_it_was_reserved(
    single: VirtualRoom, token: int | None, unwanted: tuple[int, ...], *, stands: bool
) -> None:
    turn = reserving(single, unwanted=(1,))
    assert turn.state.pending is not None
    turn.to(pending=replace(turn.state.pending, token=token))
    permits.forget_pending(turn, **({"stands": True} if stands else {}))
    assert (turn.state.pending, turn.state.unwanted) == (None, unwanted)
    assert turn.actions == []


def test_forgetting_where_nobody_asked_changes_nothing(single: VirtualRoom) -> None:
    turn = turn_of(single)
    permits.forget_pending(turn)
    assert turn.state == single.state


def test_an_unwanted_reservation_is_settled_at_none_once_it_is_durable(single: VirtualRoom) -> None:
    turn = reserving(single, unwanted=(1, 7, 3))
    waiting = turn.state.pending
    permits.reserved(turn, 7, SEQ, 20)
    assert settled(turn) == [(SEQ, 0, 0, 0)]
    assert (turn.state.unwanted, turn.state.pending) == ((1, 3), waiting)
    assert answered(turn) == []


@pytest.mark.parametrize("token", [None, TOKEN])
def test_a_stop_refuses_what_is_asked_for_and_gives_its_reservation_back(
    single: VirtualRoom, token: int | None
) -> None:
    turn = reserving(single)
    assert turn.state.pending is not None
    turn.to(pending=replace(turn.state.pending, token=token))
    permits.drop(turn, Reason.STOP_ASKED)
    body = {"ok": False, "reason": "stop-asked", "detail": {}}
    assert turn.actions[0] == Answer(HOLDER, REQUEST, body)
    assert told(turn.actions) == [{"kind": "permit-refused", "reason": "stop-asked", "detail": {}}]
    assert turn.state.unwanted == ((TOKEN,) if token else ())


# --- a script's block ---------------------------------------------------------------------------------------------


def test_a_script_s_block_is_there_once_it_is_durable_and_another_s_reservation_is_not_it() -> None:
    room = script(new)
    session = room.state.session
    assert session is not None
    waiting = replace(session, block=None, block_token=TOKEN)
    turn, other = (turn_of(room, session=waiting) for _ in range(2))

    permits.reserved(turn, TOKEN, SEQ, 40)
    permits.reserved(other, TOKEN + 1, SEQ, 40)

    assert turn.state.session == replace(session, block=Block(SEQ, 40), block_token=None)
    assert other.state.session == waiting
    assert turn.actions == other.actions == []


def test_a_reservation_that_belongs_to_nothing_any_more_changes_nothing(armed: VirtualRoom) -> None:
    for session in (None, armed.state.session):
        turn = turn_of(armed, session=session)
        before = turn.state
        permits.reserved(turn, TOKEN, SEQ, 20)
        assert (turn.state, turn.actions) == (before, [])


def test_a_train_s_permit_reserves_all_its_pulses(armed: VirtualRoom) -> None:
    ask = Ask(PercentMso(450), Train(20, Hertz(100)), armed.now.us)
    pending = Pending(HOLDER, REQUEST, AskPermit(450, 100, 20), ask, armed.now.us, TOKEN)
    turn = turn_of(armed, pending=pending)
    assert granted(turn).block == Block(SEQ, 20)
    assert answered(turn)[0].body["reserved"] == 20
