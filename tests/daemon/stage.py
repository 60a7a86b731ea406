"""A treatment room in memory, the operator in it, and what its journal and its report say."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from daemon.config import Site
from daemon.journal import MemorySink
from daemon.room import Done, Order
from daemon.treatment_room import TreatmentRoom
from tests.daemon.guard_in_memory import HASH, NONCE, StandInGuard
from tests.daemon.stimulator_in_memory import StandInStimulator


@dataclass
class Stage:
    """A room with everything it needs, and the operator in it."""

    room: TreatmentRoom
    guard: StandInGuard
    stimulator: StandInStimulator
    sink: MemorySink
    site: Site
    order: Order = field(default_factory=lambda: Order("sim-0001", "demo", "left DLPFC, cap mark F3"))

    task: asyncio.Task[None] | None = None

    async def opened(self) -> None:
        # Not in the fixture: virtual time begins with the test, and a timer from before lies in its far future.
        self.task = self.task or asyncio.create_task(self.room.run())
        if self.guard.pusher is None:
            self.guard.push()
        answer = await self.room.start(self.order, "operator")
        assert isinstance(answer, Done), answer

    async def released(self) -> None:
        answer = await self.room.release(HASH, NONCE, "operator")
        assert isinstance(answer, Done), answer

    async def begun(self) -> None:
        await self.opened()
        await self.released()

    async def reaches(self, *phases: str, within_s: float = 40) -> str:
        async with asyncio.timeout(within_s):
            while (phase := self.room.status().phase) not in phases:
                await asyncio.sleep(0.02)
        return phase

    async def over(self) -> None:
        async with asyncio.timeout(120):
            while not (self.room.status().report and self.room.status().phase in ("done", "ended-early")):
                await asyncio.sleep(0.05)


async def first_pulse(stage: Stage, count: int = 1) -> None:
    async with asyncio.timeout(300):
        while len(stage.guard.trigger_times_us) < count:
            await asyncio.sleep(0.01)


def rows(stage: Stage, kind: str) -> list[dict[str, Any]]:
    return [row for line in stage.sink.lines if (row := json.loads(line))["kind"] == kind]


def report_of(stage: Stage) -> dict[str, Any]:
    path = stage.room.status().report
    assert path is not None
    told: dict[str, Any] = json.loads(Path(path).read_text())
    return told
