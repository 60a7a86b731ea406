"""The whole decision: `step(room, state, event, now) -> (state, actions)`. Pure, on integers.

An event is handled, then everything that time and conditions demand is looked at, in one fixed order: what stops
comes before what goes. So a condition that is lost is acted upon in the step that sees it, and nothing passes the
line in a step before its conditions were judged in that step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, assert_never

from drivers.stimulators import Condition
from safety import (
    blocks,
    conditions,
    control,
    device,
    disarm,
    doses,
    evidence,
    frames,
    ledgering,
    outcomes,
    permits,
    questions,
    sessions,
    telling,
    wire,
)
from safety.events import (
    Action,
    Answer,
    ClientFrame,
    ClientNoise,
    CommitFailed,
    Committed,
    DeviceNoise,
    DeviceReply,
    Disconnected,
    Door,
    DoorClosed,
    DoorOpened,
    Input,
    NewNonce,
    PortFound,
    PortLost,
    Push,
    Reply,
    Requested,
    Started,
    Tick,
)
from safety.instant import Instant
from safety.ledger_format import Kind
from safety.reasons import Reason
from safety.state import Phase, Room, State
from safety.turn import Turn


def step(
    room: Room, state: State, event: Input, now: Instant, reply: Callable[[Reply], None] | None = None
) -> tuple[State, tuple[Action, ...]]:
    """The state after `event` at `now`, and what to do, in order. Never raises on anything from outside.

    `reply`, when given, is handed each reply to a client the moment it is known, instead of with the other actions:
    it decides nothing, and a script's trigger waits for it while the gate settles what the device said.
    """
    turn = Turn(room, state, now, reply)
    _notice_a_late_turn(turn)
    _handle(turn, event)
    _look_at_everything(turn)
    return turn.state, tuple(turn.actions)


def next_wake_us(state: State, now_us: int) -> int:
    """When the gate must be asked again at the latest, BOOTTIME µs: a tick, or a timed trigger."""
    tick_us, due_us = now_us + TICK_US, state.due_us
    return tick_us if due_us is None else max(min(tick_us, due_us), now_us)


TICK_US = 10_000
"""Coarse enough to cost nothing, fine against the shortest deadline, 50 ms (engineering choice)."""


def _look_at_everything(turn: Turn) -> None:
    wire.expire(turn)
    disarm.repeat(turn)
    evidence.overdue(turn)
    conditions.watch(turn)
    permits.expire(turn)
    blocks.expire(turn)
    permits.advance(turn)
    permits.refill_script_block(turn)
    _choose_speaker(turn)
    permits.fire_due(turn)
    wire.pump(turn)
    questions.ask_next(turn)


def _notice_a_late_turn(turn: Turn) -> None:
    """A loop that stood still judged on nothing meanwhile; with a session open that is a trip."""
    late_us = turn.now.us - turn.state.seen_us
    if turn.state.session is not None and late_us > turn.room.limits.timing.late_tick_us:
        outcomes.trip(turn, Reason.LATE_TICK, f"{late_us // 1000} ms")
    turn.to(seen_us=turn.now.us)


def _handle(turn: Turn, event: Input) -> None:  # noqa: C901, PLR0912  one arm for each input, no arm decides
    match event:
        case Started():
            if turn.state.phase is not Phase.LOCKOUT:
                turn.commit(Kind.BOOT)
            blocks.remembered(turn)
        case Tick() | DeviceNoise():
            pass
        case ClientFrame():
            wire.client_frame(turn, event)
        case ClientNoise():
            wire.client_noise(turn, event)
        case DeviceReply():
            wire.device_reply(turn, event)
        case Requested():
            _request(turn, event)
        case Committed():
            ledgering.committed(turn, event)
        case CommitFailed():
            outcomes.lock_out(turn, event.why)
        case NewNonce():
            _nonce(turn, event.value)
        case PortFound():
            _port_found(turn)
        case PortLost():
            _port_lost(turn, event.why)
        case DoorOpened():
            _door(turn, event.door, attached=True)
        case DoorClosed():
            _door(turn, event.door, attached=False)
        case Disconnected():
            _disconnected(turn, event.connection)
        case _:
            assert_never(event)


def _nonce(turn: Turn, value: str) -> None:
    oldest_us = turn.now.us - turn.room.limits.timing.nonce_age_us
    turn.to(nonces=(*(n for n in turn.state.nonces if n[1] >= oldest_us), (value, turn.now.us)))
    turn.do(Push(telling.status(turn)))


def _port_found(turn: Turn) -> None:
    device.forget(turn, present=True)
    turn.to(wire=wire.EMPTY, disarming=None)
    turn.tell("port-found")
    if turn.state.phase not in (Phase.TRIPPED, Phase.LOCKOUT):
        turn.move(Phase.BOOT)
    disarm.begin(turn, None, boot=True)


def _port_lost(turn: Turn, why: str) -> None:
    """Armed: nobody knows what the device does now. Else back to the beginning."""
    armed = turn.state.phase in (Phase.ARMED, Phase.FIRING)
    device.forget(turn, present=False)
    turn.to(wire=wire.EMPTY, disarming=None)
    turn.tell("port-lost", why=why)
    if turn.state.delivery is not None:
        evidence.trigger_unanswered(turn)
    if armed:
        outcomes.trip(turn, Reason.PORT_LOST, why)
    elif turn.state.phase is Phase.SAFE:
        outcomes.stop(turn, Reason.PORT_ABSENT)
        turn.move(Phase.BOOT)


def _door(turn: Turn, door: Door, *, attached: bool) -> None:
    turn.to(**{"daemon_attached" if door is Door.DAEMON else "pty_open": attached})
    if attached:
        return
    wire.drop_door(turn, door)
    if door is turn.state.speaker and turn.state.phase in (Phase.ARMED, Phase.FIRING):
        disarm.begin(turn, Reason.SESSION_ENDED)


def _choose_speaker(turn: Turn) -> None:
    """One door speaks. A change waits until the device is read back in standby and the line is free."""
    state = turn.state
    unheld = Door.DAEMON if state.daemon_attached else Door.PTY
    wanted = state.session.door if state.session is not None else unheld
    if wanted is state.speaker:
        return
    settled = state.device.condition is Condition.STANDBY or not state.device.present
    if settled and not state.disarming and not state.delivery and not state.wire.open:
        turn.to(speaker=wanted)
        turn.tell("speaker", door=wanted.value)


def _disconnected(turn: Turn, connection: int) -> None:
    if dict(turn.state.roles).get(connection) == "lease":
        turn.to(lease="none")
    turn.to(roles=tuple(role for role in turn.state.roles if role[0] != connection))
    if turn.state.pending is not None and turn.state.pending.connection == connection:
        permits.forget_pending(turn)
    blocks.forget(turn, connection)
    if turn.state.session is not None and turn.state.session.connection == connection:
        sessions.end(turn, Reason.SESSION_ENDED.json)


# --- control messages -----------------------------------------------------------------------------------------

Verdict = sessions.Yes | frames.No | Reason | None
"""A Reason refuses; None from what is `_ANSWERED_LATER` means just that; from anything else: done."""


def _request(turn: Turn, event: Requested) -> None:
    role = dict(turn.state.roles).get(event.connection)
    message = event.message if role != "guarded" else _signed(event.message, outcomes.user(event.uid))
    if isinstance(message, control.Beat):
        _beat(turn, event.connection, message)
    elif isinstance(message, control.Lease):
        if role == "lease":
            turn.to(lease=message.value, lease_at_us=turn.now.us)
    elif role in (None, "lease") and not isinstance(message, _ANYBODYS):
        _answer(turn, event, Reason.NOT_SESSION_HOLDER)
    elif isinstance(message, control.Hello) and (impostor := _impostor(turn, message.role, event.uid)):
        _answer(turn, event, impostor)
    elif type(message) in _ANSWERED_LATER:
        refused = _ANSWERED_LATER[type(message)](turn, event.connection, event.request_id or 0, message)
        if refused is not None:
            _answer(turn, event, refused)
    elif isinstance(message, control.Attach) and role == "daemon" and not turn.state.daemon_attached:
        turn.do(Answer(event.connection, event.request_id or 0, {"ok": True}, hand_over_door=True))
    else:
        _answer(turn, event, _REQUESTS[type(message)](turn, event.connection, message))


_ANSWERED_LATER: dict[type[Any], Callable[[Turn, int, int, Any], Verdict]] = {
    control.AskPermit: permits.request,
    control.Block: blocks.request,
    control.Unblock: blocks.request,
}
"""What waits for the disk: None is on its way there."""
_ANYBODYS = (control.Hello, control.Stop, control.Emergency)
"""What needs no name."""


def _signed(message: Any, by: str) -> Any:
    """The message with another name under it; one that names nobody as it is."""
    return replace(message, by=by) if hasattr(message, "by") else message


def _impostor(turn: Turn, role: str, uid: int) -> Reason | None:
    """The daemon's word names persons; one connection says whether the coil is on its target. Both have their user."""
    if role == "daemon" and uid != turn.room.daemon_uid:
        return Reason.NOT_THE_DAEMON
    if role == "lease" and (uid != turn.room.arm_uid or "lease" in dict(turn.state.roles).values()):
        return Reason.NOT_THE_ARM
    return None


