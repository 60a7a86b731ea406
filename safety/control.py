"""Control messages: JSON lines of at most 4 KiB between the watchdog and whoever runs a session.

A message parses whole or not at all: every field is checked, an unknown field is refused. `tests/vectors/control.toml`
holds good and bad examples that both this parser and the daemon's builder are tested with.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, ClassVar

MAX_LINE_BYTES = 4096
MAX_TIMED_TRIGGERS = 20
"""One block of host-timed pulses (design: reserved in blocks of at most 20)."""
MICROSECONDS_OF_A_DAY = 86_400_000_000
_Check = Callable[[object], Any]


class MalformedMessage(Exception):
    """A line that is no message: says which field, and what was wrong with it."""

    def __init__(self, why: str, request_id: int | None = None) -> None:
        super().__init__(why)
        self.request_id = request_id


def _text(limit: int = 64, *, empty: bool = False) -> _Check:
    def check(value: object) -> str:
        if not isinstance(value, str) or len(value) > limit or not (value or empty) or not value.isprintable():
            raise ValueError(f"must be printable text of {0 if empty else 1} to {limit} characters")
        return value

    return check


def _whole(low: int, high: int) -> _Check:
    def check(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return value

    return check


def _one_of(*choices: str) -> _Check:
    def check(value: object) -> str:
        if not isinstance(value, str) or value not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return value

    return check


def _hexadecimal(digits: int) -> _Check:
    def check(value: object) -> str:
        if not isinstance(value, str) or len(value) != digits or set(value) - set("0123456789abcdef"):
            raise ValueError(f"must be {digits} lower-case hexadecimal digits")
        return value

    return check


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")  # noqa: TRY004  one kind of error for every field
    return value


def _times(value: object) -> tuple[int, ...]:
    instant = _whole(0, 120_000_000)
    if not isinstance(value, list) or len(value) > MAX_TIMED_TRIGGERS:
        raise ValueError(f"must be a list of at most {MAX_TIMED_TRIGGERS} times")
    return tuple(instant(item) for item in value)


def _optional(check: _Check) -> _Check:
    return lambda value: None if value is None else check(value)


def _f(check: _Check, default: Any = MISSING) -> Any:
    return field(metadata={"check": check}) if default is MISSING else field(default=default, metadata={"check": check})


@dataclass(frozen=True, slots=True)
class Threshold:
    """A motor threshold as the daemon files it; the watchdog's rules judge it."""

    value_tenths: int = _f(_whole(1, 1000))
    method: str = _f(_one_of("emg", "visual"))
    pulses: int = _f(_whole(0, 1000))
    coil: str = _f(_text())
    taken_wall_us: int = _f(_whole(0, 2**62))
    sd_tenths: int | None = _f(_optional(_whole(0, 1000)), None)
    simulated: bool = _f(_truth, False)


def _threshold(value: object) -> Threshold:
    if not isinstance(value, dict):
        raise ValueError("must be an object")  # noqa: TRY004  one kind of error for every field
    threshold: Threshold = _build(Threshold, value)
    return threshold


@dataclass(frozen=True, slots=True)
class Hello:
    DO: ClassVar = "hello"
    role: str = _f(_one_of("daemon", "guarded", "cli", "lease"))


@dataclass(frozen=True, slots=True)
class Attach:
    DO: ClassVar = "attach"


@dataclass(frozen=True, slots=True)
class OpenSession:
    DO: ClassVar = "open-session"
    kind: str = _f(_one_of("treatment", "threshold", "script", "phantom"))
    door: str = _f(_one_of("daemon", "pty"))
    by: str = _f(_text())
    coil: str = _f(_text())
    subject: str = _f(_text(empty=True), "")
    protocol: str = _f(_text(empty=True), "")
    threshold: Threshold | None = _f(_optional(_threshold), None)  # noqa: RUF009  a field() by another name
    ceiling_tenths: int | None = _f(_optional(_whole(0, 1000)), None)
    intensity_tenths: int | None = _f(_optional(_whole(0, 1300)), None)
    continues: str | None = _f(_optional(_hexadecimal(16)), None)
    reason: str = _f(_text(200, empty=True), "")
    placement: str = _f(_text(200, empty=True), "")


@dataclass(frozen=True, slots=True)
class Release:
    DO: ClassVar = "release"
    hash: str = _f(_hexadecimal(32))
    nonce: str = _f(_hexadecimal(32))
    by: str = _f(_text())


@dataclass(frozen=True, slots=True)
class CloseSession:
    DO: ClassVar = "close-session"
    by: str = _f(_text())
    why: str = _f(_text(200, empty=True), "")


@dataclass(frozen=True, slots=True)
class Stop:
    DO: ClassVar = "stop"
    by: str = _f(_text())


@dataclass(frozen=True, slots=True)
class Reset:
    DO: ClassVar = "reset"
    by: str = _f(_text())
    nonce: str = _f(_hexadecimal(32))


