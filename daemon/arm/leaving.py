"""How the coil comes off the head: by the arm's own program, which feels for forces, and is started where it had ended.

A program that ends by itself, or is ended at the pendant, leaves the arm standing at a head that moves. Where the arm's
safety system lets it move, the program is started again, once for each way off the head, and for nothing but that.
"""

from __future__ import annotations

from daemon.arm.health import Health
from daemon.arm.outputs import Command
from drivers.robots import Program

TAKEN_US = 100_000
"""By now the arm's program has taken the order to retract, and no longer reports the end of an older one (engineering
choice: several of its 2 ms cycles, and the way there)."""
START_US = 5_000_000
"""How long a program that is started anew may take until it obeys; what starts it gives up then too (engineering
choice)."""
LEFT_US = 4_000_000
"""By now it has carried it out, or a force stopped it: 60 mm take 0.7 s, or 1.3 s if it began by itself."""


class Leaving:
    """One way off the head. `command` says in every turn what the arm is told meanwhile."""

    def __init__(self, health: Health) -> None:
        self._health = health
        self.under_way = False
        self.starting = False
        """The program had ended, and does not obey yet."""
        self._started = False
        self._since_us = 0

    def begin(self, now_us: int) -> None:
        """Off the head, from here."""
        self.under_way, self._since_us = True, now_us
        self.starting = self._started = self._health.asleep(now_us)

    def end(self) -> None:
        """It is there, goes somewhere else, or cannot."""
        self.under_way = self.starting = False

    @property
    def may_start(self) -> bool:
        """Whether a program that has ended on the way would be started for the first time."""
        return self.under_way and not self._started

    @property
    def failed(self) -> bool:
        """Whether it came to nothing: the program has ended, and was started in vain."""
        return self.under_way and not self.starting and self._health.ended

    def command(self, now_us: int) -> Command:
        """What the arm is told; REST at the end. A program that is being started takes a rest before anything else."""
        arm = self._health.state
        if self.starting and self._health.asleep(now_us) and now_us - self._since_us <= START_US:
            return Command.START
        if self.starting:
            self.starting, self._since_us = False, now_us
        for_us = now_us - self._since_us
        there = arm is not None and arm.program is Program.RETRACTED and for_us > TAKEN_US
        if not there and for_us <= LEFT_US:
            return Command.RETRACT
        self.end()
        return Command.REST
