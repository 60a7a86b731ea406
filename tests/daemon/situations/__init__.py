"""By reason: the sentence in which the daemon refuses, word for word, and what brings it about."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

Situation = Callable[[Any], Awaitable[Any]]
"""Of the stage; returns the room's answer."""
SITUATIONS: dict[str, tuple[str, Situation]] = {}


def comes_about(reason: str, sentence: str) -> Callable[[Situation], Situation]:
    """Files what follows it. `{state}` in a sentence is the daemon's folder."""

    def file(situation: Situation) -> Situation:
        assert reason not in SITUATIONS
        SITUATIONS[reason] = sentence, situation
        return situation

    return file
