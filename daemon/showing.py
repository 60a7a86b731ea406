"""The room as a `Snapshot`: what the watchdog shows, what the session does, and what a person is told about both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from daemon import words
from daemon.guard_view import GuardView, sentence, stands
from daemon.readiness import COUNTED_US
from daemon.room import Counts, Snapshot
from daemon.session_table import FINAL, Event, State, situation
from daemon.treat import Treatment


def snapshot(
    view: GuardView, treatment: Treatment | None, opened: Mapping[str, Any], now_us: int, common: Mapping[str, Any]
) -> Snapshot:
    """`opened`: the journal's row of the opening; `common`: the fields that do not depend on a session."""
    seen = {"holds": view.holds, "trip": view.trip, "unknown": view.unknown, "nonce": view.nonce,
            "watchdog": view.status, **common}  # fmt: skip
    if treatment is None:
        return Snapshot(phase="idle", **_idle(view, seen).shown(), **seen)
    session, due_us, tally, account = treatment.session, treatment.due_us, treatment.tally, treatment.account
    level = session.plan[0].level(treatment.threshold, session.intensity) if session.plan else None
    return Snapshot(
        phase=session.state.value,
        **_told(view, treatment).shown(),
        session=opened.get("session"),
        hash=opened.get("hash"),
        understood=opened.get("understood", {}),
        subject=opened.get("subject"),
        protocol=opened.get("protocol"),
        intensity_tenths=session.intensity.tenths,
        level_tenths=level.tenths if level else None,
        train=session.train,
        trains=session.trains,
        next_train_in_us=max(0, due_us - now_us) if due_us is not None else None,
        counts=Counts(
            planned=int(opened.get("planned", 0)),
            commanded=tally.commanded + (account.commanded if account else 0),
            settled=tally.settled + (account.settled if account else 0),
            unknown=tally.unknown,
        ),
        **seen,
    )


@dataclass(frozen=True, slots=True)
class _Told:
    """What a person is told: in English, and what any other language makes its own of."""

    sentence: str
    reason: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    coil: str | None = None

    def shown(self) -> dict[str, Any]:
        """As fields of a `Snapshot`."""
        return {"sentence": self.sentence, "reason": self.reason, "fields": self.fields, "coil_reason": self.coil}


def _idle(view: GuardView, seen: Mapping[str, Any]) -> _Told:
    if not seen["linked"]:
        return _Told(
            "The watchdog does not answer. Start coilward-watchdog, or wait until it is back.", "watchdog-away"
        )
    if seen["stimulator"] == "away" and not view.lockout:
        return _Told("No stimulator. Check power, cable and the port in the site file.", "port-absent")
    return _left_over(view) or _Told("Nothing is open. Start a session.")


def _left_over(view: GuardView) -> _Told | None:
    """What outlives the session it happened in, and keeps the next one from being opened."""
    if view.lockout:
        return _Told(view.lockout, "locked-out", {"why": str(view.status.get("lockout") or "")})
    if view.trip:
        return _Told(sentence(view.trip["reason"], {}), str(view.trip["reason"]))
    if view.unknown:
        ref = view.unknown[0]
        told = f"Nobody knows whether pulse {ref} went out; it is counted. Resolve it with a reason."
        return _Told(told, "unknown-open", {"ref": ref})
    return _Told(_OURS["emergency"], "emergency") if view.emergency else None


def _reason(reason: str, coil: str, detail: Mapping[str, Any]) -> str:
    """A reason of whosever: the daemon's, the coil's, the watchdog's; behind it the arm's."""
    own = _OURS[reason].format_map(detail) if reason in _OURS else None
    if own is None and reason in words.ENGLISH.coil_reasons:
        own = words.ENGLISH.coil_reason(reason)
    told = own or sentence(reason, detail)
    return f"{told} {words.ENGLISH.coil_reason(coil)}" if coil and coil != reason else told


_OURS: Final = {
    "pause-asked": "A person paused it.",
    "end-asked": "A person is ending it.",
    "watchdog-lost": "The watchdog went away; it disarms by itself.",
    "stimulator-lost": "The stimulator's driver lost its connection; it is connected again by itself.",
    "trains-not-delivered": "Three trains in a row delivered nothing. Look at the stimulator's display.",
    "not-made-ready": "The stimulator could not be made ready: {problem}",
    "journal-not-written": "The journal cannot be written: {problem}. Free space on its disk.",
    "last-train-untold": "The watchdog has not said what became of the last train; all of it counts. End the session.",
    "emergency": "An emergency was declared; its session is over and is not continued. Look after the subject first.",
    "trip-reset": "The safety stop was reset.",
    "doubts-resolved": "The pulses in doubt were resolved.",
}
"""Reasons of the daemon's own, as people read them; the watchdog's have theirs in `safety.reasons`."""


def _told(view: GuardView, treatment: Treatment) -> _Told:
    session, said = treatment.session, situation(treatment.session.state)
    if session.interrupted is Event.EMERGENCY and not (view.lockout or view.trip or view.unknown):
        return _Told(_OURS["emergency"], "emergency", session.detail)
    if session.state in FINAL and (standing := _left_over(view)):
        return _Told(f"{said} {standing.sentence}", standing.reason, standing.fields)
    if view.lockout:
        return _left_over(view) or _Told(view.lockout)
    told_since = view.at_us > treatment.counted_us + COUNTED_US
    if session.state is State.UNKNOWN and told_since and not view.unknown:
        return _Told(_OURS["last-train-untold"], "last-train-untold")
    reason, detail = _why(view, treatment)
    if not reason:
        return _Told(said)
    coil = str((treatment.coil_waits if session.state is State.HELD else None) or detail.get("coil") or "")
    told = _reason(reason, coil, detail)
    alone = session.state in (State.PAUSED, State.TRIPPED, State.UNKNOWN) and stands(reason)
    figures = {name: value for name, value in detail.items() if name != "coil"}
    return _Told(told if alone else f"{told} {said}", reason, figures, coil if coil and coil != reason else None)


def _why(view: GuardView, treatment: Treatment) -> tuple[str, Mapping[str, Any]]:
    """The reason to tell, if there is one, and the figures behind it."""
    session = treatment.session
    if trouble := treatment.trouble:
        return "journal-not-written", {"problem": trouble}
    if session.state is State.UNKNOWN:
        return "unknown-open", {"ref": view.unknown[0]} if view.unknown else {}
    if session.state is State.PAUSED and session.interrupted is Event.TRIPPED and not view.trip:
        return "trip-reset", {}
    if session.state is State.PAUSED and session.interrupted is Event.UNKNOWN and not view.unknown:
        return "doubts-resolved", {}
    return (str(view.trip["reason"]), {}) if view.trip else (session.reason, session.detail)
