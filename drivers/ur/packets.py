"""Every RTDE packet as a frozen dataclass, and the bytes of each.

A request and its answer share the type byte: what the client sends is read with `parse_request`, what the controller
sends with `parse_reply`. Data goes both ways; its values are packed by the recipe (`fields`).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from drivers.errors import BadFrame
from drivers.ur.fields import split_names
from drivers.ur.framing import PROTOCOL_VERSION, Kind, seal

_DOUBLE: Final = struct.Struct(">d")
_VERSION: Final = struct.Struct(">H")
_FOUR: Final = struct.Struct(">4I")


class Level(IntEnum):
    """How grave a text of the controller is."""

    EXCEPTION = 0
    ERROR = 1
    WARNING = 2
    INFO = 3


@dataclass(frozen=True, slots=True)
class RequestVersion:
    """Asks for this version of the protocol."""

    version: int = PROTOCOL_VERSION

    def to_bytes(self) -> bytes:
        return seal(Kind.PROTOCOL_VERSION, _VERSION.pack(self.version))


@dataclass(frozen=True, slots=True)
class VersionAnswer:
    """Whether that version is spoken."""

    accepted: bool

    def to_bytes(self) -> bytes:
        return seal(Kind.PROTOCOL_VERSION, bytes((self.accepted,)))


@dataclass(frozen=True, slots=True)
class RequestControllerVersion:
    """Asks which software the controller runs."""

    def to_bytes(self) -> bytes:
        return seal(Kind.CONTROLLER_VERSION)


@dataclass(frozen=True, slots=True, order=True)
class ControllerVersion:
    """The software of the controller; major 5 and up is an e-Series, 3 a CB3."""

    major: int
    minor: int
    bugfix: int
    build: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.bugfix}.{self.build}"

    def to_bytes(self) -> bytes:
        return seal(Kind.CONTROLLER_VERSION, _FOUR.pack(self.major, self.minor, self.bugfix, self.build))


@dataclass(frozen=True, slots=True)
class SetupOutputs:
    """Asks for these fields at this frequency."""

    frequency_hz: float
    names: tuple[str, ...]

    def to_bytes(self) -> bytes:
        return seal(Kind.SETUP_OUTPUTS, _DOUBLE.pack(self.frequency_hz) + ",".join(self.names).encode())


@dataclass(frozen=True, slots=True)
class OutputsAnswer:
    """The recipe's id and the type of each field, or `NOT_FOUND` in a type's place."""

    recipe_id: int
    types: tuple[str, ...]

    def to_bytes(self) -> bytes:
        return seal(Kind.SETUP_OUTPUTS, bytes((self.recipe_id,)) + ",".join(self.types).encode())


@dataclass(frozen=True, slots=True)
class SetupInputs:
    """Asks to own these inputs."""

    names: tuple[str, ...]

    def to_bytes(self) -> bytes:
        return seal(Kind.SETUP_INPUTS, ",".join(self.names).encode())


@dataclass(frozen=True, slots=True)
class InputsAnswer:
    """The recipe's id, 0 when refused, and of each field its type, `NOT_FOUND` or `IN_USE`."""

    recipe_id: int
    types: tuple[str, ...]

    def to_bytes(self) -> bytes:
        return seal(Kind.SETUP_INPUTS, bytes((self.recipe_id,)) + ",".join(self.types).encode())


@dataclass(frozen=True, slots=True)
class Start:
    """Asks for the stream of outputs to begin."""

    def to_bytes(self) -> bytes:
        return seal(Kind.START)


@dataclass(frozen=True, slots=True)
class StartAnswer:
    accepted: bool

    def to_bytes(self) -> bytes:
        return seal(Kind.START, bytes((self.accepted,)))


@dataclass(frozen=True, slots=True)
class Pause:
    """Asks for the stream of outputs to stand still."""

    def to_bytes(self) -> bytes:
        return seal(Kind.PAUSE)


@dataclass(frozen=True, slots=True)
class PauseAnswer:
    accepted: bool

    def to_bytes(self) -> bytes:
        return seal(Kind.PAUSE, bytes((self.accepted,)))


@dataclass(frozen=True, slots=True)
class Text:
    """A sentence for people, either way."""

    message: str
    source: str
    level: Level

    def to_bytes(self) -> bytes:
        message, source = self.message.encode()[:255], self.source.encode()[:255]
        return seal(Kind.TEXT, bytes((len(message),)) + message + bytes((len(source),)) + source + bytes((self.level,)))


