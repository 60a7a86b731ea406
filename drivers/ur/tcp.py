"""A TCP connection to the controller that nothing waits on: connecting, sending and reading all return at once."""

from __future__ import annotations

import errno
import socket
from typing import Final

from drivers.errors import PortLost, PortNotFound

READ_AT_ONCE: Final = 64 * 1024
READS_AT_MOST: Final = 16
"""Reads of one call (engineering choice: 7 s of a 500 Hz stream; who is further behind reads on next turn)."""
UNSENT_AT_MOST: Final = 64 * 1024
"""Bytes that may wait here for the controller (engineering choice: the program has 5 KiB, a set-point 68 bytes)."""


class Tcp:
    """One connection to `host`:`port`, begun at once. `what` is what errors call the other end."""

    def __init__(self, host: str, port: int, what: str) -> None:
        self._where = f"{what} at {host}:{port}"
        self._unsent = bytearray()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._open = True
        self._connected = False
        began = self._socket.connect_ex((host, port))
        if began not in {0, errno.EINPROGRESS}:
            raise self._not_found(began)

    def fileno(self) -> int:
        """The descriptor. PortLost when closed."""
        if not self._open:
            raise PortLost(f"The connection to {self._where} is closed. Reconnect.")
        return self._socket.fileno()

    @property
    def unsent(self) -> int:
        """Bytes that the controller has not taken yet."""
        return len(self._unsent)

    def connected(self) -> bool:
        """Whether the other end has answered yet. Raises PortNotFound when it never will."""
        if self._connected:
            return True
        self.fileno()
        failed = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if failed:
            raise self._not_found(failed)
        try:
            self._socket.getpeername()
        except OSError:
            return False  # still on its way
        self._connected = True
        return True

    def send(self, data: bytes = b"") -> None:
        """Hands over what the kernel takes; the rest goes first at the next call. Raises PortLost."""
        self.fileno()
        self._unsent += data
        if len(self._unsent) > UNSENT_AT_MOST:
            raise self.lost("it takes no more bytes")
        if not self._unsent:
            return
        try:
            taken = self._socket.send(self._unsent)
        except BlockingIOError:
            return
        except OSError as error:
            raise self.lost(str(error)) from error
        del self._unsent[:taken]

    def read(self) -> bytes:
        """All that has come; empty when nothing has. PortLost when the other end hung up and all was read."""
        self.fileno()
        came = bytearray()
        for _ in range(READS_AT_MOST):
            try:
                data = self._socket.recv(READ_AT_ONCE)
            except BlockingIOError:
                break
            except OSError as error:
                raise self.lost(str(error)) from error
            if not data:
                if came:
                    break  # told again by the next call
                raise self.lost("it hung up")
            came += data
        return bytes(came)

    def close(self) -> None:
        """Hangs up. A second call does nothing."""
        if self._open:
            self._open = False
            self._socket.close()

    def lost(self, why: str) -> PortLost:
        """Hangs up; the error to raise."""
        self.close()
        return PortLost(
            f"The connection to {self._where} is gone: {why}. Check its network cable and power; reconnect."
        )

    def _not_found(self, code: int) -> PortNotFound:
        self.close()
        return PortNotFound(
            f"Nothing answers for {self._where}: {errno.errorcode.get(code, code)}. Check the address, the network"
            " cable and that the controller has booted."
        )
