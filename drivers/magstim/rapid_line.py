"""A Rapid at the other end of a stream: commands asked one at a time, refusals named, and what it last showed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from typing import Final

from drivers.errors import DeviceRefused
from drivers.exchange import Exchange, NotAsked
from drivers.magstim.commands import (
    ARM,
    DISARM,
    TRIGGER,
    Command,
    DisableRemote,
    EnableRemote,
    GetSettings,
    GetSystemStatus,
    GetTemperature,
    GetVersion,
    Operate,
    SetDuration,
    SetFrequency,
    SetPower,
    SetPulses,
)
from drivers.magstim.framing import WITH_UNLOCK_CODE
from drivers.quantities import Hertz
from drivers.stimulators import Dialect, EffectKind, Piece, Reading, Refusal
from drivers.streams import ByteStream

_SHOWS_THE_PRESENT: Final = {EffectKind.QUERY, EffectKind.REMOTE}
"""Other replies carry the status before their command took effect, which is no longer true when they come."""


def meaning(command: Command) -> str:
    """What `command` asks of the device, for people; an unlock code is not shown."""
    operations = {ARM: "arm", DISARM: "disarm", TRIGGER: "trigger"}
    match command:
        case EnableRemote():
            return "take remote control"
        case DisableRemote():
            return "give back remote control"
        case SetPower(percent):
            return f"set {percent} % MSO"
        case SetFrequency(tenths):
            return f"set {Hertz(tenths)}"
        case SetPulses(pulses):
            return f"set {pulses} pulses per train"
        case SetDuration(tenths):
            return f"set trains of {tenths / 10:g} s" if tenths else "set single pulses"
        case GetTemperature() | GetSettings() | GetSystemStatus() | GetVersion():
            return f"tell its {type(command).__name__.removeprefix('Get').lower()}"
        case Operate() if command in operations:
            return operations[command]
    return type(command).__name__


class RapidLine:
    """One connection. Every call ends by its deadline."""

    def __init__(self, stream: ByteStream, dialect: Dialect, on_stray: Callable[[Piece], None]) -> None:
        self._dialect = dialect
        self._loop = asyncio.get_running_loop()
        self._exchange = Exchange(stream, dialect.reply_reader(), dialect.answers, on_stray)
        self.firmware: Final = dialect.capabilities.firmware
        self.seen = Reading()
        """The newest word of the device on each thing it ever showed."""
        self.seen_us = 0
        """When it showed something last, on the loop's clock."""
        self.renewed_at_s = self._loop.time()
        """When the newest frame was sent that the device took as a keep-alive."""

    async def ask(self, command: Command, deadline_s: float, *, begin_s: float | None = None) -> bytes:
        """The reply to `command`, asked as `Exchange.ask` does. Raises DeviceRefused, and what that raises."""
        frame = command.encode(self.firmware)
        asked_at_s = self._loop.time()
        reply = await self._exchange.ask(frame, deadline_s, begin_s=begin_s)
        self._learn(frame, reply, asked_at_s)
        if refused := self._dialect.reading(reply).refused:
            raise DeviceRefused(self._refusal(command, refused))
        return reply

    async def look(self, deadline_s: float, questions: Sequence[Command] | None = None) -> Reading:
        """What the device shows now, by the first of `questions` that may be asked at once.

        Raises NotAsked when none may, and as `ask`.
        """
        for question in questions or self.questions:
            if not self._exchange.free_in_s(question.encode(self.firmware)):
                return self._dialect.reading(await self.ask(question, deadline_s))
        raise NotAsked("every question of this device is still owed an answer. Ask again in a moment.")

    @property
    def questions(self) -> Sequence[Command]:
        """What can be asked about the device's condition, best first."""
        status = (GetSystemStatus(),) if self.firmware >= WITH_UNLOCK_CODE else ()
        return (*status, GetSettings(), GetTemperature())

    async def insist(self, command: Command, deadline_s: float) -> Reading:
        """Sends `command` now, as `Exchange.insist`; what its reply showed, nothing where none can be trusted."""
        reply = await self._exchange.insist(command.encode(self.firmware), deadline_s)
        return self._dialect.reading(reply) if reply is not None else Reading()

    def forget_condition(self) -> None:
        """The next frame changes it, or may have: nothing is known until the device is asked."""
        self.seen = replace(self.seen, condition=None)

    def _learn(self, frame: bytes, reply: bytes, asked_at_s: float) -> None:
        reading, effect = self._dialect.reading(reply), self._dialect.effect(frame)
        if reading.refused is None and effect.renews:
            self.renewed_at_s = asked_at_s
        if reading.refused is None and effect.kind in _SHOWS_THE_PRESENT:
            shown = {field.name: getattr(reading, field.name) for field in fields(reading)}
            self.seen = replace(self.seen, **{name: value for name, value in shown.items() if value is not None})
            self.seen_us = round(self._loop.time() * 1e6)

    def _refusal(self, command: Command, refused: Refusal) -> str:
        if refused is Refusal.NOT_UNDERSTOOD:
            return (
                f"The stimulator did not understand: {meaning(command)}. Does [stimulator] firmware name this unit's?"
            )
        shows = f" (it shows {self.seen.condition.value})" if self.seen.condition else ""
        return (
            f"Refused: {meaning(command)}{shows}. The device is in another state than this needs, or the watchdog"
            " withheld it: `coilward status` says which."
        )
