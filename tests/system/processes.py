"""Real processes for tests: started in the open, spoken to with deadlines, killed by their id."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

START_S = 30.0
"""For a Python process to be ready on a machine whose cores are all busy (engineering choice)."""
ANSWER_S = 10.0
"""For an answer that takes milliseconds (engineering choice)."""
NOBODY = 65534
"""The user that owns nothing (Linux)."""
AS_NOBODY = (
    "setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
    # An interpreter may lie in its owner's home. To read is all that is left of root: nothing to write, no priority.
    "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search", "--bounding-set=-all,+dac_read_search",
)  # fmt: skip


def boot_us() -> int:
    """CLOCK_BOOTTIME, µs: the clock of simulator and watchdog."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000


def until(true: Callable[[], bool], deadline_s: float, what: str) -> None:
    """Returns once `true` says so; fails with `what` when it does not in time."""
    give_up = time.monotonic() + deadline_s
    while not true():
        assert time.monotonic() < give_up, f"not within {deadline_s:g} s: {what}"
        time.sleep(0.01)


def children_of(pid: int) -> list[int]:
    """Its living children."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def lives(pid: int) -> bool:
    """Whether a process is there that can still act."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def cpu_s(pid: int) -> float:
    """CPU time it has used, in s."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def end(process: subprocess.Popen[Any], kindly: int = signal.SIGTERM) -> int:
    """Ends it, kindly first; its exit status."""
    if process.poll() is None:
        process.send_signal(signal.SIGCONT)  # a stopped process hears nothing else
        process.send_signal(kindly)
    try:
        return process.wait(ANSWER_S)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
    finally:
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


class ControlLine:
    """One connection to a watchdog's control socket, which keeps everything it is told."""

    def __init__(self, path: Path, role: str = "guarded") -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(ANSWER_S)
        try:
            self._socket.connect(os.fspath(path))
        except OSError:
            self._socket.close()
            raise
        self._unread = b""
        self._answers: dict[int, dict[str, Any]] = {}
        self._id = 0
        self.events: list[dict[str, Any]] = []
        self.status: dict[str, Any] = {}
        """The last one pushed."""
        self.closed = False
        if role:
            self.hello = self.ask("hello", role=role)

    def ask(self, do: str, **fields: object) -> dict[str, Any]:
        """The answer to one request."""
        self._id += 1
        self._socket.sendall(json.dumps({"do": do, "id": self._id, **fields}).encode() + b"\n")
        self.wait(lambda: self._id in self._answers, f"an answer to {do}")
        return self._answers.pop(self._id)

    def send(self, data: bytes) -> None:
        """Bytes that need be no message."""
        self._socket.sendall(data)

    def wait(self, true: Callable[[], bool], what: str, deadline_s: float = ANSWER_S) -> None:
        """Listens until `true`; fails with `what` and the last events when it does not become so in time."""
        give_up = time.monotonic() + deadline_s
        while not true():
            left = give_up - time.monotonic()
            assert left > 0, f"{what}: not within {deadline_s:g} s; last: {self.events[-6:]}"
            assert not self.closed, f"{what}: the watchdog hung up"
            self.listen(min(left, 0.1))

    def event(self, kind: str, after_us: int = 0, deadline_s: float = ANSWER_S) -> dict[str, Any]:
        """The first event of this kind later than `after_us`, waited for."""
        self.wait(lambda: self.seen(kind, after_us) != [], f"event {kind}", deadline_s)
        return self.seen(kind, after_us)[0]

    def seen(self, kind: str, after_us: int = 0) -> list[dict[str, Any]]:
        """Events of this kind later than `after_us`, as far as they came in."""
        return [event for event in self.events if event["kind"] == kind and event["at_us"] > after_us]

    def catch_up(self) -> None:
        """Takes in the events from before it connected."""
        answer = self.ask("events", since=0)
        self.events = answer["events"]

    def phase(self) -> str:
        """The watchdog's phase now."""
        return str(self.ask("status")["status"]["phase"])

    def fresh_nonce(self) -> str:
        """A nonce as the watchdog just said it."""
        return str(self.ask("status")["status"]["nonce"])

    def listen(self, wait_s: float = 0.0) -> None:
        """Takes in what comes within `wait_s`; all there is, then."""
        while not self.closed and select.select([self._socket], [], [], wait_s)[0]:
            wait_s = 0.0
            try:
                data = self._socket.recv(1 << 16)
            except ConnectionError:
                data = b""
            self.closed = not data
            *lines, self._unread = (self._unread + data).split(b"\n")
            for line in lines:
                self._hear(json.loads(line))

    def _hear(self, body: dict[str, Any]) -> None:
        if "re" in body:
            self._answers[body["re"]] = body
        elif body["say"] == "event":
            self.events.append(body)
        else:
            self.status = body

    def wait_for_end(self) -> None:
        """Returns once the watchdog has hung up on this connection."""
        give_up = time.monotonic() + ANSWER_S
        while not self.closed:
            assert time.monotonic() < give_up, "the watchdog keeps this connection"
            self.listen(0.1)

    def close(self) -> None:
        """Hangs up."""
        self._socket.close()
