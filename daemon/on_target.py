"""Whether the coil was on its target at each pulse, by how much it was off it, or that nobody knows.

The arm's lease is the judge: while it let a train begin or go on, the coil was on its target. Each of its words holds
for a moment; what none covers is unknown, and is never taken for good.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from daemon.arm_words import ArmView, Error

COVERS_US: Final = 150_000
"""The arm speaks 20 times a second: its last word holds for three of these, as its lease does to the watchdog."""
MOST_WORDS: Final = 40_000
"""Half an hour of them: the longest train of single pulses, so that each finds how its coil stood."""


_UNSEEN: Final = frozenset({
    "head-lost", "tracker-silent", "tracker-hangs", "tracker-late", "tracker-frozen", "coil-marker-unseen",
})  # fmt: skip
"""Reasons of the arm's to withdraw its lease that say nothing of where the coil is."""


class OnTarget(StrEnum):
    """Of the coil, at one instant."""

    ON = "on"
    OFF = "off"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class _Word:
    """How the coil stood from an instant on, until the next word, or until it is too old."""

    since_us: int
    told_us: int
    stood: OnTarget
    error: Error | None = None
    why: str | None = None

    @property
    def row(self) -> dict[str, Any]:
        """The part of a pulse's row: the figures are the arm's own, where it had any."""
        return {
            "target": self.stood.value,
            "coil_off_mm": round(self.error.distance_mm, 2) if self.error else None,
            "coil_off_deg": round(self.error.angle_deg, 2) if self.error else None,
            "coil_why": self.why,
        }


UNKNOWN: Final[Mapping[str, Any]] = _Word(0, 0, OnTarget.UNKNOWN).row
"""Of a pulse whose instant nobody knows, or of which nobody can tell how the coil stood."""


class Past:
    """The last half hour of what the arm told. All times BOOTTIME µs."""

    def __init__(self) -> None:
        self._words: deque[_Word] = deque(maxlen=MOST_WORDS)

    def told(self, view: ArmView, at_us: int) -> None:
        """The arm's state at an instant."""
        if view.lease != "none":
            stood, since_us = OnTarget.ON, at_us
        else:
            # What the newest frame showed was so when it was seen, not when it was told.
            stood = OnTarget.UNKNOWN if view.error is None or view.why in _UNSEEN else OnTarget.OFF
            since_us = at_us - round((view.frame_age_ms or 0) * 1000)
        self._add(_Word(since_us, at_us, stood, view.error, None if stood is OnTarget.ON else view.why))

    def lost(self, since_us: int) -> None:
        """Nothing is known from here on, until the arm is heard again."""
        self._add(_Word(since_us, since_us, OnTarget.UNKNOWN, why="arm-lost"))

    def at(self, at_us: int | None) -> Mapping[str, Any]:
        """How the coil stood at an instant: `target`, the figures and the reason, as a pulse's row has them."""
        place = 0 if at_us is None else bisect_right(self._words, at_us, key=lambda word: word.since_us)
        word = self._words[place - 1] if place else None
        if at_us is None or word is None:
            return UNKNOWN
        return word.row if at_us <= word.told_us + COVERS_US else {**UNKNOWN, "coil_why": "arm-silent"}

    def _add(self, word: _Word) -> None:
        """A bad word reaches back over the good ones it overtakes, and no further."""
        while self._words and self._words[-1].stood is OnTarget.ON and self._words[-1].since_us >= word.since_us:
            self._words.pop()
        if self._words:
            word = replace(word, since_us=max(word.since_us, self._words[-1].told_us))
        self._words.append(word)


def counts(rows: Iterable[Mapping[str, Any]]) -> dict[str, int | None]:
    """Of pulses that count as delivered: how many off their target, and of how many it is not known.

    None where no row says anything: a room without an arm.
    """
    judged = [row for row in rows if "target" in row]
    stood = [row["target"] for row in judged if "missed" not in row["flags"]]
    return {
        "off_target": stood.count(OnTarget.OFF) if judged else None,
        "target_unknown": stood.count(OnTarget.UNKNOWN) if judged else None,
    }
