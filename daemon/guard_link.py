"""The daemon's side of the watchdog's control socket: requests with deadlines, beats, and what the watchdog says.

JSON lines over a unix stream socket. The reader is a callback of the loop, not a task: an answer is handed over in
the moment it arrives, and the daemon's door comes as a descriptor with its answer. When the connection ends, by
whichever side, everything that waits gets `GuardLost`, and the watchdog disarms by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from daemon.guard_view import sentence
from daemon.guard_words import MAX_LINE_BYTES, Attach, Beat, Hello, Request
from drivers.errors import DeadlinePassed, PortLost, PortNotFound
from drivers.streams import ByteStream, stream_from_socket

ANSWER_S: Final = 1.0
"""Deadline of an answer (engineering choice: a permit waits 200 ms for the ledger, a stop 250 ms for standby)."""
MAX_PUSHES: Final = 1024
"""Pushes that may wait unread: 1 Hz blocks and 4 Hz status make a few a second, so a reader this far behind is gone."""
MAX_UNSENT: Final = 16 * MAX_LINE_BYTES
"""Bytes that may wait for a watchdog that does not read."""
LONGEST_PUSH: Final = 64 * 1024
"""A line of the watchdog's longer than this is no line (its status is about 1 KiB)."""
MAX_DESCRIPTORS: Final = 1
"""The door comes alone."""

Push = Mapping[str, Any]


class GuardLost(PortLost):
    """The control connection has ended: the watchdog has disarmed, and nothing can be asked of it."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """The watchdog's yes, with what it says about it."""

    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Denied:
    """The watchdog's no: its `Reason` name in lower-kebab, and the figures behind it."""

    reason: str
    detail: Mapping[str, Any]


