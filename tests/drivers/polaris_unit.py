"""A simulated Polaris at the far end of a line of memory, on virtual time, and the driver that reads it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from drivers.errors import DeadlinePassed, PortLost
from drivers.memory_stream import memory_pair
from drivers.polaris import tool_files
from drivers.polaris.models import model
from drivers.polaris.reports import NO_FAULT, SystemStatus
from drivers.polaris.tracker import PolarisTracker
from drivers.poses import Pose
from drivers.trackers import Frame, Sight, Tool
from simulator.wires.polaris import PolarisWire, Sights
from simulator.wires.polaris_serving import PolarisPort

PERIOD_US = 1_000_000 / 60.003
"""A quartz that differs from ours by 50 ppm."""
LATENCY_US = 14_200
FILES = {tool: tool_files.made_up(tool.value) for tool in (Tool.HEAD, Tool.COIL)}
HERE = Pose((1, 0, 0, 0), (0.1, 0.0, -1.5))


def clock_us() -> int:
    return round(asyncio.get_running_loop().time() * 1e6)


@dataclass
class Camera:
    """Frames at its own rate, each ready `LATENCY_US` after it was seen."""

    began_us: int = 123_456
    first: int = 1_000
    frozen: int | None = None
    system: SystemStatus = NO_FAULT
    tools: dict[Tool, Sight] = field(default_factory=lambda: {Tool.HEAD: Sight(HERE), Tool.COIL: Sight(HERE)})

    def seen_us(self, frame: int) -> float:
        return self.began_us + (frame - self.first) * PERIOD_US

    def sights(self, at_us: int) -> Sights:
        frame = self.first + int((at_us - LATENCY_US - self.began_us) // PERIOD_US)
        return Sights(frame if self.frozen is None else self.frozen, dict(self.tools), self.system)


class Unit:
    """The simulated unit at the far end of a line of memory, and the line's own two controls."""

    def __init__(self, *, kind: str = "polaris-vega", serial: bool = True) -> None:
        self.camera = Camera()
        self.wire = PolarisWire(self.camera, clock_us, kind, serial=serial)
        self.port = PolarisPort(self.wire, paced=serial)
        self.stream, self.far = memory_pair("tracker")
        self.baud = 9600
        self.breaks = 0
        self.break_arrives = True
        self.heard: list[str] = []
        self._serial = serial

    @property
    def serial(self) -> Unit | None:
        return self if self._serial else None

    async def set_baud(self, baud: int) -> None:
        self.baud = baud

    async def send_break(self) -> None:
        self.breaks += 1
        await asyncio.sleep(0.3)
        if self.break_arrives:
            self.port.hear_break(clock_us())

    async def serve(self) -> None:
        while True:
            if sent := self.port.due(clock_us()):
                await self.far.write(sent, 1.0)
            next_us = self.port.next_us
            try:
                data = await self.far.read(1.0 if next_us is None else (next_us - clock_us()) / 1e6 + 1e-6)
            except DeadlinePassed:
                continue
            self.heard.append(data.decode("latin-1").partition(":")[0])
            self.port.receive(data, clock_us(), self.baud if self._serial else None)

    def replug(self) -> None:
        """A new line to the same unit: another program, or the same one again."""
        self.stream, self.far = memory_pair("tracker")
        self.heard.clear()
        self.baud = 9600


@asynccontextmanager
async def served(unit: Unit) -> AsyncIterator[Unit]:
    task = asyncio.create_task(unit.serve())
    try:
        yield unit
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, PortLost):
            await task


@asynccontextmanager
async def tracking(unit: Unit, **options: Any) -> AsyncIterator[tuple[PolarisTracker, list[str]]]:
    notes: list[str] = []
    async with served(unit):
        tracker = PolarisTracker(unit, model(unit.wire.model), FILES, on_note=notes.append, **options)
        await tracker.connect()
        try:
            yield tracker, notes
        finally:
            await tracker.close()


async def take(tracker: PolarisTracker, count: int) -> list[Frame]:
    frames: list[Frame] = []
    stream = tracker.frames()
    async for frame in stream:
        frames.append(frame)
        if len(frames) == count:
            break
    await stream.aclose()
    return frames
