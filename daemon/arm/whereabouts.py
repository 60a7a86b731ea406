"""Where the head's marker was believed to be, and how far from there it may be seen next without having jumped."""

from __future__ import annotations

from drivers.poses import Pose

JUMP_M, JUMP_RAD = 0.010, 0.2
"""Between two sights; interlocks.md H36."""
BETWEEN_US = 50_000
"""Two sights no further apart follow one another: a period of the slowest tracker. The quickest startle told of, up to
200 mm/s (robot.md §8), takes a head 9.8 mm on in it, and 3.4 in a period at 60 Hz; in the studies no head was faster
than 86 mm/s (simulator/head/statistics.py)."""
HEAD_M_S, HEAD_RAD_S = 0.3, 2.0
"""What a head may do while it is not seen: once and a half that startle, three times what turned fastest (engineering
choices)."""


class Whereabouts:
    """Of one marker. While it is seen, time allows for nothing: a marker that was pushed aside would else be believed
    after a while. Once it has jumped it is believed only where it was before: what moved it may hide it as well.
    """

    def __init__(self) -> None:
        self.pose: Pose | None = None
        """Where it was last believed to be; None: anywhere."""
        self._seen_us = 0
        self._unseen_s = 0.0
        self._jumped = False

    def is_left_by(self, pose: Pose, at_us: int) -> bool:
        """Whether it cannot have come from there to `pose` by `at_us`."""
        if self.pose is None:
            return False
        step, unseen_s = self.pose.inverse() @ pose, self._unseen(at_us)
        return step.distance > JUMP_M + HEAD_M_S * unseen_s or step.angle > JUMP_RAD + HEAD_RAD_S * unseen_s

    def distance_to(self, pose: Pose) -> float:
        """From where it was believed to be, m."""
        return 0.0 if self.pose is None else (self.pose.inverse() @ pose).distance

    def saw(self, pose: Pose, at_us: int, *, believed: bool) -> None:
        """It was seen there; each sight once, in order."""
        if believed:
            self.pose, self._unseen_s, self._jumped = pose, 0.0, False
        else:
            self._jumped, self._unseen_s = self._jumped or self.is_left_by(pose, at_us), self._unseen(at_us)
        self._seen_us = at_us

    def _unseen(self, at_us: int) -> float:
        if self._jumped:
            return self._unseen_s
        return self._unseen_s + max(0, at_us - self._seen_us - BETWEEN_US) / 1e6
