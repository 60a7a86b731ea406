"""Permits: leave to trigger that is reserved before it is granted, judged again at each trigger, and expires.

A treatment asks for one permit per train. For a script the gate makes the permit at the trigger itself, out of a
block reserved when it armed. Both go through `judge_trigger`, the one place where a trigger is allowed.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from drivers.quantities import SINGLE, Hertz, PercentMso, Train
from drivers.stimulators import Settings
from safety import conditions, frames, ledgering, rules, wire
from safety.asking import Ask, SessionKind
from safety.control import AskPermit
from safety.events import Answer
from safety.facts import facts
from safety.ledger_format import Kind
from safety.reasons import Reason
from safety.state import Block, Delivery, Pending, Permit, Phase, Session
from safety.turn import Turn

BLOCKS_AHEAD = 2
"""A block of timed pulses may be asked for while the one before it still runs."""


def request(turn: Turn, connection: int, request_id: int, message: AskPermit) -> frames.No | None:
    """Takes up a request for a permit. None: it is under examination and will be answered."""
    state, session = turn.state, turn.state.session
    if session is None or session.connection != connection:
        return frames.No(Reason.NOT_SESSION_HOLDER if session else Reason.NO_SESSION)
    if session.kind not in (SessionKind.TREATMENT, SessionKind.THRESHOLD):
        return frames.No(Reason.PERMIT_BUSY, {"why": "a script's permits are made at its triggers"})
    ahead = bool(message.times_us) and len(state.permits) < BLOCKS_AHEAD and all(p.due for p in state.permits)
    if state.pending or (state.permits and not ahead):
        return frames.No(Reason.PERMIT_BUSY)
    wrong = _malformed(message)
    # One spacing more: a further block may be asked for just when the one before has run out.
    first_us = max(turn.room.limits.timing.permit_life_us, message.spacing_us)
    if message.times_us and message.times_us[0] > first_us:
        wrong = "the first of times_us lies within a permit's life, or one spacing"
    if wrong:
        return frames.No(Reason.MALFORMED_MESSAGE, {"why": wrong})
    pending = Pending(connection, request_id, message, _ask(turn, message), turn.now.us)
    refused = _examine(turn, pending)
    if refused is None:
        turn.to(pending=pending)
    return refused


def _malformed(message: AskPermit) -> str:
    times = message.times_us
    if message.pulses > 1 and not message.rate_tenths:
        return "a train of several pulses has a rate"
    if times and (len(times) != message.triggers or any(b - a < message.spacing_us for a, b in pairwise(times))):
        return "times_us has one time for each trigger, spaced by spacing_us"
    return ""


def _ask(turn: Turn, message: AskPermit) -> Ask:
    train = Train(message.pulses, Hertz(message.rate_tenths) if message.pulses > 1 else SINGLE)
    # The speaker may trigger until the permit expires: what is too soon now need not be then, and is judged again.
    latest_us = turn.now.us + turn.room.limits.timing.permit_life_us
    starts_us = _planned(turn, message)[0] if message.times_us else latest_us
    estimate = PercentMso(message.estimate_tenths) if message.estimate_tenths else None
    return Ask(PercentMso(message.level_tenths), train, starts_us, message.triggers, message.spacing_us, estimate)


def _planned(turn: Turn, message: AskPermit) -> tuple[int, ...]:
    """Times of a timed block: after now, or, while a block runs, after its last planned time, so that it goes on."""
    running = turn.state.permits
    base_us = running[-1].due[-1] if running and running[-1].due else turn.now.us
    return tuple(base_us + offset for offset in message.times_us)


def _examine(turn: Turn, pending: Pending) -> frames.No | None:
    """Everything but the read-back, which may still be on its way."""
    state = turn.state
    reason = conditions.standing(turn)
    if reason is None and state.phase not in (Phase.ARMED, Phase.FIRING):
        reason = Reason.NOT_ARMED
    if reason is not None:
        return frames.No(reason)
    return _rules(turn, pending.ask, None)


def _rules(turn: Turn, ask: Ask, own: Block | None) -> frames.No | None:
    verdict = rules.judge(ask, facts(turn, own), turn.room.limits)
    if isinstance(verdict, rules.Refused):
        return frames.No(verdict.reason, verdict.detail)
    unable = turn.room.dialect.refuses_energy(ask.level, ask.train.rate, ask.train.pulses)
    return frames.No(Reason.ENERGY, {"why": unable.removesuffix(".")}) if unable else None


def advance(turn: Turn) -> None:
    """Moves the pending request on: read-back, reservation, or refusal when its time is over."""
    pending = turn.state.pending
    if pending is None:
        return
    over = turn.now.us - pending.since_us > turn.room.limits.timing.permit_life_us
    if pending.token is not None:
        refused = frames.No(Reason.LEDGER_LATE) if over else None
    else:
        refused = _examine(turn, pending) or _prepare(turn, pending, over=over)
    if refused is not None:
        _refuse(turn, pending, refused)


def _prepare(turn: Turn, pending: Pending, *, over: bool) -> frames.No | None:
    """Reserves once the coil is on its target and the device charged and read back. While a timed block's pulse is on
    its way, the next may wait behind it.
    """
    reason = conditions.off_target(turn) or conditions.firing(turn)
    if reason not in (None, Reason.TRAIN_RUNNING):
        return frames.No(reason) if over else None
    refused = _read_back_differs(turn, pending.ask)
    if refused is None:
        _reserve(turn, pending)
    return refused


def _read_back_differs(turn: Turn, ask: Ask) -> frames.No | None:
    read = turn.state.device.confirmed
    if read is None:
        return frames.No(Reason.READ_BACK_STALE)
    if (unclear := _unclear(read)) is not None:
        return unclear
    if (read.level, _train(read)) != (ask.level, ask.train):
        shown = f"{read.level}, {read.pulses} pulses, {read.rate}"
        expected = f"{ask.level}, {ask.train.pulses} pulses, {ask.train.rate}"
        return frames.No(Reason.PERMIT_DIFFERS, {"shown": shown, "expected": expected})
    return None


def _unclear(read: Settings) -> frames.No | None:
    """Pulses and duration name different trains, or none: nobody can say what the device obeys."""
    if read.pulses == 1:
        return None
    if read.pulses and read.rate.tenths and read.duration_ms == -(-read.pulses * 100 // read.rate.tenths) * 100:
        return None
    shown = f"{read.pulses} pulses in {read.duration_ms / 1000:g} s at {read.rate}"
    return frames.No(Reason.READ_BACK_DIFFERS, {"shown": shown, "expected": "a duration that fits them"})


def _train(settings: Settings) -> Train:
    return Train(settings.pulses, settings.rate if settings.pulses > 1 else SINGLE)


def _reserve(turn: Turn, pending: Pending) -> None:
    ask = pending.ask
    token = turn.commit(
        Kind.RESERVE, pulses=ask.pulses, level_tenths=ask.level.tenths, rate_tenths=ask.train.rate.tenths
    )
    turn.to(pending=replace(pending, token=token, since_us=turn.now.us))


def _refuse(turn: Turn, pending: Pending, refused: frames.No) -> None:
    """Answers the pending request with a refusal. A reservation that the disk held up too long stands."""
    forget_pending(turn, stands=refused.reason is Reason.LEDGER_LATE)
    body = {"ok": False, "reason": refused.reason.json, "detail": dict(refused.detail)}
    turn.do(Answer(pending.connection, pending.request_id, body))
    turn.tell("permit-refused", reason=refused.reason.json, detail=dict(refused.detail))


def forget_pending(turn: Turn, *, stands: bool = False) -> None:
    """Nobody waits for the permit any more. Unless it `stands`, its reservation is given back once it is durable."""
    pending = turn.state.pending
    turn.to(pending=None)
    if pending is not None and pending.token is not None and not stands:
        turn.to(unwanted=(*turn.state.unwanted, pending.token))


def reserved(turn: Turn, token: int, seq: int, pulses: int) -> None:
    """A reservation is durable: the permit is granted, or a script's block is there, or nobody wants it any more."""
    pending, session = turn.state.pending, turn.state.session
    if pending is not None and pending.token == token:
        _grant(turn, pending, seq)
    elif session is not None and session.block_token == token:
        turn.to(session=replace(session, block=Block(seq, pulses), block_token=None))
    if token in turn.state.unwanted:  # long since, or because what may be granted has changed while the disk wrote
        turn.to(unwanted=tuple(each for each in turn.state.unwanted if each != token))
        ledgering.close_block(turn, Block(seq, pulses))


