"""A stimulator in memory, whose triggers the watchdog in memory carries out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from drivers.errors import DeviceError, DeviceRefused
from drivers.quantities import PercentMso, Train
from tests.daemon.guard_in_memory import REPLY_S, StandInGuard, now_us


@dataclass
class StandInStimulator:
    """Takes 100 ms to set and 1 s to charge."""

    guard: StandInGuard
    did: list[tuple[int, str]] = field(default_factory=list)
    levels: list[tuple[PercentMso, Train]] = field(default_factory=list)
    refuse: set[str] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)
    withheld: str | None = None
    """Why the watchdog refuses in the stimulator's place."""
    expected_us: list[int] = field(default_factory=list)
    turns: int = 0
    gone: Callable[[], None] | None = None
    """What happens when the next question finds that the device obeys us no more."""

    async def confirm(self) -> None:
        await asyncio.sleep(REPLY_S)
        if self.gone is not None:
            self.gone()
            raise DeviceError("The stimulator has taken back remote control.")

    def _do(self, what: str) -> None:
        if what in self.refuse:
            self.refused.append(what)
            if self.withheld is not None:
                later = asyncio.get_running_loop().call_later
                later(
                    0.02, lambda: self.guard.tell("refused", door="daemon", reason=self.withheld, frame="", detail={})
                )
            raise DeviceRefused(f"the stimulator refused to {what}")
        self.did.append((now_us(), what))

    def times_us(self, what: str) -> list[int]:
        return [at for at, did in self.did if did == what]

    async def prepare(self, level: PercentMso, train: Train) -> None:
        await asyncio.sleep(0.1)
        self._do("prepare")
        self.levels.append((level, train))

    async def arm(self) -> None:
        self._do("arm")
        await asyncio.sleep(1.0)
        self.guard.condition = "ready"

    async def trigger(self) -> None:
        self._do("trigger")
        self.guard.triggered()
        await asyncio.sleep(REPLY_S)

    def expect(self, times_us: Iterable[int]) -> None:
        self.expected_us += times_us

    async def disarm(self) -> None:
        self._do("disarm")
        await asyncio.sleep(REPLY_S)
        self.guard.disarm()
