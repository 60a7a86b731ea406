"""The target file: where on the head the coil is held, and the shape of the head the arm keeps clear of.

    {"id": "left-m1", "skull_from_target": [w, x, y, z, x, y, z], "air_gap_m": 0.005,
     "scalp": {"centre": [x, y, z], "radii": [x, y, z]}}

Everything is in metres and in one frame; the pose is a unit quaternion and a translation. The target's +z points into
the head, and it already stands off the scalp by the air gap. The frame is the skull's, of nasion and ears: the day's
registration places it under the marker on the head. `head_from_target` in its stead is in that marker's own frame,
and holds no longer than the marker stays where it is.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from drivers.errors import ConfigError
from drivers.poses import Pose

Four = tuple[float, float, float, float]
Seven = tuple[float, float, float, float, float, float, float]
Metres = Annotated[float, Field(ge=-1.0, le=1.0)]
Radius = Annotated[float, Field(ge=0.03, le=0.2)]
"""A head's half-axes are 0.06 to 0.12 m (engineering choice: a slip of the unit is caught, an odd head is not)."""
LARGEST_GAP_M = 0.02
DEFAULT_GAP_M = 0.005
"""Until contact force is measured the coil stands this far off the scalp."""


class Scalp(BaseModel):
    """An ellipsoid in the target's frame, in metres."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    centre: tuple[Metres, Metres, Metres]
    radii: tuple[Radius, Radius, Radius]
    turn: Four = (1.0, 0.0, 0.0, 0.0)
    """Of its axes against the frame's."""

    @field_validator("turn")
    @classmethod
    def _is_a_turn(cls, numbers: Four) -> Four:
        return Pose.of(numbers, (0, 0, 0)).quaternion

    def seen_from(self, other_from_ours: Pose) -> Scalp:
        """The same scalp in another frame."""
        there = other_from_ours @ Pose(self.turn, self.centre)
        return Scalp(centre=there.translation, radii=self.radii, turn=there.quaternion)


class Target(BaseModel):
    """One target, as it is filed."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: str = Field(pattern=r"^[a-z0-9-]{1,32}$")
    skull_from_target: Seven | None = None
    head_from_target: Seven | None = None
    air_gap_m: float = Field(default=DEFAULT_GAP_M, ge=0.0, le=LARGEST_GAP_M)
    scalp: Scalp

    @field_validator("skull_from_target", "head_from_target")
    @classmethod
    def _is_a_pose(cls, numbers: Seven | None) -> Seven | None:
        if numbers is None:
            return None
        pose = Pose.of(numbers[:4], numbers[4:])
        if pose.distance > 1.0:
            raise ValueError("it lies more than 1 m from the frame's origin: are these millimetres?")
        return (*pose.quaternion, *pose.translation)

    @model_validator(mode="after")
    def _in_one_frame(self) -> Self:
        if (self.skull_from_target is None) is (self.head_from_target is None):
            raise ValueError("one of skull_from_target and head_from_target must be there, and not both")
        return self

    @property
    def on_skull(self) -> bool:
        """Whether it is in the skull's frame: it needs a registration."""
        return self.skull_from_target is not None

    @property
    def pose(self) -> Pose:
        """Of the target in its frame."""
        numbers = self.skull_from_target or self.head_from_target or ()
        return Pose.of(numbers[:4], numbers[4:])

    @property
    def words(self) -> str:
        """What an operator reads of it, and what is part of the session's hash."""
        x, y, z = (part * 1000 for part in self.pose.translation)
        a, b, c = (math.degrees(part) for part in self.pose.rotation_vector)
        frame = "skull" if self.on_skull else "head marker"
        place = f"at {x:.1f} {y:.1f} {z:.1f} mm of the {frame}, turned {a:.1f} {b:.1f} {c:.1f}°"
        return f"robot: target {self.id} {place}, {self.air_gap_m * 1000:g} mm off the scalp"

    def order(self, head_from_skull: Pose | None = None) -> dict[str, Any]:
        """The message that tells the arm where to hold the coil, in the frame of the marker on the head."""
        if self.on_skull and head_from_skull is None:
            raise ValueError("a target on the skull is nowhere without a registration")
        head_from_ours = head_from_skull if self.on_skull and head_from_skull else Pose()
        pose, scalp = head_from_ours @ self.pose, self.scalp.seen_from(head_from_ours)
        return {
            "do": "target",
            "id": self.id,
            "head_from_target": [*pose.quaternion, *pose.translation],
            "scalp": {"centre": list(scalp.centre), "radii": list(scalp.radii), "turn": list(scalp.turn)},
        }


def load_target(path: Path, *, persons: bool = False) -> Target:
    """The target of a file. Raises ConfigError, which names what does not hold.

    `persons`: it is for people, whose marker is placed anew at each visit.
    """
    try:
        target = Target.model_validate_json(path.read_bytes())
    except OSError as wrong:
        raise ConfigError(f"{path}: cannot be read: {wrong.strerror}. Correct [target] file or its owner.") from None
    except ValidationError as wrong:
        first = wrong.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise ConfigError(f"{path}: {where}: {first['msg'].lower()}. Correct the target file.") from None
    if persons and not target.on_skull:
        raise ConfigError(
            f"{path}: head_from_target holds only until the marker on the head is moved. Where persons are treated "
            "the target must be on the skull: write skull_from_target."
        )
    return target


def write_target(target: Target, path: Path) -> None:
    """Old or new, never half. Raises OSError."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(target.model_dump_json(indent=1, exclude_none=True) + "\n")
    fresh.replace(path)
