"""What the daemon says to the watchdog, and how it reads what comes back.

Requests are built here, checked as strictly as the watchdog will check them (`safety.control`): a message that leaves
this process is never turned down for its form. Answers and pushes are read leniently: unknown fields pass, because a
newer watchdog may say more, and what is missed is asked for by name where it is used.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

MAX_LINE_BYTES = 4096
_DAY_US = 86_400_000_000


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must be printable text")
    return text


Text = Annotated[str, StringConstraints(min_length=1, max_length=64), AfterValidator(_printable)]
TextOrNone = Annotated[str, StringConstraints(max_length=64), AfterValidator(_printable)]
Words = Annotated[str, StringConstraints(max_length=200), AfterValidator(_printable)]
Why = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_printable)]
Hex32 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
Hex16 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
Large = Annotated[int, Field(ge=0, le=2**62)]


class Request(BaseModel):
    """One message to the watchdog; `do` is its name on the wire."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    do: ClassVar[str]
    answered: ClassVar[bool] = True

    def line(self, request_id: int | None = None) -> bytes:
        """The message as it goes out. ValueError when it is longer than the watchdog reads."""
        body: dict[str, Any] = {"do": self.do}
        if request_id is not None:
            body["id"] = request_id
        text = _compact(body | self.model_dump(mode="json"))
        if len(text) >= MAX_LINE_BYTES:
            raise ValueError(f"a control message has at most {MAX_LINE_BYTES} bytes, {self.do} has {len(text)}")
        return text + b"\n"


def _compact(body: dict[str, Any]) -> bytes:
    return json.dumps(body, separators=(",", ":"), ensure_ascii=True).encode()


class Hello(Request):
    do = "hello"
    role: Literal["daemon", "guarded", "cli", "lease"]


class Attach(Request):
    """Asks for the daemon's door; its answer carries the descriptor."""

    do = "attach"


class Threshold(BaseModel):
    """A motor threshold as it is filed."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    value_tenths: int = Field(ge=1, le=1000, description="0.1 % MSO")
    method: Literal["emg", "visual"]
    pulses: int = Field(ge=0, le=1000)
    coil: Text
    taken_wall_us: Large
    sd_tenths: int | None = Field(default=None, ge=0, le=1000, description="0.1 % MSO")
    simulated: bool = False


class OpenSession(Request):
    do = "open-session"
    kind: Literal["treatment", "threshold", "script", "phantom"]
    door: Literal["daemon", "pty"]
    by: Text
    coil: Text
    subject: TextOrNone = ""
    protocol: TextOrNone = ""
    threshold: Threshold | None = None
    ceiling_tenths: int | None = Field(default=None, ge=0, le=1000, description="0.1 % MSO")
    intensity_tenths: int | None = Field(default=None, ge=0, le=1300, description="0.1 % rMT")
    continues: Hex16 | None = None
    reason: Words = ""
    placement: Words = ""


class Release(Request):
    do = "release"
    hash: Hex32
    nonce: Hex32
    by: Text


class CloseSession(Request):
    do = "close-session"
    by: Text
    why: Words = ""


class Stop(Request):
    """Disarm now; the session pauses and its release falls."""

    do = "stop"
    by: Text


class Emergency(Request):
    """As stop; the session is never gone on with, and its subject is blocked."""

    do = "emergency"
    by: Text


class Block(Request):
    """The subject opens no session until it is unblocked."""

    do = "block"
    by: Text
    subject: Text
    why: Why
    nonce: Hex32


class Unblock(Request):
    do = "unblock"
    by: Text
    subject: Text
    physician: Annotated[str, StringConstraints(min_length=1, max_length=100), AfterValidator(_printable)]
    why: Why
    nonce: Hex32


class Reset(Request):
    do = "reset"
    by: Text
    nonce: Hex32


class Resolve(Request):
    do = "resolve"
    by: Text
    ref: int = Field(ge=1, le=2**62)
    why: Why
    nonce: Hex32


class Intensity(Request):
    """Another intensity for the trains to come."""

    do = "intensity"
    intensity_tenths: int = Field(ge=0, le=1300, description="0.1 % rMT")
    by: Text


class AskPermit(Request):
    """Leave for one train, or for a block of single pulses at `times_us` after the grant."""

    do = "permit"
    level_tenths: int = Field(ge=0, le=1100, description="0.1 % MSO")
    rate_tenths: int = Field(ge=0, le=1000, description="0.1 Hz; 0 for a single pulse")
    pulses: int = Field(ge=1, le=6000, description="per trigger")
    triggers: int = Field(default=1, ge=1, le=20)
    spacing_us: int = Field(default=0, ge=0, le=_DAY_US)
    times_us: tuple[Annotated[int, Field(ge=0, le=120_000_000)], ...] = Field(default=(), max_length=20)
    train: int = Field(default=0, ge=0, le=100_000)
    estimate_tenths: int | None = Field(
        default=None, ge=1, le=1000, description="0.1 % MSO; running estimate of a threshold hunt"
    )


class Withdraw(Request):
    """Takes back every permit, granted or asked for."""

    do = "withdraw"


class Beat(Request):
    """The session task and the driver task turn, and the operator was here so long ago."""

    do = "beat"
    answered = False
    session_turns: Large
    driver_turns: Large
    presence_us: int = Field(ge=0, le=_DAY_US)


class Status(Request):
    do = "status"


class Dose(Request):
    """What the ledger counts against a subject, and what is allowed."""

    do = "dose"
    subject: Text


class Events(Request):
    do = "events"
    since: Large = 0


REQUESTS: tuple[type[Request], ...] = (
    Hello, Attach, OpenSession, Release, CloseSession, Stop, Emergency, Block, Unblock, Reset, Resolve, Intensity,
    AskPermit, Withdraw, Beat, Status, Dose, Events,
)  # fmt: skip
