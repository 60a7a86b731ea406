"""Stands where the broker would and says, as fast as its one client takes it in, what a room said in hours.

It speaks as much MQTT 5 as that takes. Now and then a message wants to be acknowledged, and no more is said until it
is: else a browser reads on whatever its page does, and an hour piles up before it. Mosquitto would drop it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from enum import IntEnum


class Kind(IntEnum):
    """Of a control packet (MQTT 5, 2.1.2)."""

    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    SUBSCRIBE = 8
    SUBACK = 9
    PINGREQ = 12
    PINGRESP = 13


QOS = 0x06
QOS_1 = 0x02
TOGETHER, UNDER_WAY = 200, 4
"""Of so many messages the last is acknowledged, and so many of those are waited for at a time."""
TAKES_S = 20.0


def _length(number: int) -> bytes:
    """A variable byte integer (MQTT 5, 1.5.5)."""
    found = bytearray()
    while True:
        number, low = divmod(number, 128)
        found.append(low | (0x80 if number else 0))
        if not number:
            return bytes(found)


def packet(kind: int, body: bytes, flags: int = 0) -> bytes:
    """One control packet."""
    return bytes([kind << 4 | flags]) + _length(len(body)) + body


Said = tuple[str, bytes]
"""Topic and payload."""


def publish(said: Said, acknowledged_as: int | None = None) -> bytes:
    """A PUBLISH; with a packet identifier it is one of QoS 1, which is acknowledged by that."""
    topic, payload = said
    name, number = topic.encode(), b"" if acknowledged_as is None else acknowledged_as.to_bytes(2, "big")
    body = len(name).to_bytes(2, "big") + name + number + b"\0" + payload
    return packet(Kind.PUBLISH, body, 0 if acknowledged_as is None else QOS_1)


class ReplayingBroker:
    """One client at a time."""

    def __init__(self) -> None:
        self.subscribed = asyncio.Event()
        self._room = asyncio.Semaphore(UNDER_WAY)
        self._writer: asyncio.StreamWriter | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers a client until it hangs up."""
        self._writer = writer
        try:
            while True:
                (first,) = await reader.readexactly(1)
                body = await reader.readexactly(await self._read_length(reader))
                self._answer(first >> 4, first & 0x0F, body, writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    async def say(self, messages: Iterable[Said]) -> int:
        """Sends them all, as fast as they are taken in; how many there were."""
        writer, count = self._writer, 0
        assert writer is not None
        for each in messages:
            count += 1
            if count % TOGETHER:
                writer.write(publish(each))
                continue
            async with asyncio.timeout(TAKES_S):
                await self._room.acquire()
            writer.write(publish(each, acknowledged_as=1 + count // TOGETHER % UNDER_WAY))
        await writer.drain()
        return count

    async def goes_on(self, one: Said, every_s: float) -> None:
        """Says the same again and again, until it is cancelled."""
        while True:
            await self.say([one])
            await asyncio.sleep(every_s)

    def hang_up(self) -> None:
        """Whoever serves the client sees its end."""
        if self._writer is not None:
            self._writer.close()

    def _answer(self, kind: int, flags: int, body: bytes, writer: asyncio.StreamWriter) -> None:
        match kind:
            case Kind.CONNECT:
                writer.write(packet(Kind.CONNACK, b"\0\0\0"))
            case Kind.PUBLISH if flags & QOS:
                after = 2 + int.from_bytes(body[:2], "big")
                writer.write(packet(Kind.PUBACK, body[after : after + 2]))
            case Kind.PUBACK:
                self._room.release()
            case Kind.SUBSCRIBE:
                writer.write(packet(Kind.SUBACK, body[:2] + b"\0" + b"\1" * _filters(body)))
                self.subscribed.set()
            case Kind.PINGREQ:
                writer.write(packet(Kind.PINGRESP, b""))

    @staticmethod
    async def _read_length(reader: asyncio.StreamReader) -> int:
        found, shift = 0, 0
        while True:
            (byte,) = await reader.readexactly(1)
            found |= (byte & 0x7F) << shift
            if not byte & 0x80:
                return found
            shift += 7


def _filters(body: bytes) -> int:
    """How many topic filters a SUBSCRIBE names."""
    at, count = 3 + body[2], 0  # a page of ours sends fewer than 128 bytes of properties
    while at < len(body):
        at += 2 + int.from_bytes(body[at : at + 2], "big") + 1
        count += 1
    return count


@asynccontextmanager
async def replaying_broker(port: int) -> AsyncIterator[ReplayingBroker]:
    """Listens on loopback."""
    broker = ReplayingBroker()
    async with await asyncio.start_server(broker.serve, "127.0.0.1", port) as server:
        try:
            yield broker
        finally:
            broker.hang_up()
            server.close()
