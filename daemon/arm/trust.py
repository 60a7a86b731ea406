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
from daemon.arm.whereabouts import Whereabouts
from drivers.poses import IDENTITY, Pose
from drivers.trackers import Frame, Tool

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
        self._judged_us: int | None = None
        self._shown: dict[Tool, Pose] = {}
        self._head = Whereabouts()
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
        self._head = Whereabouts()

    def judge(self, frame: Frame) -> Judgement | None:
        """What this frame is good for; None when it was seen before.

        Which frame is the newer is told by when it was seen: a tracker that was switched off counts its frames anew.
        """
        if self._judged_us is not None and frame.source_us <= self._judged_us:
            return None
        self._judged_us = frame.source_us
        if self._repeats(frame):
            return Judgement(None, ArmReason.TRACKER_FROZEN)
        sight = frame.tools.get(Tool.HEAD)
        head = None if sight is None else sight.pose
        why_not = self._why_not(frame, head)
        if head is not None:
            self._head.saw(head, frame.source_us, believed=why_not is None)
        return Judgement(head if why_not is None else None, why_not)

    def _why_not(self, frame: Frame, head: Pose | None) -> ArmReason | None:
        jumped = head is not None and self._head.is_left_by(head, frame.source_us)
        if head is not None and jumped and self._is_the_coils(head, frame.source_us):
            return ArmReason.MARKER_SWAP
        shift = self._shift(frame)
        if shift is not None or self.moved is not None:
            return self.moved or shift
        if head is None:
            return ArmReason.HEAD_LOST
        return ArmReason.JUMP if jumped else None

    def _repeats(self, frame: Frame) -> bool:
        """Whether a tool comes with the pose it last came with, to the last digit: nothing new was seen of it.

        Floats (BX) never do that by themselves. A text reply (TX) rounds to 0.01 mm and 1e-4 of a quaternion: at a
        Vega's noise (0.05 mm, 0.05°) two sights of a still tool agree in each shift by 1/18 and in each turn by 1/15,
        so in all six once in 20 million; at a fifth of that noise once in 1700. A frame that says nothing costs
        nothing, for the pose before it moves the coil until it is 50 ms old. The coil stands after two in a row at
        60 Hz: by chance once in 10^14 frames; at a fifth of the noise once in 1.3 million, six hours.
        """
        now = {tool: sight.pose for tool, sight in frame.tools.items() if sight.pose is not None}
        repeats = any(self._shown.get(tool) == pose for tool, pose in now.items())
        self._shown |= now
        return repeats

    def _is_the_coils(self, head: Pose, at_us: int) -> bool:
        """Whether what jumped appears where the coil's marker was, and nearer to that than to where the head was."""
        if self._coil is None or at_us - self._coil_us > SWAP_US:
            return False
        return (self._coil.inverse() @ head).distance < min(SWAP_M, self._head.distance_to(head))

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
        was = self._head.pose
        if head is None or head.pose is None or was is None or self._expected is None:
            return ArmReason.COIL_MARKER_DISAGREES
        then = robot_from_camera @ was
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


def _beyond(pose: Pose, metres: float, radians: float) -> bool:
    return pose.distance > metres or pose.angle > radians
