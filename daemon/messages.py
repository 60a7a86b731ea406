"""Every payload that travels over MQTT, as a frozen model: what is not written here is refused.

Payloads are UTF-8 JSON objects. Times are integer microseconds, intensities tenths of % rMT, levels tenths of % MSO,
as everywhere else; a reader runs ages on its own clock, from the moment a message arrived.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,32}$")]
"""A room, user or client in a topic: never a wildcard, never a patient's name. And a coil."""
Pseudonym = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Reason = Annotated[str, Field(min_length=1, max_length=200)]
"""A person's own words, kept in the ledger's neighbourhood for good: short."""
Nonce = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
"""16 random bytes of the watchdog, hex."""
Tenths = Annotated[int, Field(ge=0, le=2000)]
"""0.1 % rMT."""

ON_HEAD_M = 0.3
"""No place on a head is further from its marker, or from the middle of its ears (engineering choice)."""
LARGEST_COMMAND = 4096
"""Bytes of a command's payload; more is malformed (engineering choice: the control protocol's own bound)."""


class Payload(BaseModel):
    """Base of all payloads: immutable, exact types, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    def encode(self) -> bytes:
        """The bytes that go on the wire."""
        return self.model_dump_json().encode()


class Role(StrEnum):
    """What a signed-in person may ask for; each includes the one before."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    PHYSICIAN = "physician"
    ENGINEER = "engineer"


class Sentence(Payload):
    """What an operator reads when something was refused."""

    what: str
    why: str = ""
    next: str = ""


# --- what the room says -------------------------------------------------------------------------------------------


class Meta(Payload):
    """What this room is; changes only with a new daemon."""

    version: str
    room: Name
    use: str
    model: str
    firmware: int
    schema_sha256: str
    """Of the AsyncAPI document these payloads follow."""
    nonce_life_us: int


class Availability(Payload):
    """Whether the daemon is connected to the broker; its will says no. Courtesy only: live is who beats."""

    online: bool


class Heartbeat(Payload):
    """Five a second. A reader that has heard none for a second knows nothing about the room."""

    state_seq: int
    nonce: Nonce | None
    """None: the watchdog has not spoken lately, and no command that quotes a nonce can succeed."""
    phase: str


class Emergent(Payload):
    """An emergency that stands: until a session is opened, or its subject is unblocked."""

    at_us: int
    """Unix µs on the watchdog's clock, the `wall_us` of its status: the difference is how long ago it was pressed."""
    by: str | None
    """None: nobody knows any more."""
    subject: str | None
    """None: of nobody who had been treated lately."""


class RoomState(Payload):
    """Everything a person decides on, in one document: `state_seq` rises when a decision would look different."""

    state_seq: int
    phase: str
    sentence: str
    """In English. What it is made of follows, so that a reader says it in any language: after the phase's own."""
    reason: str | None
    """Why the room is not as it would be otherwise: of the watchdog's, the daemon's or the arm's; lower-kebab."""
    fields: dict[str, Any]
    """The figures behind `reason`."""
    coil_reason: str | None
    """Why the coil is not where a train may begin, where that says more than `reason`."""
    holder: Name | None
    """Who holds control."""
    offered_to: Name | None
    """Whom the holder hands control over to, until that person takes it."""
    session: str | None
    hash: str | None
    understood: dict[str, Any]
    """The watchdog's answer to open-session, unchanged."""
    subject: str | None
    protocol: str | None
    intensity_tenths: int | None
    level_tenths: int | None
    holds: tuple[str, ...]
    trip: dict[str, Any] | None
    unknown: tuple[int, ...]
    continuable: str | None
    report: str | None
    linked: bool
    stimulator: str
    emergency: Emergent | None
    blocked: bool
    """Whether the subject of the session opened last is blocked: it takes a physician to open the next one."""


class Counts(Payload):
    """Pulses of the running (or last) session."""

    planned: int
    commanded: int
    settled: int
    unknown: int


class Progress(Payload):
    """How far the session has come; never raises `state_seq`."""

    state_seq: int
    train: int
    trains: int
    next_train_in_us: int | None
    counts: Counts


class WatchdogState(Payload):
    """The watchdog's newest status without its nonce."""

    state_seq: int
    linked: bool
    status: dict[str, Any]


