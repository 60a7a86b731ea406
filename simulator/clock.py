"""One interface to time, and the two clocks behind it: the machine's, and one that moves when it is told to."""

from __future__ import annotations

import time
from typing import Protocol

from drivers.errors import OurError


class Clock(Protocol):
    """Microseconds from an origin that means nothing; never goes back."""

    def now_us(self) -> int:
        """The time now."""


class RealClock:
    """CLOCK_BOOTTIME in microseconds: the clock every process of the house shares, suspend included."""

    def now_us(self) -> int:
        """Microseconds since boot."""
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000


class VirtualClock:
    """Stands still until it is moved, so a treatment takes as long as its computation."""

    def __init__(self, start_us: int = 0) -> None:
        self._now_us = start_us

    def now_us(self) -> int:
        """Where the clock stands."""
        return self._now_us

    def advance_to(self, now_us: int) -> None:
        """Moves to `now_us`. OurError when that lies in the past."""
        if now_us < self._now_us:
            raise OurError(f"time runs forward: the clock stands at {self._now_us} µs and was sent to {now_us} µs")
        self._now_us = now_us
