"""The stimulator's driver as the room has it: whichever is connected now, and whether it is there at this moment."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from daemon.means import Stimulator
from drivers.errors import DeviceSilent
from drivers.quantities import PercentMso, Train


class Driver(Stimulator, Protocol):
    """The stimulator's driver, as the room uses it."""

    @property
    def turns(self) -> int:
        """Turns of the driver's own loop."""

    async def confirm(self) -> None:
        """Returns when the device has just answered and obeys us. A driver that finds it does not is lost, and raises.

        Raises from `drivers.errors`.
        """


class Connected:
    """A `Stimulator` that outlives its driver: a session goes on with the one that reconnected."""

    def __init__(self) -> None:
        self._driver: Driver | None = None
        self._turned = 0
        """Turns of the drivers before this one."""

    @property
    def driver(self) -> Driver | None:
        """The one that is connected now."""
        return self._driver

    @driver.setter
    def driver(self, driver: Driver | None) -> None:
        self._turned = self.turns
        self._driver = driver

    @property
    def turns(self) -> int:
        """Turns of all drivers together: to the watchdog, a count that falls back is a loop that stands still."""
        return self._turned + (self._driver.turns if self._driver else 0)

    def _now(self) -> Driver:
        if self._driver is None:
            raise DeviceSilent("No stimulator is connected. Check its power and cable.")
        return self._driver

    async def confirm(self) -> None:
        """As `Driver.confirm`."""
        await self._now().confirm()

    async def prepare(self, level: PercentMso, train: Train) -> None:
        """As `Stimulator.prepare`."""
        await self._now().prepare(level, train)

    async def arm(self) -> None:
        """As `Stimulator.arm`."""
        await self._now().arm()

    async def trigger(self) -> None:
        """As `Stimulator.trigger`."""
        await self._now().trigger()

    async def disarm(self) -> None:
        """As `Stimulator.disarm`."""
        await self._now().disarm()

    def expect(self, times_us: Iterable[int]) -> None:
        """As `Stimulator.expect`."""
        if self._driver is not None:
            self._driver.expect(times_us)
