"""What a Rapid answers: one frozen dataclass per shape of reply, and the way from bytes and back.

The status bytes show the device *before* the command took effect, except in the replies to `Q` and `R`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from drivers.errors import BadFrame
from drivers.magstim.framing import (
    CONFLICT,
    LONE_REFUSAL,
    REFUSAL_LENGTH,
    REFUSALS,
    VERSION_TEXT_LIMIT,
    WITH_LONG_CHARGE_DELAY,
    charge_delay_digits,
    digits,
    holds,
    number,
    numbers,
    reply_lengths,
    seal,
    settings_widths,
)
from drivers.magstim.status import Extended, Instrument, Rapid
from drivers.stimulators import Refusal


@dataclass(frozen=True, slots=True)
class Reply(ABC):
    """One reply; `letter` repeats the command's."""

    letter: str

    @abstractmethod
    def payload(self, firmware: int) -> bytes:
        """What stands between letter and checksum."""

    def encode(self, firmware: int) -> bytes:
        """The frame as a device of this firmware sends it."""
        return seal(self.letter.encode() + self.payload(firmware))


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """A single `?`: the last byte began no command. It carries no letter, so it answers whatever was sent."""

    def encode(self, firmware: int) -> bytes:  # noqa: ARG002  one signature for every reply
        """The byte."""
        return LONE_REFUSAL


@dataclass(frozen=True, slots=True)
class Refused(Reply):
    """The command is known, and not carried out: its data or checksum is wrong (`?`), or the state is (`S`)."""

    refusal: Refusal

    def payload(self, firmware: int) -> bytes:  # noqa: ARG002  one signature for every reply
        return b"S" if self.refusal is Refusal.CONFLICT else b"?"


@dataclass(frozen=True, slots=True)
class StatusReply(Reply):
    """To `Q`, `R`, `@`, `E` and `b`; every reply that says more begins the same way."""

    instrument: Instrument

    def payload(self, firmware: int) -> bytes:  # noqa: ARG002  one signature for every reply
        return bytes((self.instrument,))


@dataclass(frozen=True, slots=True)
class RapidReply(StatusReply):
    """To `B`, `D`, `[`, `^`, `_`, and on firmware 9 to `n`."""

    rapid: Rapid

    def payload(self, firmware: int) -> bytes:  # noqa: ARG002  one signature for every reply
        return bytes((self.instrument, self.rapid))


@dataclass(frozen=True, slots=True)
class SystemReply(RapidReply):
    """To `x`, and from firmware 10 on to `n`."""

    extended: Extended

    def payload(self, firmware: int) -> bytes:  # noqa: ARG002  one signature for every reply
        return bytes((self.instrument, self.rapid)) + self.extended.to_bytes(2, "big")


@dataclass(frozen=True, slots=True)
class SettingsReply(RapidReply):
    r"""To `\`: every parameter of the Rapid. In single-pulse mode only the power matters."""

    percent: int
    tenths_hertz: int
    pulses: int
    tenths_second: int
    wait_tenths_second: int

    def payload(self, firmware: int) -> bytes:
        values = (self.percent, self.tenths_hertz, self.pulses, self.tenths_second, self.wait_tenths_second)
        text = map(digits, values, settings_widths(firmware))
        return bytes((self.instrument, self.rapid)) + b"".join(text)


@dataclass(frozen=True, slots=True)
class TemperatureReply(StatusReply):
    """To `F`: both windings in 0.1 °C."""

    first_tenths_celsius: int
    second_tenths_celsius: int

    def payload(self, firmware: int) -> bytes:  # noqa: ARG002  one signature for every reply
        windings = digits(self.first_tenths_celsius, 3) + digits(self.second_tenths_celsius, 3)
        return bytes((self.instrument,)) + windings


@dataclass(frozen=True, slots=True)
class VersionReply(Reply):
    """To `N`: the software version, such as `V9.0`. No status byte; the text ends with a NUL."""

    text: str

    def payload(self, firmware: int) -> bytes:  # noqa: ARG002  one signature for every reply
        return self.text.encode("ascii") + b"\0"


@dataclass(frozen=True, slots=True)
class ErrorReply(StatusReply):
    """To `I`: where the error is ("U" user interface, "C" coil, "E" system) and its two-digit code."""

    source: str
    code: int

    def payload(self, firmware: int) -> bytes:  # noqa: ARG002  one signature for every reply
        return bytes((self.instrument,)) + self.source.encode("ascii") + digits(self.code, 2)