def _grant(turn: Turn, pending: Pending, seq: int) -> None:
    ask, timing = pending.ask, turn.room.limits.timing
    block = Block(seq, ask.pulses)
    due = _planned(turn, pending.message)
    late = turn.now.us - pending.since_us > timing.reservation_wait_us
    reason = Reason.LEDGER_LATE if late else conditions.standing(turn) or conditions.off_target(turn)
    if reason is not None:
        _refuse(turn, pending, frames.No(reason))
        return
    expires_us = (due[0] if due else turn.now.us) + timing.permit_life_us
    number = turn.state.next_permit
    permit = Permit(
        number, ask.level, ask.train, ask.triggers, ask.spacing_us, turn.now.us, expires_us, block, due, ask.estimate
    )
    turn.to(pending=None, next_permit=number + 1, permits=(*turn.state.permits, permit))
    body = {"ok": True, "permit": number, "reserved": ask.pulses, "ref": seq, "expires_us": expires_us}
    turn.do(Answer(pending.connection, pending.request_id, body))
    turn.tell("granted", permit=number, ref=seq, pulses=ask.pulses, train=pending.message.train)


def judge_trigger(turn: Turn) -> frames.No | None:
    """Whether one trigger may go out at this instant: the same function for a treatment and for a script."""
    state = turn.state
    reason = conditions.firing(turn)
    if reason is not None:
        return frames.No(reason)
    if not state.permits:
        return frames.No(Reason.NO_PERMIT)
    permit = state.permits[0]
    if not permit.begun and (reason := conditions.off_target(turn)) is not None:
        return frames.No(reason)
    if permit.index == 0 and not permit.due and turn.now.us > permit.expires_us:
        return frames.No(Reason.PERMIT_EXPIRED)
    if state.fired_since_arm and turn.now.us - state.armed_at_us < permit.spacing_us:
        return frames.No(Reason.PERMIT_TOO_SOON)
    if permit.block.left < permit.train.pulses:
        return frames.No(Reason.LEDGER_LATE)
    ask = Ask(permit.level, permit.train, turn.now.us, estimate=permit.estimate)
    return _read_back_differs(turn, ask) or _rules(turn, ask, permit.block)


