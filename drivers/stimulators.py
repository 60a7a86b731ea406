"""What every stimulator is to the rest of the house: frames with an effect, replies that say something.

The watchdog judges a frame by its `Effect` and believes a device by its `Reading`s; neither names a vendor.
A vendor's folder provides one `Dialect`; `dialect(model, firmware)` in `drivers.catalogue` finds it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Protocol

from drivers.quantities import Hertz, PercentMso


class EffectKind(Enum):
    """What a frame does, the one thing the watchdog classes it by."""

    QUERY = "query"
    """Asks and changes nothing; a keep-alive is a query."""
    REMOTE = "remote"
    """Takes or gives back remote control."""
    DISARM = "disarm"
    """Ends in standby."""
    SETTING = "setting"
    """Changes one field that a later trigger uses."""
    ARM = "arm"
    """Charges the device and enables its trigger."""
    TRIGGER = "trigger"
    """A pulse, or a train, goes out."""
    FORBIDDEN = "forbidden"
    """Bypasses an interlock of the device, or does two things at once."""


class Field(Enum):
    """What a setting changes, with the unit of its value."""

    LEVEL = "level"
    """0.1 % of maximum stimulator output."""
    RATE = "rate"
    """0.1 Hz."""
    PULSES = "pulses"
    """Pulses per train."""
    DURATION_MS = "duration"
    """Length of a train in ms; 0 leaves repetitive mode."""
    CHARGE_DELAY_MS = "charge-delay"
    ENHANCED = "enhanced"
    """1: enhanced power on."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What one client frame does. `field` and `value` speak of settings only, `why` of forbidden frames only."""

    kind: EffectKind
    field: Field | None = None
    value: int = 0
    why: str = ""
    renews: bool = False
    """True when the device takes the frame as a keep-alive."""


class Condition(Enum):
    """The device's own state, as it reports it. They exclude each other."""

    STANDBY = "standby"
    ARMED = "armed"
    """Armed, not yet charged."""
    READY = "ready"
    """Armed and charged: a trigger would fire."""


class Refusal(Enum):
    """How a device says no."""

    NOT_UNDERSTOOD = "not understood"
    """Magstim `?`."""
    CONFLICT = "conflict"
    """Magstim `S`: valid, and against the device's present state."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a trigger would deliver, as the device reads it back."""

    level: PercentMso
    rate: Hertz
    """`SINGLE` in single-pulse mode."""
    pulses: int
    """Pulses one trigger delivers: 1 in single-pulse mode."""
    duration_ms: int
    """0 in single-pulse mode."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one reply says. None: this reply does not speak of it."""

    condition: Condition | None = None
    remote: bool | None = None
    coil_present: bool | None = None
    fault: bool | None = None
    """The device reports an error or a worn coil."""
    train_running: bool | None = None
    settings: Settings | None = None
    coil_tenths_celsius: int | None = None
    """The warmer of the windings."""
    refused: Refusal | None = None


class Witness(IntEnum):
    """How good the evidence is that a pulse went out; each level opens doors."""

    ACCEPTED = 0
    """The device's word that it took a trigger."""
    RUNNING = 1
    """A bit that shows while a train runs: an interval of pulses."""
    COUNTED = 2
    """Every stimulus counted."""
    COUNTED_AND_CUT_OFF = 3
    """Counted, and a proven way to stop the device that is not the device."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a model with a firmware can do. Every number names its source in the vendor's NOTES.md."""

    model: str
    firmware: int
    witness: Witness
    max_pulses_per_train: int
    keep_alive_standby_us: int | None
    """The device drops remote control after this long without a keep-alive. None: it has none."""
    keep_alive_armed_us: int | None
    ready_within_us: int
    """Longest time from arming to READY."""
    min_spacing_single_us: int
    """Least time between two single pulses."""


class PieceKind(Enum):
    FRAME = "frame"
    """Whole, checksum right."""
    BAD_CHECKSUM = "bad checksum"
    """Whole by length, checksum or data wrong: `data` is the frame."""
    NOISE = "noise"
    """One byte that begins no frame."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What a `Reader` made of some bytes."""

    kind: PieceKind
    data: bytes


class Reader(Protocol):
    """Sans-io splitter: bytes in, pieces out, bounded; never raises on any input."""

    def feed(self, data: bytes) -> list[Piece]:
        """Pieces completed by `data`, in order."""

    @property
    def pending(self) -> bytes:
        """The unfinished frame, empty when none."""

    def drop(self) -> bytes:
        """Forgets the unfinished frame and returns it."""


class Dialect(Protocol):
    """One protocol of one firmware, as the watchdog uses it. Pure: no clock, no port."""

    capabilities: Capabilities
    disarm: bytes
    trigger: bytes
    """For pulses that the watchdog's own timer releases."""
    ask_status: bytes
    """Says condition, coil, and train bit where the firmware has it there."""
    ask_settings: bytes
    ask_temperature: bytes
    complete_half_frame: bytes
    """Bytes that end any frame a dead client left unfinished, doing nothing by themselves."""

    def effect(self, frame: bytes) -> Effect:
        """What a whole frame with a right checksum does; unknown data is FORBIDDEN, never a guess."""

    def reading(self, reply: bytes) -> Reading:
        """What a whole reply with a right checksum says."""

    def answers(self, reply: bytes, frame: bytes) -> bool:
        """Whether this reply can be the answer to this frame."""

    def refusal(self, frame: bytes) -> bytes:
        """The device's own way to refuse `frame` (Magstim `<cmd>S<crc>`)."""

    def redact(self, frame: bytes) -> str:
        """`frame` for logs, without secrets (unlock codes)."""

    def minimum_wait_us(self, level: PercentMso, rate: Hertz, pulses: int) -> int:
        """Energy rule: time the device needs between this train's last pulse and the next first one."""

    def refuses_energy(self, level: PercentMso, rate: Hertz, pulses: int) -> str | None:
        """Energy rule: why this device cannot deliver such a train, or None."""

    def command_reader(self) -> Reader:
        """Splits what a client sends."""

    def reply_reader(self) -> Reader:
        """Splits what the device sends."""