@dataclass(frozen=True, slots=True)
class ChargeDelayReply(StatusReply):
    """To `o`: the charge delay in ms."""

    milliseconds: int

    def payload(self, firmware: int) -> bytes:
        return bytes((self.instrument,)) + digits(self.milliseconds, charge_delay_digits(firmware))


@dataclass(frozen=True, slots=True)
class BasicSettingsReply(StatusReply):
    """To `J`: power A, power B, interval, as a 200² or BiStim² has them."""

    percent_a: int
    percent_b: int
    interval: int

    def payload(self, firmware: int) -> bytes:  # noqa: ARG002  one signature for every reply
        values = (self.percent_a, self.percent_b, self.interval)
        return bytes((self.instrument,)) + b"".join(digits(value, 3) for value in values)


AnyReply = Reply | NotUnderstood


def _status(letter: str, payload: bytes, _firmware: int) -> Reply:
    return StatusReply(letter, Instrument(payload[0]))


def _rapid(letter: str, payload: bytes, _firmware: int) -> Reply:
    return RapidReply(letter, Instrument(payload[0]), Rapid(payload[1]))


def _system(letter: str, payload: bytes, _firmware: int) -> Reply:
    extended = Extended(int.from_bytes(payload[2:4], "big"))
    return SystemReply(letter, Instrument(payload[0]), Rapid(payload[1]), extended)


def _charge_delay_set(letter: str, payload: bytes, firmware: int) -> Reply:
    return (_system if firmware >= WITH_LONG_CHARGE_DELAY else _rapid)(letter, payload, firmware)


def _settings(letter: str, payload: bytes, firmware: int) -> Reply:
    values = numbers(payload[2:], settings_widths(firmware))
    return SettingsReply(letter, Instrument(payload[0]), Rapid(payload[1]), *values)


def _temperature(letter: str, payload: bytes, _firmware: int) -> Reply:
    return TemperatureReply(letter, Instrument(payload[0]), *numbers(payload[1:], (3, 3)))


def _error(letter: str, payload: bytes, _firmware: int) -> Reply:
    if payload[1] not in b"UCE":
        raise BadFrame(f"an error's source is U, C or E, got {payload[1]:#04x}")
    return ErrorReply(letter, Instrument(payload[0]), chr(payload[1]), number(payload[2:]))


def _charge_delay(letter: str, payload: bytes, _firmware: int) -> Reply:
    return ChargeDelayReply(letter, Instrument(payload[0]), number(payload[1:]))


def _basic_settings(letter: str, payload: bytes, _firmware: int) -> Reply:
    return BasicSettingsReply(letter, Instrument(payload[0]), *numbers(payload[1:], (3, 3, 3)))


_SHAPES: dict[str, Callable[[str, bytes, int], Reply]] = {
    **dict.fromkeys("QR@Eb", _status),
    **dict.fromkeys("BD[^_", _rapid),
    "x": _system,
    "n": _charge_delay_set,
    "\\": _settings,
    "F": _temperature,
    "I": _error,
    "o": _charge_delay,
    "J": _basic_settings,
}


def _version(payload: bytes) -> Reply:
    text, nul, rest = payload.partition(b"\0")
    if not nul or rest or len(text) > VERSION_TEXT_LIMIT or not text.isascii():
        raise BadFrame("a version is a short ASCII text that ends with a NUL")
    return VersionReply("N", text.decode("ascii"))


def parse_reply(frame: bytes, firmware: int) -> AnyReply:
    """The reply in a whole frame. BadFrame when letter, length, checksum or data are not this firmware's."""
    if frame == LONE_REFUSAL:
        return NotUnderstood()
    if not holds(frame):
        raise BadFrame(f"the checksum of this reply is wrong: {frame.hex(' ')}")
    letter, payload = chr(frame[0]), frame[1:-1]
    length = reply_lengths(firmware).get(frame[0])
    if length is None and letter != "N":
        raise BadFrame(f"{frame[0]:#04x} begins no reply of firmware {firmware}")
    if len(frame) == REFUSAL_LENGTH and payload[0] in REFUSALS:
        return Refused(letter, Refusal.CONFLICT if payload[0] == CONFLICT else Refusal.NOT_UNDERSTOOD)
    if letter == "N":
        return _version(payload)
    if len(frame) != length:
        raise BadFrame(f"a {letter!r} reply has {length} bytes, got {len(frame)}")
    return _SHAPES[letter](letter, payload, firmware)
