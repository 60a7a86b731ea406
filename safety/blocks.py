"""Blocks against subjects: an emergency's, a person's, and the way out that a physician's name opens.

An emergency is a STOP whose session is never gone on with. Its subject opens no other until an UNBLOCK is on the disk.
"""

from __future__ import annotations

from safety import control, sessions
from safety.events import Answer
from safety.frames import No
from safety.ledger_format import KEY0, Kind, key
from safety.reasons import Reason
from safety.state import Confirming, Emergency, Phase
from safety.turn import Turn


def emergency(turn: Turn, message: control.Emergency) -> sessions.Yes:
    """Disarms in this very step, from every state, and ends the session for good. Anybody may, always.

    A second press while the first one stands is a STOP and nothing more.
    """
    answer = sessions.stop(turn, control.Stop(message.by))
    if turn.state.emergency is None:
        _record(turn, message.by)
    return answer


def _record(turn: Turn, by: str) -> None:
    session = turn.state.session
    name = session.subject if session else ""
    whose = (session.key, key(name) if name else KEY0) if session else _just_closed(turn)
    turn.commit(Kind.EMERGENCY, session=whose[0], subject=whose[1], note=key(by))
    if session is not None:
        sessions.end(turn, "emergency", by)
    pressed = Emergency(turn.now.wall_us, by, name, whose[0])
    turn.to(emergency=pressed)
    turn.tell("emergency", **pressed.told)


def _just_closed(turn: Turn) -> tuple[bytes, bytes]:
    """Whose emergency it is while nothing is open: a subject stays in the chair for a while. (session, subject)."""
    book = turn.state.book
    opened = book.last_opened
    if opened is None or turn.now.wall_us - book.last_us(opened.session) > turn.room.limits.timing.emergency_within_us:
        return KEY0, KEY0
    return opened.session, KEY0 if opened.subject == _NOBODY else opened.subject


_NOBODY = key("")
"""What stands in the record of a phantom's session."""


def remembered(turn: Turn) -> None:
    """After a start: an emergency that the ledger holds, and after which nobody opened a session, still stands."""
    record = turn.state.book.emergency
    if record is not None:
        turn.to(emergency=Emergency(record.wall_us, "", "", record.session))


def request(
    turn: Turn, connection: int, request_id: int, message: control.Block | control.Unblock
) -> No | Reason | None:
    """Takes up a change of a block. None: it is on its way to the disk, and is answered once it is there."""
    refused = _not_now(turn, connection, message)
    if refused is not None:
        return refused
    kind, who = _RECORDS[type(message)], message.by if isinstance(message, control.Block) else message.physician
    token = turn.commit(kind, subject=key(message.subject), note=key(who) + key(message.why))
    turn.to(confirming=Confirming(token, connection, request_id, message, turn.now.us))
    return None


_RECORDS = {control.Block: Kind.BLOCK, control.Unblock: Kind.UNBLOCK}


def _not_now(turn: Turn, connection: int, message: control.Block | control.Unblock) -> No | Reason | None:
    roles = dict(turn.state.roles)
    role = roles.get(connection)
    if role != "daemon" and (role != "guarded" or "daemon" in roles.values()):  # where a daemon is, it knows the roles
        return Reason.NOT_SESSION_HOLDER
    if not sessions.nonce_is_fresh(turn, message.nonce):
        return Reason.NONCE_STALE
    if turn.state.phase is Phase.LOCKOUT:
        return Reason.LOCKED_OUT
    if turn.state.session is not None:
        return Reason.BLOCK_WHILE_OPEN
    if turn.state.confirming is not None:
        return Reason.BLOCK_LATE
    if isinstance(message, control.Unblock) and not turn.state.book.blocked(key(message.subject)):
        return No(Reason.NOT_BLOCKED, {"subject": message.subject})
    return None


def durable(turn: Turn, token: int) -> None:
    """A record is on the disk: if it is the change that somebody waits for, that is confirmed now."""
    confirming = turn.state.confirming
    if confirming is None or confirming.token != token:
        return
    turn.to(confirming=None)
    message, stands = confirming.message, turn.state.emergency
    if isinstance(message, control.Block):
        turn.tell("blocked", subject=message.subject, by=message.by, why=message.why)
    else:
        if stands is not None and turn.state.book.emergency is None:
            turn.to(emergency=None)
        turn.tell("unblocked", subject=message.subject, by=message.by, physician=message.physician,
                  why=message.why)  # fmt: skip
    turn.do(Answer(confirming.connection, confirming.request_id, {"ok": True}))


def expire(turn: Turn) -> None:
    """A change that the disk holds up is not confirmed; its record stands all the same."""
    confirming = turn.state.confirming
    if confirming is None:
        return
    locked = turn.state.phase is Phase.LOCKOUT
    if not locked and turn.now.us - confirming.since_us <= turn.room.limits.timing.permit_life_us:
        return
    turn.to(confirming=None)
    reason = Reason.LOCKED_OUT if locked else Reason.BLOCK_LATE
    turn.do(Answer(confirming.connection, confirming.request_id, {"ok": False, "reason": reason.json, "detail": {}}))
    turn.tell("request-refused", do=confirming.message.DO, reason=reason.json, detail={})


def forget(turn: Turn, connection: int) -> None:
    """Nobody waits for the change any more; its record stands."""
    if turn.state.confirming is not None and turn.state.confirming.connection == connection:
        turn.to(confirming=None)
