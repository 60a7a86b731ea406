"""Control messages: JSON lines of at most 4 KiB between the watchdog and whoever runs a session.

A message parses whole or not at all: every field is checked, an unknown field is refused. `tests/vectors/control.toml`
holds good and bad examples that both this parser and the daemon's builder are tested with.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from typing import Annotated, Any, ClassVar, get_type_hints

MAX_LINE_BYTES = 4096
MAX_TIMED_TRIGGERS = 20
"""One block of host-timed pulses (design: reserved in blocks of at most 20)."""
MICROSECONDS_OF_A_DAY = 86_400_000_000


class MalformedMessage(Exception):
    """A line that is no message: says which field, and what was wrong with it."""

    def __init__(self, why: str, request_id: int | None = None) -> None:
        super().__init__(why)
        self.request_id = request_id


def _text(value: object, low: int, high: int) -> str:
    if not isinstance(value, str) or not low <= len(value) <= high or not value.isprintable():
        raise ValueError(f"must be printable text of {low} to {high} characters")
    return value


def _whole(value: object, low: int, high: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise ValueError(f"must be a whole number from {low} to {high}")
    return value


def _one_of(value: object, *choices: str) -> str:
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"must be one of {', '.join(choices)}")
    return value


def _hexadecimal(value: object, digits: int) -> str:
    if not isinstance(value, str) or len(value) != digits or set(value) - set("0123456789abcdef"):
        raise ValueError(f"must be {digits} lower-case hexadecimal digits")
    return value


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")  # noqa: TRY004  one kind of error for every field
    return value


def _times(value: object) -> tuple[int, ...]:
    if not isinstance(value, list) or len(value) > MAX_TIMED_TRIGGERS:
        raise ValueError(f"must be a list of at most {MAX_TIMED_TRIGGERS} times")
    return tuple(_whole(item, 0, 120_000_000) for item in value)


def _threshold(value: object) -> Threshold:
    if not isinstance(value, dict):
        raise ValueError("must be an object")  # noqa: TRY004  one kind of error for every field
    threshold: Threshold = _build(Threshold, value)
    return threshold


def _optional(value: object, check: Callable[..., Any], *bounds: Any) -> Any:
    return None if value is None else check(value, *bounds)


@dataclass(frozen=True, slots=True)
class Threshold:
    """A motor threshold as the daemon files it; the watchdog's rules judge it."""

    value_tenths: Annotated[int, _whole, 1, 1000]
    method: Annotated[str, _one_of, "emg", "visual"]
    pulses: Annotated[int, _whole, 0, 1000]
    coil: Annotated[str, _text, 1, 64]
    taken_wall_us: Annotated[int, _whole, 0, 2**62]
    sd_tenths: Annotated[int | None, _optional, _whole, 0, 1000] = None
    simulated: Annotated[bool, _truth] = False


@dataclass(frozen=True, slots=True)
class Hello:
    DO: ClassVar = "hello"
    role: Annotated[str, _one_of, "daemon", "guarded", "cli", "lease"]


@dataclass(frozen=True, slots=True)
class Attach:
    DO: ClassVar = "attach"


@dataclass(frozen=True, slots=True)
class OpenSession:
    DO: ClassVar = "open-session"
    kind: Annotated[str, _one_of, "treatment", "threshold", "script", "phantom"]
    door: Annotated[str, _one_of, "daemon", "pty"]
    by: Annotated[str, _text, 1, 64]
    coil: Annotated[str, _text, 1, 64]
    subject: Annotated[str, _text, 0, 64] = ""
    protocol: Annotated[str, _text, 0, 64] = ""
    threshold: Annotated[Threshold | None, _optional, _threshold] = None
    ceiling_tenths: Annotated[int | None, _optional, _whole, 0, 1000] = None
    intensity_tenths: Annotated[int | None, _optional, _whole, 0, 1300] = None
    continues: Annotated[str | None, _optional, _hexadecimal, 16] = None
    reason: Annotated[str, _text, 0, 200] = ""
    placement: Annotated[str, _text, 0, 200] = ""


@dataclass(frozen=True, slots=True)
class Release:
    DO: ClassVar = "release"
    hash: Annotated[str, _hexadecimal, 32]
    nonce: Annotated[str, _hexadecimal, 32]
    by: Annotated[str, _text, 1, 64]


@dataclass(frozen=True, slots=True)
class CloseSession:
    DO: ClassVar = "close-session"
    by: Annotated[str, _text, 1, 64]
    why: Annotated[str, _text, 0, 200] = ""


@dataclass(frozen=True, slots=True)
class Stop:
    DO: ClassVar = "stop"
    by: Annotated[str, _text, 1, 64]


@dataclass(frozen=True, slots=True)
class Emergency:
    """A stop after which the session is never gone on with, and its subject is blocked."""

    DO: ClassVar = "emergency"
    by: Annotated[str, _text, 1, 64]


