"""What is known of the head: frames are judged, the good ones filtered, and what is missing has a reason."""

from __future__ import annotations

from dataclasses import replace

from daemon.arm.lease import AGREES_M, AGREES_RAD, FRESH_US
from daemon.arm.motion_models import ZERO
from daemon.arm.prediction import Estimate, HeadFilter
from daemon.arm.reasons import ArmReason
from daemon.arm.setup import PERIODS, Setup
from daemon.arm.trust import Trust
from drivers.poses import Pose
from drivers.robots import RobotState
from drivers.trackers import Frame

GOOD_IN_A_ROW = 3
"""Frames that must be good before it goes on after a freeze: an engineering choice."""
AT_ONCE = frozenset({
    ArmReason.JUMP, ArmReason.MARKER_SWAP, ArmReason.CAMERA_MOVED, ArmReason.COIL_MARKER_DISAGREES,
})  # fmt: skip
"""What is seen is wrong, which is worse than seeing nothing: there is no coasting."""


class Sight:
    """The head as the tracker shows it. `saw` takes each frame once, in order."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._trust = Trust(setup.robot_from_camera, setup.tcp_from_coil)
        self._filter = HeadFilter(setup.tracker.noise_m, setup.head, predicts=setup.predicts)
        self._received_us: int | None = None
        self._why_not: ArmReason | None = None
        self._good = 0

    @property
    def turn_noise_rad(self) -> float:
        """Standard deviation of the head marker's angle about one axis."""
        return self._filter.turn_noise_rad

    @property
    def moved(self) -> ArmReason | None:
        """Camera, base or coil marker has shifted: what is seen no longer says where the arm has to be."""
        return self._trust.moved

    @property
    def off(self) -> Pose:
        """From the tool as the arm says it stands to where the tracker sees it."""
        return self._trust.off

    def coil_age_us(self, now_us: int) -> int | None:
        """Since the coil's marker was seen; None when it never was."""
        return None if self._trust.coil_us is None else now_us - self._trust.coil_us

    @property
    def settled(self) -> bool:
        """Whether enough good frames have come in a row to go on."""
        return self._good >= GOOD_IN_A_ROW

    def arm(self, state: RobotState) -> None:
        """Where the arm is: the coil's marker is checked against it."""
        self._trust.arm(state.received_us, state.robot_from_tcp)

    def saw(self, frame: Frame, *, followed: bool) -> None:
        """One frame. While nothing follows the head, it may reappear anywhere."""
        if not followed and self._why_not in (ArmReason.JUMP, ArmReason.MARKER_SWAP):
            self._trust.rebase()
            self._filter.forget()
        judgement = self._trust.judge(frame)
        if judgement is None:
            return
        self._received_us = frame.received_us
        self._why_not = judgement.why_not
        if judgement.head is None:
            self._good = 0
            return
        self._good += 1
        self._filter.correct(judgement.head, frame.source_us)

    def at(self, now_us: int) -> Estimate | None:
        """The head at `now_us`; None before it was ever seen."""
        return self._filter.at(now_us)

    def ahead(self, now_us: int, lag_us: int) -> Estimate | None:
        """The head at `lag_us` from now. Once a frame is missing, or shows nothing to believe, it is thought to stand
        where it would be by then, no further: a head that stops is overshot.
        """
        at_us = self._filter.at_us
        if at_us is None:
            return None
        steady_us = at_us + self._setup.steady_us
        if self._why_not is None and now_us <= steady_us:
            return self._filter.at(now_us + lag_us)
        head = self._filter.at(steady_us + lag_us)
        return None if head is None else replace(head, velocity=ZERO, turning=ZERO)

    def age_us(self, now_us: int) -> int | None:
        """Of the newest pose that is believed; None when there is none."""
        at_us = self._filter.at_us
        return None if at_us is None else now_us - at_us

    def trouble(self, now_us: int) -> ArmReason | None:
        """Why the coil must not be moved by what is known; None when it may."""
        if self._why_not in AT_ONCE:
            return self._why_not
        age_us = self.age_us(now_us)
        if age_us is not None and age_us <= self._setup.coast_us:
            return None
        overdue_us = PERIODS * 1e6 / self._setup.tracker.rate_hz + 4 * self._setup.tracker.latency_sd_us
        if self._received_us is None or now_us - self._received_us > overdue_us:
            return ArmReason.TRACKER_SILENT
        return self._why_not or ArmReason.TRACKER_LATE

    def coil_trouble(self, now_us: int) -> ArmReason | None:
        """Why the tracker does not confirm where the arm says that the coil is; None when it does."""
        age_us = self.coil_age_us(now_us)
        if age_us is None or age_us > self._setup.fresh_us(FRESH_US):
            return ArmReason.COIL_MARKER_UNSEEN
        off_m, off_rad = self.off.distance + 2 * self._setup.unsure_m, self.off.angle + 2 * self._setup.unsure_rad
        agrees = off_m <= AGREES_M and off_rad <= AGREES_RAD
        return None if agrees else ArmReason.COIL_SEEN_OFF

    @property
    def doubtful(self) -> bool:
        """Whether the newest frame showed something that is wrong, rather than nothing."""
        return self._why_not in AT_ONCE