class GuardLink:
    """One control connection. Built by `connect`; closed with `close`."""

    def __init__(self, link: socket.socket) -> None:
        link.setblocking(False)
        self._socket = link
        self._loop = asyncio.get_running_loop()
        self._unsent = bytearray()
        self._unread = bytearray()
        self._descriptors: list[int] = []
        self._waiting: dict[int, asyncio.Future[Mapping[str, Any]]] = {}
        self._next_id = 1
        self._pushes: asyncio.Queue[Push | None] = asyncio.Queue(MAX_PUSHES + 1)
        self._lost: GuardLost | None = None
        self._loop.add_reader(link.fileno(), self._readable)

    @classmethod
    async def connect(cls, path: Path, role: str = "daemon") -> tuple[GuardLink, Mapping[str, Any]]:
        """A link that has said hello, and what the watchdog said of itself.

        Raises PortNotFound when nobody listens, GuardLost or DeadlinePassed when it does not answer.
        """
        end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            end.setblocking(False)
            async with asyncio.timeout(ANSWER_S):
                await asyncio.get_running_loop().sock_connect(end, str(path))
        except (OSError, TimeoutError) as wrong:
            end.close()
            raise PortNotFound(f"{path}: no watchdog answers ({wrong}). Start coilward-watchdog first.") from None
        link = cls(end)
        try:
            answer = await link.ask(Hello.model_validate({"role": role}))
        except BaseException:
            link.close()
            raise
        if isinstance(answer, Denied):
            link.close()
            raise GuardLost(f"{path}: {sentence(answer.reason, answer.detail)}")
        return link, answer.detail

    @property
    def lost(self) -> GuardLost | None:
        """Why the connection ended; None while it is up."""
        return self._lost

    async def ask(self, request: Request, deadline_s: float = ANSWER_S) -> Allowed | Denied:
        """The watchdog's answer. Raises GuardLost, and DeadlinePassed when none came in time.

        A late answer is dropped: whoever asked for a permit and gave up lets it expire.
        """
        request_id, self._next_id = self._next_id, self._next_id + 1
        answer: asyncio.Future[Mapping[str, Any]] = self._loop.create_future()
        self._waiting[request_id] = answer
        try:
            self._send(request.line(request_id))
            async with asyncio.timeout(deadline_s):
                body = dict(await answer)
        except TimeoutError:
            raise DeadlinePassed(f"The watchdog did not answer {request.do} within {deadline_s:g} s.") from None
        finally:
            self._waiting.pop(request_id, None)
        body.pop("re", None)
        if body.pop("ok", False):
            return Allowed(body)
        return Denied(str(body.get("reason", "malformed-answer")), body.get("detail") or {})

    async def attach(self) -> ByteStream:
        """The daemon's door to the stimulator: native bytes, judged by the watchdog.

        Raises GuardLost, DeadlinePassed, or PortNotFound when the watchdog gives none.
        """
        answer = await self.ask(Attach())
        if isinstance(answer, Denied) or not self._descriptors:
            why = answer.reason if isinstance(answer, Denied) else "its answer brought no descriptor"
            raise PortNotFound(f"The watchdog opens no door: {why}. See `coilward status`.")
        return stream_from_socket(socket.socket(fileno=self._descriptors.pop(0)))

    def beat(self, session_turns: int, driver_turns: int, presence_us: int) -> None:
        """Says that both loops turn. Never waits; raises GuardLost."""
        self._send(Beat(session_turns=session_turns, driver_turns=driver_turns, presence_us=presence_us).line())

    async def pushes(self) -> AsyncIterator[Push]:
        """Status and events as they come; ends when the connection does. One reader."""
        while (push := await self._pushes.get()) is not None:
            yield push

    def close(self, why: str = "The control connection was closed here.") -> None:
        """Ends the connection, which makes the watchdog disarm. A second call does nothing."""
        if self._lost is not None:
            return
        self._lost = GuardLost(why)
        self._loop.remove_reader(self._socket.fileno())
        self._loop.remove_writer(self._socket.fileno())
        self._socket.close()
        for descriptor in self._descriptors:
            os.close(descriptor)
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(GuardLost(why))
        if self._pushes.full():  # the reader learns of the end all the same
            self._pushes.get_nowait()
        self._pushes.put_nowait(None)

    def _send(self, line: bytes) -> None:
        if self._lost is not None:
            raise GuardLost(str(self._lost))
        self._unsent += line
        if len(self._unsent) > MAX_UNSENT:
            self.close("The watchdog does not read its control socket. See its log; restart it if it hangs.")
            raise GuardLost(str(self._lost))
        self._writable()

    def _writable(self) -> None:
        try:
            sent = self._socket.send(self._unsent)
        except BlockingIOError:
            sent = 0
        except OSError as wrong:
            self._gone(wrong)
            return
        del self._unsent[:sent]
        if self._unsent:
            self._loop.add_writer(self._socket.fileno(), self._writable)
        else:
            self._loop.remove_writer(self._socket.fileno())

    def _gone(self, wrong: OSError | None) -> None:
        """A watchdog that ends with something unread resets its connection: to a person that is the same end."""
        ended = wrong is None or isinstance(wrong, ConnectionResetError | BrokenPipeError)
        what = "The watchdog ended the connection" if ended else f"The watchdog is gone: {wrong}"
        self.close(f"{what}. It disarms by itself; wait until it is back.")

    def _readable(self) -> None:
        try:
            data, descriptors, _, _ = socket.recv_fds(self._socket, 64 * 1024, MAX_DESCRIPTORS)
        except BlockingIOError:
            return
        except OSError as wrong:
            self._gone(wrong)
            return
        self._descriptors += descriptors
        if not data:
            self._gone(None)
            return
        self._unread += data
        *lines, rest = self._unread.split(b"\n")
        self._unread = bytearray(rest)
        if len(rest) > LONGEST_PUSH:
            self.close("The watchdog sends what is no line. Its version and the daemon's must be the same.")
        for line in lines:
            self._hear(bytes(line))

    def _hear(self, line: bytes) -> None:
        body: Any = None
        with contextlib.suppress(ValueError):
            body = json.loads(line)
        if not isinstance(body, dict):
            self.close("The watchdog sends what is no JSON. Its version and the daemon's must be the same.")
        elif "re" in body:
            answer = self._waiting.get(body["re"])
            if answer is not None and not answer.done():
                answer.set_result(body)
        elif self._lost is None and self._pushes.qsize() >= MAX_PUSHES:
            self.close("The daemon does not read what the watchdog says. This is a bug: report it.")
        elif self._lost is None:
            self._pushes.put_nowait(body)
