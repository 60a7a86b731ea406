"""The line to the device in single turns: what waits for it, what is asked on it, and who is answered."""

from __future__ import annotations

from dataclasses import replace

from drivers.magstim.framing import seal
from safety.events import ClientFrame, Door, Reply
from safety.state import Exchange, Waiting, Wire
from safety.turn import Turn
from tests.safety.conftest import VirtualRoom, new

STATUS, SETTING, TRIGGER, UNLOCK = seal(b"x@"), seal(b"@045"), seal(b"EH"), seal(b"Q1234")


def at_rest() -> VirtualRoom:
    """A started room: nobody waits and nothing is asked."""
    made = new()
    made.state = replace(made.state, wire=Wire())
    return made


def framed(room: VirtualRoom, frame: bytes, door: Door = Door.DAEMON) -> ClientFrame:
    """A frame as it comes in at a door."""
    return ClientFrame(door, frame, room.dialect.effect(frame))


def waits(room: VirtualRoom, frame: bytes, door: Door = Door.DAEMON) -> Waiting:
    """A frame that has just begun to wait for the line."""
    return Waiting(door, frame, room.dialect.effect(frame), room.now.us)


def asked(room: VirtualRoom, frame: bytes, ago_us: int = 0, asker: Door | None = Door.DAEMON) -> Exchange:
    """A frame that was written so long ago and is not answered."""
    return Exchange(frame, room.dialect.effect(frame), asker, room.now.us - ago_us)


def replied(turn: Turn) -> list[tuple[Door, bytes]]:
    """What went to which door."""
    return [(action.door, action.data) for action in turn.actions if isinstance(action, Reply)]
