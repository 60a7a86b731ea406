"""What a step of the gate says, as tests compare it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from safety.events import Action, Tell


def told(actions: Iterable[Action]) -> list[dict[str, Any]]:
    """What was told, without the time."""
    bodies = [action.body for action in actions if isinstance(action, Tell)]
    return [{name: value for name, value in body.items() if name not in ("at_us", "wall_us")} for body in bodies]
