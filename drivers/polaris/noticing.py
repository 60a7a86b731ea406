"""What is worth a line in a log: frames lost, tools that go and come back, a tracker that stands still. Pure.

Each is said once, when it begins and when it ends. Lost frames come in crowds: they are counted, and told at most every
`TELL_US`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from drivers.quantities import SECOND_US
from drivers.trackers import Frame, Tool

TELL_US: Final = 10 * SECOND_US
"""Engineering choice."""
STILL_US: Final = SECOND_US // 2
"""Answers without a new frame for this long: it stands still (engineering choice: ten frames of the slowest model)."""


class Noticing:
    """Told of every frame and every answer without one; tells `say`."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._newest: Frame | None = None
        self._gone: dict[Tool, Frame] = {}
        self._lost = 0
        self._told_us: int | None = None
        self._still = False
        self._fault = ""

    def nothing_new(self, now_us: int) -> None:
        """It answered with a frame that we have already."""
        newest = self._newest
        if newest is not None and not self._still and now_us - newest.received_us > STILL_US:
            self._still = True
            self._say(f"The tracker answers, but stands still at frame {newest.number}. If that lasts it is given up.")

    def saw(self, frame: Frame) -> None:
        """A new frame."""
        if self._newest is not None:
            self._count(self._newest, frame)
        if self._still and self._newest is not None:
            away_s = (frame.received_us - self._newest.received_us) / SECOND_US
            self._still = False
            self._say(f"The tracker goes on with frame {frame.number} after {away_s:.2f} s.")
        if frame.fault != self._fault:
            self._fault = frame.fault
            self._say(f"The tracker says: {frame.fault or 'all is well again'}.")
        self._tools(frame)
        self._newest = frame

    def _count(self, before: Frame, frame: Frame) -> None:
        self._lost += frame.number - before.number - 1
        due = self._told_us is None or frame.received_us - self._told_us >= TELL_US
        if self._lost and due:
            self._say(f"Lost {self._lost} frames of the tracker, the last before frame {frame.number}.")
            self._lost, self._told_us = 0, frame.received_us

    def _tools(self, frame: Frame) -> None:
        for tool, sight in frame.tools.items():
            gone = self._gone.get(tool)
            if sight.missing is not None and gone is None:
                self._gone[tool] = frame
                self._say(f"{tool.value.capitalize()}: lost at frame {frame.number} ({sight.missing.value}).")
            elif sight.missing is None and gone is not None:
                del self._gone[tool]
                away_s = (frame.source_us - gone.source_us) / SECOND_US
                self._say(f"{tool.value.capitalize()}: seen again at frame {frame.number}, after {away_s:.2f} s.")