class ArmState(Payload):
    """The coil on its arm, as the arm last told: five a second. Published in rooms with an arm."""

    state_seq: int
    linked: bool
    """False: the arm is not heard, and nothing below is known."""
    target: str | None
    """Name of the target it was given; None before the first session."""
    state: str | None
    """`parked`, `approach`, `track`, `freeze`, `retract`, `away`, `hand`, `stopped` or `fault`."""
    why: str | None
    """Why it is in that state, or why the coil is not where a train may begin; lower-kebab."""
    sentence: str
    lease: str
    """What the arm tells the watchdog: `begin`, `continue` or `none`."""
    off_mm: float | None
    off_deg: float | None
    """How far the coil is off its target, in all."""
    lateral_mm: float | None = None
    """Of that, along the scalp."""
    depth_mm: float | None = None
    """Along the coil's normal, into the head; negative: away from it."""
    tilt_deg: float | None = None
    twist_deg: float | None = None
    """About the normal; the tilt is what leans."""
    head_speed_mm_s: float | None
    frame_age_ms: float | None
    robot: dict[str, Any]
    """Modes and program of the arm's controller."""
    late_us: dict[str, Any]
    """How late the arm's loop woke in the last ten seconds: p50, p99, p999, max, and the `counts` they are read from:
    sixteen buckets to a doubling (`daemon/arm/lateness.py`), up to the last that holds any."""


class Event(Payload):
    """Something that happened once."""

    kind: str
    detail: dict[str, Any]


class Both(Payload):
    """One text in both languages."""

    en: str
    it: str


class PracticeStep(Payload):
    """One thing that a trainee was to do."""

    what: Both
    outcome: Literal["done", "late", "missed"]
    seconds: float | None
    """From when it was due; None: it was not done."""
    within_s: float | None
    """None: it had no time limit."""


class PracticeResult(Payload):
    """How a scenario went."""

    stop_s: float | None
    """From what called for it to STOP or Emergency; None where neither was due, or neither came."""
    steps: tuple[PracticeStep, ...]
    read: Both
    """What to read in the guide."""


class Practice(Payload):
    """The scenario of a practice room. Nothing in it decides anything: it is for the trainee to read."""

    scenario: Name
    title: Both
    goal: Both
    subject: str
    """Whom to treat, with everything on file that is not done at the panel."""
    protocol: str
    told: Both | None
    """What has just happened, as somebody in the room would say it."""
    hint: Both | None
    """For what is due now: shown when asked for."""
    hint_due: bool
    """Unasked, because it is taking long."""
    result: PracticeResult | None


# --- what people ask ----------------------------------------------------------------------------------------------


class Command(Payload):
    """What every command carries (`daemon.wishes`). The verb and the user are in the topic: the broker proved them."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{8,64}$")]
    """Fresh for every command; a second command with the same id is refused."""
    client: Name
    """This connection, not this person: where the answer goes."""
    nonce: Nonce | None = None
    """Of the newest heartbeat."""
    state_seq: int | None = None
    """Of the state the person saw when they decided."""


class Presence(Payload):
    """The holder's client says, four times a second, that its person is here."""

    nonce: Nonce
    """Of the newest heartbeat: what lay in a frozen network proves nobody's presence."""


class Code(StrEnum):
    """How a command fared, for programs."""

    OK = "ok"
    REJECTED = "rejected"
    """The room said no: see `reason`."""
    STALE = "stale"
    """Retained, or its nonce is older than 2 s, or unknown."""
    CONFLICT = "conflict"
    """The room has changed since the person looked."""
    REPEATED = "repeated"
    FORBIDDEN = "forbidden"
    """Not with this role, or not without control."""
    MALFORMED = "malformed"
    BUSY = "busy"
    ERROR = "error"
    """The room failed to answer; what it did is in its state."""


class Answer(Payload):
    """Every command gets one, on the response topic."""

    id: str
    ok: bool
    code: Code
    reason: str = ""
    """Lower-kebab, the watchdog's reasons and the daemon's own; empty when ok."""
    sentence: Sentence | None = None
    """In English; None when ok."""
    fields: dict[str, Any] = Field(default_factory=dict)
    """The figures of the sentence: with `reason`, what any language makes its own of."""
    state_seq: int
    detail: dict[str, Any] = Field(default_factory=dict)
