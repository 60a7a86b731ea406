"""What the holder of a pseudo-terminal's master does between two clients; a real line forgets by itself."""

from __future__ import annotations

import fcntl
import os
import termios
import tty
from typing import Final

_COOKED: Final = (
    termios.BRKINT | termios.ICRNL | termios.INLCR | termios.IGNCR | termios.ISTRIP | termios.IXON | termios.IXOFF,
    termios.OPOST,
    0,
    termios.ECHO | termios.ICANON | termios.IEXTEN | termios.ISIG,
)
"""What changes bytes, or acts on them: input, output, control and local modes (termios(3))."""


TIOCGPTPEER: Final = 0x5441
"""Linux, asm-generic/ioctls.h: the other end, opened."""


def raw_again(master: int) -> None:
    """A terminal that its last client left cooked is raw for the next. Raises termios.error.

    One that is raw still is not touched: the next client may be setting its speed at this very moment, and would find
    the old one put back.
    """
    if any(modes & cooked for modes, cooked in zip(termios.tcgetattr(master), _COOKED, strict=False)):
        tty.setraw(master, termios.TCSANOW)


def drop_unread(master: int) -> None:
    """What was written to a client that has gone is for nobody else. Raises OSError, termios.error.

    The other end is opened and closed for it: who watches `master` sees one more hang-up.
    """
    slave = fcntl.ioctl(master, TIOCGPTPEER, os.O_RDWR | os.O_NOCTTY)
    try:
        termios.tcflush(master, termios.TCOFLUSH)  # what is on its way,
        termios.tcflush(slave, termios.TCIFLUSH)  # and what has arrived
    finally:
        os.close(slave)