def waited_for_its_permit(turn: Turn, since_us: int) -> frames.No | None:
    """A trigger that was already waiting when its permit was granted was not sent in the knowledge of it."""
    permit = turn.state.permits[0] if turn.state.permits else None
    return frames.No(Reason.NO_PERMIT) if permit is not None and since_us < permit.granted_us else None


def is_the_timers(turn: Turn) -> frames.No | None:
    """A permit names who releases it: the speaker may not fire what was granted to the watchdog's timer."""
    permit = turn.state.permits[0] if turn.state.permits else None
    return frames.No(Reason.NO_PERMIT) if permit is not None and permit.due else None


def trigger_written(turn: Turn, *, planned_us: int) -> None:
    """A trigger goes out in this step: its pulses are spent from here on, whatever the device answers."""
    permit = turn.state.permits[0]
    block = replace(permit.block, spent=permit.block.spent + permit.train.pulses)
    late_us = turn.now.us - planned_us
    turn.tell("trigger", permit=permit.number, ref=block.ref, index=permit.index, planned_us=planned_us,
              late_us=late_us, late=late_us > turn.room.limits.timing.trigger_late_us)  # fmt: skip
    delivery = Delivery(permit.train, permit.level, permit.number, permit.index, turn.now.us, planned_us)
    used = replace(permit, left=permit.left - 1, index=permit.index + 1, block=block, due=permit.due[1:])
    turn.to(permits=(used, *turn.state.permits[1:]), delivery=delivery, armed_at_us=turn.now.us, fired_since_arm=True)
    turn.move(Phase.FIRING)


def fire_due(turn: Turn) -> None:
    """The watchdog's timer: triggers whose time has come, never two without an answer between them."""
    state, timing = turn.state, turn.room.limits.timing
    due_us = state.due_us
    if due_us is None or turn.now.us < due_us or state.wire.open or state.disarming or state.delivery:
        return
    if turn.now.us - due_us > timing.trigger_drop_us:
        permit = state.permits[0]
        turn.tell("left-out", permit=permit.number, index=permit.index, planned_us=due_us)
        skipped = replace(permit, left=permit.left - 1, index=permit.index + 1, due=permit.due[1:])
        turn.to(permits=(skipped, *state.permits[1:]))
        close_used_up(turn)
        return
    refused = judge_trigger(turn)
    if refused is not None:
        turn.tell("refused", reason=refused.reason.json, detail=dict(refused.detail), frame="timed trigger")
        drop(turn, refused.reason)
        return
    trigger_written(turn, planned_us=due_us)
    wire.send(turn, turn.room.dialect.trigger, turn.room.dialect.effect(turn.room.dialect.trigger), None)


