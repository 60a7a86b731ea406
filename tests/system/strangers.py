"""A wave of strangers against a panel: `strangers.py HOST:PORT`. Standard library and websockets only."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException
from websockets.typing import Origin, Subprotocol

STAY_S = 0.5
GUESS = bytes.fromhex("10 24 00 04 4d 51 54 54 05 c2 00 3c 00 00 04 70 61 67 65 00 08") + b"operator\x00\x07guessed"
"""A sign-in with a wrong password."""


async def raw(host: str, port: int, begin: bytes) -> None:
    """Begins something and does not go on."""
    with contextlib.suppress(OSError):
        _, writer = await asyncio.open_connection(host, port)
        writer.write(begin)
        await asyncio.sleep(STAY_S)
        writer.transport.abort()


async def page(address: str, *frames: bytes) -> None:
    """A page that reads nothing."""
    with contextlib.suppress(OSError, WebSocketException):
        async with opened(address) as one:
            one.transport.pause_reading()
            for frame in frames:
                await one.send(frame)
            await asyncio.sleep(STAY_S)
            one.transport.abort()


async def endless(address: str) -> None:
    """A message in pieces that has no end."""
    with contextlib.suppress(OSError, WebSocketException):
        async with opened(address) as one:
            await one.send(bytes(1000) for _ in range(2000))


def opened(address: str) -> connect:
    """A WebSocket to the broker, as our page opens it."""
    origin = Origin(f"http://{address}")
    return connect(f"ws://{address}/mqtt", origin=origin, subprotocols=[Subprotocol("mqtt")], compression=None)


async def main(address: str) -> None:
    """All of it at once."""
    host, _, port = address.rpartition(":")
    await asyncio.gather(
        *(raw(host, int(port), b"GET / HTTP/1.1\r\nHost: " + b"x" * 4000) for _ in range(200)),
        *(raw(host, int(port), os.urandom(4000)) for _ in range(50)),
        *(page(address, GUESS[:10]) for _ in range(30)),
        *(page(address, GUESS, bytes(16_000)) for _ in range(30)),
        *(page(address, os.urandom(16_000)) for _ in range(30)),
        *(endless(address) for _ in range(30)),
    )


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
