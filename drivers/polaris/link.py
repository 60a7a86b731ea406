"""How a Polaris is reached: a serial line whose speed changes and that carries a BREAK, or a TCP connection."""

from __future__ import annotations

import asyncio
import fcntl
import termios
from typing import Final, Protocol

from drivers.errors import OurError
from drivers.polaris.models import BAUDS
from drivers.port_urls import PortUrl
from drivers.ports import Port, open_port
from drivers.streams import ByteStream, PortStream

BREAK_S: Final = 0.3
"""How long the line is held low (engineering choice: far longer than one byte at any speed)."""
_TIOCSBRK, _TIOCCBRK = 0x5427, 0x5428  # Linux, asm-generic/ioctls.h: the termios module does not name them


class Link(Protocol):
    """An open way to a tracker."""

    @property
    def stream(self) -> ByteStream:
        """Its bytes."""

    @property
    def serial(self) -> SerialControls | None:
        """What a serial line has beside its bytes; None on TCP, where there is neither speed nor BREAK."""


class SerialControls(Protocol):
    """Speed and BREAK of a serial line. Raise PortLost, or OSError where the adapter refuses."""

    async def set_baud(self, baud: int) -> None:
        """From the next byte on, both ways."""

    async def send_break(self) -> None:
        """Holds the line low for `BREAK_S`."""


class TcpLink:
    """The tracker's own Ethernet port."""

    serial: None = None

    def __init__(self, stream: ByteStream) -> None:
        self.stream: Final = stream


class SerialLink:
    """A terminal of this machine. On a pseudo-terminal a BREAK goes nowhere."""

    def __init__(self, port: Port) -> None:
        """Owns `port` from here on, through its stream."""
        self._port = port
        self.stream: Final[ByteStream] = PortStream(port)

    @property
    def serial(self) -> SerialLink:
        """Itself."""
        return self

    async def set_baud(self, baud: int) -> None:
        """As `SerialControls.set_baud`."""
        if baud not in BAUDS:
            raise OurError(f"{baud} is no baud of a Polaris that Linux can set")
        fd, speed = self._port.fileno(), getattr(termios, f"B{baud}")
        attributes = termios.tcgetattr(fd)
        attributes[4:6] = [speed, speed]
        termios.tcsetattr(fd, termios.TCSANOW, attributes)

    async def send_break(self) -> None:
        """As `SerialControls.send_break`."""
        fcntl.ioctl(self._port.fileno(), _TIOCSBRK)
        try:
            await asyncio.sleep(BREAK_S)
        finally:
            fcntl.ioctl(self._port.fileno(), _TIOCCBRK)


def open_link(url: str) -> Link:
    """Opens a port URL (drivers.port_urls) on the running loop; raises as `open_port` does."""
    port = open_port(url)
    if PortUrl.parse(url).scheme == "tcp":
        return TcpLink(PortStream(port))
    return SerialLink(port)
