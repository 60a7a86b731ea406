"""A plain client of the watchdog's control socket: opens sessions and beats, with nothing of the daemon in it."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

BEAT_S = 0.05
ANSWER_S = 5.0


def demo() -> dict[str, Any]:
    """What opens a treatment by the protocol `demo`, with a simulated threshold of 50 % MSO taken just now."""
    threshold = {"value_tenths": 500, "method": "emg", "pulses": 20, "coil": "coil-1", "simulated": True}
    threshold["taken_wall_us"] = time.time_ns() // 1000
    return {"kind": "treatment", "door": "daemon", "subject": "B-0001", "protocol": "demo", "threshold": threshold}


class Refused(Exception):
    """The watchdog said no; the message is its reason and details."""


class Client:
    """One connection. Its latest status is kept by a thread that reads; another thread beats once asked to."""

    def __init__(self, control: Path, role: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        give_up = time.monotonic() + 10
        while True:
            try:
                self._socket.connect(str(control))
                break
            except OSError:
                if time.monotonic() > give_up:
                    raise
                time.sleep(0.02)
        self.status: dict[str, Any] = {}
        self.door: socket.socket | None = None
        self._answers: dict[int, dict[str, Any]] = {}
        self._news = threading.Condition()
        self._sending = threading.Lock()
        self._number = 0
        self._open = True
        self._threads = [threading.Thread(target=self._read, name="reader")]
        self._threads[0].start()
        self.ask("hello", role=role)
        self.wait_for(lambda _: True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open = False
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._socket.close()
        if self.door is not None:
            self.door.close()

    def _read(self) -> None:
        unread = b""
        while True:
            try:
                data, fds, _, _ = socket.recv_fds(self._socket, 65536, 1)
            except OSError:
                return
            if not data:
                return
            *lines, unread = (unread + data).split(b"\n")
            with self._news:
                if fds:
                    self.door = socket.socket(fileno=fds[0])
                for line in lines:
                    said = json.loads(line)
                    if said.get("say") == "status":
                        self.status = said
                    elif "re" in said:
                        self._answers[said["re"]] = said
                self._news.notify_all()

    def _send(self, body: dict[str, Any]) -> None:
        with self._sending:
            self._socket.sendall(json.dumps(body).encode() + b"\n")

    def ask(self, do: str, **body: Any) -> dict[str, Any]:
        """The watchdog's answer; Refused when it said no, TimeoutError when it said nothing."""
        answer = self._answer(do, body)
        if not answer["ok"]:
            raise Refused(f"{do}: {answer['reason']} {answer.get('detail')}")
        return answer

    def _answer(self, do: str, body: dict[str, Any]) -> dict[str, Any]:
        self._number += 1
        number = self._number
        self._send({"do": do, "id": number, **body})
        with self._news:
            if not self._news.wait_for(lambda: number in self._answers, ANSWER_S):
                raise TimeoutError(f"no answer to {do}")
            return self._answers.pop(number)

    def decide(self, do: str, **body: Any) -> None:
        """Asks by the newest nonce; by a newer one where that is from before a trip, or the machine has stalled."""
        give_up = time.monotonic() + ANSWER_S
        while not (answer := self._answer(do, {"nonce": self.status["nonce"], "by": "bench", **body}))["ok"]:
            if answer["reason"] != "nonce-stale" or time.monotonic() > give_up:
                raise Refused(f"{do}: {answer['reason']} {answer.get('detail')}")
            time.sleep(BEAT_S)

    def wait_for(self, holds: Callable[[dict[str, Any]], bool], within_s: float = 10.0) -> None:
        """Until a status for which `holds`; TimeoutError when there is none."""
        with self._news:
            if not self._news.wait_for(lambda: bool(self.status) and holds(self.status), within_s):
                raise TimeoutError(f"still {self.status}")

    def refusals(self) -> list[str]:
        """Why frames were refused so far, as the watchdog tells it; for a message when a benchmark cannot go on."""
        return [f"{e['frame']}: {e['reason']}" for e in self.ask("events", since=0)["events"] if e["kind"] == "refused"]

    def attach(self) -> socket.socket:
        """The daemon's door."""
        self.ask("attach")
        with self._news:
            self._news.wait_for(lambda: self.door is not None, ANSWER_S)
        assert self.door is not None
        return self.door

    def open(self, **session: Any) -> None:
        """Opens a session, beats for it from now on, and releases it."""
        answer = self.ask("open-session", by="bench", coil="coil-1", **session)
        self._threads.append(threading.Thread(target=self._beat, name="beats"))
        self._threads[-1].start()
        self.decide("release", hash=answer["hash"])

    def _beat(self) -> None:
        turns = 0
        while self._open:
            turns += 1
            with contextlib.suppress(OSError):
                self._send({"do": "beat", "session_turns": turns, "driver_turns": turns, "presence_us": 0})
            time.sleep(BEAT_S)
