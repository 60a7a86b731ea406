"""One talker: what goes onto the stimulator's line, in which order, and whose reply this is.

One exchange is open at a time. A client's frame is judged when its turn comes, not when it arrived. Disarm goes
ahead of everything and runs beside an open exchange (`safety.disarm`). The wire carries no sequence numbers, so a
reply that did not come in time stays *owed*: the first reply that could be it is taken for it and trusted by nobody.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from drivers.stimulators import Effect, EffectKind, Reading
from safety import device, disarm, evidence, frames
from safety.events import ClientFrame, ClientNoise, DeviceReply, Door, Reply, Write
from safety.reasons import Reason
from safety.state import Exchange, Owed, Phase, Waiting, Wire, changed
from safety.turn import Turn

MAX_QUEUE = 8
"""Client frames that may wait for the line. Clients of these protocols have one request in flight."""


def client_frame(turn: Turn, event: ClientFrame) -> None:
    """A whole frame from a door: disarm passes from both, everything else only from the speaker."""
    state = turn.state
    if event.effect.kind is EffectKind.DISARM:
        disarm.begin(turn, None, door=event.door)
    elif event.door is not state.speaker:
        refuse(turn, event.door, event.frame, Reason.NOT_SPEAKING)
    elif not state.device.present:
        refuse(turn, event.door, event.frame, Reason.PORT_ABSENT)
    elif state.phase is Phase.BOOT:
        refuse(turn, event.door, event.frame, Reason.BOOT)
    elif len(state.wire.queue) >= MAX_QUEUE:
        refuse(turn, event.door, event.frame, Reason.QUEUE_FULL)
    else:
        waiting = Waiting(event.door, event.frame, event.effect, turn.now.us)
        _wire(turn, queue=(*state.wire.queue, waiting))


def client_noise(turn: Turn, event: ClientNoise) -> None:
    """Each unknown byte gets the device's `?`, a garbled frame its refusal; neither reaches the wire."""
    refusal = turn.room.dialect.refusal(event.data)
    unknown = len(refusal) == 1
    reason = Reason.UNKNOWN_FRAME if unknown else Reason.MALFORMED_FRAME
    turn.do(Reply(event.door, refusal * len(event.data) if unknown else refusal))
    turn.tell("refused", reason=reason.json, door=event.door.value, frame=turn.room.dialect.redact(event.data))


def refuse(turn: Turn, door: Door, frame: bytes, reason: Reason, **detail: object) -> None:
    """The device's own refusal to the client, and an event that says why."""
    turn.do(Reply(door, turn.room.dialect.refusal(frame)))
    kind = "not-speaking" if reason is Reason.NOT_SPEAKING else "refused"
    turn.tell(kind, reason=reason.json, door=door.value, frame=turn.room.dialect.redact(frame), detail=detail)


def pump(turn: Turn) -> None:
    """Gives the line to the next client frame, as far as it is free."""
    while (queue := turn.state.wire.queue) and _line_is_free(turn):
        waiting = queue[0]
        if waiting.door is not turn.state.speaker:  # it was, when the frame came
            _wire(turn, queue=queue[1:])
            refuse(turn, waiting.door, waiting.frame, Reason.NOT_SPEAKING)
            continue
        verdict = frames.judge(turn, waiting)
        if verdict is frames.WAIT:
            return
        queue = turn.state.wire.queue
        if not queue or queue[0] is not waiting:
            return  # the judgement tripped: a disarm is under way, and what waited has been answered
        _wire(turn, queue=queue[1:])
        if isinstance(verdict, frames.No):
            refuse(turn, waiting.door, waiting.frame, verdict.reason, **verdict.detail)
        else:
            send(turn, waiting.frame, waiting.effect, waiting.door)


def _line_is_free(turn: Turn) -> bool:
    """A timed trigger that is nearly due keeps the line clear: a reply takes up to 30 ms at 9600 baud."""
    state = turn.state
    if state.wire.open or state.disarming:
        return False
    due_us = state.due_us
    return due_us is None or due_us - turn.now.us > turn.room.limits.timing.line_clear_before_trigger_us


def send(turn: Turn, frame: bytes, effect: Effect, asker: Door | None) -> None:
    """Writes a judged frame and opens its exchange."""
    turn.do(Write(frame))
    _wire(turn, open=Exchange(frame, effect, asker, turn.now.us))
    device.frame_written(turn, effect)


