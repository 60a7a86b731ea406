"""Why a Rapid does not connect, in one sentence that says what to change. Asked in the order that tells causes apart.

The temperature is told without remote control and has one form in every firmware: silence there is the cable, the
port or the mains. What fails after it is the unlock code, the remote state, or the firmware in the site file.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from drivers.errors import BadFrame, ConfigError, DeadlinePassed, DeviceRefused, DeviceSilent
from drivers.magstim.commands import Command, EnableRemote, GetTemperature, GetVersion
from drivers.magstim.framing import CODE_LENGTH, WITH_UNLOCK_CODE, command_lengths, reply_lengths
from drivers.magstim.replies import StatusReply, VersionReply, parse_reply
from drivers.magstim.status import Instrument

Ask = Callable[[Command], Awaitable[bytes]]
"""Asks a harmless command, twice if need be."""


async def find(ask: Ask, strays: Callable[[], int]) -> None:
    """Hears whether a Rapid is there at all. `strays()` counts what came and was no answer."""
    try:
        await ask(GetTemperature())
    except DeadlinePassed as error:
        if strays():
            raise DeviceSilent(
                "Something answers on the stimulator's port, but not as a Magstim Rapid does. Check that the port is"
                " the stimulator's and its speed 9600 baud."
            ) from error
        raise DeviceSilent(
            "The stimulator does not answer. Check that it is switched on, that the cable sits in the port of its"
            " mainframe (its touch screen is dead while it does), and that [stimulator] port names this cable."
        ) from error


async def take_remote(ask: Ask, firmware: int, code: str | None) -> None:
    """Takes remote control, with the unit's own unlock code from firmware 9 on."""
    coded = firmware >= WITH_UNLOCK_CODE
    if coded and (code is None or len(code) != CODE_LENGTH or not code.isascii()):
        raise ConfigError(
            f"Firmware {firmware} wants an unlock code of {CODE_LENGTH} characters, cccc-cccccccc-hh. Put this unit's"
            " into the file that [stimulator] unlock_code_file names."
        )
    try:
        reply = parse_reply(await ask(EnableRemote(code if coded else None)), firmware)
    except DeadlinePassed as error:
        raise DeviceSilent(f"The stimulator answers, but does not give remote control. {_cause(firmware)}") from error
    except DeviceRefused as error:
        raise DeviceRefused(f"The stimulator refuses remote control. {_cause(firmware)}") from error
    if not (isinstance(reply, StatusReply) and Instrument.REMOTE in reply.instrument):
        raise DeviceRefused(
            "The stimulator answers, and keeps remote control to itself. Leave any menu or message on it, then"
            " reconnect."
        )


def _cause(firmware: int) -> str:
    if firmware >= WITH_UNLOCK_CODE:
        return "The unlock code is another unit's, or [stimulator] firmware is too high: check both."
    return "A newer firmware wants an unlock code: check [stimulator] firmware against the unit's own screen."


async def version(ask: Ask, firmware: int) -> str:
    """The unit's own version text; ConfigError when it speaks otherwise than the firmware of the site file."""
    try:
        reply = parse_reply(await ask(GetVersion()), firmware)
    except DeadlinePassed as error:
        raise DeviceSilent("The stimulator gave remote control, then stopped answering. Check its screen.") from error
    if not isinstance(reply, VersionReply):
        raise BadFrame("the stimulator answered the question for its version with something else. Reconnect.")
    told = re.match(r"\D*(\d{1,3})", reply.text)
    if told and not _same_words(int(told[1]), firmware):
        raise ConfigError(
            f"The stimulator says it is {reply.text}, and [stimulator] firmware says {firmware}. Correct the site file."
        )
    return reply.text


def _same_words(one: int, other: int) -> bool:
    return command_lengths(one) == command_lengths(other) and reply_lengths(one) == reply_lengths(other)
