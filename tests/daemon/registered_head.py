"""A head whose registration lies on file, and targets on its skull and under its marker."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from daemon.registration_file import Registration, Touched
from daemon.registrations import Registrations, file_of
from daemon.target import Target
from daemon.targets import Targets
from daemon.targets import file_of as target_file_of
from drivers.poses import Pose

SUBJECT = "sim-0001"
NOW_S = 1_800_000_000.0
HOURS = 4.0
HEAD_FROM_SKULL = Pose.turned((0.2, -0.1, 0.3), (0.01, -0.11, -0.06))


def made(hours_ago: float) -> str:
    return datetime.fromtimestamp(NOW_S - hours_ago * 3600, UTC).isoformat(timespec="seconds")


SKULL_TARGET = Target(
    made=made(0.5), by="olga", subject=SUBJECT, simulated=True, name="left-m1",
    skull_from_target=Pose.of((0.0, 1.0, 0.0, 0.0), (-0.03, 0.02, 0.12)), spread_mm=0.1, spread_deg=0.1, apart_mm=0.2,
    apart_deg=0.1, calibration="5ea1" * 16, registration="ab" * 32, registered_mm=0.4,
)  # fmt: skip
MARKER_TARGET = SKULL_TARGET.model_copy(
    update={
        "skull_from_target": None,
        "head_from_target": Pose(translation=(0.03, 0.02, 0.11)),
        "registration": "",
        "registered_mm": None,
    }
)


def registration(**changes: Any) -> Registration:
    """A good one, made an hour ago, with changes."""
    point = Touched(point_m=(0, 0.1, 0), touches=2, spread_mm=0.1, apart_mm=0.4, error_mm=None)
    return Registration(
        made=made(1), by="olga", subject=SUBJECT, simulated=True, head_from_skull=HEAD_FROM_SKULL, head_from_image=None,
        residual_mm=0.4, marker_below=False, nas=point, lpa=point, rpa=point,
    ).model_copy(update=changes)  # fmt: skip


def file(state: Path, **changes: Any) -> Path:
    """Puts it where `coilward register` does."""
    path = file_of(state, SUBJECT)
    path.parent.mkdir(parents=True, exist_ok=True)
    registration(**changes).write(path)
    return path


def registrations(state: Path, *, simulated: bool = True) -> Registrations:
    return Registrations(state, simulated, HOURS, lambda: NOW_S)


def file_target(state: Path, target: Target = SKULL_TARGET, **changes: Any) -> Path:
    """Puts it where the daemon does."""
    path = target_file_of(state, SUBJECT)
    path.parent.mkdir(parents=True, exist_ok=True)
    target.model_copy(update=changes).write(path)
    return path


def targets(state: Path, *, simulated: bool = True, persons: bool = False) -> Targets:
    return Targets(state, simulated, persons, HOURS, lambda: NOW_S)
