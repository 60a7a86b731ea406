"""One short conversation with the arm over its own socket, for what must work without broker and daemon.

Blocking, with a deadline on every wait. Anybody of this machine's operators may say stop and away; the rest passes
through the daemon, which knows who is in control.
"""

from __future__ import annotations

import socket
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from daemon.arm_words import MAX_PACKET_BYTES, ArmAnswer, ArmView, packet, read_packet
from drivers.errors import DeadlinePassed, PortLost, PortNotFound

DEADLINE_S = 1.0


class ArmLine:
    """Entered, it has said hello as a command line."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    def __enter__(self) -> Self:
        self._socket.settimeout(DEADLINE_S)
        try:
            self._socket.connect(str(self._path))
            self.ask({"do": "hello", "role": "cli"})
        except (FileNotFoundError, ConnectionRefusedError):
            self._socket.close()
            raise PortNotFound(
                f"No arm answers at {self._path}. coilward-arm is not running, or its runtime is another. "
                "Start it, or give --runtime."
            ) from None
        except BaseException:
            self._socket.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def ask(self, order: dict[str, Any]) -> ArmAnswer:
        """Its answer. Raises DeadlinePassed, PortLost."""
        try:
            self._socket.send(packet(order))
        except OSError as problem:
            raise PortLost(f"the arm hung up: {problem}") from None
        give_up = time.monotonic() + DEADLINE_S
        while True:
            said = self._next(give_up)
            if isinstance(said, tuple) and said[0] == order["do"]:
                return said[1]

    def view(self) -> ArmView:
        """What it says of itself next. Raises DeadlinePassed when nothing comes: its loop does not turn."""
        give_up = time.monotonic() + DEADLINE_S
        while not isinstance(said := self._next(give_up), ArmView):
            pass
        return said

    def _next(self, give_up: float) -> ArmView | tuple[str, ArmAnswer] | None:
        if time.monotonic() > give_up:
            raise DeadlinePassed(f"the arm at {self._path} did not answer within {DEADLINE_S} s")
        try:
            data = self._socket.recv(MAX_PACKET_BYTES)
        except TimeoutError:
            raise DeadlinePassed(f"the arm at {self._path} did not answer within {DEADLINE_S} s") from None
        except OSError as problem:
            raise PortLost(f"the arm hung up: {problem}") from None
        if not data:
            raise PortLost("the arm hung up")
        return read_packet(data)
