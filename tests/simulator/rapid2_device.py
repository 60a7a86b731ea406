"""A simulated Rapid² without port or wire, and its clock."""

from __future__ import annotations

from drivers.stimulators import Condition, Field
from simulator.clock import VirtualClock
from simulator.stimulators.answers import Answer
from simulator.stimulators.profile import Profile
from simulator.stimulators.rapid2 import Rapid2
from simulator.world import Kind, World

MS, S = 1_000, 1_000_000


class Device:
    """A device with its clock."""

    def __init__(self, origin_us: int, **options: object) -> None:
        self.profile = Profile(**options)  # type: ignore[arg-type]
        self.clock = VirtualClock(origin_us)
        self.world = World(self.clock)
        self.it = Rapid2(self.profile, self.world)

    def rest(self, us: int) -> None:
        self.clock.advance_to(self.clock.now_us() + us)
        self.it.step_to(self.clock.now_us())

    def charge(self) -> None:
        assert self.it.arm() is Answer.DONE
        self.rest(self.profile.arming_us)
        assert self.it.condition is Condition.READY

    def set_train(self, pulses: int, rate_tenths: int, duration_ms: int = 1_000) -> None:
        for field, value in (
            (Field.DURATION_MS, duration_ms),
            (Field.RATE, rate_tenths),
            (Field.PULSES, pulses),
        ):
            assert self.it.set(field, value) is Answer.DONE

    def notes(self, kind: Kind) -> list[str]:
        return [happening.note for happening in self.world.of(kind)]
