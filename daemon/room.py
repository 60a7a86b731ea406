"""The treatment room as operators see it: every verb they have, what answers it, and what can be seen.

This is the border between the visit (sessions, trains, the watchdog's link) and whoever carries an operator's
wish: MQTT, the command line, a test. A verb never raises for what an operator did; it answers `Done` or `Refused`.
Who may command (control, roles, retained or repeated messages) is judged before a verb is called.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from daemon.calibration_file import Calibration
from daemon.registration_file import Registration
from drivers.poses import Pose

Json = Any
"""Whatever `json` can write."""


@dataclass(frozen=True, slots=True)
class Done:
    """The verb was carried out; `detail` is what the operator may want to read about it."""

    detail: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refused:
    """The verb was not carried out and changed nothing."""

    reason: str
    """Lower-kebab name, for programs: the watchdog's `Reason` names and the daemon's own."""
    sentence: str
    """For people, in English: what, why, next step."""
    fields: Mapping[str, Json] = field(default_factory=dict)
    """The figures of the sentence, for other languages."""


Answer = Done | Refused


@dataclass(frozen=True, slots=True)
class Order:
    """What an operator asks to be given to a subject."""

    subject: str
    """Pseudonym."""
    protocol: str
    """Id in the library, such as `mdd-10hz-37`."""
    placement: str = ""
    """How and where the coil was placed, in the operator's words; part of the hash. An arm's target goes before."""
    intensity_tenths: int | None = None
    """0.1 % rMT, at most what is prescribed; None: as prescribed."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A motor threshold that was found just now."""

    subject: str
    """Pseudonym."""
    value_tenths: int
    """0.1 % MSO."""
    method: Literal["emg", "visual"]
    pulses: int
    """Accepted pulses it was found from."""
    coil: str
    sd_tenths: int | None = None
    """0.1 % MSO."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """Where the coil stood on a head just now, head and coil at rest."""

    subject: str
    """Pseudonym."""
    name: str
    """Of the place, such as `left-m1`."""
    head_from_target: Pose
    """In the frame of the marker on the head."""
    air_gap_m: float
    spread_mm: float
    spread_deg: float
    """RMS of single frames about their mean: coil against head."""
    apart_mm: float
    apart_deg: float
    """Between where the robot and where the camera had the coil."""
    calibration: str
    """Hash of the calibration that this is by."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Pulses of the running (or last) session."""

    planned: int = 0
    commanded: int = 0
    """Triggered, as far as the daemon asked for them."""
    settled: int = 0
    """Booked as delivered by the watchdog."""
    unknown: int = 0
    """Counted as delivered, and nobody can say: included in `settled` until a person resolves them."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The room at one moment. Immutable, JSON-able by `dataclasses.asdict`."""

    phase: str
    """`daemon.session.State` value; `idle` when no session was opened since the start."""
    sentence: str
    """What is going on and what to do next, in English."""
    reason: str | None = None
    """What the sentence tells besides the phase: a reason of the watchdog's, the daemon's or the arm's."""
    fields: Mapping[str, Json] = field(default_factory=dict)
    """The figures behind it."""
    coil_reason: str | None = None
    """Why the coil is not where a train may begin, where the sentence tells it too."""
    session: str | None = None
    """Session key, hex."""
    hash: str | None = None
    """Hash of what the watchdog understood: `release` quotes it."""
    understood: Mapping[str, Json] = field(default_factory=dict)
    """The watchdog's answer to open-session, unchanged."""
    subject: str | None = None
    protocol: str | None = None
    intensity_tenths: int | None = None
    """0.1 % rMT of the next train."""
    level_tenths: int | None = None
    """0.1 % MSO of the next train."""
    train: int = 0
    """1-based number of the running or last train; 0 before the first."""
    trains: int = 0
    next_train_in_us: int | None = None
    """Time to the next first pulse; None when no train is due."""
    counts: Counts = Counts()
    holds: tuple[str, ...] = ()
    trip: Mapping[str, Json] | None = None
    unknown: tuple[int, ...] = ()
    """References that wait for `resolve`."""
    nonce: str | None = None
    """The watchdog's newest nonce: the heartbeat carries it to operators."""
    watchdog: Mapping[str, Json] = field(default_factory=dict)
    """The watchdog's newest status push, unchanged; empty while the link is down."""
    linked: bool = False
    """The watchdog's control connection is up."""
    stimulator: str = "away"
    """`away`, `connecting`, or what the device says of itself: `standby`, `armed`, `ready`."""
    arm: Mapping[str, Json] | None = None
    """The coil on its arm, in the fields of `messages.ArmState`; None in a room without an arm."""
    continuable: str | None = None
    """Key of the ended session that `continue_session` would continue, while the site's time for it lasts."""
    report: str | None = None
    """Path of the last session's report."""
    emergency: Mapping[str, Json] | None = None
    """The one that stands, in the fields of `messages.Emergent`."""
    blocked: bool = False
    """Whether a block stands against the subject of the session opened last."""

    def decision(self) -> tuple[Json, ...]:
        """What a person decides on: `state_seq` rises when this changes, and only then."""
        return (
            self.phase,
            self.hash,
            self.subject,
            self.intensity_tenths,
            self.holds,
            self.trip["reason"] if self.trip else None,
            self.unknown,
            self.emergency["at_us"] if self.emergency else None,
            self.blocked,
        )


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened, for followers: `changed` (read `status()`), or a journal row's kind and fields."""

    kind: str
    detail: Mapping[str, Json] = field(default_factory=dict)


