"""Everything the gate remembers, as immutable values, and the table of its phases.

`step` in `safety.gate` takes a `State` and gives back another one; while one event is judged the two are held
together by a `safety.turn.Turn`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from drivers.quantities import PercentMso, PercentRmt, Train
from drivers.stimulators import Condition, Dialect, Effect, Settings
from safety import control
from safety.asking import Ask, Cutting, Past, SessionKind, Use
from safety.authorisations import Authorisation
from safety.book import EMPTY_BOOK, Book
from safety.events import Door
from safety.ledger_format import KEY0, By, Kind, Record, key
from safety.limits import Limits
from safety.protocols import Protocol
from safety.reasons import Reason
from safety.threshold import MotorThreshold

_Kept = TypeVar("_Kept", "State", "Wire", "Device")


def changed(kept: _Kept, changes: dict[str, Any]) -> _Kept:
    """The same with these fields changed. What a query changes is copied as a dict: `dataclasses.replace` costs eight
    times as much. TypeError for a field that is none: a mistake of ours.
    """
    values = kept.__dict__ | changes
    if len(values) != len(kept.__dict__):
        raise TypeError(f"{type(kept).__name__} has no field {min(changes.keys() - kept.__dict__.keys())}")
    fresh = object.__new__(type(kept))
    object.__setattr__(fresh, "__dict__", values)
    return fresh


class Phase(Enum):
    BOOT = "boot"
    """The device has not been read back in standby since the port opened: no door opens."""
    SAFE = "safe"
    ARMED = "armed"
    """An arming frame was written; assumed from the write on, whatever the answer."""
    FIRING = "firing"
    """A trigger was written and its pulses are not accounted for yet."""
    TRIPPED = "tripped"
    LOCKOUT = "lockout"


MOVES: dict[Phase, frozenset[Phase]] = {
    Phase.BOOT: frozenset({Phase.SAFE, Phase.TRIPPED, Phase.LOCKOUT}),
    Phase.SAFE: frozenset({Phase.BOOT, Phase.ARMED, Phase.TRIPPED, Phase.LOCKOUT}),
    Phase.ARMED: frozenset({Phase.SAFE, Phase.FIRING, Phase.TRIPPED, Phase.LOCKOUT}),
    Phase.FIRING: frozenset({Phase.SAFE, Phase.ARMED, Phase.TRIPPED, Phase.LOCKOUT}),
    Phase.TRIPPED: frozenset({Phase.SAFE, Phase.BOOT, Phase.LOCKOUT}),
    Phase.LOCKOUT: frozenset(),
}
"""From each phase, where the gate may go; anything else is a mistake of ours and locks out."""


@dataclass(frozen=True, slots=True)
class Room:
    """What does not change while the watchdog runs."""

    dialect: Dialect
    limits: Limits
    protocols: dict[str, Protocol]
    authorisations: tuple[Authorisation, ...]
    use: Use
    zone: ZoneInfo
    profile: str
    """Room profile: `fixed` needs no on-target lease, `robot` and `hand` do."""
    simulated: bool
    coil: str
    lacks: Callable[[Protocol | None, int], tuple[str, ...]]
    """What use `study` still lacks for a protocol at a wall time; nothing in other uses."""
    disarm_cuts_train: Cutting = Cutting.ASSUMED
    slack: int = 1
    one_person: bool = False
    daemon_uid: int = 0
    """Whose process alone may say which person asks."""
    arm_uid: int = 0
    """Whose process alone may say that the coil is on its target."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One frame on the line, waiting for its reply."""

    frame: bytes
    effect: Effect
    asker: Door | None
    """None: the watchdog itself."""
    at_us: int
    doubtful: bool = False
    """A reply came meanwhile that was taken for one owed. It was probably this one's: waiting for one more, and for
    yet one more at the next question, would never end."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A client's frame that waits for the line."""

    door: Door
    frame: bytes
    effect: Effect
    since_us: int


@dataclass(frozen=True, slots=True)
class Owed:
    """A frame whose reply did not come in time and may still come: it must not be taken for another's."""

    frame: bytes
    until_us: int


@dataclass(frozen=True)
class Wire:
    open: Exchange | None = None
    queue: tuple[Waiting, ...] = ()
    owed: tuple[Owed, ...] = ()