def ask(turn: Turn, frame: bytes) -> None:
    """The watchdog's own question."""
    send(turn, frame, turn.room.dialect.effect(frame), None)


def device_reply(turn: Turn, event: DeviceReply) -> None:
    """A reply: to the disarm under way, to the open exchange, to one given up, or to nobody."""
    state, dialect = turn.state, turn.room.dialect
    answers_disarm = state.disarming is not None and dialect.answers(event.reply, dialect.disarm)
    exchange = state.wire.open
    answers_exchange = exchange is not None and dialect.answers(event.reply, exchange.frame)
    if _was_owed(turn, event.reply):
        turn.tell("late-reply")
    elif exchange and answers_exchange and not (answers_disarm and exchange.effect.kind is EffectKind.QUERY):
        _complete(turn, exchange, event.reply, event.reading)
    elif answers_disarm:
        disarm.answered(turn, event.reply, event.reading)
    else:
        device.doubt(turn, event.reading)
        turn.tell("reply-to-nobody")


def _was_owed(turn: Turn, reply: bytes) -> bool:
    owed = turn.state.wire.owed
    for index, one in enumerate(owed):
        if len(reply) > 1 and turn.room.dialect.answers(reply, one.frame):
            exchange = turn.state.wire.open
            if exchange and turn.room.dialect.answers(reply, exchange.frame):
                exchange = replace(exchange, doubtful=True)
            _wire(turn, open=exchange, owed=owed[:index] + owed[index + 1 :])
            return True
    return False


def _complete(turn: Turn, exchange: Exchange, reply: bytes, reading: Reading) -> None:
    _wire(turn, open=None)
    if exchange.asker is not None:
        turn.do(Reply(exchange.asker, reply))
    device.learn(turn, exchange, reading)
    if exchange.effect.kind is EffectKind.TRIGGER and len(reply) == 1:
        evidence.trigger_unanswered(turn)  # a lone `?` carries no checksum: it proves nothing
    elif exchange.effect.kind is EffectKind.TRIGGER:
        evidence.trigger_answered(turn, reading)
    elif reading.refused and exchange.asker is not None:
        turn.tell("device-refused", how=reading.refused.value, frame=turn.room.dialect.redact(exchange.frame))


def expire(turn: Turn) -> None:
    """Gives up an exchange whose reply did not come, and forgets what is owed for too long."""
    wire, timing = turn.state.wire, turn.room.limits.timing
    if any(one.until_us <= turn.now.us for one in wire.owed):
        _wire(turn, owed=tuple(one for one in wire.owed if one.until_us > turn.now.us))
    exchange = turn.state.wire.open
    if exchange and turn.now.us - exchange.at_us >= timing.exchange_us:
        if not exchange.doubtful or exchange.effect.kind is EffectKind.TRIGGER:
            owe(turn, exchange.frame, turn.now.us)
        _wire(turn, open=None)
        turn.tell("no-reply", frame=turn.room.dialect.redact(exchange.frame))
        if exchange.effect.kind is EffectKind.TRIGGER:
            evidence.trigger_unanswered(turn)


def owe(turn: Turn, frame: bytes, since_us: int) -> None:
    """Remembers that a reply to `frame` may still come; what was owed for too long is forgotten in the same step."""
    owed = Owed(frame, since_us + turn.room.limits.timing.owed_us)
    _wire(turn, owed=(*turn.state.wire.owed[-MAX_QUEUE:], owed))


def clear(turn: Turn, reason: Reason) -> None:
    """Refuses everything that waits for the line (a disarm or a trip is under way)."""
    queue = turn.state.wire.queue
    _wire(turn, queue=tuple(w for w in queue if w.effect.kind in (EffectKind.QUERY, EffectKind.REMOTE)))
    for waiting in queue:
        if waiting.effect.kind not in (EffectKind.QUERY, EffectKind.REMOTE):
            refuse(turn, waiting.door, waiting.frame, reason)


def drop_door(turn: Turn, door: Door) -> None:
    """A client went away: what it still had in the queue goes with it, and no reply is for it any more."""
    wire = turn.state.wire
    exchange = wire.open
    if exchange and exchange.asker is door:
        exchange = replace(exchange, asker=None)
    _wire(turn, open=exchange, queue=tuple(w for w in wire.queue if w.door is not door))


def _wire(turn: Turn, **changes: Any) -> None:
    turn.to(wire=changed(turn.state.wire, changes))


EMPTY = Wire()
"""Nothing asked, nothing waiting, nothing owed: the line after the port was lost."""
