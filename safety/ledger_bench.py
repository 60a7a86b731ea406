"""How long a commit takes on this disk, and whether that carries a room."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from safety.clock import machine
from safety.ledger import open_ledger
from safety.ledger_files import DiskFile, DiskFolder
from safety.ledger_format import RECORD_BYTES, Kind, Record
from safety.ledger_writer import boot_key

GRANT_US = 200_000
"""A permit waits this long for its RESERVE, then it is refused."""
CARRIES_US = GRANT_US // 2
"""The slowest of 1,000 commits must leave half of that (engineering choice)."""


class Spread(NamedTuple):
    """Of many durations, µs."""

    median: float
    p99: float
    p999: float


def spread(durations_us: list[float]) -> Spread:
    """Median, 99th and 99.9th percentile, each a duration that occurred, the next longer one."""
    ranked = sorted(durations_us)
    return Spread(*(ranked[min(len(ranked) - 1, int(len(ranked) * share))] for share in (0.5, 0.99, 0.999)))


def carries(commits: Spread) -> bool:
    """Whether a disk with these commits can keep a room's permits waiting no longer than they may."""
    return commits.p999 <= CARRIES_US


def bare_syncs(folder: Path, times: int) -> list[float]:
    """Durations, µs, of writing one record into zeros and fdatasync: the least any ledger could take."""
    path = folder / "bare"
    path.write_bytes(bytes(RECORD_BYTES * times))
    file = DiskFile(path)
    block = os.urandom(RECORD_BYTES)

    def commit(n: int) -> None:
        file.write(n * RECORD_BYTES, block)
        file.sync()

    try:
        file.sync()
        return _timed(commit, times)
    finally:
        file.close()


def ledger_commits(folder: Path, times: int) -> list[float]:
    """Durations, µs, of `Ledger.append`."""
    ledger, _ = open_ledger(DiskFolder(folder / "ledger"), simulated=True, boot=boot_key(), now=machine())

    def commit(_: int) -> None:
        ledger.append(Record(Kind.RESERVE, 1, simulated=True))

    try:
        return _timed(commit, times, ledger.keep_head)
    finally:
        ledger.close()


def _timed(commit: Callable[[int], None], times: int, after: Callable[[], None] = lambda: None) -> list[float]:
    durations_us = []
    for n in range(times):
        begin = time.perf_counter_ns()
        commit(n)
        durations_us.append((time.perf_counter_ns() - begin) / 1000)
        after()
    return durations_us
