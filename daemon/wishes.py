"""What people ask of a room: one model a verb, what is not written here is refused.

Which of them takes what role and what proof, `daemon.verbs` says.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from daemon.calibration_file import Calibration
from daemon.messages import ON_HEAD_M, Command, Name, Pseudonym, Reason, Tenths
from daemon.notes import NOTES
from daemon.registration_file import Registration
from drivers.poses import Pose

SessionKey = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]


class Stop(Command):
    """Disarm now and end the session."""


class Emergency(Command):
    """Disarm now, take the coil off, end the session for good, and block its subject."""


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

    session: SessionKey | None = None
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


class Block(Command):
    """Keep a subject from any further session until a physician unblocks; only while no session is open."""

    subject: Pseudonym
    reason: Reason


class Unblock(Command):
    """End an emergency's block, or a person's, in the name of a physician; only while no session is open."""

    subject: Pseudonym
    physician: Annotated[str, Field(min_length=1, max_length=100)]
    """Who is declared to answer for it."""
    reason: Reason


class Note(Command):
    """Something a person says about what happens, with their name and the time, for the journal and the report."""

    kind: Literal["check", "reason", "adverse", "stamp", "note"]
    what: Name
    text: Annotated[str, Field(max_length=500)] = ""

    @field_validator("text")
    @classmethod
    def _printable(cls, text: str) -> str:
        if not text.isprintable():
            raise ValueError("has characters that nobody can read")
        return text

    @model_validator(mode="after")
    def _on_the_list(self) -> Note:
        if self.what not in NOTES[self.kind]:
            raise ValueError(f"{self.kind} is one of {', '.join(NOTES[self.kind])}")
        return self


class History(Command):
    """The sessions of the past, the newest first."""

    before: Annotated[int, Field(ge=0)] | None = None
    """Unix µs: those opened earlier."""
    most: Annotated[int, Field(ge=1, le=100)] = 50


class ReadReport(Command):
    """The report of one session, and of its emergency."""

    session: SessionKey


class ReadJournal(Command):
    """Rows of the journal, the newest first; pulses only when their kind is asked for."""

    session: SessionKey | None = None
    before: Annotated[int, Field(ge=0)] | None = None
    """Unix µs: those written earlier."""
    most: Annotated[int, Field(ge=1, le=200)] = 100
    kinds: Annotated[tuple[Name, ...], Field(max_length=16)] | None = None


class Dose(Command):
    """What the ledger counts against a subject in each window, and what is allowed."""

    subject: Pseudonym


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
