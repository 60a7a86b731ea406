"""Standing conditions: what must be true all the time, and what follows the moment it is not."""

from __future__ import annotations

from drivers.stimulators import Condition
from safety import device, disarm, outcomes
from safety.reasons import Reason
from safety.state import Phase
from safety.turn import Turn


def standing(turn: Turn) -> Reason | None:
    """Why nothing may arm now, or None. Everything a trigger needs too, judged again there."""
    state, timing = turn.state, turn.room.limits.timing
    session = state.session
    if state.phase in _PHASE_REASONS:
        return _PHASE_REASONS[state.phase]
    if session is None:
        return Reason.NO_SESSION
    if not session.released:
        return session.paused or Reason.NOT_RELEASED
    if state.unknowns:
        return Reason.UNKNOWN_OPEN
    if state.disarming:
        return Reason.NOT_ARMED
    if not state.device.remote:
        return Reason.REMOTE_LOST
    if state.commits and turn.now.us - state.commits[0][2] > timing.reservation_wait_us:
        return Reason.LEDGER_LATE
    return _people(turn) or _coil(turn)


_PHASE_REASONS = {Phase.BOOT: Reason.BOOT, Phase.TRIPPED: Reason.TRIPPED, Phase.LOCKOUT: Reason.LOCKED_OUT}


def _people(turn: Turn) -> Reason | None:
    if turn.state.hold is not None:
        return turn.state.hold
    if _silent_beats(turn):
        return Reason.BEATS_LOST
    if _presence_age(turn) > turn.room.limits.timing.presence_new_us:
        return Reason.PRESENCE_OLD
    return Reason.LEASE_MISSING if _lease(turn) == "none" else None


def _coil(turn: Turn) -> Reason | None:
    known, timing = turn.state.device, turn.room.limits.timing
    if known.temperature_tenths is None or turn.now.us - known.temperature_at_us > timing.coil_age_us:
        return Reason.TEMPERATURE_UNREAD
    if known.temperature_tenths >= timing.coil_stop:
        return Reason.COIL_HOT
    if not known.coil_present:
        return Reason.COIL_MISSING
    return Reason.DEVICE_FAULT if known.fault else None


def off_target(turn: Turn) -> Reason | None:
    """Why nothing may begin now: no permit, and no first trigger under one. What follows under a permit it has begun
    with goes on near the target too.
    """
    return Reason.LEASE_MISSING if _lease(turn) != "begin" else None


def firing(turn: Turn) -> Reason | None:
    """Why no trigger may go out now, whoever asks: everything standing, and the device charged and read back."""
    state, timing = turn.state, turn.room.limits.timing
    reason = standing(turn)
    if reason is not None:
        return reason
    if state.phase is not Phase.ARMED:
        return Reason.TRAIN_RUNNING if state.phase is Phase.FIRING else Reason.NOT_ARMED
    known = state.device
    fresh = turn.now.us - known.condition_at_us <= timing.read_back_age_us
    charged = known.condition is Condition.READY or (known.condition is Condition.ARMED and state.fired_since_arm)
    if not charged or not fresh:
        return Reason.NOT_READY
    return None if device.holds(known, turn.now.us, timing.read_back_age_us) else Reason.READ_BACK_STALE


def watch(turn: Turn) -> None:
    """Looks at every condition, after every event."""
    if turn.state.phase is Phase.LOCKOUT and turn.state.device.condition in (Condition.ARMED, Condition.READY):
        disarm.begin(turn, Reason.LOCKED_OUT)
    if turn.state.session and turn.state.phase not in (Phase.BOOT, Phase.LOCKOUT):
        _watch_people(turn)
    if turn.state.phase in (Phase.ARMED, Phase.FIRING) and not turn.state.disarming:
        _watch_device(turn)


def _watch_people(turn: Turn) -> None:
    state, timing = turn.state, turn.room.limits.timing
    session = state.session
    live = state.phase in (Phase.ARMED, Phase.FIRING) or (session is not None and session.released)
    if _silent_beats(turn):
        if live and state.phase is not Phase.TRIPPED:
            outcomes.trip(turn, Reason.BEATS_LOST)
        return
    age, lease = _presence_age(turn), _lease(turn)
    if age > timing.presence_cut_us and live:
        outcomes.cut(turn, Reason.PRESENCE_LOST)
        outcomes.stop(turn, Reason.PRESENCE_LOST)
    elif lease == "none" and state.delivery:
        outcomes.cut(turn, Reason.LEASE_LOST)
    elif age > timing.presence_new_us:
        outcomes.hold(turn, Reason.PRESENCE_OLD)
    elif lease == "none":
        outcomes.hold(turn, Reason.LEASE_MISSING)
    elif state.hold is not None and turn.now.us - state.good_since_us >= timing.dwell_us:
        turn.to(hold=None)
        turn.tell("clear")


def _watch_device(turn: Turn) -> None:
    state, timing = turn.state, turn.room.limits.timing
    known = state.device
    if turn.now.us - known.temperature_at_us > timing.coil_age_us:
        outcomes.trip(turn, Reason.TEMPERATURE_UNREAD)
    elif (known.temperature_tenths or 0) >= timing.coil_trip:
        outcomes.trip(turn, Reason.COIL_TOO_HOT)
    elif not known.coil_present:
        outcomes.stop(turn, Reason.COIL_MISSING)
    elif known.fault:
        outcomes.stop(turn, Reason.DEVICE_FAULT)
    elif (known.temperature_tenths or 0) >= timing.coil_stop and not state.delivery:
        outcomes.stop(turn, Reason.COIL_HOT)
    elif state.phase is Phase.ARMED and turn.now.us - state.armed_at_us > timing.armed_idle_us:
        disarm.begin(turn, Reason.ARMED_IDLE)


def _silent_beats(turn: Turn) -> bool:
    """A loop that has not turned for too long; faster trains leave less time."""
    state, timing = turn.state, turn.room.limits.timing
    fast = state.delivery is not None and state.delivery.train.rate > timing.fast_rate
    limit = min(timing.beat_us, timing.beat_fast_us) if fast else timing.beat_us  # a site may tighten the one alone
    return turn.now.us - min(state.beats.session_at_us, state.beats.driver_at_us) > limit


def _presence_age(turn: Turn) -> int:
    return turn.now.us - turn.state.beats.presence_at_us


def _lease(turn: Turn) -> str:
    """The on-target lease: always `begin` in a room without tracker, `none` when it is old."""
    if turn.room.profile == "fixed":
        return "begin"
    fresh = turn.now.us - turn.state.lease_at_us <= turn.room.limits.timing.lease_us
    return turn.state.lease if fresh else "none"
