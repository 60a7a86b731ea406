"""A room of real processes to measure in: simulator, watchdog without slack, and a tap on the wire between them."""

from __future__ import annotations

import contextlib
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.guarding import Client
from simulator.testing import RunningSimulator, running_simulator

FIRMWARE = 8
"""The newest that needs no unlock code, so that a client like magpy drives it in full."""

SITE = """
[site]
room = "bench"
use = "simulation"
timezone = "UTC"
one_person = true
[stimulator]
model = "magstim-rapid2"
firmware = {firmware}
port = "pty:{port}"
coil = "coil-1"
[watchdog]
state = "{state}"
slack = 1
"""


class Tapped:
    """What came past a tap, in order."""

    def __init__(self, link: Path, device: Path) -> None:
        command = [sys.executable, "-m", "benchmarks.tap", str(link), str(device)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        if self._process.stdout.readline() != "ready\n":
            raise RuntimeError("the tap did not start")
        self._seen: queue.SimpleQueue[tuple[int, str, bytes]] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, name="tap reader")
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            at, way, data = line.split()
            self._seen.put((int(at), way, bytes.fromhex(data)))

    def first(self, frame: bytes, since_ns: int, within_s: float = 2.0) -> int:
        """When `frame` first went out to the device since then, in ns; TimeoutError when it did not."""
        give_up = time.monotonic() + within_s
        while (left := give_up - time.monotonic()) > 0:
            with contextlib.suppress(queue.Empty):
                at, way, data = self._seen.get(timeout=left)
                if way == "out" and frame in data and at >= since_ns:
                    return at
        raise TimeoutError(f"no {frame!r} within {within_s} s")

    def close(self) -> None:
        """Ends the tap."""
        self._process.kill()
        self._process.wait()
        self._reader.join()


@dataclass(frozen=True)
class BenchRoom:
    """Where to connect."""

    simulator: RunningSimulator
    watchdog: subprocess.Popen[bytes]
    runtime: Path
    tapped: Tapped | None

    @property
    def guarded_port(self) -> Path:
        """The watchdog's PTY."""
        return self.runtime / "watchdog" / "stimulator"

    @property
    def control(self) -> Path:
        """The watchdog's control socket."""
        return self.runtime / "watchdog" / "control"


@contextlib.contextmanager
def bench_room(folder: Path, *, pacing: bool = False, tapped: bool = False) -> Iterator[BenchRoom]:
    """Starts the processes in `folder`, waits until the watchdog has read the device back, and ends them."""
    with contextlib.ExitStack() as ending:
        simulator = ending.enter_context(running_simulator(folder, firmware=FIRMWARE, pacing=pacing))
        port, tap = simulator.link, None
        if tapped:
            port = folder / "tapped"
            tap = Tapped(port, simulator.link)
            ending.callback(tap.close)
        site = folder / "site.toml"
        site.write_text(SITE.format(firmware=FIRMWARE, port=port, state=folder / "state"))
        command = [sys.executable, "-m", "safety", "--runtime", str(folder), "--site", str(site)]
        watchdog = ending.enter_context(subprocess.Popen(command, stdout=subprocess.DEVNULL))
        ending.callback(watchdog.terminate)
        room = BenchRoom(simulator, watchdog, folder, tap)
        with Client(room.control, "cli") as client:
            client.wait_for(lambda status: status["phase"] == "safe")
        yield room
