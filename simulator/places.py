"""How a coil really stands to its target and to the head: what the world puts on record with every pulse."""

from __future__ import annotations

import math
from dataclasses import dataclass

from drivers.poses import Pose


@dataclass(frozen=True, slots=True)
class CoilPlace:
    """The truth at one instant, against the target that is fixed in the frame of the head's marker."""

    lateral_m: float
    """Beside the target, along the scalp."""
    depth_m: float
    """Past the target, into the head; negative: too far out."""
    tilt_rad: float
    """Between the coil's normal and the target's."""
    twist_rad: float
    """About the normal, right-handed about +z."""
    gap_m: float
    """Air between coil and scalp; negative while it presses: how far it dents skin and skull."""
    force_n: float

    @property
    def touches(self) -> bool:
        """Whether coil and head press on each other."""
        return self.force_n > 0

    def as_json(self) -> dict[str, object]:
        """In mm and degrees, for logs and people."""
        return {
            "lateral_mm": round(self.lateral_m * 1e3, 3),
            "depth_mm": round(self.depth_m * 1e3, 3),
            "tilt_deg": round(math.degrees(self.tilt_rad), 3),
            "twist_deg": round(math.degrees(self.twist_rad), 3),
            "gap_mm": round(self.gap_m * 1e3, 3),
            "force_n": round(self.force_n, 2),
            "touches": self.touches,
        }


def coil_place(target_from_tcp: Pose, gap_m: float, force_n: float) -> CoilPlace:
    """Splits the coil's pose in the frame of its target: a turn about the normal, after a tilt of the normal."""
    x, y, z = target_from_tcp.translation
    w, i, j, k = target_from_tcp.quaternion
    if w < 0:
        w, i, j, k = -w, -i, -j, -k
    return CoilPlace(
        lateral_m=math.hypot(x, y),
        depth_m=z,
        tilt_rad=2 * math.atan2(math.hypot(i, j), math.hypot(w, k)),
        twist_rad=2 * math.atan2(k, w),
        gap_m=gap_m,
        force_n=force_n,
    )
