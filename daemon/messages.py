"""Every payload that travels over MQTT, as a frozen model: what is not written here is refused.

Payloads are UTF-8 JSON objects. Times are integer microseconds, intensities tenths of % rMT, levels tenths of % MSO,
as everywhere else; a reader runs ages on its own clock, from the moment a message arrived.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from daemon.calibration_file import Calibration
from daemon.registration_file import Registration
from drivers.poses import Pose

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


# --- what people ask ----------------------------------------------------------------------------------------------


class Command(Payload):
    """What every command carries. The verb and the user are in the topic, where the broker has proved them."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{8,64}$")]
    """Fresh for every command; a second command with the same id is refused."""
    client: Name
    """This connection, not this person: where the answer goes."""
    nonce: Nonce | None = None
    """Of the newest heartbeat."""
    state_seq: int | None = None
    """Of the state the person saw when they decided."""


class Stop(Command):
    """Disarm now and end the session."""


class Pause(Command):
    """No further train; a running one is disarmed."""


class Lower(Command):
    """Intensity of the trains to come, not above the present one."""

    intensity_tenths: Tenths


class Raise(Command):
    """Intensity of the trains to come, up to what is prescribed."""

    intensity_tenths: Tenths


class Take(Command):
    """Take control: free, offered, one's own from another client, or left behind by an absent holder."""


class HandOver(Command):
    """Offer control to another person; it stays here until they take it."""

    to: Name


class LetGo(Command):
    """Give control up."""


class Start(Command):
    """Open a session; nothing moves until `release`."""

    subject: Pseudonym
    protocol: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,64}$")]
    placement: Annotated[str, Field(max_length=200)] = ""
    intensity_tenths: Tenths | None = None


class Continue(Command):
    """Open the remainder of a session that ended early (None: the last one)."""

    session: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")] | None = None
    reason: Reason
    placement: Annotated[str, Field(max_length=200)] = ""


class Release(Command):
    """Let the segment begin. Quotes the hash of what the watchdog understood."""

    hash: Annotated[str, Field(pattern=r"^[0-9a-f]{1,128}$")]


class Resume(Release):
    """`release` of a paused session."""


class End(Command):
    """End a session at rest and write its report."""


class Reset(Command):
    """Lift a trip, where this person may."""


class Resolve(Command):
    """Book an unknown pulse as delivered, with a reason."""

    ref: Annotated[int, Field(ge=0)]
    why: Reason


class FileThreshold(Command):
    """Put a motor threshold on file that was measured just now."""

    subject: Pseudonym
    value_tenths: Annotated[int, Field(ge=1, le=1000)]
    """0.1 % MSO."""
    method: Literal["emg", "visual"]
    pulses: Annotated[int, Field(ge=0, le=1000)]
    coil: Name
    sd_tenths: Annotated[int, Field(ge=0, le=1000)] | None = None
    """0.1 % MSO."""


class FileRegistration(Command):
    """Put on file where a subject's skull is under the marker on the head; only while no session is open."""

    subject: Pseudonym
    registration: Registration | None = None
    """None asks whether one would be taken, before anybody touches the subject."""


class FileCalibration(Command):
    """Have the arm go by another calibration, now and after its next start; only while no session is open."""

    calibration: Calibration | None = None
    """None asks whether one would be taken, before anybody moves the arm."""


class FileTarget(Command):
    """Put on file where the coil stood on a head just now, as the subject's target; only while no session is open."""

    subject: Pseudonym
    name: Name
    """Of the place."""
    head_from_target: Annotated[tuple[float, ...], Field(min_length=7, max_length=7)]
    """Unit quaternion w, x, y, z, then metres, in the frame of the marker on the head."""
    air_gap_m: Annotated[float, Field(ge=0, le=0.02)]
    """Between that place and the scalp."""
    spread_mm: Annotated[float, Field(ge=0, le=100)]
    spread_deg: Annotated[float, Field(ge=0, le=180)]
    """RMS of single frames about their mean: coil against head."""
    apart_mm: Annotated[float, Field(ge=0, le=100)]
    apart_deg: Annotated[float, Field(ge=0, le=180)]
    """Between where the robot and where the camera had the coil."""
    calibration: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """Hash of the calibration that this is by."""

    @field_validator("head_from_target")
    @classmethod
    def _on_a_head(cls, numbers: tuple[float, ...]) -> tuple[float, ...]:
        if Pose.of(numbers[:4], numbers[4:]).distance > ON_HEAD_M:
            raise ValueError(f"lies more than {ON_HEAD_M} m from the marker: that is on no head")
        return numbers


class CoilAway(Command):
    """Take the coil off the head; a running session pauses."""


class HandGuide(Command):
    """Let a person move the arm by hand; only while nothing is armed."""


class Park(Command):
    """Send the arm to its parking place; only while nothing is armed."""


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
