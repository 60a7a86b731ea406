"""A trigger under a permit: when it passes, what is spent by it, and what the watchdog's timer does at its time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from drivers.quantities import SINGLE, Hertz, PercentMso, Train
from safety import events, frames, permits
from safety.reasons import Reason
from safety.state import Block, Delivery, Disarming, Exchange, Permit, Phase, Wire
from safety.turn import Turn
from tests.safety.conftest import VirtualRoom, new, turn_of
from tests.safety.permit_turns import NUMBER, one_hertz, pulse, recorded, settled
from tests.safety.rooms import ready
from tests.safety.said import told

MS, S = 1_000, 1_000_000


@pytest.fixture(scope="module")
def single() -> VirtualRoom:
    return one_hertz()


@pytest.fixture(scope="module")
def granted() -> VirtualRoom:
    """A room in which the next trigger passes."""
    room = ready(new)
    assert room.permit()["ok"]
    return room


# --- judged -----------------------------------------------------------------------------------------------------


def verdict(turn: Turn) -> frames.No | None:
    """What a trigger is told; nothing happens by judging it."""
    before = turn.state
    refused = permits.judge_trigger(turn)
    assert (turn.state, turn.actions) == (before, [])
    return refused


def with_permit(room: VirtualRoom, **changes: Any) -> Turn:
    return turn_of(room, permits=(replace(room.state.permits[0], **changes), *room.state.permits[1:]))


def test_no_trigger_passes_without_a_permit_or_while_something_else_forbids_it(granted: VirtualRoom) -> None:
    assert verdict(turn_of(granted)) is None
    assert verdict(turn_of(granted, permits=())) == frames.No(Reason.NO_PERMIT)
    assert verdict(turn_of(granted, permits=(), phase=Phase.SAFE)) == frames.No(Reason.NOT_ARMED)


@pytest.mark.parametrize(
    ("index", "spent", "lease", "passes"),
    [
        (0, 0, "begin", True),
        (0, 0, "continue", False),
        (1, 1, "continue", True),
        (1, 1, "none", False),
        (1, 0, "continue", False),
        (0, 20, "continue", False),
        (0, 20, "begin", True),
    ],
    ids=[
        "on target the first",
        "near it not the first",
        "near it a later one",
        "away none",
        "nor what is the first because the one before was left out",
        "nor the first out of a block that earlier permits spent from",
        "but on target",
    ],
)
def test_the_first_trigger_of_every_permit_needs_the_coil_on_its_target_and_those_after_it_near_it(
    index: int, spent: int, lease: str, *, passes: bool
) -> None:
    room = one_hertz(profile="robot")
    permit = pulse(room.now.us, index=index, block=Block(4, 50, spent))
    for fired in (False, True):  # that the device has fired before under another permit begins nothing
        turn = turn_of(room, permits=(permit,), lease=lease, armed_at_us=room.now.us - S, fired_since_arm=fired)
        assert verdict(turn) == (None if passes else frames.No(Reason.LEASE_MISSING))


@pytest.mark.parametrize(
    ("past_us", "changes", "refused"),
    [
        (0, {}, None),
        (1, {}, frames.No(Reason.PERMIT_EXPIRED)),
        (1, {"index": 1}, None),
        (1, {"due": (5,)}, None),
    ],
    ids=["at its end", "after it", "not the first trigger", "the timer's"],
)
def test_only_the_speaker_s_first_trigger_is_held_to_the_end_of_its_permit(
    granted: VirtualRoom, past_us: int, changes: dict[str, Any], refused: frames.No | None
) -> None:
    assert verdict(with_permit(granted, expires_us=granted.now.us - past_us, **changes)) == refused


@pytest.mark.parametrize(
    ("since_us", "fired", "refused"),
    [(S - 1, True, frames.No(Reason.PERMIT_TOO_SOON)), (S, True, None), (S - 1, False, None)],
)
def test_triggers_keep_the_spacing_of_their_permit_and_arming_is_no_trigger(
    granted: VirtualRoom, since_us: int, refused: frames.No | None, *, fired: bool
) -> None:
    turn = with_permit(granted, spacing_us=S)
    turn.to(armed_at_us=granted.now.us - since_us, fired_since_arm=fired)
    assert verdict(turn) == refused


@pytest.mark.parametrize(("spent", "refused"), [(20, None), (21, frames.No(Reason.LEDGER_LATE))])
def test_no_trigger_passes_that_is_not_reserved_to_its_last_pulse(
    granted: VirtualRoom, spent: int, refused: frames.No | None
) -> None:
    assert verdict(with_permit(granted, block=Block(4, 40, spent))) == refused


@pytest.mark.parametrize(("planned", "passes"), [(20, True), (19, False)])
def test_what_a_permit_has_reserved_is_not_counted_twice_at_its_trigger(
    granted: VirtualRoom, planned: int, *, passes: bool
) -> None:
    session = granted.state.session
    assert session is not None
    assert granted.state.book.session(session.key) == 20
    refused = verdict(turn_of(granted, session=replace(session, planned=planned)))
    assert (refused is None) == passes
    assert refused is None or refused.reason is Reason.SESSION_FULL


def test_a_trigger_that_waited_for_its_permit_was_not_sent_in_the_knowledge_of_it(single: VirtualRoom) -> None:
    now_us = single.now.us
    turn = turn_of(single, permits=(pulse(now_us), pulse(now_us, granted_us=now_us)))
    assert permits.waited_for_its_permit(turn, now_us - 100 * MS - 1) == frames.No(Reason.NO_PERMIT)
    assert permits.waited_for_its_permit(turn, now_us - 100 * MS) is None
    assert permits.waited_for_its_permit(turn_of(single), 0) is None


def test_the_speaker_may_not_fire_what_is_the_timer_s(single: VirtualRoom) -> None:
    now_us = single.now.us
    timers, speakers = pulse(now_us, S), pulse(now_us)
    assert permits.is_the_timers(turn_of(single, permits=(timers, speakers))) == frames.No(Reason.NO_PERMIT)
    assert permits.is_the_timers(turn_of(single, permits=(speakers, timers))) is None
    assert permits.is_the_timers(turn_of(single)) is None


# --- written ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("late_us", "late"), [(0, False), (20 * MS, False), (20 * MS + 1, True)])
def test_a_trigger_spends_its_pulses_the_moment_it_goes_out_and_says_how_late_it_was(
    granted: VirtualRoom, late_us: int, *, late: bool
) -> None:
    now_us, train = granted.now.us, Train(20, Hertz(100))
    block, behind = Block(4, 60, spent=20, settled=19, low=18, high=21), pulse(now_us, S, number=NUMBER + 1)
    permit = Permit(9, PercentMso(450), train, 2, S, 0, 0, block, (now_us, now_us + S), index=1)
    turn = turn_of(granted, permits=(permit, behind), armed_at_us=0, fired_since_arm=False)

    permits.trigger_written(turn, planned_us=now_us - late_us)

    assert told(turn.actions) == [
        {"kind": "trigger", "permit": 9, "ref": 4, "index": 1, "planned_us": now_us - late_us, "late_us": late_us,
         "late": late}
    ]  # fmt: skip
    spent = replace(permit, left=1, index=2, block=replace(block, spent=40), due=(now_us + S,))
    assert turn.state.permits == (spent, behind)
    assert turn.state.delivery == Delivery(train, PercentMso(450), 9, 1, now_us, now_us - late_us)
    assert (turn.state.armed_at_us, turn.state.fired_since_arm) == (now_us, True)
    assert turn.state.phase is Phase.FIRING


# --- the timer ----------------------------------------------------------------------------------------------------


def at_due(room: VirtualRoom, late_us: int, **changes: Any) -> Turn:
    """The timer looks, with the first of three pulses due so long ago, and another block behind."""
    now_us = room.now.us
    first = pulse(now_us, -late_us, S - late_us, 2 * S - late_us)
    base = {"permits": (first, pulse(now_us, 3 * S, number=NUMBER + 1)), "wire": Wire()}
    turn = turn_of(room, **(base | changes))
    permits.fire_due(turn)
    return turn


@pytest.mark.parametrize(("late_us", "fires"), [(-1, False), (0, True), (50 * MS, True)])
def test_the_timer_triggers_at_its_time_and_up_to_50_ms_later(
    single: VirtualRoom, late_us: int, *, fires: bool
) -> None:
    turn = at_due(single, late_us)
    written = [action.frame for action in turn.actions if isinstance(action, events.Write)]
    assert written == [single.dialect.trigger] * fires
    assert (turn.state.delivery is not None) == (turn.state.phase is Phase.FIRING) == fires
    if fires:
        exchange = turn.state.wire.open
        assert exchange is not None
        assert (exchange.frame, exchange.asker) == (single.dialect.trigger, None)
        assert exchange.effect == single.dialect.effect(single.dialect.trigger)
        assert [(body["planned_us"], body["late_us"]) for body in told(turn.actions)] == [
            (single.now.us - late_us, late_us)
        ]


@pytest.mark.parametrize("name", ["an open exchange", "a disarm", "a delivery", "no permit", "the speaker's permit"])
def test_the_timer_keeps_still_while(single: VirtualRoom, name: str) -> None:
    now_us = single.now.us
    question = single.dialect.ask_settings
    situations: dict[str, dict[str, Any]] = {
        "an open exchange": {"wire": Wire(Exchange(question, single.dialect.effect(question), None, now_us))},
        "a disarm": {"disarming": Disarming(None, now_us, now_us)},
        "a delivery": {"delivery": Delivery(Train(1, SINGLE), PercentMso(540), NUMBER, 0, now_us, now_us)},
        "no permit": {"permits": ()},
        "the speaker's permit": {"permits": (pulse(now_us),)},
    }
    for late_us in (0, 60 * MS):
        turn = at_due(single, late_us, **situations[name])
        assert turn.actions == []
        assert turn.state.phase is Phase.ARMED


def test_a_pulse_that_would_come_later_still_is_left_out_and_the_next_one_waits_for_its_time(
    single: VirtualRoom,
) -> None:
    due_us = single.now.us - 50 * MS - 1
    turn = at_due(single, 50 * MS + 1)
    assert told(turn.actions) == [{"kind": "left-out", "permit": NUMBER, "index": 0, "planned_us": due_us}]
    first, behind = turn.state.permits
    assert (first.left, first.index, first.due) == (2, 1, (due_us + S, due_us + 2 * S))
    assert (first.block, behind.number) == (Block(NUMBER + 100, 3), NUMBER + 1)
    assert recorded(turn) == []


def test_the_last_pulse_left_out_ends_its_permit(single: VirtualRoom) -> None:
    now_us = single.now.us
    block = Block(5, 3, spent=2, settled=2, low=2, high=2)
    last = pulse(now_us, -60 * MS, left=1, index=2, block=block)
    turn = at_due(single, 0, permits=(last, pulse(now_us, 3 * S, number=NUMBER + 1)))
    assert [each.number for each in turn.state.permits] == [NUMBER + 1]
    assert settled(turn) == [(5, 2, 2, 2)]


def test_a_pulse_that_may_not_go_out_is_refused_by_its_numbers_and_takes_all_the_others_along(
    single: VirtualRoom,
) -> None:
    read = single.state.device.confirmed
    assert read is not None
    device = replace(single.state.device, confirmed=replace(read, level=PercentMso(530)))
    turn = at_due(single, 0, device=device)
    detail = {"shown": "53 % MSO, 1 pulses, 0 Hz", "expected": "54 % MSO, 1 pulses, 0 Hz"}
    assert told(turn.actions) == [
        {"kind": "refused", "reason": "permit-differs", "detail": detail, "frame": "timed trigger"},
        {"kind": "withdrawn", "permit": NUMBER, "reason": "permit-differs"},
        {"kind": "withdrawn", "permit": NUMBER + 1, "reason": "permit-differs"},
    ]
    assert turn.state.permits == ()
    assert not [action for action in turn.actions if isinstance(action, events.Write)]
