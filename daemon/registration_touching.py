"""Taking the touches: which fiducial or place is next, and when the pointer has been held still on it.

Pure: fed with frames. The pointer's own origin is its tip, as its tool file sets it; everything is in the frame of the
marker on the head, so that the head may move.
"""

from __future__ import annotations

import math
from typing import Final

from daemon.calibration_still import Still
from daemon.registration import Touch
from daemon.registration_file import Fiducial
from daemon.registration_scalp import Place
from drivers.errors import OperatorError
from drivers.poses import Pose
from drivers.trackers import Frame, Tool

NEXT_US: Final = 180_000_000
"""For a person to touch the next place (engineering choice)."""
AWAY_M: Final = 0.04
"""Without a key a touch counts once the tip has come this far from the one before (engineering choice)."""
ON_HEAD_M: Final = 0.3
"""A tip further than this from the head's marker is on no head (engineering choice)."""


class Touching:
    """All fiducials in their order, `rounds` times. `begin` is the operator's key, unless `hands_free`.

    `all_over`: then places all over the scalp, once.
    """

    def __init__(self, rounds: int, *, hands_free: bool, all_over: bool = False) -> None:
        self.touches: dict[Fiducial, list[Touch]] = {each: [] for each in Fiducial}
        self.scalp: list[Touch] = []
        self.hint = ""
        self._left: list[Fiducial | Place] = [each for _ in range(rounds) for each in Fiducial]
        self._left += Place if all_over else ()
        self._hands_free = hands_free
        self._begun = hands_free
        self._last: Touch | None = None
        self._still = Still(turns=False)
        self._since_us: int | None = None

    @property
    def wanted(self) -> Fiducial | Place | None:
        """What to touch now; None when all is done."""
        return self._left[0] if self._left else None

    @property
    def progress(self) -> float:
        """How much of this touch is over, 0 to 1."""
        return self._still.progress

    def begin(self) -> None:
        """The operator says that the tip is on the point."""
        self._begun = True

    def feed(self, frame: Frame) -> Touch | None:
        """The touch that this frame completes.

        Raises DeviceError for a frozen tracker, OperatorError when the wait was long.
        """
        wanted = self.wanted
        if wanted is None:
            return None
        self._since_us = frame.source_us if self._since_us is None else self._since_us
        if frame.source_us - self._since_us > NEXT_US:
            raise OperatorError(
                f"{wanted.name} was not touched within {NEXT_US // 60_000_000} minutes. Last seen: {self.hint} "
                "Begin again with the pointer at hand."
            )
        tip = self._tip(frame)
        if isinstance(tip, str):
            self.hint = tip
            return None
        self.hint = "Hold still."
        held = self._still.feed(frame.source_us, tip)
        if held is None:
            return None
        touch = Touch(held.poses[0].translation, held.spread_m, held.frames)
        (self.scalp if isinstance(wanted, Place) else self.touches[wanted]).append(touch)
        self._left.pop(0)
        self._last, self._begun, self._since_us = touch, self._hands_free, frame.source_us
        return touch

    def _tip(self, frame: Frame) -> Pose | str:
        """`head_from_pointer` of a frame that counts, or what a person must do first."""
        head, pointer = frame.tools.get(Tool.HEAD), frame.tools.get(Tool.POINTER)
        if head is None or head.pose is None:
            return "The camera does not see the marker on the head."
        if pointer is None or pointer.pose is None:
            return "The camera does not see the pointer."
        tip = head.pose.inverse() @ pointer.pose
        if tip.distance > ON_HEAD_M:
            return "The pointer is not at the head."
        if self._hands_free and self._last and math.dist(tip.translation, self._last.point) < AWAY_M:
            return "The pointer is still at the point before."
        if not self._begun:
            return "Press Enter when the tip is on the point."
        return tip
