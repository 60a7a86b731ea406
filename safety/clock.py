"""The watchdog's clock: BOOTTIME, and beside it a wall clock that was read once and goes on with BOOTTIME.

Whoever sets the machine's clock neither gives a day's dose again nor takes a day away: that is said, and no more.
"""

from __future__ import annotations

import time

from safety.instant import Instant
from safety.ledger_format import Entry

STEP_US = 50_000
"""How far the machine's wall clock moves against ours before that is said (clinical facts, limit 24). A slewed clock
does not move against it: the kernel slews BOOTTIME alike."""


def machine() -> Instant:
    """The machine's two clocks, as they stand."""
    return Instant(_boot_us(), time.time_ns() // 1000)


def continued(last: Entry, boot: bytes, now: Instant) -> Instant:
    """`now`, with the wall time of a ledger that ends with `last`: within its boot what BOOTTIME has run since then,
    whatever was done to the machine's clock; in another boot the machine's, and never earlier than `last`.
    """
    wall_us = now.wall_us
    if last.boot == boot:
        wall_us = last.record.wall_us + now.us - last.record.boot_us
    return Instant(now.us, max(wall_us, last.record.wall_us))


class Clock:
    """Now, from an instant on at which both clocks were read."""

    def __init__(self, began: Instant) -> None:
        self._wall_ahead_us = began.wall_us - began.us
        self._departure_us = 0
        """How far the machine's wall clock was ahead of ours when that was last said."""

    def now(self) -> Instant:
        us = _boot_us()
        return Instant(us, us + self._wall_ahead_us)

    def stepped(self) -> int | None:
        """How far the machine's wall clock is ahead of ours, in µs; None while that is as it was last said.

        It is read between two readings of ours: a pause in between is no step.
        """
        before, wall_us, after = self.now(), time.time_ns() // 1000, self.now()
        departure_us = min(max(self._departure_us, wall_us - after.wall_us), wall_us - before.wall_us)
        if abs(departure_us - self._departure_us) <= STEP_US:
            return None
        self._departure_us = departure_us
        return departure_us


def _boot_us() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000
