"""The sockets of a simulated controller, where a real one has them: a shell around `RtdeServer` and its neighbours.

It waits for nothing. `fileno` becomes readable when a client wants something, `wake` reads it, and `advance` runs the
ticks that are due and sends what they have to tell.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from drivers.errors import BadFrame, PortBusy
from simulator.wires.ur.controller import Controller
from simulator.wires.ur.dashboard import GREETING, MOST_LINE_BYTES, QUIT, Dashboard
from simulator.wires.ur.rtde import RtdeServer
from simulator.wires.ur.script_text import ScriptText

DASHBOARD, PRIMARY, SECONDARY, REAL_TIME, RTDE = 29999, 30001, 30002, 30003, 30004
"""The ports of every UR controller; clients have them built in."""
CHUNK_BYTES = 65_536
SEND_BUFFER_BYTES = 16_384
"""Asked of the kernel: a client that does not read is noticed after some ten packets, not after thousands."""
MOST_CLIENTS = 32


class Talk(Protocol):
    """What one connection is about."""

    outbox: bytearray
    closed: bool

    def feed(self, data: bytes) -> None:
        """Bytes of the client. BadFrame when it is to be hung up on."""
        ...

    def close(self) -> None:
        """The client has gone, or is let go."""
        ...


@dataclass(slots=True)
class ScriptTalk:
    """A connection to a script port; nothing is ever told on it."""

    controller: Controller
    outbox: bytearray = field(default_factory=bytearray)
    closed: bool = False
    text: ScriptText = field(default_factory=ScriptText)

    def feed(self, data: bytes) -> None:
        """Runs each script that is whole."""
        for script in self.text.feed(data):
            self.controller.upload(script)

    def close(self) -> None:
        """What was uploaded runs on."""
        self.closed = True


@dataclass(slots=True)
class DashboardTalk:
    """A connection to the dashboard, which speaks first."""

    dashboard: Dashboard
    outbox: bytearray = field(default_factory=lambda: bytearray(GREETING.encode() + b"\n"))
    closed: bool = False
    half: bytes = b""

    def feed(self, data: bytes) -> None:
        """Answers each whole line."""
        *lines, self.half = (self.half + data).split(b"\n")
        if len(self.half) > MOST_LINE_BYTES:
            raise BadFrame("a dashboard line without end")
        for line in lines:
            text = line.decode("utf-8", "replace")
            self.outbox += self.dashboard.answer(text).encode() + b"\n"
            self.closed = self.closed or text.strip().lower() == QUIT

    def close(self) -> None:
        """Nothing is left behind."""
        self.closed = True


class UrPorts:
    """Listens on all five ports of `host` as soon as it exists. PortBusy when another controller has them."""

    def __init__(self, controller: Controller, host: str = "127.0.0.2") -> None:
        self.host = host
        self._controller = controller
        self._rtde = RtdeServer(controller)
        dashboard = Dashboard(controller)
        self._selector = selectors.EpollSelector()
        self._clients: dict[socket.socket, Talk] = {}
        self._listeners: list[socket.socket] = []
        try:
            self._listen(DASHBOARD, lambda: DashboardTalk(dashboard))
            for port in (PRIMARY, SECONDARY, REAL_TIME):
                self._listen(port, lambda: ScriptTalk(controller))
            self._listen(RTDE, self._rtde.open)
        except OSError as error:
            self.close()
            raise PortBusy(f"no controller at {host}: {error}; give it another loopback address") from error

    def _listen(self, port: int, talk: Callable[[], Talk]) -> None:
        listener = socket.create_server((self.host, port), backlog=MOST_CLIENTS)
        self._listeners.append(listener)
        listener.setblocking(False)
        self._selector.register(listener, selectors.EVENT_READ, talk)

    # ── what a loop calls ───────────────────────────────────────────────────────────────────────────────────────────

    def fileno(self) -> int:
        """One descriptor for all of them, always the same: readable when `wake` has something to do."""
        return self._selector.fileno()

    def filenos(self) -> tuple[int, ...]:
        """What to watch for reading."""
        return (self.fileno(),)

    @property
    def next_us(self) -> int:
        """When to call `advance`: the next tick."""
        return self._controller.next_us

    def wake(self, _fd: int | None = None) -> None:
        """Takes what clients want: connections, bytes, ends."""
        for key, _ in self._selector.select(0):
            sock = key.fileobj
            if not isinstance(sock, socket.socket):
                continue
            if sock in self._clients:
                self._read(sock)
            else:
                self._accept(sock, key.data)

    def advance(self, now_us: int) -> None:
        """Runs every tick due by `now_us` that nobody has run yet, and sends what there is to tell."""
        self._controller.advance(now_us)
        for sock in list(self._clients):
            self._send(sock)

    def close(self) -> None:
        """Hangs up on everybody and gives the ports back."""
        for sock in list(self._clients):
            self._drop(sock)
        for listener in self._listeners:
            listener.close()
        self._rtde.close()
        self._selector.close()

    # ── connections ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _accept(self, listener: socket.socket, talk: Callable[[], Talk]) -> None:
        try:
            sock, _ = listener.accept()
        except (BlockingIOError, ConnectionError):
            return
        if len(self._clients) >= MOST_CLIENTS:
            sock.close()
            return
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        self._clients[sock] = talk()
        self._selector.register(sock, selectors.EVENT_READ)
        self._send(sock)

    def _read(self, sock: socket.socket) -> None:
        talk = self._clients[sock]
        try:
            data = sock.recv(CHUNK_BYTES)
            if not data:
                self._drop(sock)
                return
            talk.feed(data)
        except BlockingIOError:
            return
        except ConnectionError:
            self._drop(sock)
            return
        except BadFrame as error:
            self._controller.note(f"a client is let go: {error}")
            talk.close()
        self._send(sock)

    def _send(self, sock: socket.socket) -> None:
        talk = self._clients[sock]
        if talk.outbox:
            try:
                del talk.outbox[: sock.send(talk.outbox)]
            except BlockingIOError:
                return
            except ConnectionError:
                talk.close()
        if talk.closed:
            self._drop(sock)

    def _drop(self, sock: socket.socket) -> None:
        talk = self._clients.pop(sock)
        talk.close()
        with contextlib.suppress(KeyError):
            self._selector.unregister(sock)
        sock.close()
