"""Native bytes to a stimulator, as a client with nothing between it and the port would send them."""

from __future__ import annotations

import os
import select
import time
import tty
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.clock import now_ns
from drivers.magstim.codec import ARM, DISARM, TRIGGER, EnableRemote, GetBasicSettings, SetPower

FIRMWARE = 8
QUERY = GetBasicSettings().encode(FIRMWARE)
REMOTE = EnableRemote().encode(FIRMWARE)
ARM_FRAME = ARM.encode(FIRMWARE)
DISARM_FRAME = DISARM.encode(FIRMWARE)
TRIGGER_FRAME = TRIGGER.encode(FIRMWARE)
STATUS_BYTES = 3
"""Length of the reply to remote, arm, disarm, trigger and power: letter, instrument status, checksum."""
SETTINGS_BYTES = 12
READY_BIT = 0x04


def power(percent: int) -> bytes:
    """Sets the level."""
    return SetPower(percent).encode(FIRMWARE)


class Line:
    """An open port. Reads until an exact count, so that a duration ends with the reply's last byte."""

    def __init__(self, fd: int) -> None:
        self.fd = fd

    @classmethod
    def open(cls, path: Path) -> Self:
        """A pseudo-terminal by name."""
        fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(fd)
        return cls(fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self.fd)

    def exchange(self, frame: bytes, count: int, within_s: float = 1.0) -> bytes:
        """The `count` bytes that answer `frame`; TimeoutError when they do not come."""
        os.write(self.fd, frame)
        reply = b""
        give_up = time.monotonic() + within_s
        while len(reply) < count:
            ready, _, _ = select.select([self.fd], [], [], max(0.0, give_up - time.monotonic()))
            if not ready:
                raise TimeoutError(f"{reply!r} in answer to {frame!r}")
            reply += os.read(self.fd, 64)
        return reply

    def timed(self, frame: bytes, count: int) -> float:
        """How long the exchange took, in µs."""
        began = now_ns()
        self.exchange(frame, count)
        return (now_ns() - began) / 1000

    def arm(self, percent: int, within_s: float = 5.0) -> None:
        """Remote control, level, arm, and the wait for READY. A hold that clears by itself is waited for too.

        TimeoutError when READY does not come, with what was refused last.
        """
        give_up = time.monotonic() + within_s
        refused = "nothing was refused"
        while time.monotonic() < give_up:
            for frame in (REMOTE, power(percent), ARM_FRAME):
                reply = self.exchange(frame, STATUS_BYTES)
                if reply[1] in b"?S":
                    refused = f"{frame!r} was refused: {reply!r}"
                    break
            else:
                while time.monotonic() < give_up:
                    if self.exchange(REMOTE, STATUS_BYTES)[1] & READY_BIT:
                        return
                    time.sleep(0.1)
            time.sleep(0.2)
        raise TimeoutError(f"not ready within {within_s} s: {refused}")
