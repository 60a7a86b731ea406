"""What the holder of a pseudo-terminal's master does between two clients; a real line forgets by itself."""

from __future__ import annotations

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


def clear_after_hang_up(master: int) -> None:
    """What the client did not read is dropped, and a terminal that it left cooked is raw again. Raises termios.error.

    One that is raw still is not touched: the next client may be setting its speed at this very moment, and would find
    the old one put back.
    """
    termios.tcflush(master, termios.TCOFLUSH)
    if any(modes & cooked for modes, cooked in zip(termios.tcgetattr(master), _COOKED, strict=False)):
        tty.setraw(master, termios.TCSANOW)
