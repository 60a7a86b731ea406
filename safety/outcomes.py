"""What follows from a condition: hold, cut, stop, trip, lockout, and the way back out of a trip."""

from __future__ import annotations

from dataclasses import replace

from drivers.stimulators import Condition
from safety import disarm, permits
from safety.control import Reset
from safety.ledger_format import Kind, key
from safety.reasons import Outcome, Reason
from safety.state import Phase, Trip
from safety.turn import Turn


def hold(turn: Turn, reason: Reason) -> None:
    """No permits until it clears, and none that outlives it: nothing goes on by itself from an old grant."""
    if turn.state.hold is not reason:
        turn.to(hold=reason)
        turn.tell("hold", reason=reason.json)
    permits.drop(turn, reason)
    turn.to(good_since_us=turn.now.us)


def cut(turn: Turn, reason: Reason) -> None:
    """Ends a running train, then holds; too many cuts stop the session."""
    hold(turn, reason)
    if not turn.state.delivery or turn.state.delivery.cut:
        return
    disarm.begin(turn, reason)
    cuts = turn.session.cuts + 1
    turn.to(session=replace(turn.session, cuts=cuts))
    turn.tell("cut", reason=reason.json)
    if cuts >= turn.room.limits.timing.max_cuts:
        stop(turn, Reason.TOO_MANY_CUTS)


def stop(turn: Turn, reason: Reason) -> None:
    """Pauses the session: disarmed, and nothing goes on until its operator releases again."""
    session = turn.state.session
    if session and (session.released or session.paused is None):
        turn.to(session=replace(session, released=False, paused=reason), stopped_us=turn.now.us)
        turn.tell("stop", reason=reason.json)
    permits.drop(turn, reason)
    if turn.state.phase in (Phase.ARMED, Phase.FIRING):
        disarm.begin(turn, reason)


def trip(turn: Turn, reason: Reason, detail: str = "") -> None:
    """Latches in the step that detects. The first reason is kept; every trip pauses the session."""
    state = turn.state
    if state.trip is None:
        turn.to(trip=Trip(reason, turn.now.us, detail))
        turn.to(stopped_us=turn.now.us)
        turn.tell("trip", reason=reason.json, detail=detail)
        if state.phase is not Phase.LOCKOUT:
            turn.commit(Kind.TRIP, code=reason.code)
    if state.phase is not Phase.LOCKOUT:
        if state.phase in (Phase.ARMED, Phase.FIRING):
            disarm.begin(turn, reason)
        turn.move(Phase.TRIPPED)
    if state.session:
        turn.to(session=replace(state.session, released=False, paused=state.session.paused or reason))
    permits.drop(turn, reason)


def lock_out(turn: Turn, why: str) -> None:
    """The ledger cannot be trusted: disarm still passes, nothing else does, and only an engineer ends it."""
    if turn.state.phase is Phase.LOCKOUT:
        return
    if turn.state.phase in (Phase.ARMED, Phase.FIRING):
        disarm.begin(turn, Reason.LEDGER_FAILED)
    permits.drop(turn, Reason.LEDGER_FAILED)
    turn.to(commits=(), lockout=why)
    turn.move(Phase.LOCKOUT)
    turn.tell("lockout", reason=Reason.LOCKED_OUT.json, detail=why)


def _mended(turn: Turn) -> bool:
    """Whether the device, as far as it is there and has lately been heard, is in standby, whole and cool again.

    A site that trusts a temperature for less long must not by that forget a hot coil sooner.
    """
    known, limits = turn.state.device, turn.room.limits
    if not known.present:
        return True
    measured = turn.now.us - known.temperature_at_us <= limits.hard("coil_age")
    hot = measured and (known.temperature_tenths or 0) >= limits.timing.coil_stop
    return known.condition is Condition.STANDBY and not known.fault and not hot


def user(uid: int) -> str:
    """The person a process acts for. The broker has no user of such a name."""
    return f"{_USER}{uid}"


def _another(person: str, first: str) -> bool:
    """Whether these are two persons: two users of the broker, or two of the machine. One of each may be one person."""
    return person != first and person.startswith(_USER) == first.startswith(_USER)


_USER = "uid "


def reset(turn: Turn, message: Reset) -> Reason | None:
    """Ends a trip when every condition is true; some need a second person within 30 s. None: done."""
    state, timing = turn.state, turn.room.limits.timing
    if state.phase is Phase.LOCKOUT:
        return Reason.LOCKED_OUT
    if state.trip is None:
        return Reason.NOTHING_TRIPPED
    if state.disarming or state.delivery or not _mended(turn):
        return Reason.RESET_CONDITIONS
    if state.trip.reason.outcome is Outcome.TRIP_TWO and not turn.room.one_person:
        fresh = turn.now.us - state.trip.first_person_at_us <= timing.second_person_us
        if not state.trip.first_person or not fresh:
            turn.to(trip=replace(state.trip, first_person=message.by, first_person_at_us=turn.now.us))
            return Reason.RESET_NEEDS_SECOND_PERSON
        if not _another(message.by, state.trip.first_person):
            return Reason.RESET_NEEDS_SECOND_PERSON
    first = key(state.trip.first_person) if state.trip.first_person else b""
    turn.commit(Kind.RESET, code=state.trip.reason.code, note=key(message.by) + first)
    turn.to(trip=None)
    turn.move(Phase.SAFE if state.device.present else Phase.BOOT)
    turn.tell("reset", by=message.by, reason=state.trip.reason.json)
    return None
