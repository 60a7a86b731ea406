"""What a simulated Rapid² says: bytes to physics and back, through the codec. Knows no time.

Replies carry the status before the command's effect, except those to `Q` and `R`. An unknown byte gets a lone `?`
and costs one byte; wrong checksum or data get `<cmd>?`; a conflict gets `<cmd>S`; half a frame waits for its rest.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from operator import or_

from drivers.errors import BadFrame
from drivers.magstim.codec import (
    ARM,
    DISARM,
    TRIGGER,
    AnyReply,
    BasicSettingsReply,
    ChargeDelayReply,
    Command,
    CommandReader,
    DisableRemote,
    EnableRemote,
    EnhancedPowerOff,
    EnhancedPowerOn,
    ErrorReply,
    Extended,
    GetBasicSettings,
    GetChargeDelay,
    GetError,
    GetSettings,
    GetSystemStatus,
    GetTemperature,
    GetVersion,
    IgnoreCoilSwitch,
    Instrument,
    NotUnderstood,
    Operate,
    Rapid,
    RapidReply,
    Refused,
    Reply,
    SetChargeDelay,
    SetDuration,
    SetFrequency,
    SetPower,
    SetPulses,
    SettingsReply,
    StatusReply,
    SystemReply,
    TemperatureReply,
    VersionReply,
    parse_command,
)
from drivers.stimulators import Condition, Field, Piece, PieceKind, Refusal
from simulator.stimulators.answers import Answer
from simulator.stimulators.profile import NEW_FIRMWARE, Profile
from simulator.stimulators.rapid2 import Rapid2

ARM_AND_TRIGGER = Operate(0x4A)
"""Used by one public laboratory client. Any further byte of `E` gets `E?`: an assumption."""
MS_PER_TENTH_SECOND = 100
HOTTEST_SHOWN = 999
"""Three digits of 0.1 °C."""

_CONDITIONS = {
    Condition.STANDBY: Instrument.STANDBY,
    Condition.ARMED: Instrument.ARMED,
    Condition.READY: Instrument.READY,
}
_REFUSALS = {Answer.BAD_DATA: Refusal.NOT_UNDERSTOOD, Answer.CONFLICT: Refusal.CONFLICT}


class MagstimWire:
    """The serial interface of one `Rapid2`."""

    def __init__(self, device: Rapid2) -> None:
        self._device = device
        self._profile: Profile = device.profile
        self._reader = CommandReader(device.profile.firmware)
        self._power_ups = device.power_ups

    # ── the three calls of a port ───────────────────────────────────────────────────────────────────────────────────

    def split(self, data: bytes) -> list[Piece]:
        """What a client sent, frame by frame."""
        if self._power_ups != self._device.power_ups:
            self._power_ups = self._device.power_ups
            self.forget()
        return self._reader.feed(data)

    def forget(self) -> None:
        """Drops a half frame."""
        self._reader.drop()

    def answer(self, piece: Piece) -> bytes:
        """Does what `piece` says; the reply, or nothing where the device stays silent."""
        reply = self._reply(piece)
        return reply.encode(self._profile.firmware) if reply else b""

    # ── who is allowed to say it ────────────────────────────────────────────────────────────────────────────────────

    def _reply(self, piece: Piece) -> AnyReply | None:
        if piece.kind is PieceKind.NOISE:
            return NotUnderstood()
        letter = chr(piece.data[0])
        try:
            command = parse_command(piece.data, self._profile.firmware)
        except BadFrame:
            return Refused(letter, Refusal.NOT_UNDERSTOOD)
        if self._needs_remote(command) and not self._device.remote:
            return None if self._profile.mute_without_remote else Refused(letter, Refusal.CONFLICT)
        reply = self._obey(command)
        if reply and not isinstance(reply, (Refused, VersionReply)):
            self._device.renew()
        return reply

    def _needs_remote(self, command: Command) -> bool:
        if isinstance(command, Operate):
            return command != DISARM
        return command.letter in self._profile.letters_that_need_remote

    # ── what it does ────────────────────────────────────────────────────────────────────────────────────────────────

    def _obey(self, command: Command) -> AnyReply | None:
        match command:
            case EnableRemote():
                return self._enable_remote(command)
            case DisableRemote():
                self._device.drop_remote()
                return self._status(command)
            case Operate():
                return self._operate(command)
            case IgnoreCoilSwitch():
                return self._done(self._status(command), self._device.ignore_coil_switch)
            case _:
                return self._set(command) or self._tell(command)

    def _set(self, command: Command) -> Reply | None:
        match command:
            case SetPower(percent=percent):
                return self._done(self._status(command), self._device.set, Field.LEVEL, percent * 10)
            case SetChargeDelay(milliseconds=delay_ms):
                tell = self._rapid_status if self._profile.firmware == NEW_FIRMWARE else self._system_status
                return self._done(tell(command), self._device.set, Field.CHARGE_DELAY_MS, delay_ms)
            case SetFrequency(tenths_hertz=tenths):
                field, value = Field.RATE, tenths
            case SetPulses(pulses=pulses):
                field, value = Field.PULSES, pulses
            case SetDuration(tenths_second=tenths):
                field, value = Field.DURATION_MS, tenths * MS_PER_TENTH_SECOND
            case EnhancedPowerOn() | EnhancedPowerOff():
                field, value = Field.ENHANCED, int(isinstance(command, EnhancedPowerOn))
            case _:
                return None
        return self._done(self._rapid_status(command), self._device.set, field, value)

    def _done(self, before: Reply, act: Callable[..., Answer], *order: Field | int) -> Reply:
        refusal = _REFUSALS.get(act(*order))
        return Refused(before.letter, refusal) if refusal else before

    def _enable_remote(self, command: EnableRemote) -> AnyReply | None:
        if command.code is not None and command.code != self._profile.unlock_code:
            return None if self._profile.silent_on_wrong_unlock else Refused(command.letter, Refusal.NOT_UNDERSTOOD)
        self._device.take_remote()
        return self._status(command)

    def _operate(self, command: Operate) -> Reply:
        acts = {
            DISARM: self._device.order_disarm,
            ARM: self._device.arm,
            TRIGGER: self._device.trigger,
            ARM_AND_TRIGGER: self._device.arm_and_trigger,
        }
        return self._done(self._status(command), acts.get(command, lambda: Answer.BAD_DATA))

    def _tell(self, command: Command) -> Reply:
        device, instrument = self._device, self._instrument()
        match command:
            case GetSettings():
                return SettingsReply(
                    command.letter,
                    instrument,
                    self._rapid(),
                    percent=device.settings[Field.LEVEL] // 10,
                    tenths_hertz=device.settings[Field.RATE],
                    pulses=device.settings[Field.PULSES],
                    tenths_second=device.settings[Field.DURATION_MS] // MS_PER_TENTH_SECOND,
                    wait_tenths_second=device.wait_ms // MS_PER_TENTH_SECOND,
                )
            case GetSystemStatus():
                return self._system_status(command)
            case GetTemperature():
                shown = min(max(device.coil_tenths, 0), HOTTEST_SHOWN)
                return TemperatureReply(command.letter, instrument, shown, shown)
            case GetVersion():
                return VersionReply(command.letter, self._profile.version)
            case GetError():
                code = device.defects.error_code or "E00"
                return ErrorReply(command.letter, instrument, code[0], int(code[1:]))
            case GetChargeDelay():
                return ChargeDelayReply(command.letter, instrument, device.settings[Field.CHARGE_DELAY_MS])
            case GetBasicSettings():
                return BasicSettingsReply(command.letter, instrument, device.settings[Field.LEVEL] // 10, 0, 0)
            case _:
                return Refused(command.letter, Refusal.NOT_UNDERSTOOD)

    # ── status bytes ────────────────────────────────────────────────────────────────────────────────────────────────

    def _status(self, command: Command) -> StatusReply:
        return StatusReply(command.letter, self._instrument())

    def _rapid_status(self, command: Command) -> RapidReply:
        return RapidReply(command.letter, self._instrument(), self._rapid())

    def _system_status(self, command: Command) -> SystemReply:
        return SystemReply(command.letter, self._instrument(), self._rapid(), self._extended())

    def _instrument(self) -> Instrument:
        device = self._device
        flags = {
            Instrument.COIL_PRESENT: device.coil.present,
            Instrument.ERROR: bool(device.defects.error_code),
            Instrument.REMOTE: device.remote,
        }
        return reduce(or_, (flag for flag, on in flags.items() if on), _CONDITIONS[device.condition])

    def _rapid(self) -> Rapid:
        device = self._device
        flags = {
            Rapid.ENHANCED_POWER: bool(device.settings[Field.ENHANCED]),
            Rapid.TRAIN_RUNNING: device.train_running,
            Rapid.WAIT: device.waiting,
            Rapid.SINGLE_PULSE: not device.settings.repetitive,
            Rapid.COIL_READY: device.coil_ready,
        }
        return reduce(or_, (flag for flag, on in flags.items() if on), Rapid.HIGH_VOLTAGE_CONNECTED)

    def _extended(self) -> Extended:
        plus1 = Extended.PLUS1_MODULE if self._profile.model.endswith("plus1") else Extended(0)
        return plus1 | (Extended.CHARGE_DELAY_SET if self._device.settings[Field.CHARGE_DELAY_MS] else Extended(0))