@dataclass(frozen=True)
class Device:
    """What the device last said of itself, and when."""

    present: bool = False
    condition: Condition | None = None
    condition_at_us: int = 0
    may_be_armed: bool = False
    """It was told to arm, or said that it is armed, and has not said standby since. Outlives a lost port."""
    remote: bool = False
    coil_present: bool = True
    fault: bool = False
    settings: Settings | None = None
    settings_at_us: int = 0
    agreed: int = 0
    """Whole answers in a row, since the last accepted setting, that said the same settings; stops at 2."""
    confirmed: Settings | None = None
    """Settings agreed twice since the last accepted setting."""
    temperature_tenths: int | None = None
    temperature_at_us: int = 0


@dataclass(frozen=True, slots=True)
class Disarming:
    """Disarm is a state to reach, not a frame to send."""

    why: Reason | None
    since_us: int
    last_us: int
    boot: bool = False
    found_armed: bool = False
    waiting: tuple[Door, ...] = ()
    """Clients whose own disarm frame this is: they get the next answer."""
    overdue: bool = False
    unanswered_us: tuple[int, ...] = ()
    """When the frames were written whose reply has not come: none of these may be taken for another frame's."""


@dataclass(frozen=True, slots=True)
class Block:
    """Pulses of one durable reservation: none is spent that is not in it."""

    ref: int
    reserved: int
    spent: int = 0
    """Pulses triggered out of it, worst case."""
    settled: int = 0
    low: int = 0
    high: int = 0
    """What the evidence of those allows, at least and at most."""
    by: By = By.ACCEPTED
    """The evidence of the trigger settled last."""

    @property
    def left(self) -> int:
        return self.reserved - self.spent


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave to trigger, for one train at a level, that expires by itself."""

    number: int
    level: PercentMso
    train: Train
    left: int
    spacing_us: int
    granted_us: int
    expires_us: int
    """The first trigger must be written before this."""
    block: Block
    due: tuple[int, ...] = ()
    """Given: the watchdog's timer triggers at these times; else the speaker does."""
    estimate: PercentMso | None = None
    """As it was asked for with: a threshold hunt's."""
    index: int = 0

    @property
    def begun(self) -> bool:
        """A trigger under it has gone out. One that the timer left out has not, and a script's block was spent from
        under its earlier permits.
        """
        return self.index > 0 and self.block.spent > 0


@dataclass(frozen=True, slots=True)
class Pending:
    """A request for a permit under examination."""

    connection: int
    request_id: int
    message: control.AskPermit
    ask: Ask
    since_us: int
    token: int | None = None
    """Set when its reservation is on its way to the disk."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One trigger's pulses, from the write to the account."""

    train: Train
    level: PercentMso
    permit: int
    index: int
    written_us: int
    planned_us: int
    accepted_us: int | None = None
    running_asked_us: int | None = None
    """When the last question was written whose answer showed the train running."""
    cut: bool = False
    over: bool = False
    """It outlasted what was set: that number bounds it no more."""

    @property
    def began_us(self) -> int:
        """When the device had certainly taken its trigger; nothing is asked of a train before that."""
        return self.written_us if self.accepted_us is None else self.accepted_us


@dataclass(frozen=True, slots=True)
class Session:
    key: bytes
    connection: int
    kind: SessionKind
    door: Door
    subject: str
    coil: str
    ceiling: PercentMso
    hash: str = ""
    """Names what its operator was shown."""
    protocol: Protocol | None = None
    threshold: MotorThreshold | None = None
    intensity: PercentRmt | None = None
    authorised: bool = False
    planned: int = 0
    released: bool = False
    paused: Reason | None = None
    cuts: int = 0
    delivered_at: PercentRmt | None = None
    """The session's intensity at the last train: what a raise is a step from. A ramp may have given less; of two that
    rise by a step at most, the lower one does too."""
    block: Block | None = None
    """A script's pulses, reserved before it arms."""
    block_token: int | None = None


@dataclass(frozen=True, slots=True)
class Beats:
    session_turns: int = -1
    session_at_us: int = 0
    driver_turns: int = -1
    driver_at_us: int = 0
    presence_at_us: int = 0


