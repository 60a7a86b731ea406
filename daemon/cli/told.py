"""Events of a room as lines for a person: one each, without what only programs read."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from daemon import words
from daemon.guard_view import sentence
from daemon.messages import Event

Detail = Mapping[str, Any]


def line(event: Event) -> str | None:
    """`12:03:07  train 2: …`, or None for an event that says nothing to a person."""
    tell = _TOLD.get(event.kind)
    told = tell(event.detail) if tell is not None else None
    if told is None:
        return None
    seconds = event.detail.get("wall_us", time.time_ns() // 1000) / 1e6
    return f"{time.strftime('%H:%M:%S', time.localtime(seconds))}  {told}"


def _opened(row: Detail) -> str:
    return f"opened by {row['by']}: {row['subject']}, {row['protocol']}, {row['planned']} pulses"


def _session(row: Detail) -> str:
    word = words.ENGLISH.phase(str(row["state"])).word
    reason = str(row.get("reason") or "")
    return f"{word}: {reason.replace('-', ' ') if ' ' not in reason else reason}" if reason else word


def _train(row: Detail) -> str:
    evidence = f"{row['low']} to {row['high']}, {row['by']}"
    unknown = f", {row['unknown']} of them unknown" if row["unknown"] else ""
    return f"train {row['train']}: {row['pulses']} pulses counted of {row['commanded']} ({evidence}){unknown}"


def _refused(row: Detail) -> str:
    return f"refused: {sentence(str(row['reason']), row.get('detail') or {})}"


def _why(row: Detail) -> str:
    reason = str(row.get("coil") or row.get("reason") or "a person")
    return reason.replace("-", " ") if " " not in reason else reason


def _reason(row: Detail) -> str:
    return f", {row['why'].replace('-', ' ')}" if row.get("why") else ""


def _ended(row: Detail) -> str:
    outcome = words.ENGLISH.outcomes.get(str(row["outcome"]), row["outcome"])
    return f"ended: {outcome}, {row['settled']} pulses counted"


_TOLD: dict[str, Callable[[Detail], str]] = {
    "opened": _opened,
    "session": _session,
    "train": _train,
    "refused": _refused,
    "ended": _ended,
    "turned-down": lambda row: f"turned down: {row['sentence']}",
    "asked": lambda row: f"{row['verb']} asked by {row['by']}",
    "intensity": lambda row: f"intensity {row['intensity_tenths'] / 10:g} % rMT, by {row['by']}",
    "threshold": lambda row: f"threshold of {row['subject']} filed, by {row['by']}",
    "registration": lambda row: f"registration of {row['subject']} filed, by {row['by']}",
    "calibration": lambda row: f"calibration {row['sha256'][:12]} filed, by {row['by']}",
    "target": lambda row: f"target {row['name']} of {row['subject']} filed, by {row['by']}",
    "emergency": lambda row: f"EMERGENCY, pressed by {row['by'] or 'somebody'}: {row['subject'] or 'of nobody'}",
    "blocked": lambda row: f"{row['subject']} is blocked, by {row['by']}: {row['why']}",
    "unblocked": lambda row: f"{row['subject']} is unblocked by {row['physician']}, asked by {row['by']}: {row['why']}",
    "note": lambda row: f"{row['note']} noted by {row['by']}: {' '.join((row['what'], row['text'])).strip()}",
    "incident": lambda row: f"incident report: {row['report']}",
    "trouble": lambda row: f"trouble: {row['what']}",
    "stimulator": lambda row: "the stimulator is connected" if row["connected"] else "the stimulator is lost",
    "wait": lambda row: f"waited {row['seconds']:.1f} s, {row['state']}: {_why(row)}",
    "coil": lambda row: f"coil: {words.ENGLISH.coil_word(row['state']).word}{_reason(row)}",
    "coil-asked": lambda row: f"coil sent to {row['to']}, by {row['by']}",
    "coil-refused": lambda row: f"the coil does not go to {row['to']}: {row['why']}",
    "arm": lambda row: (
        f"the arm is there, target {row['target'] or 'none yet'}" if row["linked"] else f"the arm is lost: {row['why']}"
    ),
    "linked": lambda _: "the watchdog is there",
    "unlinked": lambda row: f"the watchdog is lost: {row['why']}",
    "gap": lambda row: f"{row['lost']} rows of the journal are lost",
    "missed": lambda row: f"{row['count']} events were missed here",
}
"""By kind; pulses and the watchdog's own events are for programs (`--json`) and for the report."""