@dataclass(frozen=True, slots=True)
class Block:
    DO: ClassVar = "block"
    by: Annotated[str, _text, 1, 64]
    subject: Annotated[str, _text, 1, 64]
    why: Annotated[str, _text, 1, 200]
    nonce: Annotated[str, _hexadecimal, 32]


@dataclass(frozen=True, slots=True)
class Unblock:
    DO: ClassVar = "unblock"
    by: Annotated[str, _text, 1, 64]
    """Who asks for it."""
    subject: Annotated[str, _text, 1, 64]
    physician: Annotated[str, _text, 1, 100]
    """Who is declared to answer for it."""
    why: Annotated[str, _text, 1, 200]
    nonce: Annotated[str, _hexadecimal, 32]


@dataclass(frozen=True, slots=True)
class Reset:
    DO: ClassVar = "reset"
    by: Annotated[str, _text, 1, 64]
    nonce: Annotated[str, _hexadecimal, 32]


@dataclass(frozen=True, slots=True)
class Resolve:
    DO: ClassVar = "resolve"
    by: Annotated[str, _text, 1, 64]
    ref: Annotated[int, _whole, 1, 2**62]
    why: Annotated[str, _text, 1, 200]
    nonce: Annotated[str, _hexadecimal, 32]


@dataclass(frozen=True, slots=True)
class Intensity:
    """Lowers at any time between trains; raises up to what is prescribed, a step at a time."""

    DO: ClassVar = "intensity"
    intensity_tenths: Annotated[int, _whole, 0, 1300]
    by: Annotated[str, _text, 1, 64]


@dataclass(frozen=True, slots=True)
class AskPermit:
    """`times_us` given: the watchdog's timer triggers, at these times after the grant; else the speaker does."""

    DO: ClassVar = "permit"
    level_tenths: Annotated[int, _whole, 0, 1100]
    rate_tenths: Annotated[int, _whole, 0, 1000]
    pulses: Annotated[int, _whole, 1, 6000]
    triggers: Annotated[int, _whole, 1, MAX_TIMED_TRIGGERS] = 1
    spacing_us: Annotated[int, _whole, 0, MICROSECONDS_OF_A_DAY] = 0
    times_us: Annotated[tuple[int, ...], _times] = ()
    train: Annotated[int, _whole, 0, 100_000] = 0
    """Which train of the plan, for the record."""
    estimate_tenths: Annotated[int | None, _optional, _whole, 1, 1000] = None
    """Running estimate of a threshold hunt, 0.1 % MSO; nothing else has one."""


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Takes back every permit, granted or asked for."""

    DO: ClassVar = "withdraw"


@dataclass(frozen=True, slots=True)
class Beat:
    """Progress counters of the two loops that must turn, and how long ago the operator was there."""

    DO: ClassVar = "beat"
    session_turns: Annotated[int, _whole, 0, 2**62]
    driver_turns: Annotated[int, _whole, 0, 2**62]
    presence_us: Annotated[int, _whole, 0, MICROSECONDS_OF_A_DAY]


@dataclass(frozen=True, slots=True)
class Lease:
    DO: ClassVar = "lease"
    value: Annotated[str, _one_of, "begin", "continue", "none"]


@dataclass(frozen=True, slots=True)
class Status:
    DO: ClassVar = "status"


@dataclass(frozen=True, slots=True)
class Dose:
    """What the ledger counts against a subject, and what is allowed."""

    DO: ClassVar = "dose"
    subject: Annotated[str, _text, 1, 64]


@dataclass(frozen=True, slots=True)
class Events:
    DO: ClassVar = "events"
    since: Annotated[int, _whole, 0, 2**62] = 0


Message = (
    Hello | Attach | OpenSession | Release | CloseSession | Stop | Emergency | Block | Unblock | Reset | Resolve
    | Intensity | AskPermit | Withdraw | Beat | Lease | Status | Dose | Events
)  # fmt: skip
MESSAGES: dict[str, type[Message]] = {
    kind.DO: kind
    for kind in (
        Hello, Attach, OpenSession, Release, CloseSession, Stop, Emergency, Block, Unblock, Reset, Resolve, Intensity,
        AskPermit, Withdraw, Beat, Lease, Status, Dose, Events,
    )
}  # fmt: skip
_HINTS = {kind: get_type_hints(kind, include_extras=True) for kind in (Threshold, *MESSAGES.values())}
"""Every field with its type, what checks a value that is sent for it, and the bounds of that check."""
UNANSWERED = ("beat", "lease")
"""Sent many times a second: they carry no id and get no answer."""


def _build(kind: type[Any], body: dict[str, Any]) -> Any:
    rest = dict(body)
    values = {}
    for spec in fields(kind):
        if spec.name in rest:
            check, *bounds = _HINTS[kind][spec.name].__metadata__
            try:
                values[spec.name] = check(rest.pop(spec.name), *bounds)
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
        request_id = _optional(body.pop("id", None), _whole, 0, 2**62)
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
    return json.dumps(body, separators=(",", ":")).encode() + b"\n"
