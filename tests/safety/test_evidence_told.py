"""What is said and written down once a train is accounted for, refused, unknown or too long, word for word."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from drivers.quantities import SINGLE, Train
from drivers.stimulators import Reading, Refusal
from safety import evidence
from safety.asking import Past
from safety.events import Tell
from safety.instant import Instant
from safety.ledger_format import By, Kind
from safety.reasons import Reason
from safety.state import Block, Pending, Phase
from safety.turn import Turn
from tests.safety.conftest import PROTOCOLS, VirtualRoom, new, turn_of
from tests.safety.rooms import ready, script

MS, S = 1_000, 1_000_000
ALL_SHOWN = 1_850 * MS
"""A train of 20 at 10 Hz that still showed to a question so long after it was taken gave between 18 and 21."""


@pytest.fixture
def fired() -> VirtualRoom:
    """A demo's first train of 20 pulses at 10 Hz, triggered and taken this moment."""
    room = ready(new)
    assert room.permit()["ok"]
    room.frame("EH")
    return room


def later(room: VirtualRoom, later_us: int = 2 * S, **changes: Any) -> Turn:
    """A turn so long after the train was taken, with the train a little otherwise."""
    delivery = room.state.delivery
    assert delivery is not None
    turn = turn_of(room, delivery=replace(delivery, **changes))
    turn.now = Instant(delivery.began_us + later_us, room.now.wall_us)
    return turn


def told(turn: Turn, kind: str) -> dict[str, Any]:
    """The one thing of this kind that was told, without its times of telling."""
    (body,) = [each.body for each in turn.actions if isinstance(each, Tell) and each.body["kind"] == kind]
    return {name: value for name, value in body.items() if name not in ("kind", "at_us", "wall_us")}


def settle(turn: Turn) -> None:
    """The bit that showed for the whole train is gone."""
    turn.to(delivery=replace(turn.delivery, running_asked_us=turn.delivery.began_us + ALL_SHOWN))
    evidence.train_bit(turn, turn.delivery.began_us + 1_960 * MS, running=False)


def test_a_train_that_was_delivered_names_its_permit_its_reservation_and_what_shows_it(fired: VirtualRoom) -> None:
    turn = later(fired, index=3, written_us=fired.now.us - 20 * MS)
    settle(turn)

    assert told(turn, "settled") == {
        "permit": 1,
        "ref": fired.state.permits[0].block.ref,
        "index": 3,
        "pulses": 20,
        "low": 18,
        "high": 22,
        "by": "running",
        "outcome": "delivered",
        "written_us": fired.now.us - 20 * MS,
    }


def test_every_train_of_a_reservation_adds_to_what_the_ledger_is_told_of_it(fired: VirtualRoom) -> None:
    turn, permit = later(fired), fired.state.permits[0]
    before = replace(permit.block, spent=60, settled=20, low=17, high=21)
    for left, settled in ((0, [40]), (1, [])):
        turn = later(fired)
        turn.to(permits=(replace(permit, left=left, block=before),))
        settle(turn)

        assert [record.pulses for record in records(turn, Kind.SETTLE)] == settled
    (kept,) = turn.state.permits
    assert kept.block == replace(before, settled=40, low=35, high=43, by=By.RUNNING)


@pytest.mark.parametrize(("phase", "after"), [(Phase.FIRING, Phase.ARMED), (Phase.SAFE, Phase.SAFE)])
def test_a_refused_trigger_leaves_the_device_as_armed_as_it_was(fired: VirtualRoom, phase: Phase, after: Phase) -> None:
    turn = later(fired, 20 * MS, accepted_us=None)
    turn.to(phase=phase)
    evidence.trigger_answered(turn, Reading(refused=Refusal.CONFLICT))

    assert turn.state.phase is after


