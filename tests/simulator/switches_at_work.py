"""Which switches of the back door are shown at work by a test, and what those tests of a stimulator say and hear."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drivers.magstim.framing import seal

TalkTo = Callable[..., Any]
REMOTE = bytes.fromhex("51 89 25")
ASK = "F@"
TOLD = seal(b"F\x09" + b"220220")


class Bites:
    """Marks a test as the one that shows these switches at work, and remembers their names."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def __call__(self, *names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
        self.names.update(names)
        return lambda test: test


def ready_for_train(talk: Any, pulses: int = 20) -> None:
    talk.set_train(pulses, 100)
    talk.make_ready()
