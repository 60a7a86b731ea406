"""What physically happened, trusted over every counter, ledger and report of the system under test.

The file, when there is one, is written with one `write` per happening at the moment it happens: whatever is killed
afterwards, the pulses that went out are on record.
"""

from __future__ import annotations

import json
import os
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from simulator.clock import Clock
from simulator.places import CoilPlace

KEPT_IN_MEMORY = 100_000
"""Happenings kept for reading back; about ten treatments. Counts are kept for ever. An engineering choice."""


class Kind(Enum):
    """What can happen, physically."""

    PULSE = "pulse"
    """The coil was discharged into whatever is before it."""
    ARMED = "armed"
    DISARMED = "disarmed"
    """Back in standby; `note` says why."""
    LAPSE = "lapse"
    """The device waited too long for a keep-alive and dropped remote control."""
    HOT = "hot"
    """The coil passed the temperature at which the device refuses it."""
    COIL = "coil"
    """The coil was plugged in or unplugged."""
    STRAIN = "strain"
    """A train beyond what the device's supply bears: nothing on the wire forbids it, hardware would suffer."""
    POWER = "power"
    """Mains off or on."""
    CABLE = "cable"
    """The serial cable was pulled or plugged in."""
    LATE = "late"
    """The simulation cannot keep up with its clock: what it shows until it has caught up is late."""
    TOUCH = "touch"
    """The coil begins or ends to press on the head; `note` says which."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of the log. Level, train and index speak of pulses only."""

    at_us: int
    kind: Kind
    level_tenths: int = 0
    """What the capacitor really held, in 0.1 % of maximum output; not what was set."""
    train: int = 0
    """Triggers taken since the start, this one included."""
    index: int = 0
    """The pulse's place in its train, from 1."""
    note: str = ""
    coil: CoilPlace | None = None
    """How the coil stood to its target at a pulse, where there is a head and an arm."""

    def as_json(self) -> dict[str, object]:
        """The fields that say something about its kind, ready for JSON."""
        fields: dict[str, object] = {"at_us": self.at_us, "kind": self.kind.value}
        if self.kind is Kind.PULSE:
            pulse = fields | {"level_tenths": self.level_tenths, "train": self.train, "index": self.index}
            return pulse | {"coil": self.coil.as_json()} if self.coil else pulse
        return fields | ({"note": self.note} if self.note else {})


class World:
    """One clock and the log of what happened in it."""

    def __init__(self, clock: Clock, *, kept: int = KEPT_IN_MEMORY) -> None:
        self.clock = clock
        self.counts: Counter[Kind] = Counter()
        self.log: deque[Happening] = deque(maxlen=kept)
        self.witnesses: list[Callable[[Happening], None]] = []
        """Called at the moment of each happening: a log file, a sense line, a muscle."""
        self.judge: Callable[[int], CoilPlace] | None = None
        """Says how the coil stands to its target at a time; None where nobody knows."""

    def happened(self, happening: Happening) -> None:
        """Puts `happening` on record and tells every witness; of a pulse also where the coil stood."""
        if happening.kind is Kind.PULSE and self.judge:
            happening = replace(happening, coil=self.judge(happening.at_us))
        self.counts[happening.kind] += 1
        self.log.append(happening)
        for witness in self.witnesses:
            witness(happening)

    @property
    def pulses(self) -> int:
        """Every pulse since the start, also those that have left the memory."""
        return self.counts[Kind.PULSE]

    @property
    def forgotten(self) -> int:
        """Happenings counted that `log` no longer holds."""
        return self.counts.total() - len(self.log)

    def of(self, kind: Kind) -> list[Happening]:
        """Happenings of one kind still in memory, oldest first."""
        return [happening for happening in self.log if happening.kind is kind]


class LogFile:
    """A witness that appends JSON lines to a file, one unbuffered `write` each. OSError when the disk refuses."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)

    def __call__(self, happening: Happening) -> None:
        os.write(self._fd, json.dumps(happening.as_json(), separators=(",", ":")).encode() + b"\n")

    def close(self) -> None:
        """Closes the file; the log goes on in memory."""
        os.close(self._fd)


class TraceFile:
    """Appends how a coil stands to its target, one JSON line each time it is told. OSError when the disk refuses."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", buffering=1)

    def __call__(self, at_us: int, place: CoilPlace) -> None:
        self._file.write(json.dumps({"at_us": at_us} | place.as_json(), separators=(",", ":")) + "\n")

    def close(self) -> None:
        """Closes the file."""
        self._file.close()