def test_a_trigger_that_was_refused_names_its_permit_and_its_reservation(fired: VirtualRoom) -> None:
    turn = later(fired, 20 * MS, accepted_us=None, index=3)
    evidence.trigger_answered(turn, Reading(refused=Refusal.CONFLICT))

    assert told(turn, "not-delivered") == {"permit": 1, "ref": fired.state.permits[0].block.ref, "index": 3}


# --- unknown --------------------------------------------------------------------------------------------------


def records(turn: Turn, kind: Kind) -> list[Any]:
    return [record for _, record, _ in turn.state.commits if record.kind is kind]


def test_an_unknown_train_counts_its_whole_reservation_and_says_that_nothing_shows_it(fired: VirtualRoom) -> None:
    turn = later(fired, index=3)
    permit = fired.state.permits[0]
    turn.to(permits=(replace(permit, block=replace(permit.block, reserved=40)),))
    evidence.trigger_unanswered(turn)

    assert told(turn, "settled") == {
        "permit": 1,
        "ref": permit.block.ref,
        "index": 3,
        "pulses": 20,
        "low": 0,
        "high": 20,
        "by": "assumed",
        "outcome": "unknown",
        "written_us": fired.state.delivery.written_us if fired.state.delivery else None,
    }
    (unknown,) = records(turn, Kind.UNKNOWN)
    assert (unknown.ref, unknown.pulses) == (permit.block.ref, 40)
    assert (turn.state.permits, turn.state.delivery, turn.state.phase) == ((), None, Phase.ARMED)
    assert turn.state.disarming is not None
    assert turn.state.train_ended_us == turn.now.us


def test_a_block_that_waited_behind_an_unknown_train_is_given_back(fired: VirtualRoom) -> None:
    turn, permit = later(fired), fired.state.permits[0]
    turn.to(permits=(permit, replace(permit, number=2, block=Block(77, 20))))
    evidence.trigger_unanswered(turn)

    (back,) = records(turn, Kind.SETTLE)
    assert (back.ref, back.pulses) == (77, 0)


@pytest.mark.parametrize(("another", "stays"), [(0, False), (1, True)])
def test_a_script_s_block_is_no_longer_the_session_s_once_a_train_out_of_it_is_unknown(
    another: int, *, stays: bool
) -> None:
    room = script(new)
    room.frame("EH", door_of(room))
    turn = later(room)
    block = room.state.permits[0].block
    block = replace(block, ref=block.ref + another)
    turn.to(session=replace(turn.session, block=block))
    evidence.trigger_unanswered(turn)

    assert turn.session.block == (block if stays else None)


def door_of(room: VirtualRoom) -> Any:
    assert room.state.session is not None
    return room.state.session.door


def test_an_unknown_train_of_a_session_without_a_block_and_of_none_is_told_all_the_same(fired: VirtualRoom) -> None:
    turn = later(fired)
    turn.to(session=None)
    evidence.trigger_unanswered(turn)

    assert told(turn, "settled")["outcome"] == "unknown"


def test_after_an_unknown_pulse_the_unbroken_run_goes_on(fired: VirtualRoom) -> None:
    turn = later(fired, train=Train(1, SINGLE))
    turn.to(run=7, past=(Past(turn.delivery.written_us - S, Train(1, SINGLE)),))
    evidence.trigger_unanswered(turn)

    assert turn.state.run == 8


# --- what is remembered ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("before", "run"), [((S,), 8), ((60 * S,), 1), ((), 1), ((2 * S, S), 8)])
def test_single_pulses_one_by_one_are_one_run_until_a_break_parts_them(
    fired: VirtualRoom, before: tuple[int, ...], run: int
) -> None:
    turn = later(fired, 20 * MS, accepted_us=None, train=Train(1, SINGLE))
    past = tuple(Past(turn.delivery.written_us - earlier_us, Train(1, SINGLE)) for earlier_us in before)
    turn.to(run=7, past=past)
    evidence.trigger_answered(turn, Reading())

    assert turn.state.run == run


# --- parking --------------------------------------------------------------------------------------------------


