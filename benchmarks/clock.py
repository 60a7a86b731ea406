"""The clock that all processes of a benchmark share, and the priority they may have."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator


def now_ns() -> int:
    """CLOCK_MONOTONIC, the same in every process of this machine."""
    return time.monotonic_ns()


def real_time(priority: int) -> bool:
    """Takes SCHED_FIFO at `priority`; False where that is not allowed, and the figures are worse for it."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(priority))
    except PermissionError:
        return False
    return True


@contextlib.contextmanager
def both_cores_loaded() -> Iterator[None]:
    """Keeps every core busy with ordinary processes."""
    burners = []
    try:
        for _ in range(os.cpu_count() or 1):
            child = os.fork()
            if child == 0:
                while os.getppid() != 1:
                    sum(range(100_000))
                os._exit(0)
            burners.append(child)
        yield
    finally:
        for child in burners:
            os.kill(child, 9)
            os.waitpid(child, 0)
