"""A Rapid as the watchdog and the driver see it: the codec behind `drivers.stimulators.Dialect`."""

from __future__ import annotations

from functools import lru_cache

from drivers.energy import EnergyRules
from drivers.errors import BadFrame
from drivers.magstim import effects
from drivers.magstim.commands import (
    DISARM,
    TRIGGER,
    EnableRemote,
    GetSettings,
    GetSystemStatus,
    GetTemperature,
    parse_command,
)
from drivers.magstim.framing import (
    CODE_LENGTH,
    LONE_REFUSAL,
    WITH_UNLOCK_CODE,
    command_lengths,
    seal,
)
from drivers.magstim.readers import CommandReader, ReplyReader
from drivers.magstim.replies import (
    AnyReply,
    NotUnderstood,
    RapidReply,
    Refused,
    SettingsReply,
    StatusReply,
    TemperatureReply,
    parse_reply,
)
from drivers.magstim.status import Instrument, Rapid
from drivers.quantities import SINGLE, Hertz, PercentMso
from drivers.stimulators import (
    Capabilities,
    Condition,
    Effect,
    Reading,
    Refusal,
    Settings,
    Witness,
)


class MagstimRapid:
    """`drivers.stimulators.Dialect` for one model and firmware. No secret passes out of it, not even in part."""

    def __init__(self, model: str, firmware: int, energy: EnergyRules) -> None:
        self._firmware = firmware
        self._energy = energy
        self.capabilities = Capabilities(
            model=model,
            firmware=firmware,
            witness=Witness.RUNNING,
            max_pulses_per_train=energy.max_pulses,
            keep_alive_standby_us=10_000_000,  # assumed: clients renew after 5 s (magpy-tms 1.4)
            keep_alive_armed_us=1_000_000,  # assumed: clients renew after 0.5 s (magpy-tms 1.4, MAGIC)
            ready_within_us=1_100_000,  # magpy-tms 1.4 waits this long
            min_spacing_single_us=energy.single_spacing_us,
        )
        self.disarm = DISARM.encode(firmware)
        self.trigger = TRIGGER.encode(firmware)
        self.ask_settings = GetSettings().encode(firmware)
        self.ask_status = GetSystemStatus().encode(firmware) if firmware >= WITH_UNLOCK_CODE else self.ask_settings
        self.ask_temperature = GetTemperature().encode(firmware)
        # The longest command is letter, unlock code and checksum. Behind any half frame these bytes fill it up; what
        # they fill up either fails its checksum or holds data that no unit takes (a test tries every half frame), and
        # each byte left over is answered with a `?`.
        self.complete_half_frame = bytes(1 + CODE_LENGTH + 1)

    def effect(self, frame: bytes) -> Effect:
        """What a whole frame with a right checksum does; unknown data is FORBIDDEN, never a guess."""
        return effects.effect(frame, self._firmware)

    def reading(self, reply: bytes) -> Reading:
        """What a whole reply says, which is the state *before* its command except for `Q` and `R`.

        The train bit is believed from status and settings replies only. A reply whose data no device sends says
        nothing: the empty `Reading`.
        """
        return _reading(reply, self._firmware)

    def answers(self, reply: bytes, frame: bytes) -> bool:
        """Whether this reply can be the answer to this frame: its letter is the same, or it is a lone `?`."""
        return bool(reply and frame) and (reply == LONE_REFUSAL or reply[0] == frame[0])

    def refusal(self, frame: bytes) -> bytes:
        """What the device says to `frame` when it does not carry it out.

        `<letter>S` to a command, `<letter>?` to a damaged one, a lone `?` to what begins no command.
        """
        if not frame or frame[0] not in command_lengths(self._firmware):
            return LONE_REFUSAL
        try:
            parse_command(frame, self._firmware)
        except BadFrame:
            return seal(frame[:1] + b"?")
        return seal(frame[:1] + b"S")

    def redact(self, frame: bytes) -> str:
        """`frame` for logs: letter and data when it is a whole command, never an unlock code.

        Of anything else only the length is shown, because it may be a piece of a code.
        """
        try:
            command = parse_command(frame, self._firmware)
        except BadFrame:
            return f"<{len(frame)} bytes, no command>"
        if isinstance(command, EnableRemote) and command.code is not None:
            return "Q<unlock code>"
        return "".join(chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}" for byte in frame[:-1])  # noqa: PLR2004  printable ASCII

    def minimum_wait_us(self, level: PercentMso, rate: Hertz, pulses: int) -> int:
        """Energy rule: time the device needs between this train's last pulse and the next first one."""
        return self._energy.minimum_wait_us(level, rate, pulses)

    def refuses_energy(self, level: PercentMso, rate: Hertz, pulses: int) -> str | None:
        """Energy rule: why this device cannot deliver such a train, or None."""
        return self._energy.refuses(level, rate, pulses)

    def command_reader(self) -> CommandReader:
        """Splits what a client sends."""
        return CommandReader(self._firmware)

    def reply_reader(self) -> ReplyReader:
        """Splits what the device sends."""
        return ReplyReader(self._firmware)


@lru_cache(maxsize=256)
def _reading(frame: bytes, firmware: int) -> Reading:
    """Remembered, because a device says the same few things again and again, and a client waits for each."""
    try:
        return _said(parse_reply(frame, firmware))
    except BadFrame:
        return Reading()


def _said(reply: AnyReply) -> Reading:
    if isinstance(reply, NotUnderstood):
        return Reading(refused=Refusal.NOT_UNDERSTOOD)
    if isinstance(reply, Refused):
        return Reading(refused=reply.refusal)
    if not isinstance(reply, StatusReply):
        return Reading()  # the version carries no status
    return Reading(
        condition=_condition(reply.instrument),
        remote=Instrument.REMOTE in reply.instrument,
        coil_present=Instrument.COIL_PRESENT in reply.instrument,
        fault=bool(reply.instrument & (Instrument.ERROR | Instrument.REPLACE_COIL)),
        train_running=_train_running(reply),
        settings=_settings(reply) if isinstance(reply, SettingsReply) else None,
        coil_tenths_celsius=_warmer(reply) if isinstance(reply, TemperatureReply) else None,
    )


def _condition(instrument: Instrument) -> Condition | None:
    """They exclude each other; should several be claimed, the one nearest to a pulse is believed."""
    if Instrument.READY in instrument:
        return Condition.READY
    if Instrument.ARMED in instrument:
        return Condition.ARMED
    return Condition.STANDBY if Instrument.STANDBY in instrument else None


def _train_running(reply: StatusReply) -> bool | None:
    if reply.letter in "x\\" and isinstance(reply, RapidReply):
        return Rapid.TRAIN_RUNNING in reply.rapid
    return None


def _settings(reply: SettingsReply) -> Settings:
    level = PercentMso(reply.percent * 10)
    if Rapid.SINGLE_PULSE in reply.rapid:
        return Settings(level, SINGLE, pulses=1, duration_ms=0)
    return Settings(level, Hertz(reply.tenths_hertz), reply.pulses, reply.tenths_second * 100)


def _warmer(reply: TemperatureReply) -> int:
    return max(reply.first_tenths_celsius, reply.second_tenths_celsius)