@dataclass(frozen=True, slots=True)
class Trip:
    reason: Reason
    at_us: int
    detail: str = ""
    first_person: str = ""
    first_person_at_us: int = 0


@dataclass(frozen=True, slots=True)
class Emergency:
    """One that stands: until a session is opened, or its subject is unblocked."""

    wall_us: int
    by: str
    """Who pressed; empty where only the ledger remembers it."""
    subject: str
    """Pseudonym of whoever had the open session; else empty."""
    session: bytes
    """Which session it ended, or that of the subject who had just had one; KEY0: of nobody."""

    @property
    def told(self) -> dict[str, Any]:
        """As everybody is told."""
        session = self.session.hex() if self.session != KEY0 else None
        return {"pressed_us": self.wall_us, "by": self.by or None, "subject": self.subject or None, "session": session}


@dataclass(frozen=True, slots=True)
class Confirming:
    """A change of a block that is answered once it is durable."""

    token: int
    connection: int
    request_id: int
    message: control.Block | control.Unblock
    since_us: int


@dataclass(frozen=True)
class State:
    """All of it. Hashable as far as the enumeration of small worlds needs."""

    phase: Phase = Phase.BOOT
    seen_us: int = 0
    trip: Trip | None = None
    lockout: str = ""
    """Why nothing arms any more, for an engineer."""
    wire: Wire = field(default_factory=Wire)
    device: Device = field(default_factory=Device)
    disarming: Disarming | None = None
    daemon_attached: bool = False
    pty_open: bool = False
    speaker: Door | None = None
    roles: tuple[tuple[int, str], ...] = ()
    session: Session | None = None
    pending: Pending | None = None
    permits: tuple[Permit, ...] = ()
    delivery: Delivery | None = None
    armed_at_us: int = 0
    """When the arming frame was written, or the last trigger since."""
    fired_since_arm: bool = False
    """After its first trigger a device is armed and charging again: it refuses by itself until it is charged."""
    standby_at_us: int = 0
    train_ended_us: int = 0
    """When the last train was accounted for: an older question's train bit is of that train."""
    status_asked_us: int = 0
    past: tuple[Past, ...] = ()
    """Trains of the last minute, whoever they were for: intervals are kept between sessions too."""
    run: int = 0
    """Pulses up to 1 Hz in the unbroken run that ends with the last of `past`."""
    beats: Beats = field(default_factory=Beats)
    lease: str = "none"
    lease_at_us: int = 0
    hold: Reason | None = None
    good_since_us: int = 0
    nonces: tuple[tuple[str, int], ...] = ()
    stopped_us: int = -1
    """When pulses were last stopped or tripped: what was decided before that moment is no answer to it."""
    book: Book = EMPTY_BOOK
    next_token: int = 1
    commits: tuple[tuple[int, Record, int], ...] = ()
    """(token, record, since) of what the ledger has not confirmed yet."""
    unwanted: tuple[int, ...] = ()
    """Tokens of reservations on their way to the disk that nobody waits for any more: settled at none."""
    next_permit: int = 1
    emergency: Emergency | None = None
    confirming: Confirming | None = None

    def blocked(self, subject: str) -> bool:
        """Whether a block stands against a subject: on the disk, or on its way there."""
        who = key(subject)
        on_the_way = (record.subject for _, record, _ in self.commits if record.kind in (Kind.EMERGENCY, Kind.BLOCK))
        return self.book.blocked(who) or who in on_the_way

    @property
    def due_us(self) -> int | None:
        """When the watchdog's timer triggers next: never before it is planned, nor sooner after the last trigger
        written than planned pulses lie apart. None: nothing is granted to it.
        """
        permit = self.permits[0] if self.permits else None
        if permit is None or not permit.due:
            return None
        spaced_us = self.armed_at_us + permit.spacing_us if self.fired_since_arm else 0
        return max(permit.due[0], spaced_us)

    @property
    def unknowns(self) -> tuple[int, ...]:
        """RESERVEs nobody knows the fate of, from the moment that is found out, on the disk or on its way there."""
        on_the_way = (record.ref for _, record, _ in self.commits if record.kind is Kind.UNKNOWN)
        return (*self.book.unknowns, *on_the_way)
