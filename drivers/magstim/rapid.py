"""A Magstim Rapid² at work: set, armed, triggered, disarmed. No call waits without an end."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from drivers.errors import DeadlinePassed, DeviceError, DeviceRefused, OperatorError, PortLost
from drivers.exchange import NotAsked
from drivers.magstim.commands import (
    ARM,
    TRIGGER,
    Command,
    GetSettings,
    GetTemperature,
    SetDuration,
    SetFrequency,
    SetPower,
    SetPulses,
)
from drivers.magstim.rapid_connection import RapidConnection
from drivers.magstim.rapid_line import meaning
from drivers.quantities import SECOND_US, SINGLE, PercentMso, Train
from drivers.stimulators import Condition, EffectKind, Settings

TRIGGER_S: Final = 0.4
"""Time for a trigger's answer: longer than the 300 ms after which the watchdog counts it as unknown."""
TRIGGER_BEGIN_S: Final = 0.05
"""A trigger that cannot go out within this is not sent: it would be a pulse at the wrong time (engineering choice, the
limit of the watchdog's own timed pulses)."""
POLL_S: Final = 0.05
"""How often an arming device is asked whether it is READY (engineering choice)."""
ENTER_TRAINS: Final = SetDuration(10)
"""1.0 s switches into repetitive mode (magpy-tms 1.4)."""
LEAVE_TRAINS: Final = SetDuration(0)


class Outcome(Enum):
    """What is known of a trigger."""

    ACCEPTED = "accepted"
    """The device took it: its pulses go out, as far as the device's word goes."""
    REFUSED = "refused"
    """It was refused, or never sent: no pulse."""
    UNKNOWN = "unknown"
    """It was sent and nothing came back: it may have fired. Never sent again."""


@dataclass(frozen=True, slots=True)
class Triggered:
    """One trigger and its outcome; `why` is for people, empty when accepted. Times are µs on the loop's clock."""

    outcome: Outcome
    asked_us: int
    answered_us: int
    why: str = ""


class RapidDriver(RapidConnection):
    """The stimulator as the daemon knows it."""

    async def set_train(self, level: PercentMso, train: Train) -> Settings:
        """Sets what one trigger delivers and returns it as the device reads it back.

        Raises OperatorError when this device cannot deliver it (nothing is sent then), DeviceRefused, DeviceError when
        it reads back something else, DeadlinePassed, PortLost.
        """
        if train.rate == SINGLE:
            return await self.set_single(level)
        # N / f in steps of 0.1 s, rounded up so that no pulse is cut off.
        tenths = -(-train.pulses * 100 // train.rate.tenths)
        commands = (
            ENTER_TRAINS,
            _power(level),  # before the frequency, whose range it decides (magpy-tms 1.4)
            SetFrequency(train.rate.tenths),
            SetPulses(train.pulses),
            SetDuration(tenths),
        )
        return await self._set(commands, Settings(level, train.rate, train.pulses, duration_ms=tenths * 100))

    async def set_single(self, level: PercentMso) -> Settings:
        """As `set_train`, for a trigger that delivers one pulse."""
        return await self._set((LEAVE_TRAINS, _power(level)), Settings(level, SINGLE, pulses=1, duration_ms=0))

    async def _set(self, commands: Sequence[Command], wanted: Settings) -> Settings:
        if refused := self.dialect.refuses_energy(wanted.level, wanted.rate, wanted.pulses):
            raise OperatorError(refused)
        for command in commands:
            effect = self.dialect.effect(command.encode(self._line.firmware))
            if effect.kind is not EffectKind.SETTING:
                raise OperatorError(f"This stimulator cannot {meaning(command)}: {effect.why}.")
        for command in commands:
            await self._patiently(command)
        for _ in range(2):  # two equal answers make a read-back: one may have crossed the last setting
            await self._patiently(GetSettings())
            if self.seen.settings != wanted:
                raise DeviceError(
                    f"The stimulator was set to {_told(wanted)} and reads back {_told(self.seen.settings)}."
                    " Check its front panel, then set it again."
                )
        return wanted

    async def arm(self, within_s: float | None = None) -> None:
        """Arms, and waits for READY; a device that is not READY within the time is disarmed again.

        `within_s` is by default what this model needs. Raises DeviceRefused, DeviceError, DeadlinePassed, PortLost.
        """
        within_s = self.dialect.capabilities.ready_within_us / SECOND_US + POLL_S if within_s is None else within_s
        await self._start_arming()
        try:
            await self._until_ready(self._loop.time() + within_s)
        except (DeviceError, DeadlinePassed):
            await self.disarm()
            raise

    async def _until_ready(self, ends_at: float) -> None:
        while (shown := (await self.look()).condition) is not Condition.READY:
            if shown is Condition.STANDBY:
                raise DeviceError("The stimulator went back to standby while charging. Is the coil hot, or unplugged?")
            if self._loop.time() + POLL_S > ends_at:
                raise DeviceError("The stimulator armed and did not get ready. Is the coil's switch pressed?")
            await asyncio.sleep(POLL_S)

    async def _start_arming(self) -> None:
        self._line.forget_condition()
        try:
            await self._ask(ARM, self._answer_s)
        except NotAsked:
            raise
        except DeadlinePassed:  # it may have armed: what it shows next decides
            return

    async def trigger(self) -> Triggered:
        """Fires what is set, once. Never raises for what the device or the line did: the outcome says it."""
        asked_us = self._now_us()
        if self.lost is not None:
            return self._triggered(Outcome.REFUSED, asked_us, f"Not sent: {self.lost}")
        try:
            await self._ask(TRIGGER, TRIGGER_S, begin_s=TRIGGER_BEGIN_S)
        except (NotAsked, DeviceRefused) as error:
            return self._triggered(Outcome.REFUSED, asked_us, str(error))
        except (DeadlinePassed, PortLost) as error:
            return self._triggered(Outcome.UNKNOWN, asked_us, f"It may have fired ({error}).")
        return self._triggered(Outcome.ACCEPTED, asked_us)

    async def coil_tenths_celsius(self) -> int:
        """The warmer winding, asked now."""
        await self._patiently(GetTemperature())
        if self.seen.coil_tenths_celsius is None:
            raise DeviceError("The stimulator answered without a temperature. Is the coil plugged in?")
        return self.seen.coil_tenths_celsius

    def _now_us(self) -> int:
        return round(self._loop.time() * SECOND_US)

    def _triggered(self, outcome: Outcome, asked_us: int, why: str = "") -> Triggered:
        return Triggered(outcome, asked_us, self._now_us(), why)


def _power(level: PercentMso) -> SetPower:
    if level.tenths % 10:
        raise OperatorError(f"{level} is no whole per cent, the step of this stimulator. Choose a whole one.")
    return SetPower(level.tenths // 10)


def _told(settings: Settings | None) -> str:
    if settings is None:
        return "nothing"
    if settings.rate == SINGLE:
        return f"single pulses at {settings.level}"
    return f"{settings.pulses} pulses at {settings.rate}, {settings.level}, within {settings.duration_ms} ms"
