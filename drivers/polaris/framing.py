r"""Commands and replies of the Combined API as bytes, and their checksum. Sans-io.

    INIT:E3A5\r                  a command with its checksum, four upper-case hexadecimal digits
    INIT \r                      the same without one: a space instead of the colon
    OKAYA896\r                   a text reply; a long one has line feeds inside
    ERROR0C4E42\r                a refusal
    C4 A5 | length u16 | CRC u16 of those four | body | CRC u16 of the body         a binary reply, little endian
    C8 A5 | length u32 | CRC u16 of those six  | body | CRC u16 of the body         a long one

Sources: `drivers/polaris/NOTES.md`.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import Final, Self

from drivers.errors import BadFrame, OurError

CR: Final = 0x0D
LONGEST_COMMAND: Final = 1024
"""Longest command believed (the longest real one, PVWR, has 146 bytes): only there to bound the buffer."""
LONGEST_TEXT: Final = 8192
"""Longest text reply believed (TX with 24 tools has 1,750 bytes): only there to bound the buffer."""
LONGEST_BODY: Final = 65535
"""Longest binary body believed, the most a 16-bit length can say."""

_SHORT, _LONG = b"\xc4\xa5", b"\xc8\xa5"
_NAME: Final = re.compile(rb"(\w+)(?:([: ])(.*))?", re.DOTALL)


def _crc_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
        table.append(value)
    return tuple(table)


_TABLE: Final = _crc_table()


def crc16(data: bytes) -> int:
    """CRC-16/ARC: polynomial x^16+x^15+x^2+1, bits reflected, from 0, nothing added at the end."""
    value = 0
    for byte in data:
        value = value >> 8 ^ _TABLE[(value ^ byte) & 0xFF]
    return value


def seal(text: bytes) -> bytes:
    """`text` with its checksum and the carriage return."""
    return text + b"%04X\r" % crc16(text)


@dataclass(frozen=True, slots=True)
class Command:
    """One command: its name in capitals, and its parameters as they are sent."""

    name: str
    parameters: str = ""

    def encode(self) -> bytes:
        """With checksum. OurError when it cannot be sent as one line of ASCII."""
        text = f"{self.name}:{self.parameters}"
        if not text.isascii() or not text.isprintable() or len(text) > LONGEST_COMMAND:
            raise OurError(f"{text!r} is no command of a Polaris")
        return seal(text.encode("ascii"))

    @classmethod
    def parse(cls, line: bytes) -> Self:
        """One line without its carriage return, with or without checksum. BadFrame when it is no command."""
        found = _NAME.fullmatch(line)
        if found is None or not line.isascii():
            raise BadFrame(f"no command: {line[:40]!r}")
        name, mark, parameters = found[1], found[2], found[3] or b""
        if mark == b":":
            if parameters[-4:] != b"%04X" % crc16(line[:-4]):
                raise BadFrame(f"wrong checksum: {line[:40]!r}")
            parameters = parameters[:-4]
        return cls(name.decode("ascii"), parameters.decode("ascii"))


@dataclass(frozen=True, slots=True)
class Text:
    """A text reply, checksum right and taken off."""

    text: str

    def encode(self) -> bytes:
        """As the tracker sends it."""
        return seal(self.text.encode("ascii"))


OKAY: Final = Text("OKAY")
RESET: Final = Text("RESET")
"""Sent unasked at 9600 baud after a reset."""


@dataclass(frozen=True, slots=True)
class Refused:
    """`ERROR` and a code; `drivers.polaris.refusals` knows their meaning."""

    code: int

    def encode(self) -> bytes:
        """As the tracker sends it."""
        return seal(b"ERROR%02X" % self.code)


@dataclass(frozen=True, slots=True)
class Binary:
    """A binary reply, both checksums right and taken off."""

    body: bytes

    def encode(self) -> bytes:
        """As the tracker sends it: the long form only where the short one cannot hold it."""
        if len(self.body) > LONGEST_BODY:
            raise OurError(f"{len(self.body)} bytes are more than a reply carries")
        head = _SHORT + struct.pack("<H", len(self.body))
        return head + struct.pack("<H", crc16(head)) + self.body + struct.pack("<H", crc16(self.body))


@dataclass(frozen=True, slots=True)
class Damaged:
    """Bytes that are no reply: a wrong checksum, or a line that nothing makes sense of."""

    data: bytes


Reply = Text | Refused | Binary | Damaged


class ReplyReader:
    """Bytes of a tracker in, replies out. Bounded; never raises; the same however the bytes were cut."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes) -> list[Reply]:
        """The replies that `data` completes, in order."""
        self._data += data
        replies: list[Reply] = []
        while (reply := self._next()) is not None:
            replies.append(reply)
        return replies

    def drop(self) -> bytes:
        """Forgets half a reply and returns it."""
        half = bytes(self._data)
        self._data.clear()
        return half

    def _next(self) -> Reply | None:
        if not self._data:
            return None
        if self._data[:2] in (_SHORT, _LONG):
            return self._binary()
        if self._data[:1] in (_SHORT[:1], _LONG[:1]) and len(self._data) == 1:
            return None
        return self._line()

    def _binary(self) -> Reply | None:
        size = 4 if self._data[0] == _SHORT[0] else 6
        if len(self._data) < size + 2:
            return None
        length = int.from_bytes(self._data[2:size], "little")
        if length > LONGEST_BODY or crc16(bytes(self._data[:size])) != int.from_bytes(
            self._data[size : size + 2], "little"
        ):
            return Damaged(self._take(2))
        end = size + 2 + length
        if len(self._data) < end + 2:
            return None
        whole = self._take(end + 2)
        body = whole[size + 2 : end]
        return Binary(body) if crc16(body) == int.from_bytes(whole[end:], "little") else Damaged(whole)

    def _line(self) -> Reply | None:
        """Up to a carriage return. A line ends too where a binary reply begins: no text holds its first two bytes."""
        ends = [at for at in (self._data.find(CR), self._data.find(_SHORT), self._data.find(_LONG)) if at >= 0]
        if not ends:
            return Damaged(self._take(LONGEST_TEXT)) if len(self._data) > LONGEST_TEXT else None
        end = min(ends)
        if self._data[end] != CR:
            return Damaged(self._take(end))
        line = self._take(end + 1)[:-1]
        text = line[:-4]
        if len(line) < 4 or not line.isascii() or line[-4:] != b"%04X" % crc16(text):  # noqa: PLR2004  the checksum's
            return Damaged(line)
        refused = re.fullmatch(rb"ERROR([0-9A-F]{2})", text)
        return Refused(int(refused[1], 16)) if refused else Text(text.decode("ascii"))

    def _take(self, count: int) -> bytes:
        taken = bytes(self._data[:count])
        del self._data[:count]
        return taken


class LineReader:
    """Bytes of a client in, command lines without their carriage return out. Bounded; never raises."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that `data` completes; one that is too long comes cut, and fails its checksum."""
        *lines, rest = (bytes(self._data) + data).split(b"\r")
        self._data[:] = rest
        if len(self._data) > LONGEST_COMMAND:
            lines.append(self.drop())
        return lines

    def drop(self) -> bytes:
        """Forgets half a line and returns it."""
        half = bytes(self._data)
        self._data.clear()
        return half
