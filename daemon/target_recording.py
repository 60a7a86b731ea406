"""Recording a target: the coil stands where a hand has led it, head and coil are still, and what both see is its place.

Pure: fed with samples. The robot says where the coil is, because the arm will go by its word; the camera must agree.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from daemon.arm.lease import AGREES_M, AGREES_RAD
from daemon.calibration_file import Calibration
from daemon.calibration_source import Sample
from daemon.calibration_still import Held, Still
from daemon.messages import ON_HEAD_M
from daemon.targets import MOST_SPREAD_M, MOST_SPREAD_RAD
from drivers.errors import OperatorError
from drivers.poses import Pose
from drivers.trackers import Sight, Tool

STILL_US: Final = 60_000_000
"""For head and coil to be still together for a moment (engineering choice)."""
NOT_RECORDED: Final = "Nothing was recorded."


@dataclass(frozen=True, slots=True)
class Stand:
    """Where the coil stood on the head."""

    head_from_tcp: Pose
    """Of its face, in the frame of the marker on the head."""
    spread_mm: float
    spread_deg: float
    """RMS of single frames about their mean."""
    apart_mm: float
    apart_deg: float
    """Between the robot's word and the camera's."""
    frames: int


class Recording:
    """Fed with samples in order of time until `feed` gives where the coil stands."""

    def __init__(self, calibration: Calibration) -> None:
        self.hint = self._wish = "Hold still."
        self._calibration = calibration
        self._still = Still()
        self._since_us: int | None = None

    @property
    def progress(self) -> float:
        """How much of the still moment is over, 0 to 1."""
        return self._still.progress

    def feed(self, sample: Sample) -> Stand | None:
        """What this sample completes.

        Raises DeviceError for a frozen tracker, OperatorError when nothing was still for long, or when robot and camera
        disagree about where the coil is.
        """
        at_us = sample.frame.source_us
        self._since_us = at_us if self._since_us is None else self._since_us
        if at_us - self._since_us > STILL_US:
            raise OperatorError(
                f"{NOT_RECORDED} Head and coil were not still together within {STILL_US // 1_000_000} s. Last seen: "
                f"{self.hint} Have the head rest, let go of the coil, then record again."
            )
        head, coil = (sample.frame.tools.get(tool) for tool in (Tool.HEAD, Tool.COIL))
        if sample.robot_from_tcp is None:
            self.hint = "The robot does not answer: see that it is on."
        elif (camera_from_head := _pose(head)) is None:
            self.hint = "The camera does not see the marker on the head."
        elif (camera_from_coil := _pose(coil)) is None:
            self.hint = "The camera does not see the coil's marker."
        else:
            return self._look(at_us, sample.robot_from_tcp, camera_from_head, camera_from_coil)
        return None

    def _look(self, at_us: int, robot_from_tcp: Pose, camera_from_head: Pose, camera_from_coil: Pose) -> Stand | None:
        robot_from_head = self._calibration.robot_from_camera @ camera_from_head
        head_from_tcp = robot_from_head.inverse() @ robot_from_tcp
        if head_from_tcp.distance > ON_HEAD_M:
            self.hint = "The coil is not at the head: lead it there with `coilward coil guide`."
            return None
        self.hint = self._wish
        held = self._still.feed(at_us, head_from_tcp, robot_from_tcp, camera_from_coil, camera_from_head)
        if held is None:
            return None
        if held.spread_m > MOST_SPREAD_M or held.spread_rad > MOST_SPREAD_RAD:
            self.hint = self._wish = (
                f"Coil and head moved by {held.spread_m * 1000:.1f} mm against each other. Hold still."
            )
            return None
        return self._agreed(held)

    def _agreed(self, held: Held) -> Stand:
        head_from_tcp, robot_from_tcp, camera_from_coil, _ = held.poses
        seen = self._calibration.robot_from_camera @ camera_from_coil @ self._calibration.tcp_from_coil.inverse()
        apart = robot_from_tcp.inverse() @ seen
        if apart.distance > AGREES_M or apart.angle > AGREES_RAD:
            raise OperatorError(
                f"{NOT_RECORDED} Robot and camera disagree about the coil by {apart.distance * 1000:.1f} mm and "
                f"{math.degrees(apart.angle):.1f}°; {AGREES_M * 1000:g} mm and {math.degrees(AGREES_RAD):g}° are "
                "allowed, so something has shifted since the calibration. Find out what: `coilward calibrate check`."
            )
        return Stand(
            head_from_tcp,
            spread_mm=held.spread_m * 1000,
            spread_deg=math.degrees(held.spread_rad),
            apart_mm=apart.distance * 1000,
            apart_deg=math.degrees(apart.angle),
            frames=held.frames,
        )


def _pose(sight: Sight | None) -> Pose | None:
    return sight.pose if sight else None
