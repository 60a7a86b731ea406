"""A URScript that runs: its text compiled, one `step` a tick, its faults with their line."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from typing import TYPE_CHECKING

from simulator.wires.ur.programs import Ended
from simulator.wires.ur.script_errors import ScriptError
from simulator.wires.ur.script_expressions import named
from simulator.wires.ur.script_parser import compile_script
from simulator.wires.ur.script_words import WAITS, Words

if TYPE_CHECKING:
    from simulator.wires.ur.controller import Controller

FAULTS = (ScriptError, NameError, TypeError, ValueError, IndexError, ZeroDivisionError, AttributeError)
"""What a script's own mistakes become in Python."""


class ScriptProgram:
    """One program made from text; `step` runs it to its next wait."""

    def __init__(self, text: str, controller: Controller) -> None:
        """ScriptError when the controller would not take the text."""
        self.name, tree = compile_script(text, WAITS)
        self._file = f"<{self.name}>"
        self._words = Words(controller)
        known: dict[str, object] = {"words": self._words}
        try:
            code = compile(tree, self._file, "exec")
        except SyntaxError as error:
            raise ScriptError(str(error.msg), error.lineno) from error
        exec(code, known)  # noqa: S102  a tree that we built, of names with a prefix and our own words
        self._run: Iterator[None] = known[f"f_{self.name}"]()  # type: ignore[operator]

    def step(self) -> None:
        """To the next wait. Ended at the program's end, and at a mistake in it."""
        self._words.turns = 0
        try:
            next(self._run)
        except StopIteration:
            raise Ended("it has run to its end") from None
        except FAULTS as error:
            what = str(error).replace(f"'{named('')}", "'")
            raise Ended(f"line {self._line(error)}: {what}") from error

    def _line(self, error: BaseException) -> int:
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == self._file]
        return (lines[-1] if lines else 0) or 0
