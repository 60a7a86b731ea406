"""The scalp that the arm keeps clear of: an ellipsoid in some frame of the head, measured or supposed."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, field_validator

from drivers.poses import Pose, Quaternion

Metres = Annotated[float, Field(ge=-1.0, le=1.0)]
Radius = Annotated[float, Field(ge=0.03, le=0.2)]
"""A head's half-axes are 0.06 to 0.12 m (engineering choice: a slip of the unit is caught, an odd head is not)."""

FLATTEST_M: Final = 0.15
"""Largest radius of curvature of a large head, 220 mm long and 160 mm wide: 110² / 80 mm, at its sides. Three standard
deviations above a man's mean length of 195 mm (SD 8; Pheasant's table of British men, not verified in print)."""


class Scalp(BaseModel):
    """In metres."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    centre: tuple[Metres, Metres, Metres]
    radii: tuple[Radius, Radius, Radius]
    turn: Quaternion = (1.0, 0.0, 0.0, 0.0)
    """Of its axes against the frame's."""

    @field_validator("turn")
    @classmethod
    def _is_a_turn(cls, numbers: Quaternion) -> Quaternion:
        return Pose.of(numbers, (0, 0, 0)).quaternion

    @classmethod
    def touching(cls, head_from_target: Pose, air_gap_m: float) -> Scalp:
        """Where nobody has measured the head: the sphere that lies against the scalp below the coil.

        It is as flat as the flattest place of a large head, so all of that head lies inside it (Blaschke's rolling
        theorem): the arm keeps further off than it must, and never nearer.
        """
        centre = head_from_target.apply((0.0, 0.0, air_gap_m + FLATTEST_M))
        return cls(centre=centre, radii=(FLATTEST_M, FLATTEST_M, FLATTEST_M))

    def seen_from(self, other_from_ours: Pose) -> Scalp:
        """The same scalp in another frame."""
        there = other_from_ours @ Pose(self.turn, self.centre)
        return Scalp(centre=there.translation, radii=self.radii, turn=there.quaternion)
