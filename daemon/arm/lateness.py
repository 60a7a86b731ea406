"""How late the loop woke: a histogram with fixed buckets, so that counting costs the same in every turn.

Sixteen buckets to each doubling of the lateness: a figure is read as the upper end of its bucket, at most 1/16 too
much and never too little. The last ten seconds are ten slices of one second, the oldest dropped as a new one begins.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

STEPS: Final = 16
"""Buckets to a doubling: 6 % of resolution, finer than two runs on one machine agree (engineering choice)."""
LONGEST_US: Final = (1 << 22) - 1
"""Four seconds; what is later counts there. The controller has given up on the loop long before."""
SLICE_US: Final = 1_000_000
SLICES: Final = 10
_STEP_BITS: Final = STEPS.bit_length() - 1


def bucket(late_us: int) -> int:
    """Which bucket a lateness falls into."""
    late_us = min(max(late_us, 0), LONGEST_US)
    doublings = max(late_us.bit_length() - _STEP_BITS - 1, 0)
    return doublings * STEPS + (late_us >> doublings)


def upper_us(index: int) -> int:
    """The greatest lateness that falls into a bucket."""
    doublings = max(index // STEPS - 1, 0)
    return ((index - doublings * STEPS + 1) << doublings) - 1


BUCKETS: Final = bucket(LONGEST_US) + 1


@dataclass(frozen=True, slots=True)
class Late:
    """Of many wakings, in µs. All zero when there were none."""

    p50: int = 0
    p99: int = 0
    p999: int = 0
    max: int = 0


@dataclass(slots=True)
class Histogram:
    """Counts of latenesses by bucket, and the greatest as it was."""

    counts: list[int] = field(default_factory=lambda: [0] * BUCKETS)
    total: int = 0
    greatest_us: int = 0

    def add(self, late_us: int) -> None:
        """One waking, this many µs after its deadline."""
        self.counts[bucket(late_us)] += 1
        self.total += 1
        self.greatest_us = max(self.greatest_us, late_us)

    @classmethod
    def of(cls, parts: Iterable[Histogram]) -> Histogram:
        """All wakings of some others; there is at least one."""
        listed = list(parts)
        counts = list(map(sum, zip(*(part.counts for part in listed), strict=True)))
        return cls(counts, sum(part.total for part in listed), max(part.greatest_us for part in listed))

    @property
    def filled(self) -> list[int]:
        """The counts up to the last bucket that holds any: bucket n ends at `upper_us(n)`."""
        last = next((index for index in range(BUCKETS - 1, -1, -1) if self.counts[index]), -1)
        return self.counts[: last + 1]

    def figures(self) -> Late:
        """Its percentiles, each the least lateness that this share of the wakings kept."""
        if not self.total:
            return Late()
        return Late(self._at(500), self._at(990), self._at(999), self.greatest_us)

    def _at(self, per_mille: int) -> int:
        wanted = -(-self.total * per_mille // 1000)
        seen = 0
        for index, count in enumerate(self.counts):
            seen += count
            if seen >= wanted:
                return min(upper_us(index), self.greatest_us)
        return self.greatest_us


class Lateness:
    """Of the loop: over the last ten seconds and since its start."""

    def __init__(self) -> None:
        self.ever = Histogram()
        self.missed = 0
        """Turns that were left out because the one before ended after their deadline."""
        self.recent = Late()
        """The last ten seconds, renewed once a second: reading it costs nothing."""
        self.recent_counts: list[int] = []
        """The histogram these figures are read from."""
        self._slices: deque[Histogram] = deque(maxlen=SLICES)
        self._slice = Histogram()
        self._slice_ends_us: int | None = None

    def woke(self, now_us: int, late_us: int, missed: int = 0) -> None:
        """One waking at `now_us`, and how many turns before it were left out."""
        self.missed += missed
        self._slice.add(late_us)
        if self._slice_ends_us is None:
            self._slice_ends_us = now_us + SLICE_US
        elif now_us >= self._slice_ends_us:
            self._slice_ends_us = now_us + SLICE_US
            self._end_slice()

    def since_start(self) -> Late:
        """All wakings up to the last whole second."""
        return self.ever.figures()

    def _end_slice(self) -> None:
        self.ever = Histogram.of((self.ever, self._slice))
        self._slices.append(self._slice)
        self._slice = Histogram()
        recent = Histogram.of(self._slices)
        self.recent, self.recent_counts = recent.figures(), recent.filled
