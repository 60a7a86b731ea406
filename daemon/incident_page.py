"""The report of an emergency as one page: no script, nothing fetched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any

from daemon.report_page import STYLE, mark, remark, table


def page(document: Mapping[str, Any]) -> str:
    """The whole page. Everything from outside is escaped; times are UTC, and seconds from the press."""
    pressed_us = int(document["pressed_us"])
    facts = {
        "Pressed": datetime.fromtimestamp(pressed_us / 1e6, UTC).isoformat(timespec="seconds"),
        "By": document["by"],
        "Subject": document["subject"],
        "Session": document["session"],
        "Pulses in the ten minutes before": document["pulses_before"],
    }
    notes, rows = document["notes"], document["rows"]
    return (
        '<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>Incident report</title>'
        f"<style>{STYLE}</style>\n{mark(document)}<h1>Incident report</h1>\n{table(facts)}\n"
        f"<h2>Noted</h2>\n{_lines(notes, pressed_us)}\n<h2>What happened</h2>\n{_lines(rows, pressed_us)}\n"
        '<p class="note">Made from the journal of the room. Research software; not a medical device.</p>\n</html>\n'
    )


def _lines(rows: Sequence[Mapping[str, Any]], pressed_us: int) -> str:
    if not rows:
        return "<p>Nothing.</p>"
    lines = "\n".join(
        f"<tr><td>{(int(row['wall_us']) - pressed_us) / 1e6:+.1f} s<td>{escape(str(row.get('note') or row['kind']))}"
        f"<td>{escape(remark(row))}<td>{escape(str(row.get('by') or ''))}"
        for row in rows
    )
    return f"<table>\n{lines}\n</table>"
