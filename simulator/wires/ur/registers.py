"""General-purpose registers of a controller: what clients write for programs, and programs for clients.

Numbers 0 to 23 belong to a fieldbus, 24 to 47 to RTDE clients that may run beside one (RTDE guide, from 3.9 / 5.3 on).
"""

from __future__ import annotations

from dataclasses import dataclass, field

COUNT = 48
BITS = 128


def _ints() -> list[int]:
    return [0] * COUNT


def _doubles() -> list[float]:
    return [0.0] * COUNT


def _bits() -> list[bool]:
    return [False] * BITS


@dataclass(slots=True)
class Bank:
    """One direction's registers."""

    ints: list[int] = field(default_factory=_ints)
    doubles: list[float] = field(default_factory=_doubles)
    bits: list[bool] = field(default_factory=_bits)
    int_writes: list[int] = field(default_factory=_ints)
    """How often each integer was written, whatever the value: what a watchdog on it counts."""


@dataclass(slots=True)
class Registers:
    """Both directions; an input holds its last value, whoever wrote it."""

    inputs: Bank = field(default_factory=Bank)
    outputs: Bank = field(default_factory=Bank)