def far_apart(turn: Turn) -> Turn:
    """The protocol's trains lie as far apart as to be parked between."""
    protocol = PROTOCOLS["demo"]
    phases = tuple(replace(phase, gap_us=60 * S) for phase in protocol.phases)
    turn.to(session=replace(turn.session, protocol=replace(protocol, phases=phases)))
    return turn


def test_a_device_with_nothing_before_it_for_long_is_parked(fired: VirtualRoom) -> None:
    turn = far_apart(later(fired))
    settle(turn)

    assert turn.state.disarming is not None
    assert turn.state.disarming.why is None


def test_a_device_is_not_parked_while_another_permit_is_there_or_asked_for(fired: VirtualRoom) -> None:
    granted, asked = far_apart(later(fired)), far_apart(later(fired))
    permit = fired.state.permits[0]
    granted.to(permits=(permit, replace(permit, number=2)))
    asked.to(pending=Pending(1, 1, None, None, granted.now.us))  # type: ignore[arg-type]
    for turn in (granted, asked):
        settle(turn)

        assert turn.state.disarming is None
        assert told(turn, "settled")["outcome"] == "delivered"


def test_a_device_that_is_disarmed_already_and_one_without_a_session_or_protocol_are_not_parked(
    fired: VirtualRoom,
) -> None:
    disarmed, ended, script_s = far_apart(later(fired)), later(fired), later(fired)
    disarmed.to(phase=Phase.SAFE)
    ended.to(session=None)
    script_s.to(session=replace(script_s.session, protocol=None))
    for turn in (disarmed, ended, script_s):
        settle(turn)

        assert turn.state.disarming is None
        assert told(turn, "settled")["outcome"] == "delivered"


@pytest.mark.parametrize(("phase", "left"), [(Phase.SAFE, None), (Phase.FIRING, 50)])
def test_what_a_script_did_not_use_of_its_block_is_given_back_with_its_last_train_once_disarmed(
    phase: Phase, left: int | None
) -> None:
    room = script(new)
    room.frame("EH", door_of(room))
    turn = later(room)
    turn.to(phase=phase, session=replace(turn.session, block=Block(77, 50)))
    settle(turn)

    given_back = [record.ref for record in records(turn, Kind.SETTLE)]
    assert (77 in given_back) is (left is None)
    assert (turn.session.block and turn.session.block.left) == left


# --- two persons ----------------------------------------------------------------------------------------------


def test_a_train_that_outlasts_what_was_set_is_a_trip_with_both_numbers(fired: VirtualRoom) -> None:
    turn = later(fired, 2_150 * MS, written_us=fired.now.us)
    evidence.train_bit(turn, turn.delivery.began_us + 2_150 * MS, running=True)

    trip = turn.state.trip
    assert trip is not None
    assert (trip.reason, trip.detail) == (Reason.EVIDENCE_CONTRADICTS, "set 20, evidence 21 to 23")


def test_a_train_that_was_shorter_than_what_was_set_is_a_trip_with_both_numbers(fired: VirtualRoom) -> None:
    turn = later(fired, 1_000 * MS, written_us=fired.now.us, running_asked_us=fired.now.us + 900 * MS)
    evidence.train_bit(turn, turn.delivery.began_us + 1_000 * MS, running=False)

    trip = turn.state.trip
    assert trip is not None
    assert (trip.reason, trip.detail) == (Reason.EVIDENCE_CONTRADICTS, "set 20, evidence 9 to 12")
    assert told(turn, "settled")["pulses"] == 20


def test_a_train_nobody_triggered_is_disarmed_for_that_reason_though_the_device_was_taken_for_safe(
    fired: VirtualRoom,
) -> None:
    turn = later(fired)
    turn.to(delivery=None, phase=Phase.SAFE)
    evidence.train_bit(turn, turn.now.us, running=True)

    assert turn.state.disarming is not None
    assert turn.state.disarming.why is Reason.TRAIN_NOT_TRIGGERED
