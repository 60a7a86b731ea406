"""Disarm is a state to reach, not a frame to send.

Written at once, ahead of everything, and again every 50 ms until a reply shows standby. A reply shows the
condition from *before* its frame, so the earliest proof is the answer to the second frame. What stays unconfirmed
is said loudly, and then repeated slowly enough that the device's own keep-alive lapse can end it too.
"""

from __future__ import annotations

from dataclasses import replace

from drivers.stimulators import Condition, Reading
from safety import outcomes, permits, telling, wire
from safety.events import Door, Push, Reply, Write
from safety.ledger_format import KEY0, Kind
from safety.reasons import Reason
from safety.state import Disarming, Phase
from safety.turn import Turn


def begin(turn: Turn, reason: Reason | None, door: Door | None = None, *, boot: bool = False) -> None:
    """Writes the first disarm frame now. `reason` None: a client asked, or the train is over."""
    state = turn.state
    if not state.device.present:
        if door is not None:
            wire.refuse(turn, door, turn.room.dialect.disarm, Reason.PORT_ABSENT)
        return
    waiting = (door,) if door is not None else ()
    if state.disarming:
        known = (*state.disarming.waiting, *(d for d in waiting if d not in state.disarming.waiting))
        turn.to(disarming=replace(state.disarming, waiting=known))
        return
    if boot:
        turn.do(Write(turn.room.dialect.complete_half_frame))
    now_us = turn.now.us
    turn.to(disarming=Disarming(reason, now_us, now_us, boot=boot, waiting=waiting, unanswered_us=(now_us,)))
    turn.do(Write(turn.room.dialect.disarm))
    if state.delivery:
        turn.to(delivery=replace(state.delivery, cut=True))
    permits.drop(turn, reason or Reason.NOT_ARMED)
    wire.clear(turn, reason or Reason.NOT_ARMED)


def answered(turn: Turn, reply: bytes, reading: Reading) -> None:
    """A reply to a disarm frame."""
    disarming = turn.state.disarming
    if disarming is None or len(reply) == 1:
        return
    for door in disarming.waiting:
        turn.do(Reply(door, reply))
    disarming = replace(disarming, waiting=(), unanswered_us=disarming.unanswered_us[1:])
    turn.to(disarming=disarming)
    if reading.refused is not None or reading.condition is None:
        return
    device, armed = turn.state.device, reading.condition is not Condition.STANDBY
    device = replace(device, condition=reading.condition, condition_at_us=turn.now.us, may_be_armed=armed)
    turn.to(device=device)
    if reading.remote is not None:
        turn.to(device=replace(turn.state.device, remote=reading.remote))
    if reading.condition is Condition.STANDBY:
        _confirmed(turn, disarming)
    elif disarming.boot and not disarming.found_armed:
        turn.to(disarming=replace(disarming, found_armed=True))
        _book_found_armed(turn)


def _confirmed(turn: Turn, disarming: Disarming) -> None:
    turn.to(disarming=None, standby_at_us=turn.now.us)
    for written_us in disarming.unanswered_us:
        wire.owe(turn, turn.room.dialect.disarm, written_us)
    if turn.state.phase in (Phase.BOOT, Phase.ARMED, Phase.FIRING):
        turn.move(Phase.SAFE)
    reason = disarming.why.json if disarming.why else ("boot" if disarming.boot else "asked")
    turn.tell("disarmed", why=reason, after_us=turn.now.us - disarming.since_us)
    permits.settle_standing_block(turn)
    turn.do(Push(telling.status(turn)))  # whoever pressed STOP waits for it, and the next one may be 250 ms away


def _book_found_armed(turn: Turn) -> None:
    """A device found armed after a start of ours may have fired one more trigger than we know of.

    One trigger delivers at most what autonomy allows, and not what this site has tightened it to: who armed it is not
    known. A reservation that is still open counts in full already.
    """
    book = turn.state.book
    reserved = max((pulses for _, pulses in book.open_reservations), default=0)
    worst = max(turn.room.limits.hard("autonomy_pulses") - reserved, 0)
    turn.tell("found-armed", pulses=worst)
    if worst and turn.state.phase is not Phase.LOCKOUT:
        opened = book.last_opened
        subject, session = (opened.subject, opened.session) if opened else (KEY0, KEY0)
        turn.commit(Kind.FOUND_ARMED, pulses=worst, subject=subject, session=session)


def repeat(turn: Turn) -> None:
    """Writes disarm again when it is time, and says so when it takes too long."""
    disarming, timing = turn.state.disarming, turn.room.limits.timing
    if disarming is None:
        return
    waited = turn.now.us - disarming.since_us
    limit = timing.disarm_boot_us if disarming.boot else timing.disarm_confirm_us
    if waited >= limit and not disarming.overdue:
        disarming = replace(disarming, overdue=True)
        turn.to(disarming=disarming)
        heard = turn.state.device.condition is not None
        if heard or not disarming.boot:
            outcomes.trip(turn, Reason.DISARM_UNCONFIRMED)
    pause = timing.disarm_unconfirmed_repeat_us if waited >= limit else timing.disarm_repeat_us
    if turn.now.us - disarming.last_us >= pause:
        write_now(turn, disarming)


def write_now(turn: Turn, disarming: Disarming) -> None:
    """One more frame of the disarm under way, whatever the time since the last."""
    turn.do(Write(turn.room.dialect.disarm))
    now_us, still_owed_us = turn.now.us, turn.room.limits.timing.owed_us
    owed = tuple(at_us for at_us in disarming.unanswered_us if now_us - at_us < still_owed_us)
    turn.to(disarming=replace(disarming, last_us=now_us, unanswered_us=(*owed, now_us)))
