"""What is asked of the stimulator, and everything a rule may know when it answers.

One vocabulary for the plan at opening, for a permit and for every single trigger, whoever asks: a treatment's
driver or somebody's script.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from drivers.quantities import PercentMso, Train
from drivers.stimulators import Witness
from safety.protocols import SLOW, Protocol
from safety.threshold import MotorThreshold


class SessionKind(Enum):
    """What a session is for; each kind has its own bounds."""

    TREATMENT = "treatment"
    THRESHOLD = "threshold"
    SCRIPT = "script"
    PHANTOM = "phantom"


class Use(Enum):
    """What this room may do with unverified numbers, and to whom."""

    SIMULATION = "simulation"
    BENCH = "bench"
    STUDY = "study"


class Cutting(Enum):
    """Whether disarming ends a running train at once, on the stimulator of this room."""

    ASSUMED = "assumed"
    """No public client shows it, and no lab has looked at this one."""
    PROVEN = "proven"
    NO = "no"


@dataclass(frozen=True, slots=True)
class Ask:
    """`triggers` triggers, each delivering one train at `level`."""

    level: PercentMso
    train: Train
    starts_us: int
    """When the first pulse is due, BOOTTIME."""
    triggers: int = 1
    spacing_us: int = 0
    """Least time from one trigger to the next; 0 for a single trigger."""
    estimate: PercentMso | None = None
    """Running estimate of a threshold hunt, once whoever hunts has one."""

    @property
    def pulses(self) -> int:
        """Pulses of all triggers together."""
        return self.train.pulses * self.triggers

    def pulse_times_us(self) -> Iterator[int]:
        """When each pulse is due, BOOTTIME."""
        for n in range(self.triggers):
            yield from self.train.pulse_times_us(self.starts_us + n * self.spacing_us)


@dataclass(frozen=True, slots=True)
class Past:
    """One train that went out, or may have."""

    first_us: int
    """First pulse, BOOTTIME."""
    train: Train

    @property
    def last_us(self) -> int:
        """Last pulse, BOOTTIME."""
        return self.first_us + self.train.duration_us


def run_after(run: int, last: Past | None, train: Past, run_break_us: int) -> int:
    """Pulses up to 1 Hz in the unbroken run that ends with `train`: `run` ended with `last`, if there was one.

    Single pulses fired one by one make a 1 Hz train as long as no break parts them, and the tables bound its length.
    """
    if train.train.rate > SLOW:
        return 0
    unbroken = last is not None and train.first_us - last.last_us < run_break_us
    return train.train.pulses + (run if unbroken else 0)


@dataclass(frozen=True, slots=True)
class Totals:
    """Pulses the ledger counts against this subject, worst case, before what is asked."""

    session: int = 0
    """Of this treatment, all its segments."""
    day: int = 0
    twelve_hours: int = 0
    week: int = 0
    course: int = 0


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything about the session a rule may use. Immutable; nothing here is read from a clock or a file."""

    now_us: int
    wall_us: int
    use: Use
    kind: SessionKind
    coil: str
    witness: Witness
    ceiling: PercentMso
    """Highest level of this session: from threshold and prescription, or what the script declared."""
    protocol: Protocol | None = None
    threshold: MotorThreshold | None = None
    authorised: bool = False
    """An authorisation file covers this subject and this protocol version today."""
    past: tuple[Past, ...] = ()
    """Trains of the last 60 s and the last train at all, oldest first."""
    run: int = 0
    """Pulses up to 1 Hz in the unbroken run that ends with the last of `past` (`run_after`)."""
    totals: Totals = field(default_factory=Totals)
    planned: int = 0
    """Pulses of the whole treatment, all segments, fixed when it was first opened."""
    lacks: tuple[str, ...] = ()
    """What use `study` still lacks (`review.study_lacks`): unsigned rows, a study that is not over."""
    disarm_cuts_train: bool = True
    """Whether disarming is counted on to end a running train."""
