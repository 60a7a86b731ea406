"""What a hold, a cut, a stop, a trip and a lock-out leave behind: in the session, the permits and what is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from safety import control, events, outcomes
from safety.events import Tell
from safety.ledger_format import Kind
from safety.reasons import Reason
from safety.state import Phase
from safety.telling import status
from safety.turn import Turn
from tests.safety.conftest import VirtualRoom, new, turn_of
from tests.safety.rooms import ready, running

Outcome = Callable[[Turn, Reason], None]


def lock_out(turn: Turn, _reason: Reason) -> None:
    outcomes.lock_out(turn, "no disk")


@pytest.fixture(scope="module")
def granted() -> VirtualRoom:
    """A room in which the next trigger passes."""
    room = ready(new)
    assert room.permit()["ok"]
    return room


def told(turn: Turn, kind: str) -> list[dict[str, Any]]:
    """What was told of this kind, without the time."""
    bodies = [action.body for action in turn.actions if isinstance(action, Tell)]
    return [
        {name: value for name, value in body.items() if name not in ("kind", "at_us", "wall_us")}
        for body in bodies
        if body["kind"] == kind
    ]


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (outcomes.hold, Reason.PRESENCE_OLD),
        (outcomes.stop, Reason.COIL_MISSING),
        (outcomes.trip, Reason.BEATS_LOST),
        (lock_out, Reason.LEDGER_FAILED),
    ],
)
@pytest.mark.parametrize("phase", [Phase.SAFE, Phase.ARMED])
def test_armed_or_not_it_takes_every_permit_back_and_says_why(
    granted: VirtualRoom, phase: Phase, outcome: Outcome, reason: Reason
) -> None:
    turn = turn_of(granted, phase=phase)
    number = turn.state.permits[0].number

    outcome(turn, reason)

    assert turn.state.permits == ()
    assert told(turn, "withdrawn") == [{"permit": number, "reason": reason.json}]


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (outcomes.cut, Reason.LEASE_LOST),
        (outcomes.stop, Reason.COIL_MISSING),
        (outcomes.trip, Reason.BEATS_LOST),
        (lock_out, Reason.LEDGER_FAILED),
    ],
)
def test_a_disarm_keeps_the_reason_it_was_begun_for(outcome: Outcome, reason: Reason) -> None:
    turn = turn_of(running(new))

    outcome(turn, reason)

    assert turn.state.disarming is not None
    assert turn.state.disarming.why is reason


@pytest.mark.parametrize(
    ("before", "paused", "said"),
    [
        ({"released": True}, Reason.COIL_MISSING, [{"reason": "coil-missing"}]),
        ({"released": False}, Reason.COIL_MISSING, [{"reason": "coil-missing"}]),
        ({"released": False, "paused": Reason.STOP_ASKED}, Reason.STOP_ASKED, []),
    ],
    ids=["released", "not yet released", "paused"],
)
def test_a_stop_pauses_a_session_once_and_its_first_reason_stays(
    granted: VirtualRoom, before: dict[str, Any], paused: Reason, said: list[dict[str, str]]
) -> None:
    session = granted.state.session
    assert session is not None
    turn = turn_of(granted, session=replace(session, **before))

    outcomes.stop(turn, Reason.COIL_MISSING)

    assert turn.session.released is False
    assert turn.session.paused is paused
    assert told(turn, "stop") == said


@pytest.mark.parametrize(("before", "paused"), [(None, Reason.BEATS_LOST), (Reason.STOP_ASKED, Reason.STOP_ASKED)])
def test_a_trip_pauses_the_session_too_and_a_reason_that_was_there_stays(
    granted: VirtualRoom, before: Reason | None, paused: Reason
) -> None:
    session = granted.state.session
    assert session is not None
    turn = turn_of(granted, session=replace(session, paused=before))

    outcomes.trip(turn, Reason.BEATS_LOST)

    assert turn.session.paused is paused
    assert status(turn)["session"]["released"] is False


def test_a_release_decided_before_a_stop_and_a_reset_decided_before_a_trip_come_too_early() -> None:
    stopped, tripped = ready(new), ready(new)
    for room, outcome in ((stopped, outcomes.stop), (tripped, outcomes.trip)):
        turn = turn_of(room)
        outcome(turn, Reason.BEATS_LOST)
        room.state = turn.state
    session = stopped.state.session
    assert session is not None

    release = control.Release(hash=session.hash, nonce=stopped.nonce, by="operator")
    assert stopped.ask(release)["reason"] == "nonce-stale"
    assert tripped.ask(control.Reset(by="operator", nonce=tripped.nonce))["reason"] == "nonce-stale"

    for room in (stopped, tripped):
        room.pass_time(1_000_000)
    assert tripped.ask(control.Reset(by="operator", nonce=tripped.nonce))["ok"]
    assert stopped.release()["ok"]


def test_the_status_says_when_and_on_what_it_tripped() -> None:
    room = ready(new)
    room.feed(events.PortLost("unplugged"))
    tripped_us = room.now.us
    room.pass_time(1_000_000)

    assert room.ask(control.Status())["status"]["trip"] == {
        "reason": "port-lost", "at_us": tripped_us, "detail": "unplugged", "first_person": None,
    }  # fmt: skip


def test_a_trip_that_has_nothing_to_add_says_nothing_more(granted: VirtualRoom) -> None:
    turn = turn_of(granted)

    outcomes.trip(turn, Reason.BEATS_LOST)

    assert told(turn, "trip") == [{"reason": "beats-lost", "detail": ""}]
    assert status(turn)["trip"]["detail"] == ""


def test_a_hold_is_told_once_and_counts_the_time_since_all_was_well_from_its_last_moment(granted: VirtualRoom) -> None:
    turn = turn_of(granted, good_since_us=0)

    outcomes.hold(turn, Reason.PRESENCE_OLD)
    outcomes.hold(turn, Reason.PRESENCE_OLD)

    assert turn.state.hold is Reason.PRESENCE_OLD
    assert turn.state.good_since_us == granted.now.us
    assert told(turn, "hold") == [{"reason": "presence-old"}]


@pytest.mark.parametrize(("before", "paused"), [(0, None), (3, None), (4, Reason.TOO_MANY_CUTS)])
def test_a_train_is_cut_once_and_the_fifth_that_is_cut_stops_the_session(before: int, paused: Reason | None) -> None:
    turn = turn_of(running(new))
    turn.to(session=replace(turn.session, cuts=before))

    outcomes.cut(turn, Reason.LEASE_LOST)
    outcomes.cut(turn, Reason.LEASE_LOST)

    assert turn.session.cuts == before + 1
    assert turn.session.paused is paused
    assert turn.state.hold is Reason.LEASE_LOST
    assert turn.delivery.cut
    assert told(turn, "cut") == [{"reason": "lease-lost"}]


def test_where_no_train_runs_a_cut_is_a_hold(granted: VirtualRoom) -> None:
    turn = turn_of(granted)

    outcomes.cut(turn, Reason.LEASE_LOST)

    assert turn.state.hold is Reason.LEASE_LOST
    assert (turn.session.cuts, turn.state.disarming, told(turn, "cut")) == (0, None, [])


@pytest.mark.parametrize(("phase", "kept"), [(Phase.ARMED, True), (Phase.LOCKOUT, False)])
def test_a_trip_is_written_down_with_its_reason_where_the_ledger_can_be_trusted(
    granted: VirtualRoom, phase: Phase, *, kept: bool
) -> None:
    turn = turn_of(granted, phase=phase)
    outcomes.trip(turn, Reason.BEATS_LOST)

    trips = [record.code for _, record, _ in turn.state.commits if record.kind is Kind.TRIP]
    assert trips == ([Reason.BEATS_LOST.code] if kept else [])


def test_a_lock_out_waits_for_no_record_any_more_and_says_why(granted: VirtualRoom) -> None:
    turn = turn_of(granted)
    turn.commit(Kind.RESERVE, pulses=1)
    outcomes.lock_out(turn, "no disk")

    assert turn.state.commits == ()
    assert told(turn, "lockout") == [{"reason": "locked-out", "detail": "no disk"}]
    assert turn.state.lockout == "no disk"
    outcomes.lock_out(turn, "another disk")
    assert turn.state.lockout == "no disk", "the first cause is kept"
