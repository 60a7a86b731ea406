"""Everything a simulated room obeys, by name: what can be done to its head, its tracker, its arm and its stimulator."""

from __future__ import annotations

from drivers.errors import OperatorError
from simulator.arm_switches import ARM_SWITCHES
from simulator.bench import Bench
from simulator.head_switches import HEAD_SWITCHES
from simulator.room import Room
from simulator.switch import Facts, Switches
from simulator.switches import SWITCHES
from simulator.switches import turn as turn_stimulator
from simulator.tracker_switches import TRACKER_SWITCHES

ROOM_SWITCHES = Switches(HEAD_SWITCHES | TRACKER_SWITCHES | ARM_SWITCHES)
"""What needs a room."""
ALL_SWITCHES = Switches(SWITCHES | ROOM_SWITCHES)
"""What a room obeys; `reset` is the room's own."""


def turn(served: Bench | Room, name: str, /, **arguments: object) -> Facts:
    """Turns a switch of what is served. OperatorError when it has none of that name, or its arguments do not fit."""
    if isinstance(served, Room) and name in ROOM_SWITCHES:
        switch = ROOM_SWITCHES[name]
        switch.check(arguments)
        served.advance()
        return switch.run(served, **arguments) or {}
    if isinstance(served, Room):
        return turn_stimulator(served.bench, ALL_SWITCHES.find(name).name, **arguments)
    if name in ROOM_SWITCHES and name not in SWITCHES:
        raise OperatorError(f"{name} needs a room: start coilward-simulator with --room robot")
    return turn_stimulator(served, name, **arguments)
