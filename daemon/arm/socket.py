"""The arm's own socket: whoever wants the coil somewhere, or wants to know where it is. Nothing here ever waits.

One packet is one message (SOCK_SEQPACKET). The bounds are the kernel's: a client whose buffer is full does not read,
and is let go. In one turn each client is heard a few times only, so that a flood of one delays the goal by little. The
socket is its group's, which operators are of: the daemon, who alone may bring the coil to a head, is known by its user.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from daemon.arm.messages import MAX_PACKET_BYTES, Hello, Malformed, Message, Role, Stop, encode, parse
from safety.connections import NAMELESS_US, listen, peer

MAX_CLIENTS: Final = 16
PACKETS_A_TURN: Final = 4
"""From one client in one turn: at 125 turns a second still more frames than any tracker has."""
CALLERS_A_TURN: Final = 2

IMPOSTOR: Final = (
    "only the daemon's own user may be the daemon: name it in the site file, as daemon_user under [watchdog]"
)


class Client:
    """One connection."""

    def __init__(self, link: socket.socket, since_us: int) -> None:
        self.role: Role | None = None
        _, self.uid = peer(link)
        self.heard_us = since_us
        """When its newest message came, CLOCK_MONOTONIC."""
        self._since_us = since_us
        self._link = link
        link.setblocking(False)

    def fileno(self) -> int:
        """For epoll; -1 once it was let go."""
        return self._link.fileno()

    def nameless_too_long(self, now_us: int) -> bool:
        """Whether it has held a place without saying who it is."""
        return self.role is None and now_us - self._since_us > NAMELESS_US

    def packets(self) -> Iterator[bytes | None]:
        """The packets that came, at most a few; None at the end when it has hung up or sends what is too long."""
        for _ in range(PACKETS_A_TURN):
            try:
                packet = self._link.recv(MAX_PACKET_BYTES + 1)
            except BlockingIOError:
                return
            except OSError:
                packet = b""
            if not 0 < len(packet) <= MAX_PACKET_BYTES:
                yield None
                return
            yield packet

    def send(self, packet: bytes) -> bool:
        """False when it does not read, or is gone."""
        try:
            return self._link.send(packet, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL) == len(packet)
        except OSError:
            return False

    def close(self) -> None:
        """Hangs up."""
        self._link.close()


class Clients:
    """The listening socket and everybody who is connected."""

    def __init__(self, path: Path, watch: select.epoll, daemon_uid: int) -> None:
        """`daemon_uid` is the user coilward-daemon runs as. ConfigError when the path is too long for a socket."""
        self._path = path
        self._daemon_uid = daemon_uid
        self._watch = watch
        self._server = listen(path, socket.SOCK_SEQPACKET)
        self._clients: dict[int, Client] = {}
        watch.register(self._server.fileno(), select.EPOLLIN)

    @property
    def daemon(self) -> Client | None:
        """The one whose frames and targets count, while it is connected."""
        return next((client for client in self._clients.values() if client.role == "daemon"), None)

    def receive(self, ready: Collection[int], now_us: int) -> list[tuple[Client, Message]]:
        """What was said, in order, but every STOP last: nothing said in the same turn outlives it.

        Hellos and packets that are no message are answered here.
        """
        heard: list[tuple[Client, Message]] = []
        for descriptor in ready:
            client = self._clients.get(descriptor)
            if client is not None:
                self._hear(client, now_us, heard)
        if self._server.fileno() in ready:
            self._accept(now_us)
        for client in [each for each in self._clients.values() if each.nameless_too_long(now_us)]:
            self._let_go(client)
        return sorted(heard, key=lambda said: isinstance(said[1], Stop))

    def answer(self, client: Client, do: str, why: str | None = None, **more: Any) -> None:
        """Yes, or no with a reason."""
        self._send(client, encode({"re": do, "ok": why is None, "why": why, **more}))

    def publish(self, body: Mapping[str, Any]) -> None:
        """Says something to everybody who has said hello."""
        packet = encode(body)
        for client in [each for each in self._clients.values() if each.role is not None]:
            self._send(client, packet)

    def close(self) -> None:
        """Hangs up on everybody, and is no longer found."""
        for client in list(self._clients.values()):
            self._let_go(client)
        self._path.unlink(missing_ok=True)
        self._server.close()

    def _accept(self, now_us: int) -> None:
        for _ in range(CALLERS_A_TURN):
            try:
                link, _ = self._server.accept()
            except OSError:
                return  # nobody, or it has gone again
            if len(self._clients) >= MAX_CLIENTS:
                link.close()
                continue
            client = Client(link, now_us)
            self._clients[client.fileno()] = client
            self._watch.register(client.fileno(), select.EPOLLIN)

    def _hear(self, client: Client, now_us: int, heard: list[tuple[Client, Message]]) -> None:
        for packet in client.packets():
            if packet is None:
                self._let_go(client)
                return
            try:
                do, message = parse(packet)
            except Malformed as wrong:
                self.answer(client, wrong.do, str(wrong))
                continue
            client.heard_us = now_us
            if isinstance(message, Hello):
                self._hello(client, message)
            elif client.role is None and not isinstance(message, Stop):
                self.answer(client, do, "say hello first")
            else:
                heard.append((client, message))

    def _hello(self, client: Client, message: Hello) -> None:
        if client.role is not None:
            self.answer(client, "hello", "this connection has said hello")
        elif message.role == "daemon" and client.uid != self._daemon_uid:
            self.answer(client, "hello", IMPOSTOR)
        elif message.role == "daemon" and self.daemon is not None:
            self.answer(client, "hello", "another daemon is connected: end it first")
        else:
            client.role = message.role
            self.answer(client, "hello")

    def _send(self, client: Client, packet: bytes) -> None:
        if client.fileno() >= 0 and not client.send(packet):
            self._let_go(client)

    def _let_go(self, client: Client) -> None:
        if self._clients.pop(client.fileno(), None) is None:
            return
        self._watch.unregister(client.fileno())
        client.close()