def _hello(turn: Turn, connection: int, message: control.Hello) -> Verdict:
    if connection in dict(turn.state.roles):
        return frames.No(Reason.MALFORMED_MESSAGE, {"why": "this connection has said hello"})
    turn.to(roles=(*turn.state.roles, (connection, message.role)))
    capabilities = turn.room.dialect.capabilities
    return sessions.Yes({
        "model": capabilities.model, "firmware": capabilities.firmware, "use": turn.room.use.value,
        "simulated": turn.room.simulated, "slack": turn.room.slack, "profile": turn.room.profile,
        "disarm_cuts_train": turn.room.disarm_cuts_train.value,
    })  # fmt: skip


def _attach(_turn: Turn, _connection: int, _message: control.Attach) -> Verdict:
    return Reason.NOT_SPEAKING


def _withdraw(turn: Turn, connection: int, _message: control.Withdraw) -> Verdict:
    session = turn.state.session
    if session is None or session.connection != connection:
        return Reason.NOT_SESSION_HOLDER
    permits.drop(turn, Reason.NO_PERMIT)
    return None


def _reset(turn: Turn, connection: int, message: control.Reset) -> Verdict:
    return _by_operator(turn, connection, message.nonce) or outcomes.reset(turn, message)


def _resolve(turn: Turn, connection: int, message: control.Resolve) -> Verdict:
    return _by_operator(turn, connection, message.nonce) or ledgering.resolve(turn, message)


