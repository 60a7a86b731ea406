"""The simulator as a real process, for tests of whatever talks to a stimulator, a tracker or an arm."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drivers.errors import DeadlinePassed, DeviceSilent
from simulator.control import Control

PRIORITY = 30
"""Real-time, below everything of the system's own; an engineering choice."""
START_S, END_S = 20.0, 5.0
"""Far more than a process needs on a busy machine (engineering choice)."""


@dataclass(frozen=True, slots=True)
class RunningSimulator:
    """A simulator that listens."""

    link: Path
    """What to open as the stimulator's serial port; a room has its tracker beside it."""
    log: Path
    """What physically happened, as JSON lines."""
    control: Control
    """Its back door: `control("lose-reply", of="EH")`."""
    process: subprocess.Popen[str]

    def pulses(self) -> int:
        """Pulses on record in the log file, which outlives the process."""
        return len(self.happenings("pulse"))

    def happenings(self, kind: str) -> list[dict[str, Any]]:
        """What is on record of one kind, oldest first."""
        lines = map(json.loads, self.log.read_text().splitlines())
        return [line for line in lines if line["kind"] == kind]


@contextlib.contextmanager
def running_simulator(
    runtime: Path,
    *,
    model: str = "magstim-rapid2",
    firmware: int = 11,
    pacing: bool = False,
    more: Sequence[str] = (),
    prefix: Sequence[str] = (),
) -> Iterator[RunningSimulator]:
    """Starts one in `runtime` and ends it. DeadlinePassed when it is not ready in time, DeviceSilent when it ends.

    `prefix` is a command that starts another one, as another user perhaps.
    """
    log = runtime / "simulator.jsonl"
    runtime.mkdir(parents=True, exist_ok=True)
    log.touch()
    command = [*prefix, sys.executable, "-m", "simulator", "--runtime", os.fspath(runtime), "--die-with-parent", *more]
    command += ["--stimulator", f"{model}:{firmware}", "--pacing", "on" if pacing else "off", "--log", os.fspath(log)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True) as process:
        try:
            yield RunningSimulator(Path(_ready(process)), log, Control(runtime), process)
        finally:
            process.terminate()
            try:
                process.wait(END_S)
            except subprocess.TimeoutExpired:
                process.kill()


@contextlib.contextmanager
def running_room(
    runtime: Path, arm_host: str, *, head: str = "still", seed: int = 1, more: Sequence[str] = ()
) -> Iterator[RunningSimulator]:
    """A whole room: its arm and its tracker at `arm_host`, a loopback alias of the test's own. As `running_simulator`.

    Where everything is: `control("room-truth")`. It runs at real-time priority when it may: a real arm does not wait
    for a core either.
    """
    room = ["--room", "robot", "--arm-host", arm_host, "--head", head, "--seed", str(seed), *more]
    with running_simulator(runtime, more=room) as simulator:
        with contextlib.suppress(PermissionError):
            os.sched_setscheduler(simulator.process.pid, os.SCHED_FIFO, os.sched_param(PRIORITY))
        yield simulator


def _ready(process: subprocess.Popen[str]) -> str:
    output = process.stdout
    if output is None or not select.select([output], [], [], START_S)[0]:
        raise DeadlinePassed(f"the simulator was not ready within {START_S} s")
    word, _, link = output.readline().strip().partition(" ")
    if word != "ready":
        raise DeviceSilent(f"the simulator ended with status {process.wait(END_S)} before it was ready")
    return link
