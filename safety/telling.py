"""The status that everybody sees: what the gate knows, in plain values."""

from __future__ import annotations

from typing import Any

from safety.book import Book
from safety.facts import totals, witness
from safety.state import Session
from safety.turn import Turn


def status(turn: Turn) -> dict[str, Any]:
    """One push of the watchdog's state. Times are BOOTTIME µs; the newest nonce is what a command must quote."""
    state = turn.state
    trip = state.trip
    return {
        "at_us": turn.now.us,
        "wall_us": turn.now.wall_us,
        "phase": state.phase.value,
        "nonce": state.nonces[-1][0] if state.nonces else None,
        "daemon": "daemon" in dict(state.roles).values(),
        "speaker": state.speaker.value if state.speaker else None,
        "hold": state.hold.json if state.hold else None,
        "trip": {"reason": trip.reason.json, "at_us": trip.at_us, "detail": trip.detail,
                 "first_person": trip.first_person or None} if trip else None,
        "lockout": state.lockout or None,
        "unknown": list(state.unknowns),
        "disarming": state.disarming is not None,
        "device": _device(turn),
        "session": _session(turn, state.session) if state.session else None,
        "last_session": _last_session(state.book),
        "emergency": state.emergency.told if state.emergency else None,
        "blocked": _last_blocked(turn),
        "witness": witness(turn.room).name.lower(),
        "sensed": None,
        "cut_off": None,
    }  # fmt: skip


def _last_session(book: Book) -> dict[str, Any] | None:
    """The session opened last and its last record, by which it is judged whether it may be continued."""
    opened = book.last_opened
    return {"key": opened.session.hex(), "last_wall_us": book.last_us(opened.session)} if opened else None


def _last_blocked(turn: Turn) -> bool:
    """Whether a block stands against the subject of the session opened last."""
    opened = turn.state.book.last_opened
    return opened is not None and turn.state.book.blocked(opened.subject)


def _device(turn: Turn) -> dict[str, Any]:
    device = turn.state.device
    settings = device.settings
    return {
        "present": device.present,
        "condition": device.condition.value if device.condition else None,
        "condition_age_us": turn.now.us - device.condition_at_us if device.condition else None,
        "may_be_armed": device.may_be_armed,
        "remote": device.remote,
        "coil_present": device.coil_present,
        "temperature_tenths": device.temperature_tenths,
        "temperature_age_us": turn.now.us - device.temperature_at_us if device.temperature_at_us else None,
        "settings": {"level_tenths": settings.level.tenths, "rate_tenths": settings.rate.tenths,
                     "pulses": settings.pulses} if settings else None,
        "train_running": turn.state.delivery is not None and turn.state.delivery.train.pulses > 1,
    }  # fmt: skip


def _session(turn: Turn, session: Session) -> dict[str, Any]:
    counted = totals(turn, session.subject, session.key)
    return {
        "key": session.key.hex(),
        "hash": session.hash,
        "kind": session.kind.value,
        "door": session.door.value,
        "subject": session.subject,
        "protocol": session.protocol.id if session.protocol else None,
        "released": session.released,
        "paused": session.paused.json if session.paused else None,
        "ceiling_tenths": session.ceiling.tenths,
        "intensity_tenths": session.intensity.tenths if session.intensity else None,
        "planned": session.planned,
        "counted": counted.session,
        "today": counted.day,
        "cuts": session.cuts,
    }
