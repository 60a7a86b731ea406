"""Rooms as far along as a test needs them: released, armed, in a train, a script's, a threshold's, tripped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drivers.stimulators import Field
from safety import events
from safety.events import Door
from tests.safety.conftest import VirtualRoom, taken

MS, S = 1_000, 1_000_000

New = Callable[..., VirtualRoom]


def passes(room: VirtualRoom, text: str, door: Door = Door.DAEMON) -> bool:
    """Whether a frame reaches the device and is carried out."""
    return taken(room.frame(text, door))


def released(new: New, **options: Any) -> VirtualRoom:
    """A released demo session, its train set."""
    room = new(**options)
    assert room.open()["ok"], room.told[-1]
    assert room.release()["ok"]
    room.set_train()
    return room


def ready(new: New, **options: Any) -> VirtualRoom:
    """As released, armed and charged."""
    room = released(new, **options)
    room.arm()
    return room


def running(new: New, **options: Any) -> VirtualRoom:
    """As ready, half a second into a train."""
    room = ready(new, **options)
    assert room.permit()["ok"]
    assert passes(room, "EH")
    room.pass_time(500 * MS)
    return room


def script(new: New, *, rate: int = 10, pulses: int = 20, level: int = 40, **options: Any) -> VirtualRoom:
    """A released script session at the other door, its train set at the front panel, armed and charged."""
    room = new(**options)
    assert room.open_script()["ok"]
    assert room.release()["ok"]
    room.take_remote(Door.PTY)
    if pulses == 1:
        room.set_single(level=level, door=Door.PTY)
    else:
        room.set_train(level=level, door=Door.PTY)
        room.bench.device.set(Field.RATE, rate * 10)
        room.bench.device.set(Field.PULSES, pulses)
        room.bench.device.set(Field.DURATION_MS, -(-pulses * 10 // rate) * 100)
    room.arm(Door.PTY)
    return room


def hunting(new: New, **options: Any) -> VirtualRoom:
    """A released threshold session with single pulses, armed and charged."""
    opening = {name: options.pop(name) for name in ("ceiling_tenths",) if name in options}
    room = new(**options)
    assert room.open(kind="threshold", protocol="", threshold=None, **opening)["ok"]
    assert room.release()["ok"]
    room.set_single()
    room.arm()
    return room


def tripped(new: New) -> VirtualRoom:
    """A room whose stimulator was unplugged while armed, and plugged in again."""
    room = ready(new)
    room.feed(events.PortLost("unplugged"))
    room.feed(events.PortFound())
    room.pass_time(300 * MS)
    return room


def no_replies(room: VirtualRoom, *letters: str) -> None:
    """The device's answers to these get lost from here on."""
    for letter in letters:
        room.fault("lose-reply", of=letter, count=99)