def _by_operator(turn: Turn, connection: int, nonce: str) -> Reason | None:
    """Reset and resolve quote what the operator just saw, and come from the daemon or as from a guarded run."""
    if dict(turn.state.roles).get(connection) not in ("daemon", "guarded"):
        return Reason.NOT_SESSION_HOLDER
    return None if sessions.nonce_is_fresh(turn, nonce) else Reason.NONCE_STALE


def _status(turn: Turn, _connection: int, _message: control.Status) -> Verdict:
    return sessions.Yes({"status": telling.status(turn)})


_REQUESTS: dict[type[Any], Callable[[Turn, int, Any], Verdict]] = {
    control.Hello: _hello,
    control.Attach: _attach,
    control.OpenSession: sessions.open_session,
    control.Release: sessions.release,
    control.CloseSession: sessions.close,
    control.Stop: lambda turn, _connection, message: sessions.stop(turn, message),
    control.Emergency: lambda turn, _connection, message: blocks.emergency(turn, message),
    control.Dose: lambda turn, _connection, message: doses.dose(turn, message),
    control.Reset: _reset,
    control.Resolve: _resolve,
    control.Intensity: sessions.intensity,
    control.Withdraw: _withdraw,
    control.Status: _status,
}


def _answer(turn: Turn, event: Requested, verdict: Verdict) -> None:
    if isinstance(verdict, Reason):
        verdict = frames.No(verdict)
    if isinstance(verdict, frames.No):
        body: dict[str, Any] = {"ok": False, "reason": verdict.reason.json, "detail": dict(verdict.detail)}
        turn.tell("request-refused", do=event.message.DO, reason=verdict.reason.json, detail=dict(verdict.detail))
    else:
        body = {"ok": True, **(verdict.body if verdict else {})}
    turn.do(Answer(event.connection, event.request_id or 0, body))


def _beat(turn: Turn, connection: int, beat: control.Beat) -> None:
    """Only a counter that moved is a beat: a loop that hangs repeats its number."""
    session, beats = turn.state.session, turn.state.beats
    if session is None or session.connection != connection:
        return
    now_us = turn.now.us
    turn.to(
        beats=type(beats)(
            session_turns=beat.session_turns,
            session_at_us=now_us if beat.session_turns > beats.session_turns else beats.session_at_us,
            driver_turns=beat.driver_turns,
            driver_at_us=now_us if beat.driver_turns > beats.driver_turns else beats.driver_at_us,
            presence_at_us=max(beats.presence_at_us, now_us - beat.presence_us),
        )
    )
