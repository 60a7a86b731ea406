"""What the watchdog knows of the device: only what the device itself said, and how old it is."""

from __future__ import annotations

from typing import Any

from drivers.stimulators import Condition, Effect, EffectKind, Reading, Settings
from safety import disarm, evidence, outcomes, permits
from safety.reasons import Reason
from safety.state import Device, Exchange, Phase, changed
from safety.turn import Turn

AGREED = 2
"""Equal whole answers that make a read-back: one garbled answer passes an 8-bit checksum once in 256."""


def frame_written(turn: Turn, effect: Effect) -> None:
    """What a frame changes the moment it is written, before any answer."""
    if effect.kind is EffectKind.ARM:
        if turn.state.phase is not Phase.ARMED:  # armed once more is not armed anew: idle time runs on
            turn.to(armed_at_us=turn.now.us, fired_since_arm=False)
        turn.move(Phase.ARMED)
        _know(turn, condition=None, may_be_armed=True)
    elif effect.kind is EffectKind.SETTING:
        _know(turn, agreed=0, confirmed=None)
        permits.drop(turn, Reason.PERMIT_DIFFERS)


def learn(turn: Turn, exchange: Exchange, reading: Reading) -> None:
    """Takes in a reply that is certainly the answer to `exchange`."""
    if reading.refused is None:
        _take_condition(turn, exchange, reading)
        told = {name: getattr(reading, name) for name in ("remote", "coil_present", "fault")}
        _know(turn, **{name: value for name, value in told.items() if value is not None})
    if reading.coil_tenths_celsius is not None:
        _know(turn, temperature_tenths=reading.coil_tenths_celsius, temperature_at_us=turn.now.us)
    if reading.settings is not None:
        _take_settings(turn, reading.settings)
    if reading.train_running is not None and exchange.effect.kind is EffectKind.QUERY:
        evidence.train_bit(turn, exchange.at_us, running=reading.train_running)


def _take_condition(turn: Turn, exchange: Exchange, reading: Reading) -> None:
    """Replies carry the condition from *before* the frame's effect: of arm and trigger only the fact counts."""
    if exchange.effect.kind is EffectKind.ARM:
        _know(turn, condition=Condition.ARMED, condition_at_us=turn.now.us)
        turn.tell("armed")
    elif exchange.effect.kind is not EffectKind.TRIGGER and reading.condition is not None:
        before = turn.state.device.condition
        armed = reading.condition is not Condition.STANDBY
        _know(turn, condition=reading.condition, condition_at_us=turn.now.us, may_be_armed=armed)
        if reading.condition is not before:
            _condition_changed(turn, reading.condition)


def _condition_changed(turn: Turn, condition: Condition) -> None:
    state = turn.state
    if condition is Condition.STANDBY and state.phase is Phase.ARMED and not state.disarming:
        turn.move(Phase.SAFE)
        permits.drop(turn, Reason.DEVICE_DISARMED_ITSELF)
        outcomes.stop(turn, Reason.DEVICE_DISARMED_ITSELF)
    elif condition is Condition.STANDBY and state.phase is Phase.FIRING and not state.disarming:
        outcomes.stop(turn, Reason.DEVICE_DISARMED_ITSELF)  # disarms, so what was under way counts as cut
    elif condition is not Condition.STANDBY and state.phase is Phase.SAFE and not state.disarming:
        turn.move(Phase.ARMED)
        outcomes.stop(turn, Reason.ARMED_ELSEWHERE)
    elif condition is not Condition.STANDBY and state.phase in (Phase.TRIPPED, Phase.LOCKOUT):
        disarm.begin(turn, Reason.ARMED_ELSEWHERE)


def _take_settings(turn: Turn, settings: Settings) -> None:
    device = turn.state.device
    agreed = min(device.agreed + 1, AGREED) if device.agreed and settings == device.settings else 1
    _know(turn, settings=settings, settings_at_us=turn.now.us, agreed=agreed)
    if agreed == AGREED:
        differs = device.confirmed is not None and device.confirmed != settings
        _know(turn, confirmed=settings)
        if differs and turn.state.phase in (Phase.ARMED, Phase.FIRING):
            outcomes.trip(turn, Reason.LEVEL_CHANGED, f"{device.confirmed} became {settings}")


def doubt(turn: Turn, reading: Reading) -> None:
    """A reply nobody asked for: whatever the last answers said together no longer counts."""
    if reading.settings is not None:
        _know(turn, agreed=0)


def holds(device: Device, now_us: int, max_age_us: int) -> bool:
    """Whether the settings are read back: said twice since the last setting, the newest answer fresh."""
    return device.agreed >= AGREED and now_us - device.settings_at_us <= max_age_us


def forget(turn: Turn, *, present: bool) -> None:
    """The port came or went: nothing is known any more but whether an armed device was left behind it."""
    turn.to(device=Device(present=present, may_be_armed=turn.state.device.may_be_armed))


def _know(turn: Turn, **changes: Any) -> None:
    turn.to(device=changed(turn.state.device, changes))
