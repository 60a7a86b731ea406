"""The real daemon under the knife: `coilward try` with broker, simulator, watchdog and daemon, and one of them hit."""

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
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simulator.control import Control
from tests.system.clients import client
from tests.system.processes import ANSWER_S, START_S, ControlLine, boot_us, children_of, end, lives, until
from tests.system.room import counted

COILWARD = Path(sys.executable).with_name("coilward")
KILLED_US, HUNG_US = 10 * 15_000, 10 * 300_000
"""Ten times what is promised for a quiet machine."""
GAP_US = 6_100_000
"""From anything to the next train: protocol demo keeps 6 s."""

pytestmark = [
    pytest.mark.system,
    pytest.mark.timeout(120),
    pytest.mark.skipif(shutil.which("mosquitto", path="/usr/sbin:/usr/bin") is None, reason="needs mosquitto"),
]


class Trial:
    """A treatment that runs, seen from its watchdog and its stimulator."""

    def __init__(self, folder: Path, process: subprocess.Popen[bytes]) -> None:
        self.folder, self.process = folder, process
        self.firmware, self.prefix = 11, ()
        self.simulator = Control(folder)
        until(self.control.exists, START_S, "a watchdog")
        self.line = ControlLine(self.control, "cli")
        self.pids = {self._package(pid): pid for pid in children_of(process.pid)}

    @property
    def control(self) -> Path:
        return self.folder / "watchdog" / "control"

    @property
    def pty(self) -> Path:
        return self.folder / "watchdog" / "stimulator"

    @property
    def code(self) -> str:
        return (self.folder / "unlock-code").read_text().strip()

    @staticmethod
    def _package(pid: int) -> str:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
        return words[words.index("-m") + 1] if "-m" in words else Path(words[0]).name

    def in_a_train(self, train: int = 1) -> dict[str, Any]:
        """Waits for its trigger, and some pulses."""
        self.line.wait(lambda: len(self.line.seen("trigger")) == train, f"trigger {train}", START_S)
        trigger = self.line.seen("trigger")[-1]
        until(lambda: self.pulses >= (train - 1) * 20 + 3, ANSWER_S, "some pulses")
        self.pids = {self._package(pid): pid for pid in children_of(self.process.pid)}
        return trigger

    @property
    def pulses(self) -> int:
        """That physically went out."""
        return int(self.simulator("pulses")["pulses"])

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
        happened = self.simulator("log")["happenings"]
        return next((e for e in happened if e["kind"] in ("disarmed", "lapse") and e["at_us"] > at_us), None)

    def counted(self) -> int:
        """Pulses the ledger counts in all sessions, at worst."""
        return counted(self.folder / "state" / "watchdog")

    def never_more_than_counted(self) -> None:
        """First the world, then the ledger."""
        pulses = self.pulses
        assert 0 < pulses <= self.counted()

    @contextlib.contextmanager
    def new_watchdog(self) -> Iterator[ControlLine]:
        """A watchdog in place of the killed one, once it is safe; who listens to it."""
        command = [sys.executable, "-m", "safety", "--runtime", str(self.folder)]
        command += ["--site", str(self.folder / "site.toml")]
        with (self.folder / "second-watchdog.log").open("wb") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            until(lambda: self._phase() == "safe", START_S, "a second watchdog")
            line = ControlLine(self.control)
            yield line
            line.close()
        finally:
            end(process)

    def _phase(self) -> str:
        try:
            line = ControlLine(self.control)
        except (FileNotFoundError, ConnectionRefusedError):
            return "away"
        phase = line.phase()
        line.close()
        return phase


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


def test_the_next_daemon_reports_the_session_of_a_killed_one_and_calls_its_last_train_unknown(trial: Trial) -> None:
    reports = trial.folder / "state" / "daemon" / "reports"
    trial.in_a_train(2)
    trial.disarmed_after(trial.hit("daemon", signal.SIGKILL), KILLED_US)
    assert not reports.exists()

    command = [
        sys.executable,
        "-m",
        "daemon",
        "--runtime",
        str(trial.folder),
        "--site",
        str(trial.folder / "site.toml"),
    ]
    with (trial.folder / "second-daemon.log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        until(lambda: any(reports.glob("*.json")), START_S, "a report")
    finally:
        end(process)

    [told] = (json.loads(path.read_text()) for path in reports.glob("*.json"))
    assert (told["outcome"], told["trains"]) == ("never_ended", 2)
    assert told["pulses"]["commanded"] == told["pulses"]["settled"] == 40
    assert told["pulses"]["unknown"] == 20
    assert trial.pulses < 40, "it was cut, which only the ledger knows"


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
    until(lambda: trial.simulator("status")["condition"] == "standby", ANSWER_S, "the device in standby, by itself")
    assert not trial.simulator("status")["train_running"]
    before = trial.pulses
    time.sleep(1.0)
    assert trial.pulses == before
    trial.never_more_than_counted()


def test_with_both_killed_the_watchdog_alone_knows_the_remainder_and_grants_not_one_pulse_more(trial: Trial) -> None:
    trial.line.wait(lambda: bool(trial.line.seen("session-opened")), "a session", START_S)
    opened = trial.line.seen("session-opened")[0]
    trial.in_a_train(2)
    trial.hit("safety", signal.SIGKILL)
    trial.hit("daemon", signal.SIGKILL)
    until(lambda: trial.simulator("status")["condition"] == "standby", ANSWER_S, "the device in standby, by itself")
    before, counted = trial.pulses, trial.counted()
    subject, going_on = opened["understood"]["subject"], {"continues": opened["session"], "reason": "both were killed"}

    with trial.new_watchdog() as line:
        with client(trial, "treatment", subject, not_before_us=boot_us() + GAP_US, continuing=going_on,
                    one_more=True) as running:  # fmt: skip
            running.wait("closed")
        line.listen()
        understood = line.seen("session-opened")[0]["understood"]
        refused = line.seen("request-refused")[-1]
        line.event("disarmed", line.seen("session-closed")[0]["at_us"] - 1)
        once_more = line.ask("open-session", kind="treatment", door="daemon", by="operator", coil="coil-1",
                             subject=subject, protocol="demo", **going_on)  # fmt: skip

    assert counted == 2 * 20, "the train under way counts as it was reserved"
    assert understood["pulses_left"] == understood["planned"] - counted == 20
    assert [(part["trains"], part["pulses"]) for part in understood["plan"]] == [(1, 20)]
    assert (refused["do"], refused["reason"]) == ("permit", "session-full")
    assert refused["detail"] == {"asked": "61", "allowed": "60"}
    assert once_more["reason"] == "cannot-continue"
    assert trial.pulses == before + 20
    assert trial.pulses <= trial.counted() == 60
