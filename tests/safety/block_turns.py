"""What one turn told and what it wants written, of emergencies and blocks."""

from __future__ import annotations

from typing import Any

from safety import control
from safety.events import Tell
from safety.ledger_format import Kind, Record
from safety.turn import Turn

NONCE = "0" * 32
TREATMENT = b"\7" * 8
UNBLOCK = control.Unblock("ann", "S-0001", "dr. bianchi", "seen and well", NONCE)


def told(turn: Turn) -> dict[str, dict[str, Any]]:
    """The last of each kind, without the time."""
    bodies = [dict(action.body) for action in turn.actions if isinstance(action, Tell)]
    return {body.pop("kind"): {k: v for k, v in body.items() if k not in ("at_us", "wall_us")} for body in bodies}


def recorded(turn: Turn) -> list[Record]:
    return [record for _, record, _ in turn.state.commits]


def kinds(turn: Turn) -> list[Kind]:
    return [record.kind for record in recorded(turn)]
