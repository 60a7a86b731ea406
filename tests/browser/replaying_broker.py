"""Stands where the broker would and says, as fast as its one client takes it, what a room said in hours.

It speaks as much MQTT 5 as that takes. What the client does not take in waits in TCP, so nothing is dropped and nothing
piles up here: mosquitto would do the one or the other.
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


def publish(topic: str, payload: bytes) -> bytes:
    """A PUBLISH of QoS 0, which nobody has to acknowledge."""
    name = topic.encode()
    return packet(Kind.PUBLISH, len(name).to_bytes(2, "big") + name + b"\0" + payload)


class ReplayingBroker:
    """One client at a time."""

    def __init__(self) -> None:
        self.subscribed = asyncio.Event()
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

    async def say(self, packets: Iterable[bytes]) -> int:
        """Sends them all, as fast as they are taken; how many there were."""
        writer, count = self._writer, 0
        assert writer is not None
        for each in packets:
            writer.write(each)
            count += 1
            if count % 64 == 0:
                await writer.drain()
        await writer.drain()
        return count

    async def goes_on(self, one: bytes, every_s: float) -> None:
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
            case Kind.SUBSCRIBE:
                writer.write(packet(Kind.SUBACK, body[:2] + b"\0" + b"\0" * _filters(body)))
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
