"""The report as one page: no script, nothing fetched, readable in twenty years."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any, Final

from daemon import words
from daemon.on_target import OnTarget

_WIDTH: Final = 960
_HEIGHT: Final = 120
_MARGIN: Final = 30
STYLE: Final = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
table { border-collapse: collapse } th, td { text-align: left; padding: .15rem 1rem .15rem 0; vertical-align: top }
svg { width: 100%; height: auto; border: 1px solid #ccc } .note { color: #666 }
.practice { padding: .5rem 1rem; background: #5b1a8b; color: #fff; font-weight: bold }
"""
_PRACTICE: Final = '<p class="practice">ESERCITAZIONE / TRAINING: nobody was stimulated.</p>\n'
_COLOURS: Final = {"delivered": "#1b6e3c", "cut": "#b36b00"}
_OTHER: Final = "#a01c1c"


def page(
    summary: Mapping[str, Any],
    opened: Mapping[str, Any],
    pulses: Sequence[Mapping[str, Any]],
    remarks: Sequence[Mapping[str, Any]],
    notes: Sequence[Mapping[str, Any]] = (),
) -> str:
    """The whole page. Everything from outside is escaped."""
    counts = summary["pulses"]
    read_back = counts["read_back"]
    levels = words.steps(row["level_set_tenths"] for row in pulses if "missed" not in row["flags"])
    facts = {
        "Outcome": words.ENGLISH.outcomes.get(summary["outcome"], summary["outcome"]),
        "Subject": opened.get("subject"),
        "Protocol": summary["protocol"],
        "Placement": opened.get("placement"),
        "Tracker": opened.get("slow_tracker") or None,
        "Opened by": opened.get("by"),
        "Trains": summary["trains"],
        "Level": f"{levels} % MSO" if levels else None,
        "Pulses planned": counts["planned"],
        "Pulses commanded": counts["commanded"],
        "Pulses settled": counts["settled"],
        "Evidence": f"{read_back['low']} to {read_back['high']} pulses, by {read_back['by']}",
        "Disarming": words.ENGLISH.cutting.get(opened.get("understood", {}).get("disarm_cuts_train", "")),
        "Unknown, counted as delivered": counts["unknown"],
        "Pulses off target": summary.get("off_target"),
        "Pulses of which it is not known": summary.get("target_unknown"),
        "Waited": f"{sum(wait['seconds'] for wait in summary['waits']):.1f} s" if summary.get("waits") else None,
        "Hash": opened.get("hash"),
    }
    return (
        '<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>Session report</title>'
        f"<style>{STYLE}</style>\n{mark(opened)}<h1>Session report</h1>\n{table(facts)}\n<h2>Pulses over time</h2>\n"
        f'{_plot(pulses)}\n<p class="note">Pulses were not sensed independently: every count is the stimulator\'s '
        "word, with the evidence named above. Research software; not a medical device.</p>\n"
        f"{_off_target(pulses)}<h2>Waits</h2>\n{_waits(summary.get('waits', ()))}\n"
        f"{_notes(notes)}<h2>What happened</h2>\n{_remarks(remarks)}\n</html>\n"
    )


def mark(row: Mapping[str, Any]) -> str:
    """What stands above a report whose rows are of a practice room; empty for any other."""
    return _PRACTICE if row.get("practice") else ""


def table(facts: Mapping[str, Any]) -> str:
    rows = "\n".join(
        f"<tr><th>{escape(name)}<td>{escape('' if value is None else str(value))}" for name, value in facts.items()
    )
    return f"<table>\n{rows}\n</table>"


