"""A room of real processes: a simulated stimulator, the watchdog with its ledger writer, and somebody who listens."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from drivers.magstim.framing import seal
from safety.book import Book
from safety.ledger_errors import LedgerBroken
from safety.ledger_format import Kind, Record, key
from safety.ledger_replay import Replay, replay
from simulator.stimulators.profile import Profile
from simulator.testing import RunningSimulator, running_simulator
from tests.system.processes import (
    AS_NOBODY,
    NOBODY,
    START_S,
    ControlLine,
    boot_us,
    children_of,
    end,
    lives,
    until,
)

SITE = """
[site]
room = "room1"
use = "simulation"
timezone = "UTC"
one_person = true
[stimulator]
model = "magstim-rapid2"
firmware = {firmware}
port = "pty:{folder}/sim/stimulator"
coil = "coil-1"
[watchdog]
state = "{folder}/state"
slack = {slack}
[daemon]
state = "{folder}/daemon"
[broker]
host = "127.0.0.1"
port = 1883
username = "daemon"
password_file = "{folder}/password"
[[operators]]
user = "operator"
role = "operator"
"""
WEEK_US = 7 * 24 * 3_600_000_000
READINGS = 20


class RealRoom:
    """Built by `real_room`. The watchdog may be killed and started again; the simulator stays."""

    def __init__(self, folder: Path, simulator: RunningSimulator, firmware: int, prefix: Sequence[str]) -> None:
        self.folder = folder
        self.simulator = simulator
        self.firmware = firmware
        self.prefix = prefix
        self.site = folder / "site.toml"
        self.watchdog: subprocess.Popen[bytes] | None = None
        self.line: ControlLine | None = None
        self.writers: list[int] = []
        self._happened: list[dict[str, Any]] = []
        self._read_to = 0

    # --- the watchdog -----------------------------------------------------------------------------------------

    @property
    def control(self) -> Path:
        return self.folder / "watchdog" / "control"

    @property
    def pty(self) -> Path:
        return self.folder / "watchdog" / "stimulator"

    def start_watchdog(self, *, phase: str = "safe") -> ControlLine:
        """Starts it, and returns when it has reached `phase`; a line that knows all its events."""
        self.launch_watchdog()
        self.line = self.connect("guarded")
        self.line.wait(lambda: self.line is not None and self.line.phase() == phase, f"phase {phase}", START_S)
        self.line.catch_up()
        assert self.watchdog is not None
        self.writers += children_of(self.watchdog.pid)
        return self.line

    def launch_watchdog(self) -> subprocess.Popen[bytes]:
        """Starts it and waits for nothing."""
        command = [
            *self.prefix,
            sys.executable,
            "-m",
            "safety",
            "--runtime",
            str(self.folder),
            "--site",
            str(self.site),
        ]
        with (self.folder / "watchdog.log").open("ab") as log:
            self.watchdog = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        return self.watchdog

    def connect(self, role: str) -> ControlLine:
        """A connection, as soon as a watchdog listens."""
        give_up = time.monotonic() + START_S
        while True:
            try:
                return ControlLine(self.control, role)
            except (FileNotFoundError, ConnectionRefusedError):
                assert self.watchdog is not None
                assert self.watchdog.poll() is None, self.said()
                assert time.monotonic() < give_up, f"no watchdog: {self.said()}"
                time.sleep(0.01)

    def kill_watchdog(self) -> int:
        """The kernel kills it; when, BOOTTIME µs. Its ledger writer is left to end by itself."""
        assert self.watchdog is not None
        at_us = boot_us()
        self.watchdog.kill()
        self.watchdog.wait()
        self.hang_up()
        return at_us

    def end_watchdog(self) -> int:
        """SIGTERM; its exit status."""
        self.hang_up()
        return end(self.watchdog) if self.watchdog is not None else 0

    def hang_up(self) -> None:
        if self.line is not None:
            self.line.close()
            self.line = None

    @property
    def writer(self) -> int:
        """The process id of the ledger writer."""
        assert self.watchdog is not None
        return children_of(self.watchdog.pid)[0]

    def said(self) -> str:
        """What the watchdog printed."""
        return (self.folder / "watchdog.log").read_text()

    @property
    def watchdog_user(self) -> int:
        """Whose rights its processes have."""
        return NOBODY if self.prefix else os.geteuid()

    # --- what there is to know --------------------------------------------------------------------------------

    def happenings(self, *kinds: str) -> list[dict[str, Any]]:
        """What physically happened, in order; all of it without `kinds`."""
        with self.simulator.log.open("rb") as log:
            log.seek(self._read_to)
            *lines, half = log.read().split(b"\n")
            self._read_to = log.tell() - len(half)
        self._happened += [json.loads(line) for line in lines]
        return [each for each in self._happened if not kinds or each["kind"] in kinds]

    def armed_at(self, at_us: int) -> bool:
        """Whether the device was physically armed then."""
        before = [each for each in self.happenings("armed", "disarmed") if each["at_us"] <= at_us]
        return bool(before) and before[-1]["kind"] == "armed"

    def pulses(self, since_us: int = 0) -> int:
        """Pulses that physically went out from then on."""
        return sum(each["at_us"] >= since_us for each in self.happenings("pulse"))

    def book(self) -> Book:
        """The ledger as it stands on the disk."""
        return read_while_written(self.folder / "state").book()

    def records(self, kind: Kind) -> list[Record]:
        """All records of a kind."""
        entries = read_while_written(self.folder / "state").entries
        return [entry.record for entry in entries if entry.record.kind is kind]

    def counted(self, subject: str) -> int:
        """Pulses the ledger counts against a subject, at worst."""
        return self.book().window(key(subject), time.time_ns() // 1000, WEEK_US)

    @property
    def code(self) -> str:
        """The unlock code this device wants; empty for one that has none."""
        return Profile().unlock_code if self.firmware >= 9 else ""

    @property
    def unlock(self) -> bytes:
        """The frame that takes remote control."""
        return seal(b"Q" + (self.code.encode() or b"@"))

    def condition(self) -> str:
        """The device's real condition."""
        return str(self.simulator.control("status")["condition"])

    def wait_standby(self, deadline_s: float) -> None:
        until(lambda: self.condition() == "standby", deadline_s, "the device in standby")

    def close(self) -> None:
        """Ends what runs, and sees that the writers have ended by themselves."""
        self.end_watchdog()
        for writer in self.writers:
            until(lambda pid=writer: not lives(pid), 10, f"ledger writer {writer} ends with its watchdog")  # type: ignore[misc]