@dataclass(frozen=True, slots=True)
class Data:
    """Values of one recipe, packed; ids count from 1 in each direction."""

    recipe_id: int
    values: bytes

    def to_bytes(self) -> bytes:
        return seal(Kind.DATA, bytes((self.recipe_id,)) + self.values)


Request = RequestVersion | RequestControllerVersion | SetupOutputs | SetupInputs | Start | Pause | Text | Data
Reply = VersionAnswer | ControllerVersion | OutputsAnswer | InputsAnswer | StartAnswer | PauseAnswer | Text | Data

_BARE: Final[Mapping[Kind, type[RequestControllerVersion | Start | Pause]]] = {
    Kind.CONTROLLER_VERSION: RequestControllerVersion,
    Kind.START: Start,
    Kind.PAUSE: Pause,
}
_YES_OR_NO: Final[Mapping[Kind, type[VersionAnswer | StartAnswer | PauseAnswer]]] = {
    Kind.PROTOCOL_VERSION: VersionAnswer,
    Kind.START: StartAnswer,
    Kind.PAUSE: PauseAnswer,
}


def parse_request(kind: Kind, payload: bytes) -> Request:
    """What a client asks. BadFrame when the payload is not the type's."""
    match kind:
        case Kind.PROTOCOL_VERSION:
            return RequestVersion(*_unpack(_VERSION, kind, payload))
        case Kind.CONTROLLER_VERSION | Kind.START | Kind.PAUSE:
            _exactly(0, kind, payload)
            return _BARE[kind]()
        case Kind.SETUP_OUTPUTS:
            (frequency_hz,) = _unpack(_DOUBLE, kind, payload[: _DOUBLE.size])
            if not math.isfinite(frequency_hz):
                raise BadFrame(f"RTDE outputs asked for at {frequency_hz} Hz")
            return SetupOutputs(frequency_hz, split_names(_text(kind, payload[_DOUBLE.size :])))
        case Kind.SETUP_INPUTS:
            return SetupInputs(split_names(_text(kind, payload)))
    return _either_way(kind, payload)


def parse_reply(kind: Kind, payload: bytes) -> Reply:
    """What the controller says. BadFrame when the payload is not the type's."""
    match kind:
        case Kind.PROTOCOL_VERSION | Kind.START | Kind.PAUSE:
            _exactly(1, kind, payload)
            return _YES_OR_NO[kind](accepted=payload[0] != 0)
        case Kind.CONTROLLER_VERSION:
            return ControllerVersion(*_unpack(_FOUR, kind, payload))
        case Kind.SETUP_OUTPUTS | Kind.SETUP_INPUTS:
            recipe_id, types = _id_and_rest(kind, payload)
            setup = OutputsAnswer if kind is Kind.SETUP_OUTPUTS else InputsAnswer
            return setup(recipe_id, split_names(_text(kind, types)))
    return _either_way(kind, payload)


def _either_way(kind: Kind, payload: bytes) -> Text | Data:
    if kind is Kind.DATA:
        return Data(*_id_and_rest(kind, payload))
    message, rest = _counted(kind, payload)
    source, level = _counted(kind, rest)
    _exactly(1, kind, level)
    grave = Level(level[0]) if level[0] in set(Level) else Level.WARNING
    # What is only for people to read never ends a connection that moves an arm.
    return Text(message.decode(errors="replace"), source.decode(errors="replace"), grave)


def _exactly(length: int, kind: Kind, payload: bytes) -> None:
    if len(payload) != length:
        raise BadFrame(f"RTDE {kind.name} with {len(payload)} bytes where {length} belong. Reconnect.")


def _unpack(layout: struct.Struct, kind: Kind, payload: bytes) -> tuple[int, ...]:
    _exactly(layout.size, kind, payload)
    return layout.unpack(payload)


def _id_and_rest(kind: Kind, payload: bytes) -> tuple[int, bytes]:
    if not payload:
        raise BadFrame(f"RTDE {kind.name} without a recipe id. Reconnect.")
    return payload[0], payload[1:]


def _counted(kind: Kind, payload: bytes) -> tuple[bytes, bytes]:
    """Bytes that begin with their number, and what follows them."""
    if not payload or len(payload) <= payload[0]:
        raise BadFrame(f"RTDE {kind.name} that ends within a text. Reconnect.")
    return payload[1 : 1 + payload[0]], payload[1 + payload[0] :]


def _text(kind: Kind, payload: bytes) -> str:
    try:
        return payload.decode()
    except UnicodeDecodeError:
        raise BadFrame(f"RTDE {kind.name} with a text that is no UTF-8. Reconnect.") from None
