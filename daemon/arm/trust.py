"""Which frames may be believed: each frame is judged once, before anything is made of it.

Recognised, each with its own reason: a tracker that repeats itself, a marker that jumps further than a head can, two
markers taken for each other, and a camera, base or coil marker that has shifted (the tracker's view of the coil's
marker against the arm's own word for where its tool is). Less than a shift is not forgotten: `off` says how far the two
disagree, and the lease is judged by both.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from daemon.arm.reasons import ArmReason
from drivers.poses import IDENTITY, Pose
from drivers.trackers import Frame, Tool

JUMP_M, JUMP_RAD = 0.010, 0.2
"""Between two frames; interlocks.md H36. At 60 Hz no head comes near either."""
HEAD_M_S, HEAD_RAD_S = 0.3, 2.0
"""What a head may do while it is not seen."""
SWAP_M = 0.03
"""A head marker that appears this near to where the coil's was is the coil's."""
SWAP_US = 500_000
"""Later than this the coil may have gone on from where its marker was last seen (engineering choice)."""
NEWEST_US, BETWEEN_US = 20_000, 50_000
"""How far from a state of the arm, and between which two, it still stood where they say (engineering choices)."""
SHIFT_M, SHIFT_RAD = 0.004, 0.05
"""Coil marker against the arm's word, from one moment to the next: three times the errors of time and noise."""
WRONG_M, WRONG_RAD = 0.010, 0.10
"""Coil marker against a measured `tcp_from_coil`: more than any calibration leaves."""
IN_A_ROW = 3
"""Frames that must agree on a shift; a single one is left out, and the lease is gone meanwhile."""
LEARN_S = 3.0
"""How slowly the expected place of the coil marker follows what is seen: calibration errors vary along the way."""
SMOOTH_S = 0.05
"""How slowly `off` follows: three frames at 60 Hz, so that a single one does not move the lease; a base that is bumped
must be noticed within the 80 ms of design §7 (engineering choice)."""
STAMPED_US = 30_000
"""By how much the time of a state of the arm, or of a frame, may be wrong: an engineering choice."""
KEPT = 256
"""States of the arm remembered, to know where it was when a frame was seen: half a second at 500 Hz."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a frame is good for."""

    head: Pose | None
    """camera_from_head when it may be believed."""
    why_not: ArmReason | None = None


