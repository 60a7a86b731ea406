"""A Rapid driver and the simulated Rapid at the ends of one line at 9600 baud, on virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from drivers.catalogue import dialect
from drivers.errors import CoilwardError, DeadlinePassed, PortLost
from drivers.magstim.rapid import RapidDriver
from drivers.memory_stream import memory_pair
from drivers.quantities import Hertz, PercentMso, Train
from drivers.streams import ByteStream
from simulator.bench import Bench
from simulator.clock import VirtualClock
from simulator.faults import LineFault, Spoil
from simulator.stimulators.profile import Profile
from simulator.world import World

firmwares = pytest.mark.parametrize("firmware", [5, 8, 9, 11])

CODE = "4b1d-77aa03c9-e5"
HALF = PercentMso.of(50)
TEN_HERTZ = Train(20, Hertz.of(10))


@dataclass
class Rig:
    """A driver, the simulated device at the other end of its line, and what was said on it."""

    driver: RapidDriver
    bench: Bench
    far: ByteStream
    heard: list[tuple[float, bytes]] = field(default_factory=list)
    lost: list[CoilwardError] = field(default_factory=list)
    refuse: bytes = b""
    """Frames that begin so are refused on the way, as the watchdog does."""

    async def run_device(self) -> None:
        """Carries bytes and time between the stream and the simulated port until the line is closed."""
        loop, port = asyncio.get_running_loop(), self.bench.port
        reader = self.driver.dialect.command_reader()
        while True:
            now_us = round(loop.time() * 1e6)
            if sent := port.due(now_us):
                await self.far.write(sent, 1.0)
            wait_s = 1.0 if port.next_us is None else min(1.0, max(10, port.next_us - now_us) / 1e6)
            try:
                data = await self.far.read(wait_s)
            except DeadlinePassed:
                continue
            except PortLost:
                return
            for piece in reader.feed(data):
                self.heard.append((loop.time(), piece.data))
                if self.refuse and piece.data.startswith(self.refuse):
                    await self.far.write(self.driver.dialect.refusal(piece.data), 1.0)
                else:
                    port.receive(piece.data, round(loop.time() * 1e6))

    def said(self, since: int = 0) -> list[str]:
        """Letters with data, without checksum, of what reached the device."""
        return [self.driver.dialect.redact(frame) for _, frame in self.heard[since:]]

    def spoil(self, spoil: Spoil, of: bytes, count: int = 1, us: int = 0) -> None:
        self.bench.port.faults.add(LineFault(spoil, of, count, us))


@asynccontextmanager
async def rig(
    firmware: int = 11, *, code: str | None = CODE, profile: dict[str, Any] | None = None
) -> AsyncIterator[Rig]:
    """A rig whose device is on and whose driver is not connected yet. `firmware` is what the site file says."""
    near, far = memory_pair()
    options: dict[str, Any] = {"firmware": firmware, "unlock_code": CODE, **(profile or {})}
    bench = Bench(Profile(**options), World(VirtualClock()), pacing=True)
    lost: list[CoilwardError] = []
    driver = RapidDriver(near, dialect("magstim-rapid2", firmware), unlock_code=code, on_lost=lost.append)
    found = Rig(driver, bench, far, lost=lost)
    device = asyncio.create_task(found.run_device())
    try:
        yield found
    finally:
        await driver.close()
        await device
        await far.close()


@asynccontextmanager
async def connected(firmware: int = 11, **options: Any) -> AsyncIterator[Rig]:
    async with rig(firmware, **options) as found:
        await found.driver.connect()
        yield found


def now() -> float:
    return asyncio.get_running_loop().time()
