"""Control connections: lines in, lines out, all bounded; a client that does not read is let go."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from pathlib import Path
from typing import Any

from drivers.errors import ConfigError
from safety import control

MAX_CONNECTIONS = 16
MAX_UNSENT_BYTES = 256 * 1024
"""A client this far behind gets no more: it would be shown a past that never ends."""
NAMELESS_US = 2_000_000
"""How long somebody may hold a place without saying hello: there are not many (engineering choice)."""
READ_BYTES = 512
"""Taken from one client in one turn: more of them wait for the next, so that a flood delays nobody by much."""
LONGEST_PATH = 107
"""unix(7), sun_path, less the zero at its end."""


class Connection:
    """One client of the control socket."""

    def __init__(self, number: int, sock: socket.socket, since_us: int) -> None:
        self.number = number
        self.since_us = since_us
        self._sock = sock
        self._sock.setblocking(False)
        self._unread = b""
        self._unsent = b""
        self.flooding = False
        """Whether the last reading was full: more waits than any conversation needs."""
        self.pid, self.uid = peer(sock)

    def fileno(self) -> int:
        """For the select loop."""
        return self._sock.fileno()

    @property
    def wants_to_send(self) -> bool:
        """Whether something waits for the client to read."""
        return bool(self._unsent)

    def lines(self) -> list[bytes] | None:
        """Whole lines that came, or None when the client has gone. An endless line counts as gone."""
        try:
            data = self._sock.recv(READ_BYTES)
        except BlockingIOError:
            return []
        except OSError:
            return None
        self.flooding = len(data) == READ_BYTES
        if not data:
            return None
        *lines, self._unread = (self._unread + data).split(b"\n")
        return None if len(self._unread) > control.MAX_LINE_BYTES else lines

    def send(self, line: bytes, door: socket.socket | None = None) -> bool:
        """Sends a line, with one end of a door when given. False: the client must be let go."""
        if door is not None:
            if not self.flush() or self._unsent:
                return False  # it does not even read what came before
            with contextlib.suppress(OSError):
                return socket.send_fds(self._sock, [line], [door.fileno()]) == len(line)
            return False
        self._unsent += line
        return self.flush()

    def flush(self) -> bool:
        """Sends what waits, as far as the client takes it. False: the client must be let go."""
        try:
            while self._unsent:
                self._unsent = self._unsent[self._sock.send(self._unsent) :]
        except BlockingIOError:
            return len(self._unsent) <= MAX_UNSENT_BYTES
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Hangs up."""
        self._sock.close()


def peer(sock: socket.socket) -> tuple[int, int]:
    """Process and user at the other end, as the kernel noted them when it connected: nobody can say otherwise."""
    credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    pid, uid, _ = struct.unpack("3i", credentials)
    return pid, uid


def listen(path: Path, kind: socket.SocketKind = socket.SOCK_STREAM) -> socket.socket:
    """A socket for this user and its group only; it has its name once it listens. Raises ConfigError."""
    if len(os.fsencode(path)) > LONGEST_PATH:
        raise ConfigError(f"{path} is too deep for a unix socket: choose a shorter --runtime")
    unready = path.with_name("~")  # whoever finds the socket under its own name is let in, and nobody else
    unready.unlink(missing_ok=True)
    sock = socket.socket(socket.AF_UNIX, kind)
    sock.bind(str(unready))
    unready.chmod(0o660)
    sock.listen(MAX_CONNECTIONS)
    sock.setblocking(False)
    unready.replace(path)
    return sock


def line(body: dict[str, Any]) -> bytes:
    """One message of ours."""
    return control.encode(body)
