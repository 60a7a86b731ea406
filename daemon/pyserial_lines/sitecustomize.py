"""Put before a guarded program's modules: answers pyserial's modem-line calls on a pseudo-terminal.

A pseudo-terminal has no modem lines, so pyserial's RTS and DTR calls fail on it with ENOTTY, and a client that lowers
RTS when it opens its port (magpy-tms does) waits for ever. Lowering a line that cannot be raised is true already.
Raising RTS means "fire" in some wirings: it fails, and says why.
"""

from __future__ import annotations

import contextlib
import errno
import importlib.util
import sys
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

RAISED = (
    "RTS was not raised: the guarded port has no trigger line. "
    "Fire through the port's own protocol, where every pulse is judged and counted."
)


def answer_modem_lines() -> None:
    """Patches pyserial in this process, if the program has it."""
    if importlib.util.find_spec("serial") is None:
        return
    from serial import SerialException, serialposix  # noqa: PLC0415  only where the program has pyserial

    def lower_only(name: str, message: str | None) -> None:
        original = getattr(serialposix.Serial, f"_update_{name}_state")

        def update(self: Any) -> None:
            try:
                original(self)
            except OSError as error:
                if error.errno != errno.ENOTTY:
                    raise
                if message is not None and getattr(self, f"_{name}_state"):
                    if self.is_open:  # a client may swallow the error: magpy-tms does
                        print(f"guarded: {message}", file=sys.stderr)
                    # ENOTTY: pyserial's own open() passes over it, an explicit setRTS(True) does not
                    raise SerialException(errno.ENOTTY, message) from error

        setattr(serialposix.Serial, f"_update_{name}_state", update)

    lower_only("rts", RAISED)
    lower_only("dtr", None)


def run_the_next_sitecustomize() -> None:
    """The one that stood here without us."""
    here = Path(__file__).resolve().parent
    elsewhere = [path for path in sys.path if Path(path or ".").resolve() != here]
    spec = PathFinder.find_spec("sitecustomize", elsewhere)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


with contextlib.suppress(ImportError):
    answer_modem_lines()
run_the_next_sitecustomize()
