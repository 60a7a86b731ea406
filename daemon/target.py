"""A subject's target: where on the head the coil is held, as it was recorded, and what the arm is told of it.

The pose's +z points into the head, and it already stands off the scalp by the air gap. Its frame is the skull's, of
nasion and ears, where the head was registered: each visit's registration places it under the marker on the head.
Otherwise it is in that marker's own frame, and holds no longer than the marker stays where it is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import Field, field_validator, model_validator

from daemon.calibration_seal import PoseField, Sealed
from daemon.messages import ON_HEAD_M, Name, Pseudonym
from daemon.scalp import Scalp
from drivers.poses import Pose

AGAIN: Final = "coilward target record"
LARGEST_GAP_M: Final = 0.02
DEFAULT_GAP_M: Final = 0.005
"""Until contact force is measured the coil stands this far off the scalp."""
DIGITS: Final = 12
"""Of a hash, in words: two that anybody makes differ in them (engineering choice)."""

Figure = Annotated[float, Field(ge=0)]


class Target(Sealed):
    """One target, as it is filed."""

    made: str
    by: str
    subject: Pseudonym
    simulated: bool
    name: Name
    skull_from_target: PoseField | None = None
    head_from_target: PoseField | None = None
    air_gap_m: float = Field(default=DEFAULT_GAP_M, ge=0.0, le=LARGEST_GAP_M)
    spread_mm: Figure
    spread_deg: Figure
    """RMS of single frames about their mean: coil against head."""
    apart_mm: Figure
    apart_deg: Figure
    """Between where the robot and where the camera had the coil."""
    calibration: str
    """Hash of the calibration it was recorded with."""
    registration: str = ""
    """Hash of the registration that placed it on the skull."""
    registered_mm: Figure | None = None
    """What that registration missed by."""

    @field_validator("skull_from_target", "head_from_target")
    @classmethod
    def _on_a_head(cls, pose: Pose | None) -> Pose | None:
        if pose is not None and pose.distance > ON_HEAD_M:
            raise ValueError(f"lies more than {ON_HEAD_M} m from the frame's origin: that is on no head")
        return pose

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
        return self.skull_from_target or self.head_from_target or Pose()

    @property
    def frame(self) -> str:
        """Whose frame it is in, for people."""
        return "skull" if self.on_skull else "head marker"

    @property
    def words(self) -> str:
        """What an operator reads of it, and what is part of the session's hash."""
        x, y, z = (part * 1000 for part in self.pose.translation)
        place = f"at {x:.1f} {y:.1f} {z:.1f} mm of the {self.frame}, {self.air_gap_m * 1000:g} mm off the scalp"
        return f"robot: target {self.name} {self.hash[:DIGITS]} {place}"

    def order(self, head_from_skull: Pose | None = None, scalp: Scalp | None = None) -> dict[str, Any]:
        """The message that tells the arm where to hold the coil, in the frame of the marker on the head.

        `scalp` is as it was measured, in the skull's frame; without it a large head is supposed.
        """
        if self.on_skull and head_from_skull is None:
            raise ValueError("a target on the skull is nowhere without a registration")
        head_from_ours = head_from_skull if self.on_skull and head_from_skull else Pose()
        pose = head_from_ours @ self.pose
        clear_of = scalp.seen_from(head_from_ours) if scalp else Scalp.touching(pose, self.air_gap_m)
        return {
            "do": "target",
            "id": self.name,
            "head_from_target": [*pose.quaternion, *pose.translation],
            "scalp": {name: list(part) for name, part in clear_of},
        }


def read_target(path: Path) -> Target:
    """The target of a file. Raises ConfigError, which names file and key."""
    return Target.read(path, AGAIN)
