"""The room as a `Snapshot`: what the watchdog shows, what the session does, and one sentence about both."""

from __future__ import annotations

from collections.abc import Mapping
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
        return Snapshot(phase="idle", sentence=_idle(view, seen), **seen)
    session, due_us, tally, account = treatment.session, treatment.due_us, treatment.tally, treatment.account
    level = session.plan[0].level(treatment.threshold, session.intensity) if session.plan else None
    return Snapshot(
        phase=session.state.value,
        sentence=_sentence(view, treatment),
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


def _idle(view: GuardView, seen: Mapping[str, Any]) -> str:
    if not seen["linked"]:
        return "The watchdog does not answer. Start coilward-watchdog, or wait until it is back."
    if seen["stimulator"] == "away" and not view.lockout:
        return "No stimulator. Check power, cable and the port in the site file."
    return _left_over(view) or "Nothing is open. Start a session."


def _left_over(view: GuardView) -> str:
    """What outlives the session it happened in, and keeps the next one from being opened."""
    if view.lockout:
        return view.lockout
    if view.trip:
        return sentence(view.trip["reason"], {})
    if view.unknown:
        return f"Nobody knows whether pulse {view.unknown[0]} went out; it is counted. Resolve it with a reason."
    return ""


def _told(reason: str, coil: str, detail: Mapping[str, Any]) -> str:
    """A reason of whosever: the daemon's, the stimulator's words, the coil's, the watchdog's; behind it the arm's."""
    own = _OURS.get(reason) or (reason if " " in reason else None)
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
}
"""Reasons of the daemon's own, as people read them; the watchdog's have theirs in `safety.reasons`."""


def _sentence(view: GuardView, treatment: Treatment) -> str:
    said = situation(treatment.session.state)
    if treatment.session.state in FINAL and (standing := _left_over(view)):
        return f"{said} {standing}"
    if view.lockout:
        return view.lockout
    told_since = view.at_us > treatment.counted_us + COUNTED_US
    if treatment.session.state is State.UNKNOWN and told_since and not view.unknown:
        return "The watchdog has not said what became of the last train; all of it counts. End the session."
    if trouble := treatment.trouble:
        return f"The journal cannot be written: {trouble}. Free space on its disk. {said}"
    session, at_rest = treatment.session, treatment.session.state in (State.PAUSED, State.TRIPPED, State.UNKNOWN)
    reason, detail = (view.trip["reason"], {}) if view.trip else (session.reason, session.detail)
    if session.state is State.UNKNOWN:
        reason = "unknown-open"
    if session.state is State.PAUSED and session.interrupted is Event.TRIPPED and not view.trip:
        return f"The trip was reset. {said}"
    if session.state is State.PAUSED and session.interrupted is Event.UNKNOWN and not view.unknown:
        return f"The pulses in doubt were resolved. {said}"
    if not reason:
        return said
    coil = str((treatment.coil_waits if session.state is State.HELD else None) or detail.get("coil") or "")
    told = _told(reason, coil, detail)
    return told if at_rest and stands(reason) else f"{told} {said}"
