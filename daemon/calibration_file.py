"""What a calibration found, and the file it is kept in. Reading one needs no arithmetic and loads no numpy."""

from __future__ import annotations

import math
import stat
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from daemon.calibration_seal import PoseField, Sealed
from drivers.poses import Pose

AGAIN = "coilward calibrate run"

Figure = Annotated[float, Field(ge=0)]


class Misfit(BaseModel):
    """How far two ways round the chain disagree over many poses; for people, so in millimetres and degrees."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    rms_mm: Figure
    rms_deg: Figure
    worst_mm: Figure
    worst_deg: Figure


class Spread(BaseModel):
    """How different the poses were: standard deviations along three axes at right angles, largest first."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    turns_deg: tuple[Figure, Figure, Figure]
    shifts_mm: tuple[Figure, Figure, Figure]


class Calibration(Sealed):
    """Where the camera stands in the robot's base, and the coil's marker on the robot's tool.

    The robot's tool centre point is the coil's face centre, so `tcp_from_coil` also says where the marker sits on the
    coil. With the tool's setting, `flange_from_coil = flange_from_tcp @ tcp_from_coil`.
    """

    rights: ClassVar[int] = stat.S_IRUSR | stat.S_IWUSR | stat.S_IRGRP | stat.S_IROTH
    """The arm's user reads it at its start, and so does whoever checks it; it says nothing of a subject."""

    made: str = Field(description="UTC, to the second")
    by: str
    simulated: bool
    """Whether it was made in a simulation: a real arm must refuse it."""
    robot_from_camera: PoseField
    tcp_from_coil: PoseField
    poses: int = Field(ge=1)
    residual: Misfit
    """Over the poses it was made from."""
    held_out: Misfit
    """Over poses that the solution they are held against was not made from: what a new pose will show."""
    spread: Spread
    condition: Figure
    """Largest over smallest singular value of the last step: the decades of precision that the poses cost."""

    @property
    def unsure(self) -> tuple[float, float]:
        """Standard deviation of the coil's face as its marker shows it: metres along one axis, radians about one.

        No marker sits further from where it was found than new poses miss by, or they would miss by more.
        """
        axis_m = self.held_out.rms_mm / 1000 / math.sqrt(3)
        axis_rad = math.radians(self.held_out.rms_deg) / math.sqrt(3)
        return math.hypot(axis_m, axis_rad * self.tcp_from_coil.distance), axis_rad

    @property
    def leaves(self) -> tuple[float, float]:
        """What the lease then takes the coil to be off by, at rest on its target: metres and radians."""
        unsure_m, unsure_rad = self.unsure
        return self.held_out.rms_mm / 1000 + 2 * unsure_m, math.radians(self.held_out.rms_deg) + 2 * unsure_rad

    def flange_from_coil(self, flange_from_tcp: Pose) -> Pose:
        """The marker on the flange, from the tool centre point as it is set in the controller."""
        return flange_from_tcp @ self.tcp_from_coil

    def disagreement(self, robot_from_tcp: Pose, camera_from_coil: Pose) -> Pose:
        """`coil_from_coil`: from where the camera sees the marker to where the robot says that it is."""
        return (self.robot_from_camera @ camera_from_coil).inverse() @ robot_from_tcp @ self.tcp_from_coil


def read_calibration(path: Path) -> Calibration:
    """The calibration of a file. Raises ConfigError, which names file and key."""
    return Calibration.read(path, AGAIN)


def misfit(shifts_m: list[float], turns_rad: list[float]) -> Misfit:
    """The figures of distances and angles, one of each for every pose. ValueError when there are none."""
    degrees = [math.degrees(turn) for turn in turns_rad]
    millimetres = [shift * 1000 for shift in shifts_m]
    return Misfit(rms_mm=_rms(millimetres), rms_deg=_rms(degrees), worst_mm=max(millimetres), worst_deg=max(degrees))


def _rms(values: list[float]) -> float:
    return math.sqrt(sum(value * value for value in values) / len(values))
