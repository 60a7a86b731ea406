"""What is said on the arm's socket: one JSON object a packet, read whole or not at all, every field checked.

Poses go as seven numbers: the unit quaternion w, x, y, z, then the translation in metres.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, cast, get_args

from pydantic import ValidationError

from daemon.arm.goals import Ellipsoid
from daemon.calibration_file import Calibration
from drivers.poses import Pose
from drivers.trackers import Frame, Missing, Sight, Tool

MAX_PACKET_BYTES: Final = 4096
MAX_TEXT: Final = 200
_LARGEST_TIME_US: Final = 2**62
_FARTHEST_M: Final = 100.0
"""No coordinate of a room is larger: millimetres sent for metres are refused (engineering choice)."""

Role = Literal["daemon", "cli"]
Where = Literal["target", "away", "park", "hand"]


class Malformed(Exception):
    """A packet that is no message: which field, and what is wrong with it."""

    def __init__(self, why: str, do: str = "") -> None:
        super().__init__(why)
        self.do = do
        """What it wanted to be, as far as that could be read."""


@dataclass(frozen=True, slots=True)
class Hello:
    """Who speaks from now on."""

    role: Role


@dataclass(frozen=True, slots=True)
class Seen:
    """One frame of the tracker."""

    frame: Frame


@dataclass(frozen=True, slots=True)
class Target:
    """Where the coil belongs on this head, and the ellipsoid that it must stay clear of."""

    id: str
    head_from_target: Pose
    scalp: Ellipsoid


@dataclass(frozen=True, slots=True)
class Calibrate:
    """Where the camera stands, and the marker on the coil."""

    calibration: Calibration


@dataclass(frozen=True, slots=True)
class Go:
    """Where the operator wants the coil."""

    to: Where
    asked_us: int | None = None
    """When they wanted it, CLOCK_MONOTONIC; None: just now."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Away from the head, whoever says it."""


@dataclass(frozen=True, slots=True)
class Status:
    """Asks for the figures of the loop; also the word of a daemon that has no frame to pass on."""


Message = Hello | Seen | Target | Calibrate | Go | Stop | Status


def parse(packet: bytes) -> tuple[str, Message]:
    """The word after `do`, and the message. Raises Malformed."""
    try:
        body = json.loads(packet)
    except (ValueError, RecursionError):
        raise Malformed("not JSON") from None
    if not isinstance(body, dict):
        raise Malformed("not a JSON object")
    do = body.pop("do", None)
    read = _READERS.get(do) if isinstance(do, str) else None
    if read is None:
        raise Malformed("do names no message")
    try:
        message = read(body)
    except KeyError as missing:
        raise Malformed(f"{missing.args[0]} is missing", do) from None
    except (ValueError, TypeError, OverflowError) as wrong:
        raise Malformed(str(wrong), do) from None
    if body:
        raise Malformed(f"{min(body)} is not a field of this message", do)
    return do, message


def encode(body: Mapping[str, Any]) -> bytes:
    """One packet. ValueError for what is no JSON, such as an infinite number."""
    return json.dumps(body, separators=(",", ":"), allow_nan=False).encode()


def pose_of(value: object, name: str) -> Pose:
    """A pose of seven numbers. ValueError names the field."""
    numbers = _numbers(value, 7, name)
    try:
        return Pose.of(numbers[:4], numbers[4:])
    except ValueError as wrong:
        raise ValueError(f"{name} is {wrong}") from None


def numbers_of(pose: Pose) -> list[float]:
    """The seven numbers of a pose."""
    return [*pose.quaternion, *pose.translation]


def _hello(body: dict[str, Any]) -> Hello:
    return Hello(cast(Role, _one_of(body.pop("role"), "role", get_args(Role))))


