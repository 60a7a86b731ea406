"""A pair of byte streams in memory, for tests and for whole treatments in virtual time.

Same contract as `drivers.streams` (one conformance test holds both to it): bounded, deadlines on the running loop's
clock, PortLost after the other end closed and the last byte was read.
"""

from __future__ import annotations

import asyncio

from drivers.errors import DeadlinePassed, PortLost
from drivers.streams import Bell, ByteStream, Inbox


class _Lane:
    """One direction: bytes on their way, and the writer that may wait for room."""

    def __init__(self, name: str) -> None:
        self.inbox = Inbox(name)
        self.room_made = Bell()

    def take(self) -> bytes:
        data = self.inbox.take()
        self.room_made.ring()
        return data

    def lose(self, why: str) -> None:
        self.inbox.lose(PortLost(why))
        self.room_made.ring()


class MemoryStream:
    """One end of a pair."""

    def __init__(self, name: str, incoming: _Lane, outgoing: _Lane) -> None:
        self._name = name
        self._incoming = incoming
        self._outgoing = outgoing

    async def read(self, deadline_s: float) -> bytes:
        """As `ByteStream.read`."""
        data = await self._incoming.inbox.get(deadline_s)
        self._incoming.room_made.ring()
        return data

    async def write(self, data: bytes, deadline_s: float) -> None:
        """As `ByteStream.write`."""
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + deadline_s
        while data := data[self._hand_over(data) :]:
            if not await self._outgoing.room_made.wait(ends_at - loop.time()):
                raise DeadlinePassed(f"{self._name} had no room for {len(data)} bytes within {deadline_s:.3f} s.")

    def _hand_over(self, data: bytes) -> int:
        """Gives the other end what it has room for, and returns how many bytes that was."""
        inbox = self._outgoing.inbox
        if inbox.lost is not None:
            raise PortLost(f"{self._name} is closed, here or at its other end. Open it again.")
        taken = data[: inbox.room]
        inbox.put(taken)
        return len(taken)

    def discard_input(self) -> bytes:
        """As `ByteStream.discard_input`."""
        return self._incoming.take()

    async def close(self) -> None:
        """As `ByteStream.close`; the other end still reads what was written before."""
        self._incoming.lose(f"{self._name} is closed. Open it again.")
        self._outgoing.lose(f"{self._name} hung up. Connect again.")


def memory_pair(name: str = "memory") -> tuple[ByteStream, ByteStream]:
    """Two ends of one line without delay: what one writes the other reads."""
    one_way, other_way = _Lane(name), _Lane(name)
    return MemoryStream(f"{name}, near end", one_way, other_way), MemoryStream(f"{name}, far end", other_way, one_way)
