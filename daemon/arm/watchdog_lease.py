"""The word that lets pulses begin, straight to the watchdog: at once on a change, else every 50 ms. Nothing here waits.

It fails closed: while there is no connection, or the watchdog does not take a line whole, there is no lease, and the
watchdog drops the last one by its age.
"""

from __future__ import annotations

import json
import select
import socket
from collections.abc import Callable, Collection
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

from safety import control

EVERY_US: Final = 50_000
"""The watchdog's age limit holds twice this (issue's contract: every 50 ms)."""
FIRST_RETRY_US: Final = 50_000
LONGEST_RETRY_US: Final = 1_000_000
"""How long to wait before the watchdog is looked for again: doubled each time (engineering choice)."""
ANSWER_US: Final = 1_000_000
"""For the answer to hello, which takes the watchdog a millisecond (engineering choice)."""
READ_BYTES: Final = 16_384
LONGEST_LINE: Final = 65_536
"""A line of the watchdog's longer than this is none (its status is about 1 KiB)."""


def encode(message: control.Hello | control.Lease, request_id: int | None = None) -> bytes:
    """The line the watchdog reads."""
    said = {} if request_id is None else {"id": request_id}
    values = {spec.name: getattr(message, spec.name) for spec in fields(message)}
    return control.encode({"do": message.DO, **said, **values})


class WatchdogLease:
    """The connection to the watchdog's control socket, made again whenever it is lost."""

    def __init__(self, path: Path, watch: select.epoll, say: Callable[[str], None]) -> None:
        self._path = path
        self._watch = watch
        self._say = say
        self._link: socket.socket | None = None
        self._welcome = False
        self._opened_us = 0
        self._unread = b""
        self._retry_us = FIRST_RETRY_US
        self._next_try_us = 0
        self._sent: str | None = None
        self._sent_us = 0
        self._last_words = ""

    @property
    def connected(self) -> bool:
        """Whether the watchdog takes leases from here."""
        return self._welcome

    def turn(self, ready: Collection[int], now_us: int, value: str) -> None:
        """Hears the watchdog out, and says `value` when it is new or 50 ms are over."""
        if self._link is None:
            if now_us >= self._next_try_us:
                self._connect(now_us)
            return
        if self._link.fileno() in ready and not self._hear(self._link, now_us):
            return
        if not self._welcome:
            if now_us - self._opened_us > ANSWER_US:
                self._drop(now_us, "it does not answer")
            return
        if value != self._sent or now_us - self._sent_us >= EVERY_US:
            self._sent, self._sent_us = value, now_us
            self._send(encode(control.Lease(value)), now_us)

    def close(self) -> None:
        """Hangs up, which ends the lease."""
        if self._link is not None:
            self._watch.unregister(self._link.fileno())
            self._link.close()
        self._link, self._welcome = None, False

    def _connect(self, now_us: int) -> None:
        link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        link.setblocking(False)
        try:
            link.connect(str(self._path))
        except OSError as wrong:  # a full queue of callers is one of them
            link.close()
            self._try_again(now_us, f"nobody answers at {self._path} ({wrong.strerror})")
            return
        self._link, self._opened_us, self._unread, self._sent = link, now_us, b"", None
        self._watch.register(link.fileno(), select.EPOLLIN)
        self._send(encode(control.Hello("lease"), request_id=1), now_us)

    def _send(self, line: bytes, now_us: int) -> None:
        """A line goes whole or the connection with it: half a lease must not wait for its other half."""
        if self._link is None:
            return
        try:
            whole = self._link.send(line, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL) == len(line)
        except BlockingIOError:
            whole = False
        except OSError as wrong:
            self._drop(now_us, f"it is gone ({wrong.strerror})")
            return
        if not whole:
            self._drop(now_us, "it does not read")

    def _hear(self, link: socket.socket, now_us: int) -> bool:
        """False when the connection has ended. Status and events are for others; only the answer to hello counts."""
        try:
            data = link.recv(READ_BYTES)
        except BlockingIOError:
            return True
        except OSError:
            data = b""
        if not data:
            self._drop(now_us, "it hung up")
            return False
        *lines, self._unread = (self._unread + data).split(b"\n")
        if len(self._unread) > LONGEST_LINE:
            self._drop(now_us, "it sends no lines")
            return False
        if self._welcome:
            return True
        return all(self._answered(line, now_us) for line in lines if b'"re"' in line)

    def _answered(self, line: bytes, now_us: int) -> bool:
        try:
            body: Any = json.loads(line)
        except ValueError:
            body = None
        if not isinstance(body, dict) or body.get("re") != 1:
            return True
        if body.get("ok") is not True:
            self._drop(now_us, f"it refuses: {body.get('reason')}. See its log")
            return False
        self._welcome, self._retry_us = True, FIRST_RETRY_US
        self._tell("the watchdog takes the lease")
        return True

    def _drop(self, now_us: int, why: str) -> None:
        self.close()
        self._try_again(now_us, why)

    def _try_again(self, now_us: int, why: str) -> None:
        self._next_try_us = now_us + self._retry_us
        self._retry_us = min(2 * self._retry_us, LONGEST_RETRY_US)
        self._tell(f"no lease, so no pulses: the watchdog: {why}")

    def _tell(self, words: str) -> None:
        """Once each: a watchdog that stays away is no news."""
        if words != self._last_words:
            self._last_words = words
            self._say(words)
