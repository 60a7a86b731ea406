"""Telling what is held still from what moves: the mean of frames over a while in which nothing moved.

A touch and a calibration pose are means over a second: the tracker's noise falls with the root of the frames.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from drivers.errors import DeviceError
from drivers.poses import Pose, mean

HOLD_US: Final = 1_000_000
"""How long still (engineering choice: people can, and 20 frames of the slowest tracker come in it)."""
LEAST_FRAMES: Final = 15
"""Frames in that time that must show it, or the mean is no better than one of them (engineering choice)."""
STILL_M: Final = 0.001
"""Between any frame and the mean: a pointer held on skin trembles by less, and a tracker's noise is a tenth
(engineering choice)."""
STILL_RAD: Final = math.radians(1.5)
"""Of an arm at rest; a pointer may turn about its tip as it likes (engineering choice)."""
GAP_US: Final = 250_000
"""Unseen for longer, the wait begins anew: what happened meanwhile is not known (engineering choice)."""
MOST_FRAMES: Final = 1024
"""Kept at once; a second of the fastest tracker is 400."""

Poses = tuple[Pose, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """What was held still."""

    poses: Poses
    """The mean of each pose that was fed."""
    spread_m: float
    """RMS distance of single frames from the mean, of the first pose."""
    spread_rad: float
    """RMS angle, likewise."""
    frames: int


class Still:
    """Fed with one or more poses a frame, in order of time; all of them must be still together."""

    def __init__(self, *, turns: bool = True) -> None:
        """`turns`: turning is motion too."""
        self._turns = turns
        self._seen: deque[tuple[int, Poses]] = deque(maxlen=MOST_FRAMES)

    def feed(self, at_us: int, *poses: Pose) -> Held | None:
        """The means, once what is fed has been still for long enough; then the wait begins anew.

        Raises DeviceError when the last pose is the same to the last digit in all frames: no camera sees so.
        """
        if self._seen and not 0 < at_us - self._seen[-1][0] <= GAP_US:
            self._seen.clear()
        self._seen.append((at_us, poses))
        while self._moved(self._seen[0][1], poses, 2.0):
            self._seen.popleft()
        while len(self._seen) > 1 and at_us - self._seen[1][0] >= HOLD_US:
            self._seen.popleft()
        if at_us - self._seen[0][0] < HOLD_US or len(self._seen) < LEAST_FRAMES:
            return None
        return self._mean()

    @property
    def progress(self) -> float:
        """How much of the wait is over, 0 to 1."""
        return min(1.0, (self._seen[-1][0] - self._seen[0][0]) / HOLD_US) if self._seen else 0.0

    def _mean(self) -> Held | None:
        frames = [poses for _, poses in self._seen]
        means = tuple(mean(column) for column in zip(*frames, strict=True))
        if any(self._moved(means, poses, 1.0) for poses in frames):
            self._seen.popleft()
            return None
        if all(poses[-1] == frames[0][-1] for poses in frames):
            raise DeviceError(
                "The tracker says the same pose to the last digit, frame after frame. It is frozen: what it shows may "
                "be long past. Restart the tracker, then begin again."
            )
        self._seen.clear()
        offs = [means[0].inverse() @ poses[0] for poses in frames]
        return Held(means, _rms([off.distance for off in offs]), _rms([off.angle for off in offs]), len(frames))

    def _moved(self, some: Sequence[Pose], others: Sequence[Pose], factor: float) -> bool:
        for one, other in zip(some, others, strict=True):
            if math.dist(one.translation, other.translation) > STILL_M * factor:
                return True
            if self._turns and (one.inverse() @ other).angle > STILL_RAD * factor:
                return True
        return False


def _rms(values: Sequence[float]) -> float:
    return math.sqrt(sum(value * value for value in values) / len(values))
