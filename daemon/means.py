"""What a session is carried out with: the watchdog, the stimulator, the clock, and where it is written down."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from daemon.coil import Coil
from daemon.guard_link import Allowed, Denied
from daemon.guard_view import GuardView
from daemon.guard_words import Request
from daemon.journal import Journal
from daemon.turns import Turns
from drivers.quantities import PercentMso, Train


class Stimulator(Protocol):
    """What a session needs of a stimulator; every call ends by its own deadline and raises from `drivers.errors`."""

    async def prepare(self, level: PercentMso, train: Train) -> None:
        """Sets level and train in standby and reads them back."""

    async def arm(self) -> None:
        """Arms; returns when the device is READY."""

    async def trigger(self) -> None:
        """Triggers once; returns when the device took it."""

    async def disarm(self) -> None:
        """Standby, confirmed by the device."""

    def expect(self, times_us: Iterable[int]) -> None:
        """When pulses are due (BOOTTIME µs), so that no question of the driver's stands in their way."""


class Guard(Protocol):
    """What a session needs of the watchdog's link."""

    async def ask(self, request: Request, deadline_s: float = 1.0) -> Allowed | Denied:
        """The watchdog's answer; raises GuardLost or DeadlinePassed."""


@dataclass(frozen=True, slots=True)
class Means:
    """Everything a session is carried out with."""

    guard: Guard
    stimulator: Stimulator
    view: GuardView
    journal: Journal
    turns: Turns
    now_us: Callable[[], int]
    """BOOTTIME, the watchdog's clock."""
    coil: Coil | None = None
    """The coil on its arm; None in a room without one."""
