"""One step for one input: what the clock, the ledger and the port change, and what that says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from drivers.magstim.framing import seal
from drivers.quantities import Hertz, PercentMso, Train
from drivers.stimulators import Condition, Reading
from safety import events, gate
from safety.events import Commit, Door, Push, Reply
from safety.ledger_format import Kind
from safety.reasons import Reason
from safety.state import Block, Device, Disarming, Exchange, Permit, Phase, State, Trip, Waiting, Wire
from safety.telling import status
from safety.turn import Turn
from tests.safety.conftest import VirtualRoom, new
from tests.safety.gate_steps import busy, step, written
from tests.safety.line_turns import STATUS
from tests.safety.rooms import ready, running
from tests.safety.said import told

MS, S = 1_000, 1_000_000


@pytest.fixture(scope="module")
def idle() -> VirtualRoom:
    return new()


@pytest.fixture(scope="module")
def armed() -> VirtualRoom:
    return ready(new)


@pytest.fixture(scope="module")
def firing() -> VirtualRoom:
    return running(new)


# --- time -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("late_us", "session", "detail"),
    [(150 * MS, True, None), (150 * MS + 1, True, "150 ms"), (2 * S - 1, True, "1999 ms"), (9 * S, False, None)],
)
def test_a_loop_that_stood_still_trips_with_a_session_open(
    armed: VirtualRoom, late_us: int, detail: str | None, *, session: bool
) -> None:
    changes = {} if session else {"session": None}
    state, _ = step(armed, events.Tick(), seen_us=armed.now.us - late_us, **changes)
    assert state.trip == (Trip(Reason.LATE_TICK, armed.now.us, detail) if detail else None)
    assert state.seen_us == armed.now.us


@pytest.mark.parametrize(
    ("due_us", "wake_us"), [(None, 10 * MS), (10 * MS + 1, 10 * MS), (10 * MS - 1, 10 * MS - 1), (0, 0), (-1, 0)]
)
def test_the_gate_wakes_at_the_next_tick_or_for_a_timed_trigger_before_it_and_never_in_the_past(
    due_us: int | None, wake_us: int
) -> None:
    now_us = 5 * S
    due = () if due_us is None else (now_us + due_us,)
    timed = Permit(1, PercentMso(450), Train(1, Hertz(0)), 1, S, 0, 0, Block(1, 1), due=due)
    assert gate.next_wake_us(State(permits=(timed,)), now_us) == now_us + wake_us
    assert gate.next_wake_us(State(), now_us) == now_us + 10 * MS


def test_a_reply_is_handed_over_at_once_to_whoever_takes_it(idle: VirtualRoom) -> None:
    handed: list[Reply] = []
    exchange = Exchange(STATUS, idle.dialect.effect(STATUS), Door.DAEMON, idle.now.us)
    state = replace(idle.state, wire=Wire(open=exchange))
    event = events.DeviceReply(b"x-answer", Reading(Condition.STANDBY))

    _, actions = gate.step(idle.room, state, event, idle.now, handed.append)

    assert handed == [Reply(Door.DAEMON, b"x-answer")]
    assert handed[0] not in actions
    assert handed[0] in gate.step(idle.room, state, event, idle.now)[1]


# --- the order of a step ----------------------------------------------------------------------------------------

LEVEL = seal(b"@020")


def waits(room: VirtualRoom, frame: bytes) -> Wire:
    """A free line for which this frame of the daemon waits."""
    return Wire(queue=(Waiting(Door.DAEMON, frame, room.dialect.effect(frame), room.now.us),))


@pytest.mark.parametrize(("age_us", "trips"), [(2 * S, False), (2 * S + 1, True)])
def test_nothing_passes_in_the_step_that_sees_a_condition_lost(armed: VirtualRoom, age_us: int, *, trips: bool) -> None:
    device = replace(armed.state.device, temperature_at_us=armed.now.us - age_us)
    state, actions = step(armed, events.Tick(), device=device, wire=waits(armed, LEVEL))
    assert written(actions) == [armed.dialect.disarm if trips else LEVEL]
    assert (state.trip is not None) == trips


def test_nothing_passes_from_who_had_the_say_before_in_the_step_that_gives_it_to_another(idle: VirtualRoom) -> None:
    state, actions = step(idle, events.Tick(), daemon_attached=False, wire=waits(idle, LEVEL))
    assert state.speaker is Door.PTY
    assert [body["kind"] for body in told(actions)] == ["speaker", "not-speaking"]
    assert written(actions) == []


def test_the_line_is_given_on_in_the_step_that_gives_an_exchange_up(idle: VirtualRoom) -> None:
    asked_us = idle.now.us - idle.room.limits.timing.exchange_us
    silent = Exchange(STATUS, idle.dialect.effect(STATUS), Door.DAEMON, asked_us)
    state, actions = step(idle, events.Tick(), wire=replace(waits(idle, LEVEL), open=silent))
    assert [body["kind"] for body in told(actions)] == ["no-reply"]
    assert written(actions) == [LEVEL]
    assert state.wire.queue == ()


# --- the watchdog itself ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("phase", [Phase.BOOT, Phase.LOCKOUT])
def test_a_start_is_recorded_unless_the_ledger_cannot_be_trusted(phase: Phase) -> None:
    _, actions = step(VirtualRoom(), events.Started(), phase=phase)
    kinds = [action.record.kind for action in actions if isinstance(action, Commit)]
    assert kinds == ([] if phase is Phase.LOCKOUT else [Kind.BOOT])


@pytest.mark.parametrize("event", [events.Tick(), events.DeviceNoise(b"?")])
def test_time_and_noise_of_the_device_change_nothing_by_themselves(idle: VirtualRoom, event: events.Input) -> None:
    assert step(idle, event) == (idle.state, ())


def test_noise_of_a_client_is_refused_at_its_door(idle: VirtualRoom) -> None:
    _, actions = step(idle, events.ClientNoise(Door.PTY, b"z"))
    assert actions[0] == Reply(Door.PTY, b"?")


def test_a_ledger_that_can_hold_nothing_locks_out_and_says_why(idle: VirtualRoom) -> None:
    state, actions = step(idle, events.CommitFailed("no space left"))
    assert state.phase is Phase.LOCKOUT
    assert told(actions) == [{"kind": "lockout", "reason": "locked-out", "detail": "no space left"}]


def test_an_input_that_there_is_not_is_a_mistake_of_ours(idle: VirtualRoom) -> None:
    nonsense: Any = "nonsense"
    with pytest.raises(AssertionError, match="nonsense"):
        step(idle, nonsense)


def test_a_nonce_is_kept_for_two_seconds_and_shown_with_the_status(idle: VirtualRoom) -> None:
    now_us = idle.now.us
    known = (("older", now_us - 2 * S - 1), ("old", now_us - 2 * S), ("recent", now_us - 1))

    state, actions = step(idle, events.NewNonce("new"), nonces=known)

    assert state.nonces == (*known[1:], ("new", now_us))
    assert actions == (Push(status(Turn(idle.room, state, idle.now))),)


# --- the port ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Phase.BOOT, Phase.BOOT),
        (Phase.SAFE, Phase.BOOT),
        (Phase.TRIPPED, Phase.TRIPPED),
        (Phase.LOCKOUT, Phase.LOCKOUT),
    ],
)
def test_behind_a_port_that_is_found_nothing_is_known_and_everything_begins_with_a_disarm(
    idle: VirtualRoom, before: Phase, after: Phase
) -> None:
    now_us = idle.now.us
    left = Device(may_be_armed=True, remote=True, condition=Condition.STANDBY)
    stale = Disarming(Reason.STOP_ASKED, now_us - 1, now_us - 1)

    state, actions = step(idle, events.PortFound(), phase=before, device=left, wire=busy(idle), disarming=stale)

    assert state.phase is after
    assert state.device == Device(present=True, may_be_armed=True)
    assert state.wire == Wire()
    assert state.disarming == Disarming(None, now_us, now_us, boot=True, unanswered_us=(now_us,))
    assert written(actions) == [idle.dialect.complete_half_frame, idle.dialect.disarm]
    assert told(actions) == [{"kind": "port-found"}]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Phase.BOOT, Phase.BOOT),
        (Phase.SAFE, Phase.BOOT),
        (Phase.ARMED, Phase.TRIPPED),
        (Phase.FIRING, Phase.TRIPPED),
        (Phase.TRIPPED, Phase.TRIPPED),
        (Phase.LOCKOUT, Phase.LOCKOUT),
    ],
)
def test_a_port_that_is_lost_trips_when_armed_and_else_leads_back_to_the_beginning(
    armed: VirtualRoom, before: Phase, after: Phase
) -> None:
    stale = Disarming(Reason.STOP_ASKED, armed.now.us, armed.now.us)

    state, actions = step(armed, events.PortLost("unplugged"), phase=before, wire=busy(armed), disarming=stale)

    assert (state.phase, state.wire, state.disarming) == (after, Wire(), None)
    assert state.device == Device(may_be_armed=True)
    assert told(actions)[0] == {"kind": "port-lost", "why": "unplugged"}
    tripped = before in (Phase.ARMED, Phase.FIRING)
    assert state.trip == (Trip(Reason.PORT_LOST, armed.now.us, "unplugged") if tripped else None)
    assert state.session is not None
    paused = {Phase.SAFE: Reason.PORT_ABSENT, Phase.ARMED: Reason.PORT_LOST, Phase.FIRING: Reason.PORT_LOST}
    assert state.session.paused is paused.get(before)
    assert written(actions) == []


def test_pulses_that_were_under_way_when_the_port_went_are_unknown(firing: VirtualRoom) -> None:
    state, actions = step(firing, events.PortLost("unplugged"))
    assert (state.phase, state.delivery) == (Phase.TRIPPED, None)
    assert [body["outcome"] for body in told(actions) if body["kind"] == "settled"] == ["unknown"]
    assert len(state.unknowns) == 1
