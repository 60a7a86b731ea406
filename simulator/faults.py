"""What can go wrong between a command and its reply: a line that loses, delays, repeats and garbles."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

FOR_EVER = 0
"""As a count: until the fault is cleared."""


class Spoil(Enum):
    """One way to spoil an exchange."""

    LOSE_COMMAND = "the command never arrives: no effect, no reply"
    LOSE_REPLY = "the effect happens, its reply never arrives"
    DELAY = "the reply leaves late"
    DUPLICATE = "the reply comes twice"
    FLIP = "one byte of the reply is another"
    DROP = "one byte of the reply is missing"
    INSERT = "the reply has a byte too many"
    SWAP = "the reply waits and comes after the next one"
    SPLIT = "the reply pauses between two bytes"


@dataclass(slots=True)
class LineFault:
    """A way to spoil, the exchanges it is for, and how many of them."""

    spoil: Spoil
    of: bytes = b""
    """Commands that begin so; empty: all."""
    count: int = 1
    us: int = 0
    """How long a delay or a pause lasts."""
    at: int = 1
    """Which byte of the reply, from 0."""

    def meets(self, command: bytes) -> bool:
        """Whether this fault is for `command`."""
        return command.startswith(self.of)


class LineFaults:
    """The faults a line has now; each ends by itself when it has met its count."""

    def __init__(self) -> None:
        self.active: list[LineFault] = []
        self._held = b""

    def add(self, fault: LineFault) -> None:
        """One more fault."""
        self.active.append(fault)

    def clear(self) -> None:
        """A good line from now on; a reply held back is lost."""
        self.active.clear()
        self._held = b""

    def _spend(self, fault: LineFault) -> None:
        if fault.count != FOR_EVER:
            fault.count -= 1
            if not fault.count:
                self.active.remove(fault)

    def swallows(self, command: bytes) -> bool:
        """Whether `command` is lost before the device sees it."""
        for fault in self.active:
            if fault.spoil is Spoil.LOSE_COMMAND and fault.meets(command):
                self._spend(fault)
                return True
        return False

    def carry(self, command: bytes, reply: bytes, now_us: int) -> list[tuple[int, bytes]]:
        """What really leaves the device for `reply`, and when."""
        sent = [(now_us, reply)]
        for fault in list(self.active):
            if fault.spoil is not Spoil.LOSE_COMMAND and fault.meets(command):
                self._spend(fault)
                if fault.spoil is Spoil.SWAP:
                    self._held += reply
                    return []
                sent = [late for at_us, piece in sent for late in _spoiled(fault, at_us, piece)]
        if self._held:
            sent.append((now_us, self._held))
            self._held = b""
        return sent


def _spoiled(fault: LineFault, at_us: int, reply: bytes) -> list[tuple[int, bytes]]:
    cut = min(fault.at, len(reply) - 1)
    head, byte, tail = reply[:cut], reply[cut], reply[cut + 1 :]
    match fault.spoil:
        case Spoil.LOSE_REPLY:
            return []
        case Spoil.DELAY:
            return [(at_us + fault.us, reply)]
        case Spoil.DUPLICATE:
            return [(at_us, reply), (at_us, reply)]
        case Spoil.FLIP:
            return [(at_us, head + bytes([byte ^ 0x04]) + tail)]
        case Spoil.DROP:
            return [(at_us, head + tail)]
        case Spoil.INSERT:
            return [(at_us, head + b"\x55" + reply[cut:])]
        case Spoil.SPLIT:
            return [(at_us, reply[:cut]), (at_us + fault.us, reply[cut:])]
        case _:
            return [(at_us, reply)]