def _plot(pulses: Sequence[Mapping[str, Any]]) -> str:
    """One line per train: its height is the level, its width the time from first to last pulse."""
    timed = [row for row in pulses if row.get("planned_us") is not None]
    if not timed:
        return "<p>No pulse was commanded.</p>"
    begin = min(row["planned_us"] for row in timed)
    span = max(max(row["planned_us"] for row in timed) - begin, 1)
    marks = "".join(_mark(row, begin, span) for row in timed)
    floor = _HEIGHT - _MARGIN
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="Pulses over time">'
        f'<path d="M{_MARGIN} {floor}H{_WIDTH - _MARGIN}" stroke="#888"/>{marks}'
        f'<text x="{_MARGIN}" y="{_HEIGHT - 8}" font-size="12">0 s</text>'
        f'<text x="{_WIDTH - _MARGIN}" y="{_HEIGHT - 8}" font-size="12" text-anchor="end">{span / 1e6:.1f} s</text>'
        "</svg>"
    )


def _mark(row: Mapping[str, Any], begin: int, span: int) -> str:
    x = _MARGIN + (_WIDTH - 2 * _MARGIN) * (row["planned_us"] - begin) / span
    floor = _HEIGHT - _MARGIN
    top = floor - (floor - 10) * min(row["level_set_tenths"], 1000) / 1000
    usual = not row["flags"] and row.get("target", OnTarget.ON) == OnTarget.ON
    colour = _COLOURS.get(row["verdict"], _OTHER) if usual else _OTHER
    return f'<path d="M{x:.2f} {floor}V{top:.1f}" stroke="{colour}" stroke-width=".7"/>'


def _off_target(pulses: Sequence[Mapping[str, Any]]) -> str:
    """Every pulse that went out off the coil's target, or of which nobody knows that it was on it; empty for none."""
    astray = [row for row in pulses if row.get("target", OnTarget.ON) != OnTarget.ON and "missed" not in row["flags"]]
    if not astray:
        return ""
    lines = "\n".join(
        f"<tr><td>train {row['train']}<td>pulse {row['pulse'] + 1}<td>{_stood(row)}<td>{escape(_why(row))}"
        for row in astray
    )
    return f"<h2>Pulses off target</h2>\n<table>\n{lines}\n</table>\n"


def _stood(row: Mapping[str, Any]) -> str:
    if row["target"] == OnTarget.UNKNOWN:
        return "not known"
    return f"{row['coil_off_mm']:.1f} mm, {row['coil_off_deg']:.1f}° off"


def _why(row: Mapping[str, Any]) -> str:
    return str(row["coil_why"] or "").replace("-", " ")


def _waits(waits: Sequence[Mapping[str, Any]]) -> str:
    """Each with its seconds, its state and why."""
    if not waits:
        return "<p>It waited for nothing.</p>"
    lines = "\n".join(
        f"<tr><td>{wait['seconds']:.1f} s<td>{escape(wait['state'])}<td>{escape(remark(wait))}" for wait in waits
    )
    return f"<table>\n{lines}\n</table>"


def _notes(notes: Sequence[Mapping[str, Any]]) -> str:
    """What people noted, with who and when; empty for none."""
    if not notes:
        return ""
    lines = "\n".join(
        f"<tr><td>{datetime.fromtimestamp(int(row['wall_us']) / 1e6, UTC):%H:%M:%S} UTC<td>{escape(str(row['note']))}"
        f"<td>{escape(remark(row))}<td>{escape(str(row['by']))}"
        for row in notes
    )
    return f"<h2>Notes</h2>\n<table>\n{lines}\n</table>\n"


def _remarks(remarks: Sequence[Mapping[str, Any]]) -> str:
    if not remarks:
        return "<p>Nothing worth a remark.</p>"
    begin = remarks[0]["at_us"]
    lines = "\n".join(
        f"<tr><td>{(row['at_us'] - begin) / 1e6:.1f} s<td>{escape(str(row['kind']))}<td>{escape(remark(row))}"
        for row in remarks
    )
    return f"<table>\n{lines}\n</table>"


def remark(row: Mapping[str, Any]) -> str:
    """What a row says to a person, in its own words."""
    told = (row.get("event"), row.get("state"), row.get("reason"), row.get("what"), row.get("lost"), row.get("why"),
            row.get("coil"), row.get("text"))  # fmt: skip
    return ", ".join(str(part).replace("_", " ") for part in told if part)
