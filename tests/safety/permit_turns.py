"""What a turn has decided about permits, as tests compare it."""

from __future__ import annotations

from typing import Any

from drivers.quantities import SINGLE, PercentMso, Train
from safety import events
from safety.ledger_format import Kind, Record, settled_of
from safety.state import Block, Permit
from safety.turn import Turn
from tests.safety.conftest import VirtualRoom, new

MS, S = 1_000, 1_000_000
NUMBER = 71
"""Of the permit that tests grant by hand."""


def one_hertz(**options: Any) -> VirtualRoom:
    """Armed for pulses one by one, on the watchdog's timer or not."""
    room = new(**options)
    assert room.open("lf-right-1hz")["ok"]
    assert room.release()["ok"]
    room.set_single(level=54)
    room.arm()
    return room


def pulse(now_us: int, *due_us: int, number: int = NUMBER, **changes: Any) -> Permit:
    """A permit for three single pulses a second apart, granted 100 ms ago; due in so long, or the speaker's."""
    base: dict[str, Any] = {
        "number": number, "level": PercentMso(540), "train": Train(1, SINGLE), "left": 3, "spacing_us": S,
        "granted_us": now_us - 100 * MS, "expires_us": now_us + 400 * MS, "block": Block(number + 100, 3),
        "due": tuple(now_us + each for each in due_us),
    }  # fmt: skip
    return Permit(**(base | changes))


def answered(turn: Turn) -> list[events.Answer]:
    return [action for action in turn.actions if isinstance(action, events.Answer)]


def recorded(turn: Turn) -> list[Record]:
    """What went to the ledger."""
    return [action.record for action in turn.actions if isinstance(action, events.Commit)]


def settled(turn: Turn) -> list[tuple[int, int, int, int]]:
    """Reservation, pulses booked, and the interval of the evidence of each settlement; nothing else is recorded."""
    records = recorded(turn)
    assert {record.kind for record in records} <= {Kind.SETTLE}
    notes = [settled_of(record) for record in records]
    return [(record.ref, record.pulses, note.low, note.high) for record, note in zip(records, notes, strict=True)]