@contextlib.contextmanager
def real_room(
    firmware: int = 11, *, slack: int = 4, user: int | None = None, pacing: bool = False
) -> Iterator[RealRoom]:
    """A simulator that runs and a watchdog yet to be started. `user` NOBODY: all of it without root's rights."""
    folder = Path(tempfile.mkdtemp(prefix="cw-", dir="/tmp"))  # short: a socket's path has 108 bytes
    prefix = AS_NOBODY if user == NOBODY else ()
    try:
        (folder / "site.toml").write_text(SITE.format(folder=folder, firmware=firmware, slack=slack))
        if user is not None:
            (folder / "simulator.jsonl").touch()
            os.chown(folder, user, user)
            os.chown(folder / "simulator.jsonl", user, user)
        with running_simulator(folder, firmware=firmware, pacing=pacing, prefix=prefix) as simulator:
            never_wait(simulator.process.pid)
            room = RealRoom(folder, simulator, firmware, prefix)
            try:
                yield room
            finally:
                room.close()
    finally:
        shutil.rmtree(folder)


def read_while_written(state: Path) -> Replay:
    """A ledger whose writer may write just now and be a record ahead of what was read of it: then it is read again."""
    for left in reversed(range(READINGS)):
        head = (state / "ledger.head").read_bytes()
        log = (state / "ledger").read_bytes()
        try:
            return replay(log, head, simulated=True)
        except LedgerBroken:
            if not left:
                raise
            time.sleep(0.01)
    raise AssertionError


def counted(state: Path) -> int:
    """Pulses the ledger of a running watchdog counts in all sessions, at worst."""
    found = read_while_written(state)
    sessions = {entry.record.session for entry in found.entries if entry.record.kind is Kind.OPEN}
    return sum(found.book().session(session) for session in sessions)


def never_wait(pid: int) -> None:
    """A real device does not wait for a core, so its simulator shall not either, where we may say so."""
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(pid, os.SCHED_FIFO, os.sched_param(DEVICE_PRIORITY))


DEVICE_PRIORITY = 20
"""Above the watchdog, which asks for 10."""


def stop(pid: int) -> int:
    """SIGSTOP: the process hangs; since when, BOOTTIME µs."""
    at_us = boot_us()
    os.kill(pid, signal.SIGSTOP)
    return at_us
