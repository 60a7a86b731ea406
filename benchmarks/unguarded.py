"""magpy as its users run it, on a port without a watchdog."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import serial
from magpy.magstim import Rapid

from benchmarks.clock import now_ns


@contextlib.contextmanager
def magpy_at(port: Path) -> Iterator[Callable[[], float]]:
    """An armed Rapid at its power-up level; calling gives how long one `fire()` took with its reply, in µs."""
    # A pseudo-terminal has no modem lines; magpy lowers RTS as it opens, in a process forked from this one.
    lines, serial.Serial._update_rts_state = serial.Serial._update_rts_state, lambda _port: None
    try:
        rapid = Rapid(str(port))
        rapid.connect()
    finally:
        serial.Serial._update_rts_state = lines
    rapid.rTMSMode(enable=False)
    rapid.arm(delay=True)
    while not rapid.isReadyToFire():
        time.sleep(0.1)

    def fire() -> float:
        began = now_ns()
        error, said = rapid.fire(receipt=True)
        took = (now_ns() - began) / 1000
        if error:
            raise ValueError(f"magpy could not fire: {said}")
        return took

    try:
        yield fire
    finally:
        rapid.disconnect()
