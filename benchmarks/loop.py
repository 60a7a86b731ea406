"""The arm's loop at 500 Hz beside `cyclictest` (rt-tests) in the same seconds, idle and with both cores loaded.

The real process in hold, with the simulated arm and tracker; cyclictest one priority above it, so that it measures the
machine and not us. Figures of both are read from the same buckets. Each row is the run with the median ratio of five.

- wake-up lateness: p99.9 at most 1.5 times cyclictest's;
- from the waking to the goal on the socket;
- from a frame's last byte to the goal that knows of it: at most one period and 1 ms at p99.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from statistics import median
from typing import Any

from benchmarks.clock import both_cores_loaded
from benchmarks.figures import Figures, Row
from daemon.arm.lateness import SLICES, Histogram
from daemon.arm.realtime import FIFO_PRIORITY
from tests.system.arm_room import ArmRoom, arm_room

RATE_HZ, PERIOD_US = 500, 2_000
RUNS = 5
SECONDS = SLICES + 2
"""One run: the window of the arm's own figures, and the begun seconds at both of its ends."""
LONGEST_US = 50_000
MOST = 1.5
MOST_FRAME_US = PERIOD_US + 1_000
_BIN = re.compile(r"^0*(\d+)\s+0*(\d+)$", re.MULTILINE)


def rows(share: float = 1.0) -> Iterator[Row]:
    """All rows; a quick look is one run of each instead of five."""
    if shutil.which("cyclictest") is None:
        print("no cyclictest: apt-get install rt-tests; the arm's loop is not measured", file=sys.stderr)
        return
    runs = RUNS if share >= 1 else 1
    for loaded in (False, True):
        with arm_room(rate_hz=RATE_HZ, slack=10) as room:
            room.hold()
            with both_cores_loaded() if loaded else contextlib.nullcontext():
                done = [_run(room) for _ in range(runs)]
        yield from _judged(done, "both cores loaded" if loaded else "idle")


def _judged(runs: list[tuple[dict[str, Any], Figures]], load: str) -> Iterator[Row]:
    late = [(_figures(answer["late_us"], RATE_HZ), theirs) for answer, theirs in runs]
    ratio = median(ours.p999 / theirs.p999 for ours, theirs in late)
    ours, theirs = min(late, key=lambda run: abs(run[0].p999 / run[1].p999 - ratio))
    said = f"p99.9 {ratio:.2f}"
    budget = f"p99.9 ≤ {MOST} times"
    yield Row(f"arm's loop wakes late, {load}", ours, "cyclictest", theirs, said, budget, ratio <= MOST)
    goal = _middle([_figures(answer["goal_us"], RATE_HZ) for answer, _ in runs])
    yield Row(f"waking → goal on the socket, {load}", goal, "", None, "", "", None)
    frame = _middle([_figures(answer["frame_us"], 60) for answer, _ in runs])
    budget = f"p99 ≤ 1 period + 1 ms: {frame.p99 / 1000:.1f} ms"
    yield Row(f"frame → goal on the socket, {load}", frame, "", None, "", budget, frame.p99 <= MOST_FRAME_US)


def _middle(figures: list[Figures]) -> Figures:
    return sorted(figures, key=lambda each: each.p99)[len(figures) // 2]


def _figures(said: dict[str, int], rate_hz: int) -> Figures:
    return Figures(rate_hz * SLICES, said["p50"], said["p99"], said["p999"], said["max"])


def _run(room: ArmRoom) -> tuple[dict[str, Any], Figures]:
    """The arm's figures and cyclictest's, of the same seconds."""
    listener = room.listener
    assert listener is not None
    command = ["cyclictest", "--mlockall", "--quiet", "--default-system", "-t", "1", f"-p{FIFO_PRIORITY + 1}"]
    command += ["-i", str(PERIOD_US), "-D", str(SECONDS), "-h", str(LONGEST_US)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as cyclictest:
        give_up = time.monotonic() + 3 * SECONDS
        while cyclictest.poll() is None and time.monotonic() < give_up:
            listener.listen()  # who does not read is let go
            time.sleep(0.1)
        cyclictest.kill()
        said, _ = cyclictest.communicate()
    answer, state = listener.ask("status"), listener.newest["state"]
    if state != "track":
        print(f"the arm was not in hold ({state}): its turns were shorter", file=sys.stderr)
    return answer, _read(said)


def _read(said: str) -> Figures:
    histogram = Histogram()
    for late_us, count in _BIN.findall(said):
        for _ in range(int(count)):
            histogram.add(int(late_us))
    late = histogram.figures()
    return Figures(histogram.total, late.p50, late.p99, late.p999, late.max)
