"""What each command of a Rapid does, judged on the data too: what the device would not take is never passed on.

A frame whose effect is not in this file is forbidden.
"""

from __future__ import annotations

from functools import lru_cache

from drivers.errors import BadFrame
from drivers.magstim.commands import (
    ARM,
    DISARM,
    TRIGGER,
    Command,
    DisableRemote,
    EnableRemote,
    EnhancedPowerOff,
    EnhancedPowerOn,
    GetBasicSettings,
    GetChargeDelay,
    GetError,
    GetSettings,
    GetSystemStatus,
    GetTemperature,
    GetVersion,
    IgnoreCoilSwitch,
    Operate,
    SetChargeDelay,
    SetDuration,
    SetFrequency,
    SetPower,
    SetPulses,
    parse_command,
)
from drivers.magstim.energy_table import MAX_PULSES, MAX_PULSES_OLD
from drivers.magstim.framing import WITH_LONG_CHARGE_DELAY, WITH_UNLOCK_CODE
from drivers.stimulators import Effect, EffectKind, Field

WHOLE_HERTZ_ABOVE = 300
"""In 0.1 Hz: the unit knows tenths only up to 30 Hz (magpy-tms 1.4)."""


def max_pulses(firmware: int) -> int:
    """Most pulses in a train (magpy-tms 1.4)."""
    return MAX_PULSES if firmware >= WITH_UNLOCK_CODE else MAX_PULSES_OLD


@lru_cache(maxsize=256)
def effect(frame: bytes, firmware: int) -> Effect:
    """What a whole frame does; FORBIDDEN with the reason for everything that is not exactly a known command.

    Remembered, because clients send the same few frames again and again, and a trigger waits for it.
    """
    try:
        command = parse_command(frame, firmware)
    except BadFrame as problem:
        return _forbidden(str(problem))
    if command.encode(firmware) != frame:
        return _forbidden("the padding is not the usual one: no client sends this")
    return _effect(command, firmware)


def _forbidden(why: str) -> Effect:
    return Effect(EffectKind.FORBIDDEN, why=why)


def _effect(command: Command, firmware: int) -> Effect:
    match command:
        case EnableRemote():
            return Effect(EffectKind.REMOTE, renews=True)
        case DisableRemote():
            return Effect(EffectKind.REMOTE)
        case Operate():
            return _operation(command)
        case IgnoreCoilSwitch():
            return _forbidden("it switches off the coil's safety interlock")
        case GetVersion():
            return Effect(EffectKind.QUERY)
        case GetTemperature() | GetSettings() | GetBasicSettings() | GetError() | GetSystemStatus() | GetChargeDelay():
            return Effect(EffectKind.QUERY, renews=True)
    return _setting(command, firmware)


def _operation(command: Operate) -> Effect:
    known = {DISARM: EffectKind.DISARM, ARM: EffectKind.ARM, TRIGGER: EffectKind.TRIGGER}
    if command in known:
        return Effect(known[command], renews=True)
    return _forbidden(f"E with {command.bits:#04x} is not disarm, arm or trigger alone")


def _setting(command: Command, firmware: int) -> Effect:
    match command:
        case SetPower(percent):
            return _ranged(Field.LEVEL, percent * 10, range(1101))
        case SetFrequency(tenths) if tenths > WHOLE_HERTZ_ABOVE and tenths % 10:
            return _forbidden(f"{tenths / 10} Hz: above 30 Hz the stimulator takes whole Hz only")
        case SetFrequency(tenths):
            return _ranged(Field.RATE, tenths, range(1001))
        case SetPulses(pulses):
            return _ranged(Field.PULSES, pulses, range(1, max_pulses(firmware) + 1))
        case SetDuration(tenths):
            longest_ms = 600_000 if firmware >= WITH_UNLOCK_CODE else 10_000
            return _ranged(Field.DURATION_MS, tenths * 100, range(longest_ms + 1))
        case SetChargeDelay(milliseconds):
            longest_ms = 10_000 if firmware >= WITH_LONG_CHARGE_DELAY else 2_000
            return _ranged(Field.CHARGE_DELAY_MS, milliseconds, range(longest_ms + 1))
        case EnhancedPowerOn() | EnhancedPowerOff():
            on = isinstance(command, EnhancedPowerOn)
            return Effect(EffectKind.SETTING, Field.ENHANCED, int(on), renews=True)
    return _forbidden(f"{type(command).__name__} has no known effect")


def _ranged(field: Field, value: int, allowed: range) -> Effect:
    """The setting, when the protocol has room for `value`. Ranges: magpy-tms 1.4, NOTES.md."""
    if value not in allowed:
        return _forbidden(f"{field.value} {value} is outside {allowed[0]}..{allowed[-1]}")
    return Effect(EffectKind.SETTING, field, value, renews=True)
