"""How many rooms of real processes this machine keeps up with, for `make test`: `python -m tests.system.at_once`.

A room with an arm keeps half a core busy with processes that outrank all others (SCHED_FIFO). Two of them on a machine
at half its speed leave nothing to anybody else: then watchdogs do not start, and disks are "too slow", which says
nothing about the product. So a slow machine gives one arm at a time, and takes longer.
"""

from __future__ import annotations

import os
import time
from concurrent.futures import ProcessPoolExecutor
from typing import Final

QUICK: Final = 4
"""Workers of a machine that keeps up with two arms and two rooms without."""
SLOW: Final = 3
"""One arm, and two rooms without."""
TURNS: Final = 2_000_000
QUICK_S: Final = 0.35
"""For so many turns on both cores at once: 0.24 s and 0.45 s are the two speeds of one shared host (measured)."""
ARM: Final = "arm"
ANOTHER_ARM: Final = "another arm" if int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", SLOW)) >= QUICK else ARM
"""Groups of tests that follow one another (`--dist loadgroup`); one and the same where two arms are too many."""


def turns_s(_core: int) -> float:
    """The quickest of five times that many turns, seconds."""
    took_s = []
    for _ in range(5):
        began_s, total = time.perf_counter(), 0
        for number in range(TURNS):
            total += number * number
        took_s.append(time.perf_counter() - began_s)
    return min(took_s)


def workers() -> int:
    """How many to give `pytest -n`."""
    with ProcessPoolExecutor(2) as cores:
        return QUICK if max(cores.map(turns_s, range(2))) <= QUICK_S else SLOW


if __name__ == "__main__":
    print(workers())
