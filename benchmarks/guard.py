"""What the watchdog costs, and how soon it acts: each figure beside what it is compared with, in the same run.

- a query through the guarded port, beside the same query without it and beside a bare pseudo-terminal's echo;
- a trigger through the guarded port, judged and counted, beside magpy's unguarded `fire()`, baud pacing off and on;
- from a frame that trips to the first disarm on the wire, also while the disk stalls;
- from the death, and from the hanging, of whoever holds the session to the first disarm on the wire.

What is compared takes turns, so that a machine's bad second is everybody's, and all of it, magpy and simulators
included, runs at real-time priority where that is allowed, so that what else runs there disturbs none of it.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import tty
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.clock import both_cores_loaded, now_ns, real_time
from benchmarks.figures import Figures, Row, ratios, us
from benchmarks.guarding import Client, Refused, demo
from benchmarks.room import BenchRoom, bench_room
from benchmarks.unguarded import magpy_at
from benchmarks.wire import (
    DISARM_FRAME,
    QUERY,
    REMOTE,
    SETTINGS_BYTES,
    STATUS_BYTES,
    TRIGGER_FRAME,
    Line,
    power,
)
from simulator.testing import running_simulator

QUERIES, TRIGGERS, TRIPS, DEATHS = 3_000, 150, 200, 60
PRIORITY = 5
"""Of clients and devices: below the watchdog's own, as in a room."""
LEVEL = 30
"""% MSO: what a Rapid is set to when it is switched on."""
PULSE_S = 1.1
"""Single pulses may come every 0.95 s, and a machine may stall a little; magpy is paced alike, so that both wake a
machine as idle."""
STALL_S = 0.2


def rows(share: float = 1.0) -> Iterator[Row]:
    """All rows; `share` shortens them for a quick look."""

    def times(full: int) -> int:
        return max(10, int(full * share))

    with real_time(PRIORITY), tempfile.TemporaryDirectory(prefix="coilward-bench-") as place:
        folders = (Path(place) / str(n) for n in itertools.count())
        yield from queries(folders, times(QUERIES))
        for pacing in (False, True):
            yield triggers(folders, times(TRIGGERS), pacing=pacing)
        for stalled in (False, True):
            yield trips(next(folders), times(TRIPS), stalled=stalled)
        yield deaths(next(folders), times(DEATHS))
        yield hangs(next(folders), times(DEATHS))


# --- the guarded port


def queries(folders: Iterator[Path], times: int) -> Iterator[Row]:
    """Budget: ≤ 150 µs more at the median, ≤ 1 ms more at p99, at real-time priority."""
    with contextlib.ExitStack() as stack:
        room = stack.enter_context(bench_room(next(folders)))
        alone = stack.enter_context(running_simulator(next(folders), firmware=8))
        lines = {
            "echo": stack.enter_context(echo()),
            "alone": stack.enter_context(Line.open(alone.link)),
            "guarded": stack.enter_context(Line.open(room.guarded_port)),
        }
        took: dict[str, list[float]] = {name: [] for name in lines}
        for _ in range(times):
            for name, line in lines.items():
                took[name].append(line.timed(QUERY, len(QUERY) if name == "echo" else SETTINGS_BYTES))
    figures = {name: Figures.of(durations) for name, durations in took.items()}
    ours, bare = figures["guarded"], figures["alone"]
    more = (ours.median - bare.median, ours.p99 - bare.p99)
    budget = f"added ≤ 150 µs, ≤ 1 ms p99: {us(more[0])}, {us(more[1])}"
    yield Row("bare PTY echo", figures["echo"], "", None, "", "", None)
    yield Row(
        "guarded query", ours, "unguarded query", bare, ratios(ours, bare), budget, more[0] <= 150 and more[1] <= 1e3
    )


@contextlib.contextmanager
def echo() -> Iterator[Line]:
    """A pseudo-terminal whose other end, another process, sends back what comes."""
    master, slave = os.openpty()
    tty.setraw(slave)
    child = os.fork()
    if child == 0:
        os.close(slave)
        while True:
            os.write(master, os.read(master, 64))
    os.close(master)
    try:
        with Line(slave) as line:
            yield line
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


# --- the guarded trigger


def triggers(folders: Iterator[Path], times: int, *, pacing: bool) -> Row:
    """Budget: no slower than magpy's unguarded `fire()`, at the median and at p99."""
    with contextlib.ExitStack() as stack:
        room = stack.enter_context(bench_room(next(folders), pacing=pacing))
        client = stack.enter_context(Client(room.control, "guarded"))
        line = stack.enter_context(Line.open(room.guarded_port))
        alone = stack.enter_context(running_simulator(next(folders), firmware=8, pacing=pacing))
        fire = stack.enter_context(magpy_at(alone.link))
        client.open(kind="phantom", door="pty")
        line.arm(LEVEL)
        ours: list[float] = []
        theirs: list[float] = []
        refused = 0
        while len(ours) < times:
            rest(line, PULSE_S / 2)
            theirs.append(fire())
            rest(line, PULSE_S / 2)
            try:
                ours.append(timed_trigger(line, client))
            except Refused:
                refused += 1
                if refused > 1 + times / 20:
                    raise
    mine, magpys = Figures.of(ours), Figures.of(theirs)
    kept = mine.median <= magpys.median and mine.p99 <= magpys.p99
    name = f"guarded trigger, pacing {'on' if pacing else 'off'}"
    return Row(name, mine, "magpy fire(), unguarded", magpys, ratios(mine, magpys), "≤ 1.0 median and p99", kept)


