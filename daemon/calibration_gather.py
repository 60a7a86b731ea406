"""Collecting poses to calibrate from: the arm is brought somewhere and rests; what both see then is one sighting.

Pure: fed with samples, it says what it has and what it waits for. The sightings are kept in a file of their own, so
that a calibration can be made again without one of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from daemon.calibration_seal import pose_of, seven
from daemon.calibration_source import Sample
from daemon.calibration_spread import Sighting, alike
from daemon.calibration_still import Still
from drivers.errors import ConfigError, OperatorError
from drivers.poses import Pose
from drivers.trackers import Tool

NEXT_US: Final = 300_000_000
"""For a person to bring the arm to the next pose (engineering choice)."""


class Gathering:
    """Fed with samples in order of time; `taken` grows by one whenever the arm has rested at a new place."""

    def __init__(self, taken: Iterable[Sighting] = ()) -> None:
        """Goes on from what was taken before."""
        self.taken = list(taken)
        self.hint = "Bring the coil's face to where the scalp will be, and let it rest."
        self._still = Still()
        self._since_us: int | None = None

    @property
    def progress(self) -> float:
        """How much of the rest at this pose is over, 0 to 1."""
        return self._still.progress

    def feed(self, sample: Sample) -> Sighting | None:
        """The sighting that this sample completes. Raises DeviceError for a frozen tracker, OperatorError when nobody
        has brought the arm anywhere for long.
        """
        at_us = sample.frame.source_us
        self._since_us = at_us if self._since_us is None else self._since_us
        if at_us - self._since_us > NEXT_US:
            raise OperatorError(
                f"No new pose for {NEXT_US // 60_000_000} minutes; {len(self.taken)} were taken. {self.hint} "
                "Go on when the arm can be moved."
            )
        return self._look(at_us, sample)

    def _look(self, at_us: int, sample: Sample) -> Sighting | None:
        coil = sample.frame.tools.get(Tool.COIL)
        robot_from_tcp = sample.robot_from_tcp
        if robot_from_tcp is None:
            self.hint = "The robot does not answer: see that it is on."
        elif coil is None or coil.pose is None:
            why = coil.missing.value.replace("-", " ") if coil and coil.missing else "no such tool"
            self.hint = f"The camera does not see the coil's marker ({why}): turn it to the camera."
        elif (like := self._like(robot_from_tcp)) is not None:
            self.hint = f"This is like pose {like + 1}: tilt, twist or move the coil further."
        else:
            self.hint = "Let the coil rest."
            held = self._still.feed(at_us, robot_from_tcp, coil.pose)
            if held is not None:
                sighting = Sighting(*held.poses)
                self.taken.append(sighting)
                self._since_us = at_us
                return sighting
        return None

    def _like(self, robot_from_tcp: Pose) -> int | None:
        return next((n for n, each in enumerate(self.taken) if alike(each.robot_from_tcp, robot_from_tcp)), None)


def keep_sighting(sighting: Sighting, path: Path) -> None:
    """Appends it, as one JSON object on a line of its own. Raises OSError."""
    poses = {"robot_from_tcp": sighting.robot_from_tcp, "camera_from_coil": sighting.camera_from_coil}
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps({name: seven(pose) for name, pose in poses.items()}) + "\n")


def read_sightings(path: Path, leave_out: Sequence[int] = ()) -> list[Sighting]:
    """What `keep_sighting` wrote, without those numbered, from 1. Raises ConfigError, OperatorError."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as wrong:
        raise ConfigError(f"{path}: cannot be read: {wrong.strerror}. Name a file of poses.") from None
    if unknown := [number for number in leave_out if not 1 <= number <= len(lines)]:
        raise OperatorError(f"There is no pose {unknown[0]}: {path} holds {len(lines)}. Name one of them.")
    return [_sighting(line, path, n) for n, line in enumerate(lines, 1) if n not in leave_out]


def _sighting(line: str, path: Path, number: int) -> Sighting:
    try:
        row = json.loads(line)
        return Sighting(pose_of(row["robot_from_tcp"]), pose_of(row["camera_from_coil"]))
    except KeyError as missing:
        raise ConfigError(f"{path}: line {number}: {missing.args[0]} is missing. Delete that line.") from None
    except (ValueError, TypeError) as wrong:
        raise ConfigError(f"{path}: line {number}: {wrong}. Delete that line.") from None
