"""The Rapid driver in the words of a session: refusals and unknown triggers become errors that say what happened."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable

from drivers.errors import CoilwardError, DeadlinePassed, DeviceError, DeviceRefused
from drivers.magstim.rapid import Outcome, RapidDriver
from drivers.quantities import PercentMso, Train


class RapidInTheRoom:
    """`daemon.connected.Driver` on a connected `RapidDriver`. `lose` ends the connection, so that another is made."""

    def __init__(self, driver: RapidDriver, lose: Callable[[CoilwardError], None]) -> None:
        self._driver = driver
        self._lose = lose

    @property
    def turns(self) -> int:
        """As `Driver.turns`."""
        return self._driver.turns

    async def confirm(self) -> None:
        """As `Driver.confirm`."""
        if (await self._driver.look()).remote is False:
            error = DeviceError("The stimulator has taken back remote control.")
            self._lose(error)
            raise error

    async def prepare(self, level: PercentMso, train: Train) -> None:
        """As `Stimulator.prepare`."""
        await self._driver.set_train(level, train)

    async def arm(self) -> None:
        """As `Stimulator.arm`."""
        await self._driver.arm()

    async def trigger(self) -> None:
        """As `Stimulator.trigger`."""
        triggered = await self._driver.trigger()
        if triggered.outcome is Outcome.REFUSED:
            raise DeviceRefused(triggered.why)
        if triggered.outcome is Outcome.UNKNOWN:
            raise DeadlinePassed(triggered.why)

    async def disarm(self) -> None:
        """As `Stimulator.disarm`."""
        await self._driver.disarm()

    def expect(self, times_us: Iterable[int]) -> None:
        """As `Stimulator.expect`: BOOTTIME here, the loop's clock in the driver."""
        ahead_us = round(asyncio.get_running_loop().time() * 1e6) - time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000
        self._driver.plan_pulses(at + ahead_us for at in times_us)