def timed_trigger(line: Line, client: Client) -> float:
    """From the write to the reply's last byte, in µs; Refused with the watchdog's reason."""
    began = now_ns()
    reply = line.exchange(TRIGGER_FRAME, STATUS_BYTES)
    took = (now_ns() - began) / 1000
    if reply[1] in b"?S":
        raise Refused(f"the trigger was refused: {client.refusals()[-1]}")
    return took


def rest(line: Line, duration_s: float) -> None:
    """Waits, and keeps the device under remote control meanwhile."""
    ends = time.monotonic() + duration_s
    while (left := ends - time.monotonic()) > 0:
        time.sleep(min(left, 0.2))
        if left > 0.2:
            line.exchange(REMOTE, STATUS_BYTES)


# --- the trip


def trips(folder: Path, times: int, *, stalled: bool) -> Row:
    """Budget: ≤ 5 ms p99.9 from the violating frame to the first disarm, also while the disk stalls for 200 ms."""
    took = []
    with bench_room(folder, tapped=True) as room, Client(room.control, "daemon") as client:
        line = Line(client.attach().fileno())
        client.open(**demo())
        disk = children(room.watchdog.pid)[0]
        for _ in range(times):
            line.arm(50)
            with stopped(disk) if stalled else contextlib.nullcontext():
                took.append(until_disarm(room, lambda: os.write(line.fd, power(99))))
            client.wait_for(lambda status: status["phase"] == "tripped" and not status["disarming"])
            drain(line)
            client.decide("reset")
            client.decide("release", hash=client.status["session"]["hash"])
    figures = Figures.of(took)
    name = "violating frame → disarm" + (", disk stalled" if stalled else "")
    return Row(name, figures, "", None, "", "≤ 5 ms p99.9", figures.p999 <= 5e3)


def drain(line: Line) -> None:
    """Drops the reply that the violating frame got."""
    with contextlib.suppress(BlockingIOError):
        os.read(line.fd, 64)


def until_disarm(room: BenchRoom, act: Callable[[], object]) -> float:
    """From `act` to the first disarm that went out, in µs."""
    assert room.tapped is not None
    began = now_ns()
    act()
    return (room.tapped.first(DISARM_FRAME, began) - began) / 1000


def children(pid: int) -> list[int]:
    """The living children of a process: of the watchdog, its ledger writer."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(stat.parent.name))
    return found


@contextlib.contextmanager
def stopped(pid: int) -> Iterator[None]:
    """A process that stands still, for at least as long as the disk is said to stall."""
    began = time.monotonic()
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
        time.sleep(max(0.0, began + STALL_S - time.monotonic()))
    finally:
        os.kill(pid, signal.SIGCONT)


# --- the holder dies, or hangs


def deaths(folder: Path, times: int) -> Row:
    """Budget: ≤ 15 ms p99 from the kill to the first disarm."""
    figures = Figures.of(list(endings(folder, times, signal.SIGKILL)))
    return Row("holder killed → disarm", figures, "", None, "", "≤ 15 ms p99", figures.p99 <= 15e3)


def hangs(folder: Path, times: int) -> Row:
    """Budget: ≤ 300 ms p99.9 from the last turn to the first disarm, with both cores loaded."""
    with both_cores_loaded():
        figures = Figures.of(list(endings(folder, times, signal.SIGSTOP)))
    return Row("holder hung → disarm, loaded", figures, "", None, "", "≤ 300 ms p99.9", figures.p999 <= 300e3)


def endings(folder: Path, times: int, how: signal.Signals) -> Iterator[float]:
    """From the signal to the first disarm, in µs, each with a fresh holder."""
    chance = random.Random(1)
    with bench_room(folder, tapped=True) as room, Client(room.control, "daemon") as client:
        for _ in range(times):
            with stand_in(room) as holder:
                time.sleep(chance.uniform(0.0, 0.4))  # anywhere between two beats
                yield until_disarm(room, lambda holder=holder: holder.send_signal(how))
            client.wait_for(lambda status: status["session"] is None and not status["disarming"])
            if client.status["phase"] == "tripped":
                client.decide("reset")
            client.wait_for(lambda status: status["phase"] == "safe")


@contextlib.contextmanager
def stand_in(room: BenchRoom) -> Iterator[subprocess.Popen[str]]:
    """A holder that has armed; killed in the end, whatever became of it."""
    command = [sys.executable, "-m", "benchmarks.stand_in", str(room.control)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout is not None
            if holder.stdout.readline() != "armed\n":
                raise RuntimeError("the stand-in did not arm")
            yield holder
        finally:
            holder.kill()
