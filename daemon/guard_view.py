"""The room as the watchdog last showed it, and its events in the words of the session machine."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from daemon.session import Happened
from daemon.session_table import Event
from safety.reasons import Outcome, Reason

_SESSION_EVENTS: dict[str, Event] = {
    "hold": Event.HELD,
    "clear": Event.CLEARED,
    "cut": Event.CUT,
    "stop": Event.STOPPED,
    "trip": Event.TRIPPED,
    "lockout": Event.TRIPPED,
    "reset": Event.RESET,
    "resolved": Event.RESOLVED,
    "emergency": Event.EMERGENCY,
}
"""Kinds of the watchdog's events that move a session; settlements go through the train's account."""


REASONS = {reason.json: reason for reason in Reason}
"""By their names on the wire."""


def session_event(event: Mapping[str, Any]) -> Happened | None:
    """What an event of the watchdog's is to a session; None when it moves none."""
    kind = _SESSION_EVENTS.get(str(event.get("kind")))
    if kind is Event.EMERGENCY:
        return Happened(kind, reason="emergency", detail={"by": str(event.get("by") or "")})
    return Happened(kind, reason=str(event.get("reason", ""))) if kind else None


def passes(reason: str) -> bool:
    """Whether what the watchdog names clears by itself."""
    known = REASONS.get(reason)
    return known is not None and known.outcome is Outcome.HOLD


def stands(reason: str) -> bool:
    """Whether the watchdog's sentence for it says all: how the room stands, and what a person does next."""
    known = REASONS.get(reason)
    return known is not None and known.outcome not in (Outcome.REFUSED, Outcome.HOLD, Outcome.CUT)


def pulses_left(status: Mapping[str, Any]) -> int | None:
    """What the ledger leaves of the open treatment: planned, less everything that counts. None: none is open."""
    session = status.get("session")
    return max(0, int(session["planned"]) - int(session["counted"])) if session else None


def lockout(status: Mapping[str, Any]) -> str:
    """What a person reads while the watchdog is locked out; empty while it is not."""
    if status.get("phase") != "lockout":
        return ""
    told, why = Reason.LOCKED_OUT.sentence, str(status.get("lockout") or "")
    return f"{told.what} {why[0].upper()}{why[1:]}. {told.next}" if why else str(told)


class Rest(Enum):
    """What a status shows of the stimulator being disarmed. Only its own word of standby is a confirmation."""

    STANDBY = "standby"
    NOT_YET = "not-yet"
    """It is there, and has not said standby since it was last armed or told to disarm; or nothing is known."""
    LEFT_ARMED = "left-armed"
    """It is not there, and was not in standby when it went."""
    ABSENT = "absent"
    """It is not there, and was in standby when it went, or was never there since the watchdog's start."""


UNCONFIRMED = {Rest.NOT_YET: "disarm-unconfirmed", Rest.LEFT_ARMED: "port-lost", Rest.ABSENT: "port-absent"}
"""Why a STOP is not confirmed, by the watchdog's name for it."""


def rest(status: Mapping[str, Any]) -> Rest:
    """How far the stimulator is at rest, by one status of the watchdog's; an empty one knows nothing."""
    device = status.get("device") or {}
    if not device or status.get("disarming"):
        return Rest.NOT_YET
    if device.get("present"):
        return Rest.STANDBY if device.get("condition") == "standby" else Rest.NOT_YET
    return Rest.LEFT_ARMED if device.get("may_be_armed", True) else Rest.ABSENT


class GuardView:
    """The newest status. Empty until the first one, and again when the link is lost: nothing is assumed."""

    def __init__(self) -> None:
        self._status: Mapping[str, Any] = {}

    def show(self, status: Mapping[str, Any]) -> None:
        """Takes the newest status push."""
        self._status = {key: value for key, value in status.items() if key != "say"}

    def forget(self) -> None:
        """The link is gone, and with it all knowledge."""
        self._status = {}

    @property
    def status(self) -> Mapping[str, Any]:
        """The newest status, unchanged."""
        return self._status

    @property
    def nonce(self) -> str | None:
        """The newest nonce, which release, reset and resolve must quote."""
        return self._status.get("nonce") or None

    @property
    def at_us(self) -> int:
        """BOOTTIME of the newest status; 0 while there is none."""
        return int(self._status.get("at_us", 0))

    def wall_us(self, ours: int) -> int:
        """Unix µs as the watchdog keeps it, by which it judges how old a threshold is; `ours` while it says nothing."""
        return int(self._status.get("wall_us", ours))

    @property
    def pulses_left(self) -> int | None:
        """As the function `pulses_left`, now."""
        return pulses_left(self._status)

    @property
    def last_session(self) -> Mapping[str, Any] | None:
        """{key, last_wall_us} of the session the ledger has opened last, and of the last record it has of it."""
        return self._status.get("last_session") or None

    @property
    def emergency(self) -> Mapping[str, Any] | None:
        """{pressed_us, by, subject, session} of the emergency that stands."""
        return self._status.get("emergency") or None

    @property
    def blocked(self) -> bool:
        """Whether a block stands against the subject of the session opened last."""
        return bool(self._status.get("blocked"))

    @property
    def holds(self) -> tuple[str, ...]:
        """Reasons why no permit is given now."""
        hold = self._status.get("hold")
        return (str(hold),) if hold else ()

    @property
    def trip(self) -> Mapping[str, Any] | None:
        """{reason, at_us, …} while the watchdog is tripped."""
        return self._status.get("trip") or None

    @property
    def lockout(self) -> str:
        """As the function `lockout`, now."""
        return lockout(self._status)

    @property
    def unknown(self) -> tuple[int, ...]:
        """References that wait for `resolve`."""
        return tuple(int(ref) for ref in self._status.get("unknown") or ())

    @property
    def device(self) -> Mapping[str, Any]:
        """What the stimulator last said of itself."""
        return self._status.get("device") or {}

    @property
    def present(self) -> bool:
        """Whether the watchdog has the stimulator on its port."""
        return bool(self.device.get("present"))

    @property
    def rest(self) -> Rest:
        """How far the stimulator is at rest."""
        return rest(self._status)

    def rest_since(self, us: int) -> Rest:
        """The same by a status from after `us`, BOOTTIME: an older one cannot show what was done then."""
        return self.rest if self.at_us > us else Rest.NOT_YET


def sentence(reason: str, detail: Mapping[str, Any]) -> str:
    """What a person reads for a reason of the watchdog's: what, why, next step."""
    known = REASONS.get(reason)
    if known is None:
        return f"The watchdog said no: {reason}. See `coilward status`."
    return str(known.sentence.filled(detail))
