"""A simulated stimulator on the bench: world, device, wire and port put together."""

from __future__ import annotations

from simulator.port import SimulatedPort
from simulator.stimulators.profile import Profile
from simulator.stimulators.rapid2 import Rapid2
from simulator.wires.magstim import MagstimWire
from simulator.world import World

BAUD = 9600
"""Every Magstim (magpy-tms 1.4, MAGIC)."""


class Bench:
    """What a test, a campaign or the real process works with."""

    def __init__(self, profile: Profile, world: World, *, pacing: bool = False) -> None:
        """With `pacing` each byte takes its time on the line."""
        self.profile, self.world = profile, world
        self.device = Rapid2(profile, world)
        self.port = SimulatedPort(
            self.device,
            MagstimWire(self.device),
            world,
            baud=BAUD if pacing else None,
            latency_us=profile.reply_latency_us,
        )

    def advance(self) -> None:
        """Lets everything happen that is due by the clock's time."""
        self.port.advance_to(self.world.clock.now_us())

    def catch_up(self, _at_most_us: int) -> None:
        """The same: a stimulator alone is never far behind."""
        self.advance()

    @property
    def next_us(self) -> int | None:
        """When something happens next; None: not before somebody writes."""
        return self.port.next_us

    def restore(self) -> None:
        """Every fault ends: a good cable and a device as after switching on, its coil cool. The log stays."""
        self.port.restore()
        self.device.restore()