@dataclass(frozen=True, slots=True)
class Resolve:
    DO: ClassVar = "resolve"
    by: str = _f(_text())
    ref: int = _f(_whole(1, 2**62))
    why: str = _f(_text(200))
    nonce: str = _f(_hexadecimal(32))


@dataclass(frozen=True, slots=True)
class Intensity:
    """Lowers at any time between trains; raises up to what is prescribed, a step at a time."""

    DO: ClassVar = "intensity"
    intensity_tenths: int = _f(_whole(0, 1300))
    by: str = _f(_text())


@dataclass(frozen=True, slots=True)
class AskPermit:
    """`times_us` given: the watchdog's timer triggers, at these times after the grant; else the speaker does."""

    DO: ClassVar = "permit"
    level_tenths: int = _f(_whole(0, 1100))
    rate_tenths: int = _f(_whole(0, 1000))
    pulses: int = _f(_whole(1, 6000))
    triggers: int = _f(_whole(1, MAX_TIMED_TRIGGERS), 1)
    spacing_us: int = _f(_whole(0, MICROSECONDS_OF_A_DAY), 0)
    times_us: tuple[int, ...] = _f(_times, ())
    train: int = _f(_whole(0, 100_000), 0)
    """Which train of the plan, for the record."""


@dataclass(frozen=True, slots=True)
class Withdraw:
    DO: ClassVar = "withdraw"
    permit: int = _f(_whole(0, 2**62))


@dataclass(frozen=True, slots=True)
class Beat:
    """Progress counters of the two loops that must turn, and how long ago the operator was there."""

    DO: ClassVar = "beat"
    session_turns: int = _f(_whole(0, 2**62))
    driver_turns: int = _f(_whole(0, 2**62))
    presence_us: int = _f(_whole(0, MICROSECONDS_OF_A_DAY))


@dataclass(frozen=True, slots=True)
class Lease:
    DO: ClassVar = "lease"
    value: str = _f(_one_of("begin", "continue", "none"))


@dataclass(frozen=True, slots=True)
class Status:
    DO: ClassVar = "status"


@dataclass(frozen=True, slots=True)
class Events:
    DO: ClassVar = "events"
    since: int = _f(_whole(0, 2**62), 0)


Message = (
    Hello | Attach | OpenSession | Release | CloseSession | Stop | Reset | Resolve | Intensity | AskPermit | Withdraw
    | Beat | Lease | Status | Events
)  # fmt: skip
MESSAGES: dict[str, type[Message]] = {
    kind.DO: kind
    for kind in (
        Hello, Attach, OpenSession, Release, CloseSession, Stop, Reset, Resolve, Intensity, AskPermit, Withdraw, Beat,
        Lease, Status, Events,
    )
}  # fmt: skip
UNANSWERED = ("beat", "lease")
"""Sent many times a second: they carry no id and get no answer."""


def _build(kind: type[Any], body: dict[str, Any]) -> Any:
    rest = dict(body)
    values = {}
    for spec in fields(kind):
        if spec.name in rest:
            try:
                values[spec.name] = spec.metadata["check"](rest.pop(spec.name))
            except ValueError as wrong:
                raise ValueError(f"{spec.name} {wrong}") from None
        elif spec.default is MISSING:
            raise ValueError(f"{spec.name} is missing")
    if rest:
        raise ValueError(f"{min(rest)} is not a field of this message")
    return kind(**values)


def parse(line: bytes) -> tuple[int | None, Message]:
    """(id, message) of one line; the id is None for messages that get no answer.

    Raises MalformedMessage, which carries the id when at least that could be read.
    """
    if len(line) > MAX_LINE_BYTES:
        raise MalformedMessage(f"a message has at most {MAX_LINE_BYTES} bytes")
    try:
        body = json.loads(line)
    except (ValueError, RecursionError):
        raise MalformedMessage("not a line of JSON") from None
    if not isinstance(body, dict):
        raise MalformedMessage("not a JSON object")
    try:
        request_id = _optional(_whole(0, 2**62))(body.pop("id", None))
    except ValueError as wrong:
        raise MalformedMessage(f"id {wrong}") from None
    name = body.pop("do", None)
    kind = MESSAGES.get(name) if isinstance(name, str) else None
    if kind is None:
        raise MalformedMessage("do names no message", request_id)
    if (request_id is None) != (name in UNANSWERED):
        raise MalformedMessage("id is missing" if request_id is None else f"{name} carries no id", request_id)
    try:
        return request_id, _build(kind, body)
    except ValueError as wrong:
        raise MalformedMessage(str(wrong), request_id) from None


def encode(body: dict[str, Any]) -> bytes:
    """One line, as the watchdog sends it."""
    return json.dumps(body, separators=(",", ":"), ensure_ascii=True).encode() + b"\n"
