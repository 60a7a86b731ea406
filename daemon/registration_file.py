"""What a registration found and the file it is kept in; and the file of planned fiducials that it is fitted to."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from daemon.calibration_seal import PoseField, Sealed, read_object
from daemon.scalp import Scalp
from drivers.errors import ConfigError
from drivers.poses import Vector

AGAIN = "coilward register"
MOST_RESIDUAL_M: Final = 0.003
"""InVesalius calls a registration bad from here on (its fiducial registration error)."""
PLANNED_EXAMPLE = '{"coordinates": "RAS", "unit": "mm", "nas": [0, 103, 0], "lpa": [-72, 0, 0], "rpa": [74, 0, 0]}'

Figure = Annotated[float, Field(ge=0)]
Seen = tuple[float, float, float]


class Fiducial(Enum):
    """A point of the head that fingers find and images show."""

    NAS = "nas"
    LPA = "lpa"
    RPA = "rpa"

    @property
    def words(self) -> str:
        """Where it is, for the person with the pointer."""
        return _WORDS[self]


_WORDS = {
    Fiducial.NAS: "nasion: the dip of the nose's bridge between the eyes",
    Fiducial.LPA: "left preauricular point: before the subject's LEFT ear, above the small flap",
    Fiducial.RPA: "right preauricular point: before the subject's RIGHT ear, above the small flap",
}


class Touched(BaseModel):
    """One fiducial as the pointer found it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    point_m: Seen
    """In the frame of the marker on the head."""
    touches: int = Field(ge=1)
    spread_mm: Figure
    """RMS of single frames about their mean, the worst touch."""
    apart_mm: Figure
    """Of the touch furthest from the mean of all; 0 when there is one."""
    error_mm: Figure | None
    """Distance to where the plan says it is; none without a plan."""


class MeasuredScalp(BaseModel):
    """The shape of the scalp, from places touched all over it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    shape: Scalp
    """In the skull's frame; it holds every place that was touched."""
    points: int = Field(ge=6)
    residual_mm: Figure
    """RMS of the places off it."""


class Registration(Sealed):
    """Where the skull is in the frame of the marker on the head. Holds until that marker is moved."""

    made: str
    by: str
    subject: str
    simulated: bool
    head_from_skull: PoseField
    """Skull: origin where the nasion's perpendicular meets the line of the ears, +x to RPA, +y to NAS, +z up."""
    head_from_image: PoseField | None
    """From the coordinates of the planned fiducials, in metres; none without a plan."""
    residual_mm: Figure
    """RMS over the three: distance to the plan, or without one of touches from their mean."""
    marker_below: bool
    nas: Touched
    lpa: Touched
    rpa: Touched
    scalp: MeasuredScalp | None = None
    """None: nobody has measured it."""

    def touched(self, fiducial: Fiducial) -> Touched:
        """What was found for one fiducial."""
        return {Fiducial.NAS: self.nas, Fiducial.LPA: self.lpa, Fiducial.RPA: self.rpa}[fiducial]


def read_registration(path: Path) -> Registration:
    """The registration of a file. Raises ConfigError, which names file and key."""
    return Registration.read(path, AGAIN)


Millimetres = Annotated[float, Field(ge=-500, le=500)]


class Planned(BaseModel):
    """Fiducials as a navigation program exports them: its unit and axes are stated, never guessed."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    coordinates: Literal["RAS"]
    unit: Literal["mm"]
    nas: tuple[Millimetres, Millimetres, Millimetres]
    lpa: tuple[Millimetres, Millimetres, Millimetres]
    rpa: tuple[Millimetres, Millimetres, Millimetres]

    def points(self) -> dict[Fiducial, Vector]:
        """In metres. +x is the subject's right, +y the front, +z up."""
        named = {Fiducial.NAS: self.nas, Fiducial.LPA: self.lpa, Fiducial.RPA: self.rpa}
        return {each: (x / 1000, y / 1000, z / 1000) for each, (x, y, z) in named.items()}


def read_planned(path: Path) -> dict[Fiducial, Vector]:
    """Planned fiducials in metres, RAS. Raises ConfigError, which names file and key."""
    document = read_object(path, f"write one such as {PLANNED_EXAMPLE}")
    try:
        return Planned.model_validate(document).points()
    except ValidationError as wrong:
        lines = [f"{path}: {'.'.join(map(str, each['loc']))}: {each['msg'].lower()}." for each in wrong.errors()]
        raise ConfigError("\n".join([*lines, f"It looks so: {PLANNED_EXAMPLE}"])) from None
