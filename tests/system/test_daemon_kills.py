"""The real daemon under the knife: `coilward try` with broker, simulator, watchdog and daemon, and one of them hit."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from safety.ledger_format import Kind
from simulator.control import Control
from tests.system.processes import ANSWER_S, START_S, ControlLine, boot_us, children_of, end, lives, until
from tests.system.room import read_while_written

COILWARD = Path(sys.executable).with_name("coilward")
KILLED_US, HUNG_US = 10 * 15_000, 10 * 300_000
"""Ten times what is promised for a quiet machine."""

pytestmark = [
    pytest.mark.system,
    pytest.mark.timeout(120),
    pytest.mark.skipif(shutil.which("mosquitto", path="/usr/sbin:/usr/bin") is None, reason="needs mosquitto"),
]


class Trial:
    """A treatment that runs, seen from its watchdog and its stimulator."""

    def __init__(self, folder: Path, process: subprocess.Popen[bytes]) -> None:
        self.folder, self.process = folder, process
        self.control = Control(folder)
        until((folder / "watchdog" / "control").exists, START_S, "a watchdog")
        self.line = ControlLine(folder / "watchdog" / "control", "cli")
        self.pids = {self._package(pid): pid for pid in children_of(process.pid)}

    @staticmethod
    def _package(pid: int) -> str:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
        return words[words.index("-m") + 1] if "-m" in words else Path(words[0]).name

    def in_a_train(self) -> dict[str, Any]:
        """Waits for the first trigger, and some pulses."""
        trigger = self.line.event("trigger", deadline_s=START_S)
        until(lambda: self.control("pulses")["pulses"] >= 3, ANSWER_S, "some pulses")
        self.pids = {self._package(pid): pid for pid in children_of(self.process.pid)}
        return trigger

    def hit(self, package: str, number: int, *, alone: bool = True) -> int:
        """Sends a signal to one process; when. `alone`: whoever would end the whole room for it is held still."""
        if alone:
            os.kill(self.process.pid, signal.SIGSTOP)
        at_us = boot_us()
        os.kill(self.pids[package], number)
        return at_us

    def disarmed_after(self, at_us: int, limit_us: int) -> None:
        """By order of the line, in time."""
        until(lambda: self._end_of_arming(at_us) is not None, limit_us / 1e6 + 5, "disarmed")
        ended = self._end_of_arming(at_us)
        assert ended is not None
        assert ended["note"] == "ordered", ended
        assert ended["at_us"] - at_us <= limit_us

    def _end_of_arming(self, at_us: int) -> dict[str, Any] | None:
        happened = self.control("log")["happenings"]
        return next((e for e in happened if e["kind"] in ("disarmed", "lapse") and e["at_us"] > at_us), None)

    def never_more_than_counted(self) -> None:
        """First the world, then the ledger."""
        pulses = self.control("pulses")["pulses"]
        found = read_while_written(self.folder / "state" / "watchdog")
        sessions = {entry.record.session for entry in found.entries if entry.record.kind is Kind.OPEN}
        assert 0 < pulses <= sum(found.book().session(session) for session in sessions)


@pytest.fixture
def trial() -> Iterator[Trial]:
    folder = Path(tempfile.mkdtemp(prefix="cw-", dir="/tmp"))
    with (folder / "try.log").open("wb") as log:
        command = [str(COILWARD), "--runtime", str(folder), "try", "--once", "--no-pacing", "--profile", "fixed"]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    started: list[int] = []
    try:
        made = Trial(folder, process)
        yield made
        started = list(made.pids.values())
        made.line.close()
    finally:
        for pid in started:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        end(process, signal.SIGKILL)  # the kernel ends its children
        until(lambda: not any(lives(pid) for pid in started), ANSWER_S, "nothing left of the room")
        shutil.rmtree(folder)


def test_a_killed_daemon_leaves_a_disarmed_device(trial: Trial) -> None:
    trial.in_a_train()
    trial.disarmed_after(trial.hit("daemon", signal.SIGKILL), KILLED_US)
    trial.never_more_than_counted()


def test_a_hung_daemon_is_a_trip_and_a_disarmed_device(trial: Trial) -> None:
    trial.in_a_train()
    at_us = trial.hit("daemon", signal.SIGSTOP)
    trial.disarmed_after(at_us, HUNG_US)
    assert trial.line.event("trip", at_us)["reason"] == "beats-lost"
    trial.never_more_than_counted()


def test_a_hung_broker_cuts_no_train_and_starts_no_other_once_the_operator_is_not_heard(trial: Trial) -> None:
    trial.in_a_train()
    at_us = trial.hit("mosquitto", signal.SIGSTOP, alone=False)
    assert trial.line.event("settled", at_us)["outcome"] == "delivered"
    trial.line.wait(lambda: bool(trial.line.seen("hold", at_us)), "a hold: the operator is not heard", START_S)
    trial.line.event("stop", at_us, START_S)
    assert not trial.line.seen("trip")
    trial.never_more_than_counted()


def test_a_killed_watchdog_leaves_a_daemon_that_can_reach_nothing(trial: Trial) -> None:
    trial.in_a_train()
    trial.hit("safety", signal.SIGKILL)
    until(lambda: trial.control("status")["condition"] == "standby", ANSWER_S, "the device in standby, by itself")
    assert not trial.control("status")["train_running"]
    before = trial.control("pulses")["pulses"]
    time.sleep(1.0)
    assert trial.control("pulses")["pulses"] == before
    trial.never_more_than_counted()
