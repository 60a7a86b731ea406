"""Typed fields and recipes: which names travel in a data packet, in which order, as which type."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Final

from drivers.errors import BadFrame, OurError

Value = bool | int | float | tuple[int, ...] | tuple[float, ...]
"""What a field holds: one number, or the three or six of a vector."""

NOT_FOUND: Final = "NOT_FOUND"
"""Said in place of a type: the controller knows no such field."""
IN_USE: Final = "IN_USE"
"""Said in place of a type: another client owns this input."""


class FieldType(Enum):
    """A type by its name on the wire, and how it is packed, big-endian and unaligned."""

    BOOL = "BOOL", "?", 1
    UINT8 = "UINT8", "B", 1
    UINT32 = "UINT32", "I", 1
    UINT64 = "UINT64", "Q", 1
    INT32 = "INT32", "i", 1
    DOUBLE = "DOUBLE", "d", 1
    VECTOR3D = "VECTOR3D", "d", 3
    VECTOR6D = "VECTOR6D", "d", 6
    VECTOR6INT32 = "VECTOR6INT32", "i", 6
    VECTOR6UINT32 = "VECTOR6UINT32", "I", 6

    def __init__(self, wire_name: str, code: str, count: int) -> None:
        self.wire_name = wire_name
        self.code = code
        self.count = count

    @classmethod
    def named(cls, name: str) -> FieldType:
        """The type of this wire name. BadFrame for a type that is not known."""
        found = _BY_NAME.get(name)
        if found is None:
            raise BadFrame(f"RTDE names a type {name!r}, which this codec does not know: its protocol is newer.")
        return found


_BY_NAME: Final = {each.wire_name: each for each in FieldType}


def split_names(listed: str) -> tuple[str, ...]:
    """The names of a comma list. A comma at its end is borne: a widely used client sends one."""
    names = listed.split(",")
    return tuple(names[:-1] if names[-1] == "" else names)


class Recipe:
    """What a data packet of this id holds: an ordered list of names with their types."""

    def __init__(self, recipe_id: int, fields: Sequence[tuple[str, FieldType]]) -> None:
        self.recipe_id = recipe_id
        self.fields = tuple(fields)
        self._struct = struct.Struct(">" + "".join(f"{kind.count}{kind.code}" for _, kind in self.fields))

    @property
    def size(self) -> int:
        """Bytes of the values, without the recipe id."""
        return self._struct.size

    def pack(self, values: Mapping[str, Value]) -> bytes:
        """The values in the recipe's order. OurError when one is missing, of the wrong length or out of its range."""
        flat: list[bool | int | float] = []
        for name, kind in self.fields:
            value = values.get(name)
            parts = value if isinstance(value, tuple) else (value,)
            if value is None or len(parts) != kind.count:
                raise OurError(f"{name} of an RTDE packet wants {kind.count} number(s), not {value!r}")
            flat += [part for part in parts if part is not None]
        try:
            return self._struct.pack(*flat)
        except struct.error as error:
            raise OurError(f"values that do not fit their RTDE types: {error}") from error

    def unpack(self, data: bytes) -> dict[str, Value]:
        """The values by name. BadFrame when the length is not the recipe's."""
        if len(data) != self._struct.size:
            raise BadFrame(f"RTDE data of {len(data)} bytes where the recipe has {self._struct.size}. Reconnect.")
        flat = self._struct.unpack(data)
        values: dict[str, Value] = {}
        at = 0
        for name, kind in self.fields:
            values[name] = flat[at] if kind.count == 1 else flat[at : at + kind.count]
            at += kind.count
        return values
