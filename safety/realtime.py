"""What the process asks of the kernel so that its loop turns in time: each step says when it was not granted."""

from __future__ import annotations

import ctypes
import gc
import os
import resource
import socket
from collections.abc import Iterator

MCL_CURRENT_AND_FUTURE = 1 | 2
FIFO_PRIORITY = 10
"""Above every ordinary process, below the arm loop and kernel threads (engineering choice)."""
SPIN_LIMIT_US = 500_000
"""CPU time without a wait after which the kernel ends a real-time process: a spinner, not a busy loop."""


def prepare() -> Iterator[str]:
    """Freezes the collector, locks memory, takes real-time priority. Yields a sentence for what was refused."""
    gc.collect()
    gc.freeze()
    gc.disable()
    if ctypes.CDLL(None, use_errno=True).mlockall(MCL_CURRENT_AND_FUTURE) != 0:
        yield "memory is not locked (needs LimitMEMLOCK=infinity): under memory pressure the loop may be late"
    try:
        resource.setrlimit(resource.RLIMIT_RTTIME, (SPIN_LIMIT_US, 2 * SPIN_LIMIT_US))
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(FIFO_PRIORITY))
    except (PermissionError, ValueError):
        yield "no real-time priority (needs LimitRTPRIO): under load the loop may be late"


class Notifier:
    """Tells systemd from the working loop, and from nowhere else, that the loop works."""

    def __init__(self) -> None:
        address = os.environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._every_us = int(os.environ.get("WATCHDOG_USEC", "1000000")) // 4
        self._last_us = 0

    def say(self, words: str) -> None:
        """One notification; without systemd it goes nowhere."""
        if not self._address:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sock:
            try:
                sock.sendto(words.encode(), self._address)
            except OSError:
                return  # systemd is not there or not reading: its own deadline will tell it

    def turned(self, now_us: int) -> None:
        """After each turn of the loop; pings four times per deadline."""
        if now_us - self._last_us >= self._every_us:
            self._last_us = now_us
            self.say("WATCHDOG=1")
