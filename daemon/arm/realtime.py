"""Waking at a deadline: the loop's metronome, what it asks of the kernel, and words that wait for no reader."""

from __future__ import annotations

import ctypes
import errno
import os
import select
import time
from collections.abc import Callable, Iterator
from typing import Final

from safety import realtime

FIFO_PRIORITY: Final = 20
"""Above the watchdog's 10, below kernel threads: it is the one with a period (engineering choice)."""
_CLOCK_MONOTONIC: Final = 1
_TIMER_ABSTIME: Final = 1
_PR_SET_TIMERSLACK: Final = 29
_S_NS: Final = 1_000_000_000
HEARING_NS: Final = 600_000
"""What hearing one frame may take, measured with other processes' data in the caches: 0.44 ms, one time of 100 0.6."""
LONGEST_LINE: Final = select.PIPE_BUF
"""A pipe that is writable takes this much at once (poll(2), pipe(7))."""


def prepare() -> Iterator[str]:
    """Freezes the collector, locks memory, takes real-time priority. Yields a sentence for what was refused."""
    yield from realtime.prepare()
    # An ordinary process is woken up to 50 µs late so that the kernel may save power (prctl(2)).
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)
    if os.sched_getscheduler(0) != os.SCHED_FIFO:
        return  # said above
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(FIFO_PRIORITY))
    except PermissionError:
        yield f"real-time priority is {realtime.FIFO_PRIORITY}, not {FIFO_PRIORITY} (needs LimitRTPRIO={FIFO_PRIORITY})"


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


_clock_nanosleep = ctypes.CDLL(None).clock_nanosleep


def monotonic_ns() -> int:
    """CLOCK_MONOTONIC, the clock of frames, deadlines and states."""
    return time.monotonic_ns()


def sleep_until(deadline_ns: int) -> None:
    """Returns at a time of CLOCK_MONOTONIC, at once when it has passed, and before it when a signal comes."""
    until = _Timespec(deadline_ns // _S_NS, deadline_ns % _S_NS)
    failed = _clock_nanosleep(_CLOCK_MONOTONIC, _TIMER_ABSTIME, ctypes.byref(until), None)
    if failed not in (0, errno.EINTR):
        raise OSError(failed, os.strerror(failed))


class Metronome:
    """Deadlines one period apart, counted from the first; a late turn moves none of those after it.

    Deadlines that pass meanwhile are left out, not made up: two set-points in one cycle of the controller would be
    a jump.
    """

    def __init__(
        self,
        rate_hz: float,
        clock_ns: Callable[[], int] = monotonic_ns,
        sleep: Callable[[int], None] = sleep_until,
    ) -> None:
        self.period_ns = round(_S_NS / rate_hz)
        self._clock_ns = clock_ns
        self._sleep = sleep
        self._next_ns = clock_ns() + self.period_ns

    @property
    def spare_s(self) -> float:
        """How long something may still be begun before the next deadline; negative when it is too late for that."""
        return (self._next_ns - HEARING_NS - self._clock_ns()) / _S_NS

    def wait(self) -> tuple[int, int, int]:
        """Sleeps to the next deadline. The time then and how late that is, in µs, and how many are left out for it."""
        while (now_ns := self._clock_ns()) < self._next_ns:  # a signal ends a sleep early
            self._sleep(self._next_ns)
        late_ns = now_ns - self._next_ns
        missed = late_ns // self.period_ns
        self._next_ns += (missed + 1) * self.period_ns
        return now_ns // 1000, late_ns // 1000, missed


class Voice:
    """Lines for the log. One that is not taken at once is counted and left out: the arm goes before words."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)
        self._lost = 0

    def say(self, line: str) -> None:
        """Writes one line, or counts it as lost. Never waits for a pipe, a socket or a terminal."""
        lost = f" ({self._lost} lines before this one were not taken)" if self._lost else ""
        data = f"coilward-arm: {line}{lost}\n".encode()[:LONGEST_LINE]
        try:
            if self._poll.poll(0) == [(self._descriptor, select.POLLOUT)]:
                os.write(self._descriptor, data)
                self._lost = 0
                return
        except OSError:
            pass  # nobody reads it any more: counted below
        self._lost += 1
