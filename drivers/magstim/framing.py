"""Letter, data, checksum: how long every frame of a Rapid is, and when one holds.

Frames have no terminator. Their length follows from the letter and the firmware, so everything here is parsed by
length: a checksum may have any value, and may look like a letter. Lengths count the letter and the checksum.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from drivers.errors import BadFrame, OurError

WITH_LONG_WAIT = 7
"""First firmware whose wait time has 4 digits."""

WITH_UNLOCK_CODE = 9
"""First firmware with unlock code, system status, charge delay, and longer pulses and duration."""

WITH_LONG_CHARGE_DELAY = 10
"""First firmware whose charge delay has 5 digits and is answered with the extended status."""

NOT_UNDERSTOOD = ord("?")
CONFLICT = ord("S")
REFUSALS = bytes((NOT_UNDERSTOOD, CONFLICT))
"""Both would claim two of standby, armed and ready at once if they were status bytes, and so never are."""

LONE_REFUSAL = b"?"
"""The device's answer to a byte that begins no command: no letter, no checksum."""

REFUSAL_LENGTH = 3
CODE_LENGTH = 16
"""An unlock code, `cccc-cccccccc-hh`; sent whole."""

VERSION_TEXT_LIMIT = 16
"""Longest version text believed ("V9.0" has 4): an engineering choice, only there to bound the buffer."""

LONGEST_COMMAND = 2 + CODE_LENGTH
LONGEST_REPLY = 24
"""Firmware 9 and later answering the settings question."""


def checksum(body: bytes) -> int:
    """The complement of the low byte of the sum, the same in both directions."""
    return ~sum(body) & 0xFF


def seal(body: bytes) -> bytes:
    """`body` with its checksum."""
    return body + bytes((checksum(body),))


def holds(frame: bytes) -> bool:
    """Whether the last byte of `frame` is the checksum of the others."""
    return len(frame) > 1 and frame[-1] == checksum(frame[:-1])


def digits(value: int, width: int) -> bytes:
    """`value` in exactly `width` decimal digits; OurError when it does not fit, for it would change the length."""
    if not 0 <= value < 10**width:
        raise OurError(f"{value} does not fit into {width} decimal digits")
    return b"%0*d" % (width, value)


def number(data: bytes) -> int:
    """The decimal number in `data`; BadFrame when any byte is no digit."""
    if not data.isdigit():
        raise BadFrame(f"expected {len(data)} decimal digits, got {data.hex(' ')}")
    return int(data)


def numbers(payload: bytes, widths: tuple[int, ...]) -> tuple[int, ...]:
    """The decimal numbers that fill `payload` in these widths; BadFrame when they do not."""
    if len(payload) != sum(widths):
        raise BadFrame(f"expected {sum(widths)} digits, got {len(payload)} bytes")
    ends = [sum(widths[: n + 1]) for n in range(len(widths))]
    return tuple(number(payload[end - width : end]) for end, width in zip(ends, widths, strict=True))


def pulses_digits(firmware: int) -> int:
    """Digits of a number of pulses, in `D` and in the settings reply."""
    return 5 if firmware >= WITH_UNLOCK_CODE else 4


def duration_digits(firmware: int) -> int:
    """Digits of a duration in 0.1 s, in `[` and in the settings reply."""
    return 4 if firmware >= WITH_UNLOCK_CODE else 3


def wait_digits(firmware: int) -> int:
    """Digits of the wait time in 0.1 s of the settings reply."""
    return 4 if firmware >= WITH_LONG_WAIT else 3


def charge_delay_digits(firmware: int) -> int:
    """Digits of a charge delay in ms, which exists from firmware 9 on."""
    return 5 if firmware >= WITH_LONG_CHARGE_DELAY else 4


def settings_widths(firmware: int) -> tuple[int, ...]:
    """Power, frequency, pulses, duration and wait in the settings reply."""
    return (3, 4, pulses_digits(firmware), duration_digits(firmware), wait_digits(firmware))


@cache
def command_lengths(firmware: int) -> Mapping[int, int]:
    """The length of every command this firmware knows, by letter."""
    data = dict.fromkeys(b"RFNEIJb\\^_", 1)
    data |= {ord("Q"): 1, ord("@"): 3, ord("B"): 4}
    data |= {ord("D"): pulses_digits(firmware), ord("["): duration_digits(firmware)}
    if firmware >= WITH_UNLOCK_CODE:
        data |= {ord("Q"): CODE_LENGTH, ord("x"): 1, ord("o"): 1, ord("n"): charge_delay_digits(firmware)}
    return {letter: length + 2 for letter, length in data.items()}


@cache
def reply_lengths(firmware: int) -> Mapping[int, int]:
    """The length of every accepting reply, by letter; `N` is missing because its text ends with a NUL."""
    lengths = dict.fromkeys(b"QR@Eb", 3) | dict.fromkeys(b"BD[^_", 4)
    lengths |= {ord("F"): 9, ord("I"): 6, ord("J"): 12, ord("\\"): 4 + sum(settings_widths(firmware))}
    if firmware >= WITH_UNLOCK_CODE:
        lengths |= {ord("x"): 6, ord("o"): 3 + charge_delay_digits(firmware)}
        lengths[ord("n")] = 6 if firmware >= WITH_LONG_CHARGE_DELAY else 4
    return lengths
