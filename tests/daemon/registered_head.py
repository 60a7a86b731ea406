"""A head whose registration lies on file, and a target on its skull."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from daemon.registration_file import Registration, Touched
from daemon.registrations import Registrations, file_of
from daemon.target import Target
from drivers.poses import Pose

SUBJECT = "sim-0001"
NOW_S = 1_800_000_000.0
HOURS = 4.0
HEAD_FROM_SKULL = Pose.turned((0.2, -0.1, 0.3), (0.01, -0.11, -0.06))
SKULL_TARGET = Target.model_validate(
    {
        "id": "left-m1",
        "skull_from_target": [0.0, 1.0, 0.0, 0.0, -0.03, 0.02, 0.12],
        "scalp": {"centre": [0.0, 0.01, 0.03], "radii": [0.08, 0.1, 0.09]},
    }
)


def registration(**changes: Any) -> Registration:
    """A good one, made an hour ago, with changes."""
    point = Touched(point_m=(0, 0.1, 0), touches=2, spread_mm=0.1, apart_mm=0.4, error_mm=None)
    made = datetime.fromtimestamp(NOW_S - 3600, UTC).isoformat(timespec="seconds")
    return Registration(
        made=made, by="olga", subject=SUBJECT, simulated=True, head_from_skull=HEAD_FROM_SKULL, head_from_image=None,
        residual_mm=0.4, marker_below=False, nas=point, lpa=point, rpa=point,
    ).model_copy(update=changes)  # fmt: skip


def made(hours_ago: float) -> str:
    return datetime.fromtimestamp(NOW_S - hours_ago * 3600, UTC).isoformat(timespec="seconds")


def file(state: Path, **changes: Any) -> Path:
    """Puts it where `coilward register` does."""
    path = file_of(state, SUBJECT)
    path.parent.mkdir(parents=True, exist_ok=True)
    registration(**changes).write(path)
    return path


def registrations(state: Path, *, simulated: bool = True) -> Registrations:
    return Registrations(state, simulated, HOURS, lambda: NOW_S)