class Trust:
    """Judges frames in their order."""

    def __init__(self, robot_from_camera: Pose | None, tcp_from_coil: Pose | None = None) -> None:
        """Without a measured `tcp_from_coil` the first sight of the coil's marker stands for it."""
        self._robot_from_camera = robot_from_camera
        self._measured = tcp_from_coil
        self._expected = tcp_from_coil
        self.off = IDENTITY
        """From the tool as the arm says it stands to where the tracker sees it; nothing of it is ever learned away."""
        self.coil_us: int | None = None
        """When the coil's marker was last seen."""
        self._arm: deque[tuple[int, Pose]] = deque(maxlen=KEPT)
        self._number: int | None = None
        self._last: Frame | None = None
        self._head: tuple[int, Pose] | None = None
        self._coil: Pose | None = None
        self._coil_us = 0
        self._shifted = 0
        self._agreed = 0
        self.moved: ArmReason | None = None
        """Why nothing the camera says about the robot's frame may be believed; until it agrees again."""

    def arm(self, at_us: int, robot_from_tcp: Pose) -> None:
        """Where the arm was; each state once, in order."""
        self._arm.append((at_us, robot_from_tcp))

    def rebase(self) -> None:
        """Takes the head's next pose as it comes: the arm is away, and nothing follows it."""
        self._head = None

    def judge(self, frame: Frame) -> Judgement | None:
        """What this frame is good for; None when it was seen before."""
        if self._number is not None and frame.number <= self._number:
            return None
        self._number = frame.number
        before, self._last = self._last, frame
        sight = frame.tools.get(Tool.HEAD)
        if before is not None and _same(before, frame):
            return Judgement(None, ArmReason.TRACKER_FROZEN)
        if self._swapped(frame):
            return Judgement(None, ArmReason.MARKER_SWAP)
        shift = self._shift(frame)
        if shift is not None or self.moved is not None:
            return Judgement(None, self.moved or shift)
        if sight is None or sight.pose is None:
            return Judgement(None, ArmReason.HEAD_LOST)
        if self._jumped(frame.source_us, sight.pose):
            return Judgement(None, ArmReason.JUMP)
        self._head = (frame.source_us, sight.pose)
        return Judgement(sight.pose)

    def _jumped(self, at_us: int, pose: Pose) -> bool:
        if self._head is None:
            return False
        was_us, was = self._head
        gap_s = (at_us - was_us) / 1e6
        step = was.inverse() @ pose
        return step.distance > JUMP_M + HEAD_M_S * gap_s or step.angle > JUMP_RAD + HEAD_RAD_S * gap_s

    def _swapped(self, frame: Frame) -> bool:
        sight, coil = frame.tools.get(Tool.HEAD), self._coil
        if sight is None or sight.pose is None or self._head is None or coil is None:
            return False
        if frame.source_us - self._coil_us > SWAP_US:
            return False
        step_m = (self._head[1].inverse() @ sight.pose).distance
        return self._jumped(frame.source_us, sight.pose) and (coil.inverse() @ sight.pose).distance < min(
            SWAP_M, step_m
        )

    def _shift(self, frame: Frame) -> ArmReason | None:
        """Whether the coil's marker is where the arm says, and learns slowly where on the coil it sits."""
        sight = frame.tools.get(Tool.COIL)
        if sight is None or sight.pose is None or self._robot_from_camera is None:
            return None
        robot_from_tcp = self._arm_at(frame.source_us)
        if robot_from_tcp is None:
            return None
        seen = robot_from_tcp.inverse() @ self._robot_from_camera @ sight.pose
        if self._measured is None or self._expected is None:
            self._measured = self._expected = seen
        self._disagrees(frame.source_us, seen @ self._measured.inverse())
        apart, wrong = self._expected.inverse() @ seen, self._measured.inverse() @ seen
        sudden, far = _beyond(apart, SHIFT_M, SHIFT_RAD), _beyond(wrong, WRONG_M, WRONG_RAD)
        if sudden or far:
            shifts_m, turns_rad = self._unsure(frame.source_us, robot_from_tcp)
            sure = _beyond(apart, SHIFT_M + shifts_m, SHIFT_RAD + turns_rad)
            if sure or _beyond(wrong, WRONG_M + shifts_m, WRONG_RAD + turns_rad):
                self._agreed, self._shifted = 0, self._shifted + 1
                suspected = self._which(frame, sight.pose, self._robot_from_camera, robot_from_tcp)
                if self._shifted >= IN_A_ROW and self.moved is None:
                    self.moved = suspected
                return suspected
        self._shifted = 0
        if sudden:  # explained by the arm's motion, or not: it neither accuses nor acquits
            return None
        self._agreed += 1
        if self._agreed >= IN_A_ROW:
            self.moved = None
        gap_s = max(0.0, (frame.source_us - self._coil_us) / 1e6)
        self._expected = self._expected.towards(seen, min(0.1, gap_s / LEARN_S))
        self._coil, self._coil_us = sight.pose, frame.source_us
        return None

    def _disagrees(self, at_us: int, tcp_from_seen: Pose) -> None:
        gap_s = math.inf if self.coil_us is None else (at_us - self.coil_us) / 1e6
        self.off = self.off.towards(tcp_from_seen, min(1.0, max(0.0, gap_s / SMOOTH_S)))
        self.coil_us = at_us

    def _which(self, frame: Frame, camera_from_coil: Pose, robot_from_camera: Pose, robot_from_tcp: Pose) -> ArmReason:
        """Head and coil shifted together: the camera did. Else it was the base, or the coil's marker."""
        head = frame.tools.get(Tool.HEAD)
        if head is None or head.pose is None or self._head is None or self._expected is None:
            return ArmReason.COIL_MARKER_DISAGREES
        then = robot_from_camera @ self._head[1]
        as_before = (then.inverse() @ robot_from_camera @ head.pose).distance
        moved_camera = robot_from_tcp @ self._expected @ camera_from_coil.inverse()
        as_moved = (then.inverse() @ moved_camera @ head.pose).distance
        return ArmReason.CAMERA_MOVED if as_moved < as_before else ArmReason.COIL_MARKER_DISAGREES

    def _unsure(self, at_us: int, robot_from_tcp: Pose) -> tuple[float, float]:
        """How far the arm went around that time: its states may be stamped late when this machine is busy."""
        near = [pose for then_us, pose in self._arm if abs(then_us - at_us) <= STAMPED_US]
        shifts = [math.dist(pose.translation, robot_from_tcp.translation) for pose in near]
        return max(shifts, default=0.0), max((pose.angle_to(robot_from_tcp) for pose in near), default=0.0)

    def _arm_at(self, at_us: int) -> Pose | None:
        """Where the arm was then, between the two states around it; None when none is near enough."""
        later: tuple[int, Pose] | None = None
        for state in reversed(self._arm):
            if state[0] <= at_us:
                if later is None:
                    return state[1] if at_us - state[0] < NEWEST_US else None
                if later[0] - state[0] > BETWEEN_US:
                    return None
                return state[1].towards(later[1], (at_us - state[0]) / (later[0] - state[0]))
            later = state
        return None


def _same(a: Frame, b: Frame) -> bool:
    """The same poses to the last digit. No tracker's noise does that twice."""
    first = {tool: sight.pose for tool, sight in a.tools.items() if sight.pose is not None}
    return bool(first) and first == {tool: sight.pose for tool, sight in b.tools.items() if sight.pose is not None}


def _beyond(pose: Pose, metres: float, radians: float) -> bool:
    return pose.distance > metres or pose.angle > radians
