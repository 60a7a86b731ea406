"""How answers, refusals and the room look in a terminal."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from daemon import words
from daemon.client import View
from daemon.messages import Answer, ArmState, Emergent, Sentence
from daemon.words import shown
from daemon.words.catalogue import PhaseWord

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

PRACTICE = "ESERCITAZIONE / TRAINING: nobody is stimulated"
_STYLE = {"grey": "bright_black", "blue": "blue", "green": "green", "yellow": "yellow", "red": "bold red"}


class Exit(IntEnum):
    """What the shell is told."""

    OK = 0
    REFUSED = 1
    USAGE = 2
    UNREACHABLE = 3


def refusal(sentence: Sentence) -> None:
    """What, why, next step."""
    err.print(Text(sentence.what, style="bold red"))
    for label, text in (("why", sentence.why), ("next", sentence.next)):
        if text:
            err.print(Text.assemble((f"  {label:5}", "bright_black"), text))


def failure(problem: BaseException) -> None:
    """An error of our tree, in the same form."""
    if isinstance(problem, BaseExceptionGroup):
        for one in problem.exceptions:
            failure(one)
        return
    first, newline, tail = str(problem).partition("\n")
    refusal(words.split(first))
    if newline:
        err.print(Text(tail, style="bright_black"))


def answer(given: Answer, done: str, *, as_json: bool) -> Exit:
    """An answer of the room, and what the shell is told about it."""
    if as_json:
        print(given.model_dump_json())
    elif given.ok:
        out.print(done)
    else:
        refusal(given.sentence or Sentence(what=given.reason))
    return Exit.OK if given.ok else Exit.REFUSED


def as_json(document: Any) -> None:
    """One JSON object on one line."""
    print(json.dumps(document, ensure_ascii=False))


def view_json(view: View | None) -> Mapping[str, Any]:
    """A view as data; `known` false when nothing live is heard."""
    if view is None:
        return {"known": False}
    parts = {"state": view.state, "progress": view.progress, "watchdog": view.watchdog, "arm": view.arm}
    return {"known": True, **{name: part.model_dump(mode="json") if part else None for name, part in parts.items()}}


def understood(answer_: Answer) -> RenderableType:
    """What the watchdog understood of an order, for a person to read before they release."""
    told: Mapping[str, Any] = answer_.detail.get("understood", {})
    rows: list[tuple[str, str]] = [
        ("subject", str(told.get("subject", ""))),
        ("protocol", str(told.get("protocol", ""))),
        ("threshold", _threshold(told)),
        ("intensity", _percent(told.get("intensity_tenths"), "% rMT")),
        ("ceiling", _percent(told.get("ceiling_tenths"), "% MSO")),
        ("trains", _trains(told.get("plan"))),
        ("pulses", str(told.get("pulses_left", ""))),
        ("tier", str(told.get("tier", ""))),
        ("today", f"{told.get('today', '?')} pulses so far"),
        ("course", _course(told)),
        ("placement", str(told.get("placement", ""))),
        ("tracker", str(answer_.detail.get("slow_tracker", ""))),
        ("evidence", str(told.get("witness", ""))),
        ("disarm", words.ENGLISH.cutting.get(told.get("disarm_cuts_train", ""), "")),
        ("hash", str(answer_.detail.get("hash", ""))),
    ]
    return Panel(_grid((name, text) for name, text in rows if text), title="the watchdog understood", expand=False)


def _course(told: Mapping[str, Any]) -> str:
    so_far = f"{told.get('course', '?')} pulses so far"
    return f"{so_far}: a long course, ask whoever prescribed it" if told.get("course_notice") else so_far


def room(view: View | None, *, practice: bool = False) -> RenderableType:
    """The room at one glance: a big word, its sentence, and what stands behind it; of one for `practice` first that."""
    if view is None:
        unknown = words.ENGLISH.unknown
        return _card(unknown, Text(unknown.sentence), practice=practice)
    state, progress = view.state, view.progress
    phase = shown.word_of(view, words.ENGLISH)
    rows = [
        ("subject", state.subject or ""),
        ("protocol", state.protocol or ""),
        ("intensity", _percent(state.intensity_tenths, "% rMT")),
        ("level", _percent(state.level_tenths, "% MSO")),
        ("stimulator", state.stimulator),
        ("watchdog", _watchdog(view)),
        ("control", state.holder or "nobody"),
        ("holds", ", ".join(state.holds)),
        ("coil", coil(view.arm) if view.arm else ""),
        ("safety stop", _trip(state.trip) if state.trip else ""),
        ("emergency", _emergency(state.emergency) if state.emergency else ""),
        ("blocked", "coilward subject unblock … --by PHYSICIAN --reason WHY" if state.blocked else ""),
        ("unknown", ", ".join(f"record {ref}: coilward resolve {ref} --why …" for ref in state.unknown)),
    ]
    if progress is not None and state.session is not None:
        counts = progress.counts
        rows.append(("train", f"{progress.train} of {progress.trains}"))
        rows.append(("pulses", f"{counts.settled} settled of {counts.planned} planned, {counts.commanded} commanded"))
    return _card(
        phase,
        Text(state.sentence or phase.sentence),
        Text(""),
        _grid(row for row in rows if row[1]),
        practice=practice,
    )


def _card(word: PhaseWord, *body: RenderableType, practice: bool) -> Panel:
    mark = (Text(PRACTICE, style="bold magenta"),) if practice else ()
    title, style = Text(word.word, style="bold"), _STYLE[word.colour]
    return Panel(Group(*mark, *body), title=title, border_style=style, expand=False)


def _emergency(stands: Emergent) -> str:
    pressed = time.strftime("%H:%M:%S", time.localtime(stands.at_us / 1e6))
    return f"{pressed}, pressed by {stands.by or 'somebody'}, of {stands.subject or 'nobody'}"


def coil(arm: ArmState) -> str:
    """The coil on its arm in a few words: on target, how far off, or why not."""
    word = words.ENGLISH.coil_word(arm.state).word.lower()
    off = f", {arm.off_mm:.1f} mm {arm.off_deg:.1f}° off" if arm.off_mm is not None and arm.off_deg is not None else ""
    if arm.lease == "begin":
        return f"on target{off}"
    why = f", {arm.why.replace('-', ' ')}" if arm.why else ""
    return f"{word}{off}{why}"


def summary(report: Mapping[str, Any]) -> RenderableType:
    """What a session gave."""
    pulses = report["pulses"]
    back = pulses["read_back"]
    interval = str(back["low"]) if back["low"] == back["high"] else f"{back['low']} to {back['high']}"
    rows = [
        ("protocol", str(report["protocol"])),
        ("trains", str(report["trains"])),
        ("planned", str(pulses["planned"])),
        ("commanded", str(pulses["commanded"])),
        ("settled", str(pulses["settled"])),
        ("evidence", f"{interval} ({back['by']}), not sensed independently"),
        ("unknown", str(pulses["unknown"] or "")),
        ("off target", _off_target(report)),
        ("waited", _waited(report.get("waits") or ())),
        ("report", str(report["report"] or "")),
    ]
    title = words.ENGLISH.outcomes.get(report["outcome"], report["outcome"])
    good = report["outcome"] == "completed"
    return Panel(
        _grid((name, text) for name, text in rows if text),
        title=title,
        border_style=_STYLE["green" if good else "yellow"],
        expand=False,
    )


def _off_target(report: Mapping[str, Any]) -> str:
    """Empty in a room that does not know, as one without an arm."""
    if report.get("off_target") is None:
        return ""
    unknown = report.get("target_unknown")
    return f"{report['off_target']} pulses" + (f", {unknown} more not known" if unknown else "")


def _waited(waits: Iterable[Mapping[str, Any]]) -> str:
    """Seconds by reason, the longest first."""
    seconds: dict[str, float] = {}
    for wait in waits:
        reason = str(wait.get("coil") or wait.get("reason") or wait["state"])
        seconds[reason] = seconds.get(reason, 0.0) + wait["seconds"]
    return ", ".join(f"{seconds[reason]:.1f} s {reason}" for reason in sorted(seconds, key=lambda one: -seconds[one]))


def _grid(rows: Iterable[tuple[str, str]]) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bright_black")
    grid.add_column(overflow="fold")
    for name, text in rows:
        grid.add_row(name, Text(text))
    return grid


def _percent(tenths: object, unit: str) -> str:
    return f"{tenths // 10}.{tenths % 10} {unit}" if isinstance(tenths, int) else ""


def _threshold(told: Mapping[str, Any]) -> str:
    value = _percent(told.get("threshold_tenths"), "% MSO")
    simulated = ", simulated" if told.get("simulated") else ""
    return f"{value} ({told.get('threshold_method', '?')}{simulated})" if value else ""


def _trains(plan: object) -> str:
    """The watchdog's plan: groups of equal trains, the first of all without a gap before it."""
    if not isinstance(plan, list) or not plan:
        return ""
    last = plan[-1]
    trains, levels = sum(group["trains"] for group in plan), words.steps(group["level_tenths"] for group in plan)
    if len({(group["pulses"], group["rate_tenths"]) for group in plan}) > 1:
        return f"{trains} in {len(plan)} groups, {levels} % MSO"
    rate = f" at {last['rate_tenths'] / 10:g} Hz" if last["rate_tenths"] else ""
    return f"{trains} x {last['pulses']} pulses{rate}, {levels} % MSO, {last['gap_us'] / 1e6:g} s between"


def _trip(trip: Mapping[str, Any]) -> str:
    detail = trip.get("detail")
    return f"{trip['reason']} ({detail})" if detail else str(trip["reason"])


def _watchdog(view: View) -> str:
    if not view.state.linked:
        return "does not answer"
    status = view.watchdog.status if view.watchdog else {}
    phase = shown.watchdog_word(str(status["phase"]), words.ENGLISH).lower() if status.get("phase") else ""
    return ", ".join(part for part in (phase, str(status.get("witness") or "")) if part)
