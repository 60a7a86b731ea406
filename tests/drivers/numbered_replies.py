"""Replies of a Rapid that carry a number, so that a test can tell whose they are."""

from __future__ import annotations

from drivers.catalogue import dialect
from drivers.magstim.codec import (
    BasicSettingsReply,
    ChargeDelayReply,
    Instrument,
    Rapid,
    Reply,
    SettingsReply,
    TemperatureReply,
)

FIRMWARE = 11
RAPID = dialect("magstim-rapid2", FIRMWARE)
STATUS = Instrument.REMOTE | Instrument.COIL_PRESENT | Instrument.STANDBY


def numbered(letter: str, number: int) -> bytes:
    """A true reply of this letter that carries `number`, so that a test can tell whose it is."""
    replies: dict[str, Reply] = {
        "F": TemperatureReply("F", STATUS, number, number),
        "J": BasicSettingsReply("J", STATUS, 0, 0, number),
        "\\": SettingsReply("\\", STATUS, Rapid.SINGLE_PULSE, 30, 0, number, 0, 1),
        "o": ChargeDelayReply("o", STATUS, number),
    }
    return replies[letter].encode(FIRMWARE)


def number_in(reply: object) -> int:
    match reply:
        case TemperatureReply():
            return reply.first_tenths_celsius
        case BasicSettingsReply():
            return reply.interval
        case SettingsReply():
            return reply.pulses
        case ChargeDelayReply():
            return reply.milliseconds
    raise AssertionError(reply)