class Room(Protocol):
    """Every verb an operator has. `by` is the name the broker (or the socket's owner) proved."""

    async def start(self, order: Order, by: str) -> Answer:
        """Opens a session; nothing moves until `release`. `Done.detail`: session, hash, understood, slow_tracker."""

    async def continue_session(self, session: str | None, reason: str, placement: str, by: str) -> Answer:
        """Opens the remainder of a session that ended early (None: the last one). `Done.detail` as `start`."""

    async def release(self, hash_: str, nonce: str, by: str) -> Answer:
        """Lets the segment begin: after `start`, and again after every pause, stop or trip."""

    async def pause(self, by: str) -> Answer:
        """No further train; a running one is disarmed. `Done` once its pulses are accounted for. Idempotent."""

    async def resume(self, hash_: str, nonce: str, by: str) -> Answer:
        """`release` of a paused session, under the name operators use."""

    async def stop(self, by: str) -> Answer:
        """Disarms, and ends the session once the watchdog confirmed standby; only then `Done`. Always, idempotent."""

    async def emergency(self, by: str) -> Answer:
        """STOP; the session is over for good and its subject blocked. Always, idempotent."""

    async def end(self, by: str) -> Answer:
        """Ends the session early, stopping it first where it runs, and writes its report. `Done.detail`: report."""

    async def lower(self, intensity_tenths: int, by: str) -> Answer:
        """Intensity of the trains to come, 0.1 % rMT; raising is bounded (prescribed, 5 % rMT a step)."""

    async def reset(self, nonce: str, by: str) -> Answer:
        """Lifts a trip, where this person may."""

    async def resolve(self, ref: int, why: str, nonce: str, by: str) -> Answer:
        """Books an unknown pulse as delivered, with a person's reason."""

    async def note(self, kind: str, what: str, text: str, by: str) -> Answer:
        """Writes a row of `daemon.notes` into the journal and into the session's report, whenever it comes."""

    async def history(self, before_us: int | None, most: int, by: str) -> Answer:
        """`Done.detail`: sessions, the newest first, opened before a time (None: the last ones)."""

    async def read_report(self, session: str, by: str) -> Answer:
        """`Done.detail`: report, without its pulses, and incident, None where there was no emergency."""

    async def read_journal(
        self, session: str | None, before_us: int | None, most: int, kinds: Sequence[str] | None, by: str
    ) -> Answer:
        """`Done.detail`: rows, the newest first; pulses only when their kind is asked for."""

    async def dose(self, subject: str, by: str) -> Answer:
        """`Done.detail`: what the ledger counts in each window, and what is allowed, by protocol."""

    async def block(self, subject: str, why: str, nonce: str, by: str) -> Answer:
        """Keeps a subject from any further session; only while none is open."""

    async def unblock(self, subject: str, physician: str, why: str, nonce: str, by: str) -> Answer:
        """Ends that, in a physician's name; `Done` once it is on the watchdog's disk. Only while no session is open."""

    async def file_threshold(self, measured: Measured, by: str) -> Answer:
        """Puts a motor threshold on file, as taken now; whether it is good enough the watchdog judges at each start."""

    async def file_registration(self, subject: str, found: Registration | None, by: str) -> Answer:
        """Puts a registration on file, or (None) says whether it would. Only while no session is open."""

    async def file_calibration(self, found: Calibration | None, by: str) -> Answer:
        """Has the arm go by this calibration from now on, or (None) says whether it could; as `file_registration`.

        `Done.detail`: file, sha256, and `later`, why the arm does not go by it yet.
        """

    async def file_target(self, recorded: Recorded, by: str) -> Answer:
        """Files a target for its subject, on the skull where the head is registered; as `file_registration`.

        `Done.detail`: the target, and `why` it is not on the skull.
        """

    async def coil_away(self, by: str) -> Answer:
        """Takes the coil off the head; a running session pauses. Always, idempotent."""

    async def hand_guide(self, by: str) -> Answer:
        """Lets a person move the arm by hand; only while nothing is armed."""

    async def park(self, by: str) -> Answer:
        """Sends the arm to its parking place; only while nothing is armed."""

    def presence(self, user: str) -> None:
        """`user`, whom the caller knows to hold control, is here now."""

    def status(self) -> Snapshot:
        """The room now."""

    def follow(self) -> AsyncIterator[Happening]:
        """What happens from now on. Bounded: a follower that falls behind gets `missed` with a count, then goes on."""
