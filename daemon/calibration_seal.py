"""Files that vouch for themselves: JSON with a hash over all the rest, so that a changed digit is noticed.

A calibration decides where the coil goes. Nobody writes one by hand, and one that somebody edited is refused.
"""

from __future__ import annotations

import hashlib
import json
import math
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, PlainSerializer, PlainValidator, ValidationError

from drivers.errors import ConfigError
from drivers.poses import Pose

SEAL = "sha256"
ROUNDING = 1e-12
FARTHEST_M = 10.0
"""No two things in one room are further apart: a longer way is in millimetres (engineering choice)."""


def seven(pose: Pose) -> list[float]:
    """Quaternion w, x, y, z and translation in metres, as poses travel between the processes of a room."""
    return [*pose.quaternion, *pose.translation]


def pose_of(value: object) -> Pose:
    """The pose of seven numbers. ValueError, in words for a person, when they are none."""
    if isinstance(value, Pose):
        return value
    if not isinstance(value, list | tuple) or len(value) != 7:  # noqa: PLR2004  w, x, y, z and x, y, z
        raise ValueError("must be seven numbers: w, x, y, z of a unit quaternion, then x, y, z in metres")
    if any(isinstance(part, bool) or not isinstance(part, int | float) for part in value):
        raise ValueError("must be seven numbers, and one of them is none")
    w, x, y, z, *shift = (float(part) for part in value)
    pose = Pose.of((w, x, y, z), shift)
    if pose.distance <= FARTHEST_M and math.isclose(math.hypot(w, x, y, z), 1, abs_tol=ROUNDING):
        return Pose((w, x, y, z), pose.translation)  # as it was written: another norming would change its hash
    if pose.distance > FARTHEST_M:
        raise ValueError(f"lies {pose.distance:.0f} m away: are these millimetres?")
    return pose


PoseField = Annotated[Pose, PlainValidator(pose_of), PlainSerializer(seven)]


class Sealed(BaseModel):
    """A result that is written once and read back unchanged."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, allow_inf_nan=False)

    rights: ClassVar[int] = stat.S_IRUSR | stat.S_IWUSR
    """Of its file."""

    @property
    def hash(self) -> str:
        """SHA-256 over everything in it, 64 hexadecimal digits."""
        return _hash(self.model_dump(mode="json"))

    def write(self, path: Path) -> None:
        """Old or new, never half, and for whom `rights` says. Raises OSError."""
        document = {**self.model_dump(mode="json"), SEAL: self.hash}
        fresh = path.with_name(f".{path.name}.new")
        fresh.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        fresh.chmod(self.rights)
        fresh.replace(path)

    @classmethod
    def read(cls, path: Path, again: str) -> Self:
        """What `write` wrote; `again` is the command that makes a new one.

        Raises ConfigError, which names the file and each key that does not hold.
        """
        document = read_object(path, again)
        seal = document.pop(SEAL, None)
        if seal is None:
            raise ConfigError(f"{path}: {SEAL} is missing. Half of it was copied, or it is another file. Run: {again}")
        try:
            found = cls.model_validate(document)
        except ValidationError as wrong:
            raise ConfigError("\n".join(f"{path}: {line}. Run: {again}" for line in _lines(wrong))) from None
        if seal != _hash(document):
            raise ConfigError(f"{path}: {SEAL} does not match. The file was changed after it was made. Run: {again}")
        return found


def read_object(path: Path, remedy: str) -> dict[str, Any]:
    """The JSON object of a file. Raises ConfigError when there is none."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file. Nothing was made for it yet. Run: {remedy}") from None
    except OSError as wrong:
        raise ConfigError(f"{path}: cannot be read: {wrong.strerror}. Correct its owner.") from None
    except ValueError as wrong:
        raise ConfigError(f"{path}: not JSON: {wrong}. Run: {remedy}") from None
    if not isinstance(document, dict):
        raise ConfigError(f"{path}: holds no JSON object. It is another file. Run: {remedy}")
    return document


def now() -> str:
    """The present time as such files note it: UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _lines(wrong: ValidationError) -> list[str]:
    lines = []
    for each in wrong.errors():
        where = ".".join(map(str, each["loc"])) or "the file"
        said = {"missing": "is missing", "extra_forbidden": "is no key of this file"}.get(each["type"])
        lines.append(f"{where} {said or each['msg'].removeprefix('Value error, ')[:200].lower()}")
    return lines


def _hash(document: dict[str, Any]) -> str:
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()
