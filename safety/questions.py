"""The watchdog's own questions: overhears first, asks only for what has outgrown its age, never in a trigger's way.

Once beats are lost it asks nothing while armed: its questions would keep a hung client's stimulator awake. Lost beats
disarm in the step that sees them, and while it disarms it asks nothing.
"""

from __future__ import annotations

from safety import device, wire
from safety.asking import SessionKind
from safety.state import Delivery, Phase
from safety.turn import Turn

ALL_ASKED_US = 100_000
"""Long enough at 9600 baud for the three questions, 55 bytes with their answers, and a client's own (engineering
choice)."""


def ask_next(turn: Turn) -> None:
    """Writes the most pressing question, when the line is free and nothing forbids it."""
    state = turn.state
    if not state.device.present or not state.device.remote or state.phase in (Phase.BOOT, Phase.LOCKOUT):
        return
    if state.wire.open or state.wire.queue or state.disarming or _trigger_is_near(turn):
        return
    if state.session is None and state.delivery is None:
        return  # a train that outlived its session still wants its end seen
    delivery = state.delivery
    if delivery is None:
        question = _question(turn)
    else:
        question = _train_question(turn, delivery) or _temperature(turn, turn.room.limits.timing.coil_age_us // 2)
    if question is not None:
        wire.ask(turn, question)


def _pause_left_us(turn: Turn) -> int | None:
    """How long a script that has just fired must still wait before it may fire again; None when it need not."""
    state, session = turn.state, turn.state.session
    script = session is not None and session.kind in (SessionKind.SCRIPT, SessionKind.PHANTOM)
    if not script or state.phase is not Phase.ARMED or not state.fired_since_arm:
        return None
    left_us = state.armed_at_us + turn.room.limits.single_spacing_us - turn.now.us
    return left_us if left_us > 0 else None


def _trigger_is_near(turn: Turn) -> bool:
    """Between a grant and its first trigger, and shortly before a further one can be due, the line is the trigger's."""
    state = turn.state
    left_us = _pause_left_us(turn)
    if left_us is not None:
        return left_us < turn.room.limits.timing.quiet_before_trigger_us
    if not state.permits or state.delivery:
        return False
    permit, due_us = state.permits[0], state.due_us
    if due_us is None and not permit.index:
        return True
    next_us = state.armed_at_us + permit.spacing_us if due_us is None else due_us
    return next_us - turn.now.us < turn.room.limits.timing.quiet_before_trigger_us


def _train_question(turn: Turn, delivery: Delivery) -> bytes | None:
    """While a train runs: its bit, twice a period but not slower than the poll, which makes the interval narrow."""
    timing, dialect = turn.room.limits.timing, turn.room.dialect
    period_us = min(timing.train_poll_us, delivery.train.rate.period_us // 2)
    asked_us = turn.state.status_asked_us
    if turn.now.us - asked_us < period_us or turn.now.us < delivery.began_us + period_us:
        return None
    turn.to(status_asked_us=turn.now.us)
    # Both answers carry the train bit; the settings are read now and then, so that a change at the panel shows.
    stale = turn.now.us - turn.state.device.settings_at_us > timing.script_poll_us
    return dialect.ask_settings if stale else dialect.ask_status


def _question(turn: Turn) -> bytes | None:
    """What has outgrown its age; in the pause between a script's pulses all of it, as late as the line may be used.

    So nothing is old when the script may fire again, and its trigger does not wait behind a question.
    """
    timing = turn.room.limits.timing
    left_us = _pause_left_us(turn)
    if left_us is None:
        return _stale(turn, timing.script_poll_us, timing.coil_age_us // 2)
    if left_us > timing.quiet_before_trigger_us + ALL_ASKED_US:
        return _stale(turn, timing.read_back_age_us, timing.coil_age_us // 2)  # a site's pause may be a long one
    return _stale(turn, ALL_ASKED_US, ALL_ASKED_US)


def _stale(turn: Turn, oldest_us: int, oldest_temperature_us: int) -> bytes | None:
    state, dialect = turn.state, turn.room.dialect
    known, now_us = state.device, turn.now.us
    armed = state.phase in (Phase.ARMED, Phase.FIRING)
    if armed and now_us - known.condition_at_us > oldest_us and now_us - state.status_asked_us > oldest_us // 2:
        turn.to(status_asked_us=now_us)
        return dialect.ask_status
    if (armed or state.pending) and not device.holds(known, now_us, oldest_us):
        return dialect.ask_settings
    return _temperature(turn, oldest_temperature_us)


def _temperature(turn: Turn, oldest_us: int) -> bytes | None:
    old = turn.now.us - turn.state.device.temperature_at_us > oldest_us
    return turn.room.dialect.ask_temperature if old else None
