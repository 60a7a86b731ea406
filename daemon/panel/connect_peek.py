"""Who signs in on an MQTT connection, read in passing: its CONNECT, and the broker's CONNACK. Sans-io.

Nothing is decided here about passwords: the broker judges, and what it answered first is the judgement.
"""

from __future__ import annotations

import re
from typing import Final

MOST_CONNECT_BYTES: Final = 4096
"""Of a CONNECT; name, password and a will need some hundred (engineering choice)."""
MOST_CONNACK_BYTES: Final = 1024
"""Of a CONNACK with its properties (engineering choice)."""
_CONNECT: Final = 0x10
_CONNACK: Final = 0x20
_PROTOCOL: Final = b"\x00\x04MQTT\x05"
_HAS_USER: Final = 0x80
_HAS_PASSWORD: Final = 0x40
_HAS_WILL: Final = 0x04
_NAME: Final = re.compile(r"[a-z0-9-]{1,32}")


class NoSignIn(ValueError):
    """What came is no CONNECT of a named person on MQTT 5, or no answer to one."""


class Half(Exception):
    """What came so far is the beginning of a packet."""


class ConnectPeek:
    """Bytes in, both ways; `user` once the broker has accepted them. What it has seen is not kept."""

    def __init__(self) -> None:
        self._sent: bytearray | None = bytearray()
        self._answered: bytearray | None = bytearray()
        self.named = ""
        """Who the client says it is, once its CONNECT is whole."""
        self.user: str | None = None
        """Whom the broker has accepted."""

    def sent(self, data: bytes) -> None:
        """What the client sent next. Raises NoSignIn."""
        if self._sent is None:
            return
        self._sent += data
        try:
            self.named = user_of(_packet(self._sent, _CONNECT, MOST_CONNECT_BYTES))
        except Half:
            return
        self._sent = None

    def answered(self, data: bytes) -> None:
        """What the broker answered next. Raises NoSignIn when its first packet is not a yes to a CONNECT."""
        if self._answered is None:
            return
        self._answered += data
        try:
            body = _packet(self._answered, _CONNACK, MOST_CONNACK_BYTES)
        except Half:
            return
        self._answered = None
        if not self.named or len(body) < 2 or body[1] != 0:  # noqa: PLR2004  flags, then the reason
            raise NoSignIn("the broker refused")
        self.user = self.named


def user_of(body: bytes) -> str:
    """The user name in the body of a CONNECT. Raises NoSignIn: it is none, or of nobody."""
    if not body.startswith(_PROTOCOL):
        raise NoSignIn("no CONNECT of MQTT 5")
    rest = _Fields(body[len(_PROTOCOL) :])
    flags = rest.take(1)[0]
    rest.take(2)  # keep alive
    rest.take(rest.length())  # properties
    rest.text()  # client id
    if flags & _HAS_WILL:
        rest.take(rest.length())
        rest.text()
        rest.text()
    if not (flags & _HAS_USER and flags & _HAS_PASSWORD):
        raise NoSignIn("no user name with a password")
    user = rest.text().decode(errors="replace")
    rest.text()
    if rest.left or not _NAME.fullmatch(user):
        raise NoSignIn("a user name is 1 to 32 of a-z, 0-9 and -")
    return user


class _Fields:
    """What a packet holds, one field after another."""

    def __init__(self, data: bytes) -> None:
        self.left = data

    def take(self, count: int) -> bytes:
        """So many bytes. Raises NoSignIn: there are fewer."""
        if len(self.left) < count:
            raise NoSignIn("a packet that ends too soon")
        taken, self.left = self.left[:count], self.left[count:]
        return taken

    def text(self) -> bytes:
        """A field with two bytes of length before it."""
        return self.take(int.from_bytes(self.take(2), "big"))

    def length(self) -> int:
        """A variable byte integer."""
        try:
            value, used = _variable(self.left)
        except Half:
            raise NoSignIn("a packet that ends too soon") from None
        self.take(used)
        return value


def _packet(data: bytearray, kind: int, most: int) -> bytes:
    """The body of the packet that `data` begins with. Raises Half, NoSignIn."""
    if data and data[0] != kind:
        raise NoSignIn("another packet than the first one of a connection")
    length, used = _variable(bytes(data[1:5]))
    if length > most:
        raise NoSignIn(f"a packet of {length} bytes")
    end = 1 + used + length
    if len(data) < end:
        raise Half
    return bytes(data[1 + used : end])


def _variable(data: bytes) -> tuple[int, int]:
    """A variable byte integer and how many bytes it takes. Raises Half, NoSignIn."""
    value = 0
    for used, byte in enumerate(data[:4], 1):
        value |= (byte & 0x7F) << 7 * (used - 1)
        if byte < 0x80:  # noqa: PLR2004  the last one has no high bit
            return value, used
    if len(data) >= 4:  # noqa: PLR2004
        raise NoSignIn("a length without end")
    raise Half
