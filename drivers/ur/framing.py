"""Size, type, payload: how RTDE packets are cut out of a byte stream. NOTES.md has the sources.

A packet begins with its whole size (unsigned 16 bit, big-endian, these three bytes included) and one type byte. There
is no checksum and no mark to find the next packet by, so a size that cannot be is the end of the connection.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from enum import IntEnum
from typing import Final

from drivers.errors import BadFrame, OurError

HEADER: Final = struct.Struct(">HB")
"""Size with header, type."""
MOST_BYTES: Final = 0xFFFF
"""What the size can say."""
PROTOCOL_VERSION: Final = 2
"""The version spoken here: recipes have ids, and outputs are asked for at a frequency."""


class Kind(IntEnum):
    """The type byte, the same in both directions."""

    PROTOCOL_VERSION = ord("V")
    CONTROLLER_VERSION = ord("v")
    TEXT = ord("M")
    DATA = ord("U")
    SETUP_OUTPUTS = ord("O")
    SETUP_INPUTS = ord("I")
    START = ord("S")
    PAUSE = ord("P")


def seal(kind: Kind, payload: bytes = b"") -> bytes:
    """The packet. OurError when it is too long for its size field."""
    size = HEADER.size + len(payload)
    if size > MOST_BYTES:
        raise OurError(f"an RTDE packet of {size} bytes: its size field ends at {MOST_BYTES}")
    return HEADER.pack(size, kind) + payload


class PacketReader:
    """Bytes in, whole packets out as (kind, payload), however the bytes were cut. Holds at most one packet."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[Kind, bytes]]:
        """The packets that `data` completes; take all of them before feeding again.

        Raises BadFrame at a size or type that cannot be: hang up, for what follows cannot be told apart.
        """
        self._held += data
        start = 0
        try:
            while len(self._held) - start >= HEADER.size:
                size, kind = HEADER.unpack_from(self._held, start)
                known = _kind(size, kind)
                if len(self._held) - start < size:
                    break
                payload = bytes(self._held[start + HEADER.size : start + size])
                start += size
                yield known, payload
        finally:
            del self._held[:start]


def _kind(size: int, kind: int) -> Kind:
    if size < HEADER.size:
        raise BadFrame(f"an RTDE packet that says it is {size} bytes long. Reconnect; check that the port is 30004.")
    try:
        return Kind(kind)
    except ValueError:
        raise BadFrame(f"an RTDE packet of type 0x{kind:02X}. Reconnect; check that the port is 30004.") from None
