"""What a controller runs: a program is stepped once a tick, and ends by saying so."""

from __future__ import annotations

from typing import Protocol


class Ended(Exception):
    """The program has come to its end; the text says how."""


class Program(Protocol):
    """A running program."""

    name: str

    def step(self) -> None:
        """Runs until it waits for the next tick. Ended when there is nothing left to run."""
        ...
