"""The facts a rule may know, put together from the gate's state at one instant."""

from __future__ import annotations

from drivers.stimulators import Witness
from safety.asking import Cutting, Facts, Totals
from safety.ledger_format import key
from safety.state import Block, Room
from safety.turn import Turn

HALF_DAY_US = 12 * 3_600_000_000
WEEK_US = 7 * 24 * 3_600_000_000


def witness(room: Room) -> Witness:
    """The level of evidence of this room. Sense and cut-off are inputs that no room of this version has."""
    return room.dialect.capabilities.witness


def facts(turn: Turn, own: Block | None = None) -> Facts:
    """What is known now. `own` is the reservation about to be spent: what is left in it is not counted twice."""
    session = turn.session
    return Facts(
        now_us=turn.now.us,
        wall_us=turn.now.wall_us,
        use=turn.room.use,
        kind=session.kind,
        coil=session.coil,
        witness=witness(turn.room),
        ceiling=session.ceiling,
        protocol=session.protocol,
        threshold=session.threshold,
        authorised=session.authorised,
        lacks=turn.room.lacks(session.protocol, turn.now.wall_us),
        past=turn.state.past,
        run=turn.state.run,
        disarm_cuts_train=turn.room.disarm_cuts_train is not Cutting.NO,
        totals=totals(turn, session.subject, session.key, own.left if own else 0),
        planned=session.planned,
    )


def totals(turn: Turn, subject: str, session_key: bytes, already_reserved: int = 0) -> Totals:
    """Pulses counted against a subject, worst case, less those of a reservation that is asked about right now."""
    book, wall_us = turn.state.book, turn.now.wall_us
    who = key(subject)
    session = turn.state.session
    protocol = session.protocol if session else None
    counts = Totals(
        session=book.session(session_key),
        day=book.day(who, wall_us, turn.room.zone),
        twelve_hours=book.window(who, wall_us, HALF_DAY_US),
        week=book.window(who, wall_us, WEEK_US),
        course=book.course(who, key(protocol.id)) if protocol else 0,
    )
    if not already_reserved:
        return counts
    return Totals(*(max(getattr(counts, name) - already_reserved, 0) for name in Totals.__slots__))
