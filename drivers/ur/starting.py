"""How our program gets to run in the controller: a machine turned beside the set-point stream, which never waits.

    CLEARING    a program runs that is not this one: an older one of ours obeys a fresh STOP, anybody else's stays
    SENDING     the text goes out on the script port
    WAITING     until the new program echoes a set-point sent since, which a register left over cannot do
    RUNNING     done

The script port's connection stays open and is read until the program runs: the controller talks there, and a
connection closed with bytes unread would be reset, which can take our text with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from drivers.errors import CoilwardError, DeviceRefused, PortLost
from drivers.robots import Program
from drivers.ur.program import CoilHold
from drivers.ur.registers import SEQUENCES, Command
from drivers.ur.site import UrSite
from drivers.ur.tcp import Tcp

CLEARING_US: Final = 3_000_000
"""An older program of ours may first finish its retract of 60 mm at 50 mm/s."""
STARTING_US: Final = 5_000_000
"""From the text's departure to its first echo (ur_rtde waits as long)."""


class Step(Enum):
    """Where a start stands."""

    CLEARING = auto()
    SENDING = auto()
    WAITING = auto()
    RUNNING = auto()


@dataclass(frozen=True, slots=True)
class Seen:
    """What the controller last showed, as far as a start needs it."""

    playing: bool
    """Whether any program runs."""
    program: Program
    """Ours; ABSENT for any other."""
    echoed: int
    """The sequence number in its output register."""
    sent: int
    """The sequence number of the last set-point."""


class Starting:
    """One attempt."""

    def __init__(self, site: UrSite, program: CoilHold, now_us: int) -> None:
        self._site = site
        self._text = program.text.encode()
        self._port: Tcp | None = None
        self._first_sequence: int | None = None
        self._since_us = now_us
        self.step = Step.CLEARING
        self.command = Command.REST
        """What set-points must ask meanwhile: STOP while another program runs, else REST."""

    def turn(self, now_us: int, seen: Seen) -> bool:
        """Goes on as far as it can; True once our program runs.

        Raises DeviceRefused when another program stays or ours does not start, PortNotFound or PortLost of the port.
        """
        try:
            self.command = self._turn(now_us, seen)
        except CoilwardError:
            self.close()
            raise
        return self.step is Step.RUNNING

    def close(self) -> None:
        """Lets go of the script port. A second call does nothing."""
        if self._port is not None:
            self._port.close()
            self._port = None

    def _turn(self, now_us: int, seen: Seen) -> Command:
        if self.step is Step.CLEARING:
            return self._clear(now_us, seen)
        if now_us - self._since_us > STARTING_US * self._site.slack:
            raise DeviceRefused(
                "The robot took the program and does not run it. Look at its pendant: it must be in remote control,"
                " powered, its brakes open, and show no message that waits for an answer."
            )
        if self.step is Step.SENDING:
            self._send(seen)
        elif self.step is Step.WAITING:
            self._drain()
            if self._obeys(seen):
                self._go(Step.RUNNING, now_us)
                self.close()
        return Command.REST

    def _clear(self, now_us: int, seen: Seen) -> Command:
        if self._first_sequence is None:
            self._first_sequence = (seen.sent + 1) % SEQUENCES
        if not seen.playing:
            self._port = Tcp(self._site.host, self._site.ports.script, "the robot's script port")
            self._go(Step.SENDING, now_us)
        elif self._obeys(seen):
            self._go(Step.RUNNING, now_us)
        elif now_us - self._since_us > CLEARING_US * self._site.slack:
            raise DeviceRefused(
                "Another program runs on the robot and was left alone. Stop it at the pendant, then start again."
            )
        elif seen.program is Program.ABSENT:
            return Command.STOP
        return Command.REST

    def _obeys(self, seen: Seen) -> bool:
        """Whether our program runs and has taken a set-point since the text went out, or since this start began."""
        if seen.program is Program.ABSENT or self._first_sequence is None:
            return False
        first = self._first_sequence
        return (seen.echoed - first) % SEQUENCES < (seen.sent + 1 - first) % SEQUENCES

    def _send(self, seen: Seen) -> None:
        if self._port is None or not self._port.connected():
            return
        self._port.send(self._text)
        self._text = b""
        if not self._port.unsent:
            self._first_sequence = (seen.sent + 1) % SEQUENCES
            self.step = Step.WAITING

    def _drain(self) -> None:
        try:
            if self._port is not None:
                self._port.read()
        except PortLost:
            self.close()  # it has our text; whether it runs it is seen in the registers

    def _go(self, step: Step, now_us: int) -> None:
        self.step = step
        self._since_us = now_us