def _seen(body: dict[str, Any]) -> Seen:
    tools = body.pop("tools")
    if not isinstance(tools, dict):
        raise ValueError("tools must be an object")  # noqa: TRY004  one kind of error for every field
    sights = {Tool(_one_of(name, "tools", _TOOLS)): _sight(value, name) for name, value in tools.items()}
    frame = Frame(
        number=_whole(body.pop("n"), "n"),
        source_us=_whole(body.pop("source_us"), "source_us"),
        received_us=_whole(body.pop("received_us"), "received_us"),
        tools=sights,
        fault=_text(body.pop("fault", ""), "fault"),
    )
    if frame.source_us > frame.received_us:
        raise ValueError("source_us lies after received_us: both are CLOCK_MONOTONIC")
    return Seen(frame)


def _sight(value: object, name: str) -> Sight:
    if isinstance(value, dict):
        if value.keys() != {"missing"}:
            raise ValueError(f"{name} must be seven numbers or say what is missing")
        return Sight(None, missing=Missing(_one_of(value["missing"], name, _MISSING)))
    return Sight(pose_of(value, name))


def _target(body: dict[str, Any]) -> Target:
    scalp = body.pop("scalp")
    if not isinstance(scalp, dict) or scalp.keys() - {"turn"} != {"centre", "radii"}:
        raise ValueError("scalp must hold centre and radii, and turn where its axes are not the marker's")
    return Target(
        id=_text(body.pop("id"), "id"),
        head_from_target=pose_of(body.pop("head_from_target"), "head_from_target"),
        scalp=_ellipsoid(scalp),
    )


def _calibrate(body: dict[str, Any]) -> Calibrate:
    try:
        return Calibrate(Calibration.model_validate(body.pop("calibration")))
    except ValidationError as wrong:
        first = wrong.errors()[0]
        raise ValueError(f"calibration.{'.'.join(map(str, first['loc']))}: {first['msg'][:MAX_TEXT]}") from None


def _ellipsoid(scalp: dict[str, Any]) -> Ellipsoid:
    centre, radii = _numbers(scalp["centre"], 3, "centre"), _numbers(scalp["radii"], 3, "radii")
    turn = _numbers(scalp.get("turn", [1.0, 0.0, 0.0, 0.0]), 4, "turn")
    placed = pose_of([*turn, *centre], "turn")
    return Ellipsoid(placed.translation, (radii[0], radii[1], radii[2]), placed.quaternion)


def _go(body: dict[str, Any]) -> Go:
    to, asked_us = cast(Where, _one_of(body.pop("to"), "to", get_args(Where))), body.pop("asked_us", None)
    return Go(to, None if asked_us is None else _whole(asked_us, "asked_us"))


def _numbers(value: object, count: int, name: str) -> list[float]:
    if not isinstance(value, list) or len(value) != count:
        raise ValueError(f"{name} must be a list of {count} numbers")
    for each in value:
        if isinstance(each, bool) or not isinstance(each, (int, float)) or not math.isfinite(each):
            raise ValueError(f"{name} must be a list of {count} numbers")
        if abs(each) > _FARTHEST_M:
            raise ValueError(f"{name} lies farther than {_FARTHEST_M:g} m")
    return [float(each) for each in value]


def _whole(value: object, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _LARGEST_TIME_US:
        raise ValueError(f"{name} must be a whole number from 0 to 2^62")
    return value


def _text(value: object, name: str) -> str:
    if not isinstance(value, str) or len(value) > MAX_TEXT or not (value.isprintable()):
        raise ValueError(f"{name} must be printable text of at most {MAX_TEXT} characters")
    return value


def _one_of(value: object, name: str, choices: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}")
    return value


_TOOLS: Final = tuple(tool.value for tool in Tool)
_MISSING: Final = tuple(reason.value for reason in Missing)
_READERS: Final[dict[str, Callable[[dict[str, Any]], Message]]] = {
    "hello": _hello,
    "frame": _seen,
    "target": _target,
    "calibrate": _calibrate,
    "go": _go,
    "stop": lambda _body: Stop(),
    "status": lambda _body: Status(),
}
