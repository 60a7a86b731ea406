"""What a client says to a Rapid: one frozen dataclass per command, and the way from bytes and back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

from drivers.errors import BadFrame, OurError
from drivers.magstim.framing import (
    CODE_LENGTH,
    WITH_UNLOCK_CODE,
    charge_delay_digits,
    command_lengths,
    digits,
    duration_digits,
    holds,
    number,
    pulses_digits,
    seal,
)


@dataclass(frozen=True, slots=True)
class Command(ABC):
    """One command, without the firmware: that only decides how it is written."""

    letter: ClassVar[str]

    @abstractmethod
    def data(self, firmware: int) -> bytes:
        """What stands between letter and checksum."""

    def encode(self, firmware: int) -> bytes:
        """The frame; OurError when this firmware has no such command or the value does not fit."""
        frame = seal(self.letter.encode() + self.data(firmware))
        if command_lengths(firmware).get(frame[0]) != len(frame):
            raise OurError(f"firmware {firmware} has no {type(self).__name__} of this form")
        return frame


@dataclass(frozen=True, slots=True)
class _Bare(Command):
    """A command without data: a padding byte stands in, whose value the device ignores."""

    padding: ClassVar[bytes] = b"@"

    def data(self, firmware: int) -> bytes:  # noqa: ARG002  one signature for every command
        return self.padding


@dataclass(frozen=True, slots=True)
class EnableRemote(Command):
    """Takes remote control. From firmware 9 on with the unit's own unlock code, before without."""

    letter = "Q"
    code: str | None = field(default=None, repr=False)

    def data(self, firmware: int) -> bytes:
        if firmware < WITH_UNLOCK_CODE:
            return b"@"
        if self.code is None or len(self.code) != CODE_LENGTH or not self.code.isascii():
            raise OurError(f"firmware {firmware} wants an unlock code of {CODE_LENGTH} ASCII characters")
        return self.code.encode()


@dataclass(frozen=True, slots=True)
class DisableRemote(_Bare):
    """Gives remote control back; disarms as well."""

    letter = "R"


@dataclass(frozen=True, slots=True)
class SetPower(Command):
    """Power in % of maximum output, 0..100, 0..110 with enhanced power."""

    letter = "@"
    percent: int

    def data(self, firmware: int) -> bytes:  # noqa: ARG002  one signature for every command
        return digits(self.percent, 3)


@dataclass(frozen=True, slots=True)
class Operate(Command):
    """Disarm (bit 0), arm (bit 1), trigger (bit 3); bit 6 is always set. A careful client does one at a time."""

    letter = "E"
    bits: int

    def data(self, firmware: int) -> bytes:  # noqa: ARG002  one signature for every command
        return bytes((self.bits,))


DISARM = Operate(0x41)
ARM = Operate(0x42)
TRIGGER = Operate(0x48)


@dataclass(frozen=True, slots=True)
class GetTemperature(_Bare):
    """Asks for the temperatures of both windings."""

    letter = "F"


@dataclass(frozen=True, slots=True)
class GetVersion(_Bare):
    """Asks for the software version."""

    letter = "N"
    padding = b"D"


@dataclass(frozen=True, slots=True)
class GetSettings(_Bare):
    """Asks for all parameters of the Rapid."""

    letter = "\\"


@dataclass(frozen=True, slots=True)
class GetBasicSettings(_Bare):
    """Asks for power A, power B and interval: the settings question of the 200² and BiStim²."""

    letter = "J"


@dataclass(frozen=True, slots=True)
class SetFrequency(Command):
    """Pulses per second in a train, in 0.1 Hz."""

    letter = "B"
    tenths_hertz: int

    def data(self, firmware: int) -> bytes:  # noqa: ARG002  one signature for every command
        return digits(self.tenths_hertz, 4)


@dataclass(frozen=True, slots=True)
class SetPulses(Command):
    """Pulses in a train."""

    letter = "D"
    pulses: int

    def data(self, firmware: int) -> bytes:
        return digits(self.pulses, pulses_digits(firmware))


@dataclass(frozen=True, slots=True)
class SetDuration(Command):
    """Length of a train in 0.1 s. More than 0 enters repetitive mode, 0 leaves it."""

    letter = "["
    tenths_second: int

    def data(self, firmware: int) -> bytes:
        return digits(self.tenths_second, duration_digits(firmware))


@dataclass(frozen=True, slots=True)
class EnhancedPowerOn(_Bare):
    """Allows 101..110 %, in single-pulse mode and standby."""

    letter = "^"


@dataclass(frozen=True, slots=True)
class EnhancedPowerOff(_Bare):
    """Back to 100 % at most."""

    letter = "_"


@dataclass(frozen=True, slots=True)
class IgnoreCoilSwitch(_Bare):
    """Switches the coil's safety interlock off. Known here so that it can be named when it is refused."""

    letter = "b"


@dataclass(frozen=True, slots=True)
class GetError(_Bare):
    """Asks for the current error code."""

    letter = "I"


@dataclass(frozen=True, slots=True)
class GetSystemStatus(_Bare):
    """Asks for every status byte; the keep-alive from firmware 9 on."""

    letter = "x"


@dataclass(frozen=True, slots=True)
class SetChargeDelay(Command):
    """How long the unit waits after a pulse before it charges again, in ms. From firmware 9 on."""

    letter = "n"
    milliseconds: int

    def data(self, firmware: int) -> bytes:
        return digits(self.milliseconds, charge_delay_digits(firmware))


@dataclass(frozen=True, slots=True)
class GetChargeDelay(_Bare):
    """Asks for the charge delay."""

    letter = "o"


_BARE: dict[str, type[_Bare]] = {
    command.letter: command
    for command in (
        DisableRemote,
        GetTemperature,
        GetVersion,
        GetSettings,
        GetBasicSettings,
        EnhancedPowerOn,
        EnhancedPowerOff,
        IgnoreCoilSwitch,
        GetError,
        GetSystemStatus,
        GetChargeDelay,
    )
}

_NUMBERED: dict[str, Callable[[int], Command]] = {
    command.letter: command for command in (SetPower, SetFrequency, SetPulses, SetDuration, SetChargeDelay)
}


def _parse_remote(data: bytes) -> Command:
    if len(data) != CODE_LENGTH:
        return EnableRemote()
    if not data.isascii():
        raise BadFrame("an unlock code is ASCII")  # and is never shown, not even a wrong one
    return EnableRemote(data.decode())


def parse_command(frame: bytes, firmware: int) -> Command:
    """The command in a whole frame. BadFrame when letter, length, checksum or data are not this firmware's.

    Values are not judged: what the device accepts is in `effects.py`. Padding is ignored, as the device does.
    """
    length = command_lengths(firmware).get(frame[0]) if frame else None
    if length is None:
        raise BadFrame(f"{frame[:1].hex() or 'nothing'} begins no command of firmware {firmware}")
    letter, data = chr(frame[0]), frame[1:-1]
    if len(frame) != length:
        raise BadFrame(f"a {letter!r} command has {length} bytes, got {len(frame)}")
    if not holds(frame):
        raise BadFrame(f"the checksum of this {letter!r} command is wrong")
    if letter == "Q":
        return _parse_remote(data)
    if letter == "E":
        return Operate(data[0])
    if letter in _NUMBERED:
        return _NUMBERED[letter](number(data))
    return _BARE[letter]()