def expire(turn: Turn) -> None:
    """A permit nobody used in time is gone."""
    permit = turn.state.permits[0] if turn.state.permits else None
    if permit is None or permit.due or turn.state.delivery:
        return
    life_us = turn.room.limits.timing.permit_life_us
    until_us = turn.state.armed_at_us + permit.spacing_us + life_us if permit.index else permit.expires_us
    if turn.now.us > until_us:
        drop(turn, Reason.PERMIT_EXPIRED)


def drop(turn: Turn, reason: Reason) -> None:
    """Takes every permit back. One whose pulses are under way stays until they are accounted for."""
    if turn.state.pending is not None:
        _refuse(turn, turn.state.pending, frames.No(reason))
    delivery = turn.state.delivery
    kept = []
    for permit in turn.state.permits:
        if delivery is not None and delivery.permit == permit.number:
            kept.append(replace(permit, left=0, due=()))
        else:
            turn.tell("withdrawn", permit=permit.number, reason=reason.json)
            ledgering.close_block(turn, permit.block)
    turn.to(permits=tuple(kept))


def close_used_up(turn: Turn) -> None:
    """Settles the first permit's reservation once none of its triggers is left or under way."""
    permits = turn.state.permits
    if not permits or permits[0].left or turn.state.delivery:
        return
    session = turn.state.session
    turn.to(permits=permits[1:])
    if session is not None and session.block and session.block.ref == permits[0].block.ref:  # a script's
        turn.to(session=replace(session, block=permits[0].block))
    else:
        ledgering.close_block(turn, permits[0].block)


def block_for_script(turn: Turn) -> frames.Verdict:
    """Before a script arms, its block must be durable: the frame waits until that, or until the ledger is late."""
    session = turn.session
    if session.kind not in (SessionKind.SCRIPT, SessionKind.PHANTOM) or (session.block and session.block.left):
        return None
    if session.block_token is None:
        _reserve_block(turn, session)
    return frames.WAIT


def _reserve_block(turn: Turn, session: Session) -> None:
    if session.block:
        ledgering.close_block(turn, session.block)
    token = turn.commit(Kind.RESERVE, pulses=turn.room.limits.script_block, level_tenths=session.ceiling.tenths)
    turn.to(session=replace(session, block=None, block_token=token))


def make_for_script(turn: Turn) -> frames.No | None:
    """A script's permit, made at its trigger from what the device reads back."""
    session, read = turn.session, turn.state.device.confirmed
    if turn.state.permits:
        return frames.No(Reason.TRAIN_RUNNING)
    if session.block is None:
        return frames.No(conditions.standing(turn) or Reason.NOT_ARMED)
    if read is None:
        return frames.No(Reason.READ_BACK_STALE)
    if (unclear := _unclear(read)) is not None:
        return unclear
    number = turn.state.next_permit
    expires_us = turn.now.us + turn.room.limits.timing.permit_life_us
    permit = Permit(number, read.level, _train(read), 1, 0, 0, expires_us, session.block)
    turn.to(next_permit=number + 1, permits=(permit,))
    return None


def forget_unused(turn: Turn) -> None:
    """A script's permit that did not survive its own judgement leaves nothing behind: its block is the session's."""
    turn.to(permits=())


def refill_script_block(turn: Turn) -> None:
    """Between a script's trains: reserves anew before the next train would find the block too small."""
    session, read = turn.state.session, turn.state.device.confirmed
    if session is None or session.block is None or turn.state.permits:
        return
    fits = read is not None and session.block.left < read.pulses <= turn.room.limits.script_block
    if turn.state.phase is Phase.ARMED and fits:
        _reserve_block(turn, session)


def settle_standing_block(turn: Turn) -> None:
    """A script was disarmed: what it did not spend of its block is given back."""
    session = turn.state.session
    if session is not None and session.block is not None and not turn.state.permits:
        ledgering.close_block(turn, session.block)
        turn.to(session=replace(session, block=None))
