"""When a frame was seen, from its number and from when it came. Pure.

A camera counts its frames at a constant rate whether or not anybody asks. The way to us only ever adds delay: the
line under all arrivals (time over frame number) is what arrivals would be with the least delay. The time of a frame is
that line at its number, less the latency that even the quickest frame has. A late poll, a busy machine or an adapter
that holds bytes back then move no frame's time.

The line is the one that lies closest under all points in sum: the edge of their lower convex hull over the mean
number (Moon, Skelly, Towsley 1999). One point is kept for each half second, the lowest, over half a minute.
"""

from __future__ import annotations

from collections import deque
from itertools import pairwise
from typing import Final

from drivers.quantities import SECOND_US

BUCKET_US: Final = SECOND_US // 2
WINDOW_BUCKETS: Final = 60
"""Half a minute (engineering choice: quartz drifts by less than 1 ms against quartz in it, and jitter averages out)."""
TRUST_RATE_US: Final = 10 * SECOND_US
"""From so long a window on its slope is taken before the model's rate (engineering choice: 1 ms of jitter is then
100 ppm, about what two quartzes differ by)."""
DOUBT_RATE_US: Final = 2 * SECOND_US
"""From so long on a slope is taken that differs from the model's rate by more than `RATE_OFF`."""
RATE_OFF: Final = 0.02
BUCKET_RATE_OFF: Final = 0.2
"""Jitter of 100 ms in half a second (engineering choice)."""
START_AGAIN_US: Final = 100_000
"""A whole bucket that comes later than this over the line: the counter paused, and the line means nothing any more."""

Point = tuple[int, int]
"""Frame number, when it came in µs."""


class SourceTime:
    """Fits as frames come. Frame numbers must rise."""

    def __init__(self, rate_hz: float, latency_us: int) -> None:
        """`rate_hz` is the model's: what is believed until frames tell better."""
        self._nominal_us = SECOND_US / rate_hz
        self._latency_us = latency_us
        self._start()
        self._told_us = -1

    def _start(self) -> None:
        self._kept: deque[Point] = deque(maxlen=WINDOW_BUCKETS)
        self._lowest: Point | None = None
        self._bucket_ends_us = 0
        self.period_us = self._nominal_us
        """From one frame number to the next, as fitted."""
        self._from: Point = (0, 0)
        self._oldest = self._newest = (0, 0)

    @property
    def fitted(self) -> bool:
        """False before the first frame."""
        return self._lowest is not None or bool(self._kept)

    def due_us(self, number: int) -> float:
        """When a frame arrives at the earliest, once there is a fit."""
        first, at_us = self._from
        return at_us + (number - first) * self.period_us

    def saw(self, number: int, received_us: int) -> int:
        """When the frame was seen, µs on the clock of `received_us`: later than every frame before it."""
        if self._lowest is not None and received_us >= self._bucket_ends_us:
            self._close(self._lowest)
        self._newest = (number, received_us)
        if self._lowest is None:
            self._oldest = self._lowest = (number, received_us)
            self._bucket_ends_us = received_us + BUCKET_US
            self._fit()
        elif received_us - self.due_us(number) < self._lowest[1] - self.due_us(self._lowest[0]):
            self._lowest = (number, received_us)
            self._fit()
        seen_us = min(round(self.due_us(number)), received_us) - self._latency_us
        self._told_us = max(seen_us, self._told_us + 1)
        return self._told_us

    def _close(self, lowest: Point) -> None:
        late = lowest[1] - self.due_us(lowest[0]) > START_AGAIN_US
        if late and not self._runs_at_another_rate():
            self._kept.clear()
        self._kept.append(lowest)
        self._lowest = None

    def _runs_at_another_rate(self) -> bool:
        """Whether the bucket itself was slow or fast; after a mere pause it was not."""
        passed = self._newest[0] - self._oldest[0]
        should_us = passed * self.period_us
        return abs(self._newest[1] - self._oldest[1] - should_us) > BUCKET_RATE_OFF * should_us

    def _fit(self) -> None:
        points = [*self._kept] + ([self._lowest] if self._lowest else [])
        span_us = points[-1][1] - points[0][1]
        self.period_us = self._nominal_us
        if span_us >= DOUBT_RATE_US:
            fitted_us = _slope(points)
            if span_us >= TRUST_RATE_US or abs(fitted_us / self._nominal_us - 1) > RATE_OFF:
                self.period_us = fitted_us
        first = points[0][0]
        self._from = (first, min(round(at_us - (number - first) * self.period_us) for number, at_us in points))


def _slope(points: list[Point]) -> float:
    """Of the edge of the lower convex hull that lies over the mean number; points by rising number, two at least."""
    hull: list[Point] = []
    for point in points:
        while len(hull) > 1 and _turns_down(hull[-2], hull[-1], point):
            hull.pop()
        hull.append(point)
    mean = sum(number for number, _ in points) / len(points)
    for (number, at_us), (next_number, next_us) in pairwise(hull):
        if next_number >= mean:
            return (next_us - at_us) / (next_number - number)
    raise AssertionError("the mean of numbers lies within them")


def _turns_down(a: Point, b: Point, c: Point) -> bool:
    """Whether b lies on or above the line from a to c."""
    return (b[1] - a[1]) * (c[0] - a[0]) >= (c[1] - a[1]) * (b[0] - a[0])
