"""Single steps of the gate: one input, and what came of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from safety import events, gate
from safety.events import Action, Door, Write
from safety.state import Exchange, Owed, State, Waiting, Wire
from tests.safety.conftest import VirtualRoom
from tests.safety.line_turns import STATUS

S = 1_000_000


def step(room: VirtualRoom, event: events.Input, **changes: Any) -> tuple[State, tuple[Action, ...]]:
    """The room's state, a little otherwise, after one input."""
    return gate.step(room.room, replace(room.state, **changes), event, room.now)


def written(actions: tuple[Action, ...]) -> list[bytes]:
    """The frames that went to the device."""
    return [action.frame for action in actions if isinstance(action, Write)]


def busy(room: VirtualRoom) -> Wire:
    """A line with something asked, something waiting at each door, and something owed."""
    effect, now_us = room.dialect.effect(STATUS), room.now.us
    queue = tuple(Waiting(door, STATUS, effect, now_us) for door in Door)
    return Wire(Exchange(STATUS, effect, Door.DAEMON, now_us), queue, (Owed(STATUS, now_us + S),))
