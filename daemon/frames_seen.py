"""What a run of a tracker's frames shows of it: how many came and were lost, and how often each marker was seen."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from drivers.quantities import SECOND_US
from drivers.trackers import Frame, Tool


@dataclass(slots=True)
class FramesSeen:
    """Fed with every frame, in order."""

    frames: int = 0
    lost: int = 0
    """Numbers that were left out."""
    faults: int = 0
    """Frames in which the tracker complained of itself."""
    newest: Frame | None = None
    _first: Frame | None = None
    _seen: dict[Tool, Counter[str]] = field(default_factory=dict)

    def feed(self, frame: Frame) -> None:
        """The next one."""
        self._first = self._first or frame
        if self.newest is not None:
            self.lost += frame.number - self.newest.number - 1
        self.frames += 1
        self.faults += bool(frame.fault)
        for tool, sight in frame.tools.items():
            said = sight.missing.value if sight.missing else "seen"
            self._seen.setdefault(tool, Counter())[said] += 1
        self.newest = frame

    @property
    def seconds(self) -> float:
        """From the first to the newest, as they were seen."""
        if self._first is None or self.newest is None:
            return 0.0
        return (self.newest.source_us - self._first.source_us) / SECOND_US

    def summary(self) -> dict[str, Any]:
        """For programs, and for the table that people read."""
        return {
            "frames": self.frames,
            "lost": self.lost,
            "faults": self.faults,
            "seconds": round(self.seconds, 3),
            "tools": {tool.value: dict(said.most_common()) for tool, said in self._seen.items()},
        }
