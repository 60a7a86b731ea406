"""The clock that all processes of a benchmark share, and the priority they may have."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator


def now_ns() -> int:
    """CLOCK_MONOTONIC, the same in every process of this machine."""
    return time.monotonic_ns()


@contextlib.contextmanager
def real_time(priority: int) -> Iterator[None]:
    """SCHED_FIFO at `priority`, which children inherit; where that is not allowed it says so and goes on without."""
    before = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(priority))
    except PermissionError:
        print("no real-time priority: the figures below are those of an ordinary process", file=sys.stderr)
        yield
        return
    try:
        yield
    finally:
        os.sched_setscheduler(0, *before)


@contextlib.contextmanager
def both_cores_loaded() -> Iterator[None]:
    """Keeps every core busy with ordinary processes."""
    burners = []
    try:
        for _ in range(os.cpu_count() or 1):
            child = os.fork()
            if child == 0:
                os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
                while os.getppid() != 1:
                    sum(range(100_000))
                os._exit(0)
            burners.append(child)
        yield
    finally:
        for child in burners:
            os.kill(child, 9)
            os.waitpid(child, 0)
