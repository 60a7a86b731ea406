"""One short conversation with the watchdog over its control socket, for commands that must work without a broker.

Blocking, with a deadline on every wait: `stop`, `doctor`, and `reset` and `resolve` where no daemon is, stand on it.
"""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from daemon.guard_view import sentence
from daemon.guard_words import Hello, Request
from drivers.errors import DeadlinePassed, OperatorError, PortLost, PortNotFound

DEADLINE_S = 2.0
LONGEST_BYTES = 1 << 20


class WatchdogRefused(OperatorError):
    """The watchdog understood and said no: `reason` is its name for why."""

    def __init__(self, reason: str, detail: dict[str, Any]) -> None:
        super().__init__(sentence(reason, detail))
        self.reason = reason
        self.detail = detail


class WatchdogLine:
    """Entered, it has said hello, by itself as a command line, which only looks and stops; it never opens a session."""

    def __init__(self, path: Path, role: Literal["cli", "guarded"] = "cli") -> None:
        self._path = path
        self._role = role
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._unread = b""
        self._id = 0
        self.hello: dict[str, Any] = {}
        """What the watchdog said of itself."""

    def __enter__(self) -> Self:
        self._socket.settimeout(DEADLINE_S)
        try:
            self._socket.connect(str(self._path))
            self.hello = self.ask(Hello(role=self._role))
        except PermissionError:
            self._socket.close()
            raise PortNotFound(
                f"No watchdog answers at {self._path}. Its socket is for the group coilward. Join that group."
            ) from None
        except OSError:
            self._socket.close()
            raise PortNotFound(
                f"No watchdog answers at {self._path}. It is not running, or its runtime is another. "
                "Start coilward-watchdog, or give --runtime."
            ) from None
        except BaseException:
            self._socket.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def ask(self, request: Request) -> dict[str, Any]:
        """Its answer. Raises `WatchdogRefused`, `DeadlinePassed`, `PortLost`."""
        self._id += 1
        try:
            self._socket.sendall(request.line(self._id))
        except OSError as problem:
            raise PortLost(f"the watchdog hung up: {problem}") from None
        give_up = time.monotonic() + DEADLINE_S
        while True:
            message = self._next(give_up)
            if message.get("re") == self._id:
                if message.get("ok"):
                    return message
                raise WatchdogRefused(str(message.get("reason")), dict(message.get("detail") or {}))

    def status(self, deadline_s: float = DEADLINE_S) -> dict[str, Any]:
        """Its next status. Raises `DeadlinePassed` when none comes: its loop does not turn."""
        give_up = time.monotonic() + deadline_s
        while (message := self._next(give_up)).get("say") != "status":
            pass
        return message

    def _next(self, give_up: float) -> dict[str, Any]:
        while b"\n" not in self._unread:
            if len(self._unread) > LONGEST_BYTES or time.monotonic() > give_up:
                raise DeadlinePassed(f"the watchdog at {self._path} did not answer within {DEADLINE_S} s")
            try:
                more = self._socket.recv(65536)
            except TimeoutError:
                continue
            if not more:
                raise PortLost("the watchdog hung up")
            self._unread += more
        line, self._unread = self._unread.split(b"\n", 1)
        message: dict[str, Any] = json.loads(line)
        return message
