"""The target file: where on the head the coil is held, and the shape of the head the arm keeps clear of.

    {"id": "left-m1", "head_from_target": [w, x, y, z, x, y, z], "air_gap_m": 0.005,
     "scalp": {"centre": [x, y, z], "radii": [x, y, z]}}

Everything is in the frame of the marker on the head, in metres; the pose is a unit quaternion and a translation. The
target's +z points into the head, and `head_from_target` already stands off the scalp by the air gap.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from drivers.errors import ConfigError
from drivers.poses import Pose

Seven = tuple[float, float, float, float, float, float, float]
Metres = Annotated[float, Field(ge=-1.0, le=1.0)]
Radius = Annotated[float, Field(ge=0.03, le=0.2)]
"""A head's half-axes are 0.06 to 0.12 m (engineering choice: a slip of the unit is caught, an odd head is not)."""
LARGEST_GAP_M = 0.02
DEFAULT_GAP_M = 0.005
"""Until contact force is measured the coil stands this far off the scalp."""


class Scalp(BaseModel):
    """An ellipsoid with its axes along the head marker's, in metres."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    centre: tuple[Metres, Metres, Metres]
    radii: tuple[Radius, Radius, Radius]


class Target(BaseModel):
    """One target, as it is filed."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: str = Field(pattern=r"^[a-z0-9-]{1,32}$")
    head_from_target: Seven
    air_gap_m: float = Field(default=DEFAULT_GAP_M, ge=0.0, le=LARGEST_GAP_M)
    scalp: Scalp

    @field_validator("head_from_target")
    @classmethod
    def _is_a_pose(cls, numbers: Seven) -> Seven:
        pose = Pose.of(numbers[:4], numbers[4:])
        if pose.distance > 1.0:
            raise ValueError("it lies more than 1 m from the head's marker: are these millimetres?")
        return (*pose.quaternion, *pose.translation)

    @property
    def pose(self) -> Pose:
        """`head_from_target`."""
        return Pose.of(self.head_from_target[:4], self.head_from_target[4:])

    @property
    def words(self) -> str:
        """What an operator reads of it, and what is part of the session's hash."""
        x, y, z = (part * 1000 for part in self.head_from_target[4:])
        a, b, c = (math.degrees(part) for part in self.pose.rotation_vector)
        place = f"at {x:.1f} {y:.1f} {z:.1f} mm of the head marker, turned {a:.1f} {b:.1f} {c:.1f}°"
        return f"robot: target {self.id} {place}, {self.air_gap_m * 1000:g} mm off the scalp"

    def order(self) -> dict[str, Any]:
        """The message that tells the arm where to hold the coil."""
        scalp = {"centre": list(self.scalp.centre), "radii": list(self.scalp.radii)}
        return {"do": "target", "id": self.id, "head_from_target": list(self.head_from_target), "scalp": scalp}


def load_target(path: Path) -> Target:
    """The target of a file. Raises ConfigError, which names what does not hold."""
    try:
        return Target.model_validate_json(path.read_bytes())
    except OSError as wrong:
        raise ConfigError(f"{path}: cannot be read: {wrong.strerror}. Correct [target] file or its owner.") from None
    except ValidationError as wrong:
        first = wrong.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise ConfigError(f"{path}: {where}: {first['msg'].lower()}. Correct the target file.") from None


def write_target(target: Target, path: Path) -> None:
    """Old or new, never half. Raises OSError."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(target.model_dump_json(indent=1) + "\n")
    fresh.replace(path)
