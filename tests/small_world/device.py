"""The device of the small world, the frames it hears, and its answers."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from drivers.catalogue import dialect
from drivers.magstim.framing import seal
from drivers.magstim.replies import Refused, Reply, SettingsReply, StatusReply, SystemReply, TemperatureReply
from drivers.magstim.status import Extended, Instrument, Rapid
from drivers.stimulators import Dialect, Refusal

MS, S = 1_000, 1_000_000
FIRMWARE = 11
RATE_TENTHS, PULSES, TRAINS, LEVEL = 100, 3, 2, 45
PULSE_GAP_US = 100 * MS


def _remembering(plain: Dialect) -> Dialect:
    """The same dialect; what it once worked out it knows."""
    for name in ("effect", "reading", "answers", "refusal", "redact", "refuses_energy", "minimum_wait_us"):
        setattr(plain, name, cache(getattr(plain, name)))
    return plain


DIALECT = _remembering(dialect("magstim-rapid2", FIRMWARE))
ARM, TRIGGER, DISARM = seal(b"EB"), DIALECT.trigger, DIALECT.disarm
STATUS, LEVEL_SAME, LEVEL_OVER, REMOTE_OFF = seal(b"x@"), seal(b"@045"), seal(b"@099"), seal(b"R@")
REMOTE = seal(b"Q7f3a-0c55d1e2-9b")
UNKNOWN_BYTE = b"z"


class Device(NamedTuple):
    """A Rapid as far as this world needs one: its status before effect, its charge, its train."""

    armed_us: int | None = None
    train_us: int | None = None
    """First pulse of the running or last train."""
    done: int = 0
    """Pulses of trains before that one."""
    cut_at: int | None = None
    level: int = LEVEL
    celsius_tenths: int = 250
    coil: bool = True
    foreign: bool = False
    """Something was done at the front panel that nobody here asked for."""

    def _train(self, now_us: int) -> int:
        if self.train_us is None:
            return 0
        until_us = now_us if self.cut_at is None else self.cut_at
        return min(PULSES, max(until_us - self.train_us, 0) // PULSE_GAP_US + 1)

    def fired(self, now_us: int) -> int:
        """Pulses that physically went out."""
        return self.done + self._train(now_us)

    def running(self, now_us: int) -> bool:
        """Whether a train's pulses are still to come."""
        ends = self.train_us is not None and now_us < self.train_us + (PULSES - 1) * PULSE_GAP_US
        return ends and self.cut_at is None

    def instrument(self, now_us: int) -> Instrument:
        status = Instrument.REMOTE | (Instrument.COIL_PRESENT if self.coil else Instrument(0))
        if self.armed_us is None:
            return status | Instrument.STANDBY
        charged = now_us - self.armed_us >= S and not self.running(now_us)
        return status | (Instrument.READY if charged else Instrument.ARMED)

    def disarmed(self, now_us: int) -> Device:
        cut = now_us if self.running(now_us) else self.cut_at
        return self._replace(armed_us=None, cut_at=cut)

    def triggered(self, now_us: int) -> Device:
        if Instrument.READY not in self.instrument(now_us):
            return self
        return self._replace(done=self.fired(now_us), train_us=now_us, cut_at=None)

    def takes(self, frame: bytes, now_us: int) -> tuple[Device, bytes]:
        """What the device becomes, and its honest answer: the status from before the frame's effect."""
        letter, status = chr(frame[0]), self.instrument(now_us)
        rapid = Rapid.TRAIN_RUNNING if self.running(now_us) else Rapid(0)
        if frame == DISARM:
            return self.disarmed(now_us), _e_reply(status)
        if frame == ARM:
            return (self if self.armed_us else self._replace(armed_us=now_us)), _e_reply(status)
        if frame == TRIGGER:
            after = self.triggered(now_us)
            return after, _e_reply(status) if after is not self else refusal(frame, Refusal.CONFLICT)
        return (self._replace(level=LEVEL) if letter == "@" else self), _said(
            letter, status, rapid, self.level, self.celsius_tenths
        )


@cache
def _e_reply(status: Instrument) -> bytes:
    return StatusReply("E", status).encode(FIRMWARE)


@cache
def refusal(frame: bytes, how: Refusal) -> bytes:
    """The device's own refusal of a frame."""
    return Refused(chr(frame[0]), how).encode(FIRMWARE)


@cache
def _said(letter: str, status: Instrument, rapid: Rapid, level: int, celsius_tenths: int) -> bytes:
    reply: Reply = StatusReply(letter, status)
    if letter == "x":
        reply = SystemReply("x", status, rapid, Extended(0))
    elif letter == "\\":
        reply = SettingsReply("\\", status, rapid, level, RATE_TENTHS, PULSES, PULSES, 1)
    elif letter == "F":
        reply = TemperatureReply("F", status, celsius_tenths, celsius_tenths)
    return reply.encode(FIRMWARE)
