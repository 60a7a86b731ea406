"""A simulated stimulator in virtual time, and a way to talk with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from drivers.magstim.framing import seal
from simulator.bench import Bench
from simulator.clock import VirtualClock
from simulator.stimulators.profile import Profile
from simulator.switches import turn
from simulator.world import Happening, Kind, World
from tests.simulator.rapid2_device import Device

MS = 1_000
S = 1_000_000


class Talk:
    """Frames go in, replies come out, time passes when told to."""

    def __init__(self, origin_us: int, *, pacing: bool = False, **options: Any) -> None:
        self.clock = VirtualClock(origin_us)
        self.world = World(self.clock)
        self.profile = Profile(**options)
        self.bench = Bench(self.profile, self.world, pacing=pacing)
        self.device = self.bench.device
        self.port = self.bench.port

    @property
    def now_us(self) -> int:
        return self.clock.now_us()

    def send(self, data: bytes) -> bytes:
        """These very bytes; what comes back at once."""
        self.port.receive(data, self.now_us)
        return self.port.due(self.now_us)

    def say(self, text: str) -> bytes:
        """A command without its checksum, such as `EB`; what comes back at once."""
        return self.send(seal(text.encode()))

    def rest(self, us: int) -> bytes:
        """Says nothing for so long; returns what the device said meanwhile."""
        self.clock.advance_to(self.now_us + us)
        return self.port.due(self.now_us)

    def stay(self, us: int) -> bytes:
        """As `rest`, renewing remote control by asking every 400 ms; what it answers to that is left out."""
        said, end = b"", self.now_us + us
        while self.now_us < end:
            said += self.rest(min(400 * MS, end - self.now_us))
            if self.device.remote:
                self.device.renew()
        return said

    def fault(self, name: str, **arguments: object) -> dict[str, Any]:
        return turn(self.bench, name, **arguments)

    def take_remote(self) -> bytes:
        return self.say("Q@" if self.profile.firmware < 9 else f"Q{self.profile.unlock_code}")

    def make_ready(self) -> None:
        """Remote, armed and charged."""
        self.take_remote()
        assert self.say("EB")[1:2] != b"S"
        self.stay(self.profile.arming_us)

    def set_train(self, pulses: int, rate_tenths: int, duration_tenths: int | None = None) -> None:
        """Repetitive mode with these settings."""
        new = self.profile.firmware >= 9
        tenths = -(-pulses * 100 // rate_tenths) if duration_tenths is None else duration_tenths
        self.take_remote()
        for order in ("[0010" if new else "[010", f"B{rate_tenths:04}", f"D{pulses:0{5 if new else 4}}"):
            assert self.say(order)[1:2] not in b"?S"
        assert self.say(f"[{tenths:0{4 if new else 3}}")[1:2] not in b"?S"

    def pulses(self) -> list[Happening]:
        return self.world.of(Kind.PULSE)

    def kinds(self) -> list[Kind]:
        return [happening.kind for happening in self.world.log]


@pytest.fixture(params=[0, 2**31, 2**32, 10**15], ids=["0", "2^31", "2^32", "1e15"])
def origin_us(request: pytest.FixtureRequest) -> int:
    """Where a clock may stand when a test begins."""
    return int(request.param)


@pytest.fixture(params=[5, 8, 9, 11])
def firmware(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def device(origin_us: int) -> Device:
    return Device(origin_us)


@pytest.fixture
def talk_to() -> Callable[..., Talk]:
    """A stimulator with these options, somewhere in time."""

    def make(origin_us: int = 987_654_321, **options: Any) -> Talk:
        return Talk(origin_us, **options)

    return make
