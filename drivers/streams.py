"""Byte streams: a port with `await` and a deadline on every wait.

Nothing here sleeps or polls: the descriptor is watched by the running loop, a write goes out in the very call (what the
port does not take at once follows when it can), and what comes in waits in a bounded inbox. When the inbox is full the
port is left unread, so that the kernel holds the other end back.

All deadlines are seconds from the call, on the running loop's clock: a loop in virtual time gives virtual deadlines.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Final, Protocol

from drivers.errors import DeadlinePassed, OurError, PortLost
from drivers.ports import READ_AT_ONCE, Port, open_port, port_from_socket

INBOX_BYTES: Final = 16 * READ_AT_ONCE
"""Most that waits unread in this process (engineering choice: a minute of a 9600 baud line)."""


class ByteStream(Protocol):
    """Bytes to and from a device. One reader and one writer at a time: a second at once is OurError."""

    async def read(self, deadline_s: float) -> bytes:
        """What has come, at least one byte; raises DeadlinePassed, or PortLost after the last byte was read."""

    async def write(self, data: bytes, deadline_s: float) -> None:
        """Hands all of `data` to the port; raises PortLost, or DeadlinePassed saying how much of it was taken."""

    def discard_input(self) -> bytes:
        """Takes away what has come unread, and returns it. Raises PortLost when there is none and the port is gone."""

    async def close(self) -> None:
        """Lets go of the port; a read that waits ends in PortLost. A second call does nothing."""


class Bell:
    """One waiter, one deadline: `wait` returns once another callback calls `ring`."""

    def __init__(self) -> None:
        self._waiter: asyncio.Future[bool] | None = None

    def ring(self) -> None:
        """Wakes the waiter, if there is one."""
        self._settle(in_time=True)

    async def wait(self, deadline_s: float) -> bool:
        """True when rung, False when the deadline passed first; whichever the loop saw first decides."""
        if self._waiter is not None:
            raise OurError("Two tasks wait on one stream. Share it through an Exchange.")
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        timer = loop.call_later(max(0.0, deadline_s), lambda: self._settle(in_time=False))
        try:
            return await self._waiter
        finally:
            timer.cancel()
            self._waiter = None

    def _settle(self, *, in_time: bool) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(in_time)


class Inbox:
    """What has come and was not read yet, and why nothing more will come."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._data = bytearray()
        self._bell = Bell()
        self.lost: PortLost | None = None

    @property
    def room(self) -> int:
        """How many bytes may still be put."""
        return INBOX_BYTES - len(self._data)

    def put(self, data: bytes) -> None:
        """Adds `data` and wakes the reader."""
        self._data += data
        self._bell.ring()

    def lose(self, error: PortLost) -> None:
        """Nothing more will come; the first reason stays."""
        self.lost = self.lost or error
        self._bell.ring()

    def take(self) -> bytes:
        """All of it, at once; empty when nothing waits. Raises PortLost when nothing waits and nothing will come."""
        if not self._data and self.lost is not None:
            raise PortLost(str(self.lost))
        data = bytes(self._data)
        self._data.clear()
        return data

    async def get(self, deadline_s: float) -> bytes:
        """`take`, once there is something. Raises DeadlinePassed, PortLost."""
        if not (data := self.take()):
            await self._bell.wait(deadline_s)
            if not (data := self.take()):
                raise DeadlinePassed(f"{self._name}: nothing came within {deadline_s:.3f} s. Is the device on?")
        return data


class PortStream:
    """A `Port` driven by the running asyncio loop."""

    def __init__(self, port: Port) -> None:
        self._port = port
        self._loop = asyncio.get_running_loop()
        self._inbox = Inbox(port.url)
        self._writable = Bell()
        self._watching = False
        self._watch()

    @property
    def is_pty(self) -> bool:
        """True when no real device can be at the other end."""
        return self._port.is_pty

    async def read(self, deadline_s: float) -> bytes:
        """As `ByteStream.read`."""
        data = await self._inbox.get(deadline_s)
        self._watch()
        return data

    async def write(self, data: bytes, deadline_s: float) -> None:
        """As `ByteStream.write`; what the port takes at once is gone when this call first yields."""
        ends_at = self._loop.time() + deadline_s
        left = data
        while left := left[self._hand_over(left) :]:
            fd = self._port.fileno()
            self._loop.add_writer(fd, self._writable.ring)
            try:
                in_time = await self._writable.wait(ends_at - self._loop.time())
            finally:
                self._loop.remove_writer(fd)
            if not in_time:
                taken = len(data) - len(left)
                raise DeadlinePassed(
                    f"{self._port.url} took {taken} of {len(data)} bytes within {deadline_s:.3f} s. Is it connected?"
                )

    def discard_input(self) -> bytes:
        """As `ByteStream.discard_input`."""
        dropped = self._inbox.take()
        if self._inbox.lost is None:
            try:
                dropped += self._port.discard_input()
            except PortLost as error:
                self._end(error)
            self._watch()
        return dropped

    async def close(self) -> None:
        """As `ByteStream.close`."""
        self._end(PortLost(f"{self._port.url} is closed. Open it again."))

    def _hand_over(self, data: bytes) -> int:
        if self._inbox.lost is not None:
            raise PortLost(str(self._inbox.lost))
        try:
            return self._port.write(data)
        except PortLost as error:
            self._end(error)
            raise

    def _watch(self) -> None:
        if not self._watching and self._inbox.lost is None and self._inbox.room >= READ_AT_ONCE:
            self._loop.add_reader(self._port.fileno(), self._arrived)
            self._watching = True

    def _arrived(self) -> None:
        try:
            self._inbox.put(self._port.read())
        except PortLost as error:
            self._end(error)
            return
        if self._inbox.room < READ_AT_ONCE:
            self._unwatch()

    def _unwatch(self) -> None:
        if self._watching:
            self._loop.remove_reader(self._port.fileno())
            self._watching = False

    def _end(self, error: PortLost) -> None:
        """Leaves a dead descriptor at once: a hung-up one stays readable for ever and would spin the loop."""
        if self._inbox.lost is None:
            self._unwatch()
            self._loop.remove_writer(self._port.fileno())
            self._port.close()
            self._inbox.lose(error)
            self._writable.ring()


def open_stream(url: str) -> ByteStream:
    """Opens `url` (drivers.ports) on the running loop; raises as `open_port` does."""
    return PortStream(open_port(url))


def stream_from_socket(link: socket.socket, name: str = "the watchdog's door") -> ByteStream:
    """A stream on one end of a socket pair, which it owns from here on; `name` is what errors call it."""
    return PortStream(port_from_socket(link, name))
