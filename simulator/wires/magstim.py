"""What a simulated Rapid² says: bytes to physics and back, through the codec. Knows no time.

Replies carry the status before the command's effect, except those to `Q` and `R`. An unknown byte gets a lone `?`
and costs one byte; wrong checksum or data get `<cmd>?`; a conflict gets `<cmd>S`; half a frame waits for its rest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

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
        self._acts = self._table()

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
        reply = self._acts[type(command)](command)
        if reply and not isinstance(reply, (Refused, VersionReply)):
            self._device.renew()
        return reply

    def _needs_remote(self, command: Command) -> bool:
        if isinstance(command, Operate):
            return command != DISARM
        return command.letter in self._profile.letters_that_need_remote

    # ── what it does ────────────────────────────────────────────────────────────────────────────────────────────────

    def _table(self) -> dict[type[Command], Callable[[Any], AnyReply | None]]:
        """What is done for each command; in the same order as the commands of `drivers.magstim.commands`."""
        device = self._device
        return {
            EnableRemote: self._enable_remote,
            DisableRemote: self._disable_remote,
            SetPower: lambda order: self._set(self._status(order), Field.LEVEL, order.percent * 10),
            Operate: self._operate,
            GetTemperature: self._tell_temperature,
            GetVersion: lambda order: VersionReply(order.letter, self._profile.version),
            GetSettings: self._tell_settings,
            GetBasicSettings: lambda order: BasicSettingsReply(order.letter, self._instrument(), self._percent(), 0, 0),
            SetFrequency: lambda order: self._set(self._rapid_status(order), Field.RATE, order.tenths_hertz),
            SetPulses: lambda order: self._set(self._rapid_status(order), Field.PULSES, order.pulses),
            SetDuration: lambda order: self._set(
                self._rapid_status(order), Field.DURATION_MS, order.tenths_second * MS_PER_TENTH_SECOND
            ),
            EnhancedPowerOn: lambda order: self._set(self._rapid_status(order), Field.ENHANCED, 1),
            EnhancedPowerOff: lambda order: self._set(self._rapid_status(order), Field.ENHANCED, 0),
            IgnoreCoilSwitch: lambda order: self._done(self._status(order), device.ignore_coil_switch()),
            GetError: self._tell_error,
            GetSystemStatus: self._system_status,
            SetChargeDelay: self._set_charge_delay,
            GetChargeDelay: lambda order: ChargeDelayReply(
                order.letter, self._instrument(), device.settings[Field.CHARGE_DELAY_MS]
            ),
        }

    def _done(self, before: Reply, answer: Answer) -> Reply:
        refusal = _REFUSALS.get(answer)
        return Refused(before.letter, refusal) if refusal else before

    def _set(self, before: Reply, field: Field, value: int) -> Reply:
        return self._done(before, self._device.set(field, value))

    def _set_charge_delay(self, order: SetChargeDelay) -> Reply:
        tell = self._rapid_status if self._profile.firmware == NEW_FIRMWARE else self._system_status
        return self._set(tell(order), Field.CHARGE_DELAY_MS, order.milliseconds)

    def _enable_remote(self, order: EnableRemote) -> Reply | None:
        if order.code is not None and order.code != self._device.unlock_code:
            return None if self._profile.silent_on_wrong_unlock else Refused(order.letter, Refusal.NOT_UNDERSTOOD)
        self._device.take_remote()
        return self._status(order)

    def _disable_remote(self, order: DisableRemote) -> Reply:
        self._device.drop_remote()
        return self._status(order)

    def _operate(self, order: Operate) -> Reply:
        acts = {
            DISARM: self._device.order_disarm,
            ARM: self._device.arm,
            TRIGGER: self._device.trigger,
            ARM_AND_TRIGGER: self._device.arm_and_trigger,
        }
        before = self._status(order)
        return self._done(before, acts[order]() if order in acts else Answer.BAD_DATA)

    def _percent(self) -> int:
        return self._device.settings[Field.LEVEL] // 10

    def _tell_settings(self, order: GetSettings) -> Reply:
        settings = self._device.settings
        return SettingsReply(
            order.letter,
            self._instrument(),
            self._rapid(),
            percent=self._percent(),
            tenths_hertz=settings[Field.RATE],
            pulses=settings[Field.PULSES],
            tenths_second=settings[Field.DURATION_MS] // MS_PER_TENTH_SECOND,
            wait_tenths_second=self._device.wait_ms // MS_PER_TENTH_SECOND,
        )

    def _tell_temperature(self, order: GetTemperature) -> Reply:
        shown = min(max(self._device.coil_tenths, 0), HOTTEST_SHOWN)
        return TemperatureReply(order.letter, self._instrument(), shown, shown)

    def _tell_error(self, order: GetError) -> Reply:
        code = self._device.defects.error_code or "E00"
        return ErrorReply(order.letter, self._instrument(), code[0], int(code[1:]))

    # ── status bytes ────────────────────────────────────────────────────────────────────────────────────────────────

    def _status(self, command: Command) -> StatusReply:
        return StatusReply(command.letter, self._instrument())

    def _rapid_status(self, command: Command) -> RapidReply:
        return RapidReply(command.letter, self._instrument(), self._rapid())

    def _system_status(self, command: Command) -> SystemReply:
        return SystemReply(command.letter, self._instrument(), self._rapid(), self._extended())

    def _instrument(self) -> Instrument:
        device = self._device
        return Instrument(
            _CONDITIONS[device.condition]
            + Instrument.COIL_PRESENT * device.coil.present
            + Instrument.ERROR * bool(device.defects.error_code)
            + Instrument.REMOTE * device.remote
        )

    def _rapid(self) -> Rapid:
        device = self._device
        return Rapid(
            Rapid.HIGH_VOLTAGE_CONNECTED
            + Rapid.ENHANCED_POWER * device.settings[Field.ENHANCED]
            + Rapid.TRAIN_RUNNING * device.train_running
            + Rapid.WAIT * device.waiting
            + Rapid.SINGLE_PULSE * (not device.settings.repetitive)
            + Rapid.COIL_READY * device.coil_ready
        )

    def _extended(self) -> Extended:
        plus1 = Extended.PLUS1_MODULE if self._profile.model.endswith("plus1") else Extended(0)
        return plus1 | (Extended.CHARGE_DELAY_SET if self._device.settings[Field.CHARGE_DELAY_MS] else Extended(0))
