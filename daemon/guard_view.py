"""The room as the watchdog last showed it, and its events in the words of the session machine."""

from __future__ import annotations

from collections.abc import Mapping
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
}
"""Kinds of the watchdog's events that move a session; settlements go through the train's account."""


REASONS = {reason.json: reason for reason in Reason}
"""By their names on the wire."""


def session_event(event: Mapping[str, Any]) -> Happened | None:
    """What an event of the watchdog's is to a session; None when it moves none."""
    kind = _SESSION_EVENTS.get(str(event.get("kind")))
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

    @property
    def pulses_left(self) -> int | None:
        """As the function `pulses_left`, now."""
        return pulses_left(self._status)

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
    def standby(self) -> bool:
        """Whether the stimulator itself said standby, or is not there at all."""
        at_rest = self.device.get("condition") in ("standby", None) or not self.present
        return bool(self._status) and at_rest and not self._status.get("disarming")


def sentence(reason: str, detail: Mapping[str, Any]) -> str:
    """What a person reads for a reason of the watchdog's: what, why, next step."""
    known = REASONS.get(reason)
    if known is None:
        return f"The watchdog said no: {reason}. See `coilward status`."
    return str(known.sentence.filled(detail))
