"""What an emergency leaves behind: the ten minutes before it, what followed, and what people noted, as data and page.

It is written when the session has ended, and anew with every note that comes later; made from the journal's rows alone.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from daemon.incident_page import page
from daemon.json_lines import Row
from drivers.quantities import SECOND_US

BEFORE_US: Final = 600 * SECOND_US
AFTER_US: Final = 600 * SECOND_US
"""Of everything that happens; notes about it come for a day."""
NOTES_US: Final = 24 * 3600 * SECOND_US
MOST_ROWS: Final = 20_000
"""Kept in memory: ten minutes of the fastest protocol are 12,000 pulses."""
MOST_SHOWN: Final = 4_000
_LATER: Final = frozenset({"note", "unblocked", "reported", "incident"})
_OF_A_PULSE: Final = (
    "train", "pulse", "planned_us", "commanded_us", "level_set_tenths", "verdict", "flags",
)  # fmt: skip


class Incident:
    """Of one room: the last emergency, and what lies around it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._rows: deque[Row] = deque(maxlen=MOST_ROWS)
        self._pressed: Row | None = None
        self.due = False
        """Something has happened that its report does not have yet."""

    def read(self, row: Row, *, new: bool = True) -> None:
        """Takes in a row of the journal; one that is not new is in a report already."""
        self._rows.append(row)
        if row["kind"] == "emergency":
            self._pressed = row
        if self._pressed is not None and self._belongs(row) and row["kind"] in {"emergency", "ended", *_LATER}:
            self.due = self.due or (new and row["kind"] != "incident")

    def caught_up(self) -> None:
        """The history is read: an emergency whose report a crash has taken is due."""
        path = self.path
        self.due = path is not None and not path.exists()

    @property
    def path(self) -> Path | None:
        """Where its report is, or will be; None while there was no emergency."""
        if self._pressed is None:
            return None
        return self._folder / f"incident-{self._pressed['session'] or 'nobody'}-{self._pressed['pressed_us']}.json"

    def write(self) -> Path | None:
        """Writes the report anew, data and page, each whole; its path. Blocks; raises OSError."""
        path = self.path
        if path is None:
            return None
        self._folder.mkdir(parents=True, exist_ok=True)
        document = self.document()
        for suffix, text in ((".html", page(document)), (".json", json.dumps(document, indent=1, ensure_ascii=False))):
            fresh = path.with_suffix(f"{suffix}.new")
            fresh.write_text(text + "\n", encoding="utf-8")
            fresh.replace(path.with_suffix(suffix))
        return path

    def document(self) -> dict[str, Any]:
        """The report as data. AssertionError while there was no emergency: a mistake of ours."""
        pressed = self._pressed
        assert pressed is not None  # noqa: S101  who asks has asked for its path
        rows = [row for row in self._rows if self._belongs(row)]
        pulses = [row for row in rows if row["kind"] == "pulse"]
        before = [row for row in pulses if _given_us(row) <= pressed["pressed_us"] and "missed" not in row["flags"]]
        told = [dict(row) for row in rows if row["kind"] != "pulse"][-MOST_SHOWN:]
        return {
            **{name: pressed.get(name) for name in ("pressed_us", "by", "subject", "session")},
            **({"practice": True} if pressed.get("practice") else {}),
            "notes": [row for row in told if row["kind"] == "note"],
            "rows": [row for row in told if row["kind"] != "note"],
            "pulses_before": len(before),
            "pulses": [
                {"given_us": _given_us(row), **{name: row.get(name) for name in _OF_A_PULSE}}
                for row in pulses[-MOST_SHOWN:]
            ],
        }

    def _belongs(self, row: Row) -> bool:
        pressed: Mapping[str, Any] = self._pressed or {}
        since_us = int(row["wall_us"]) - int(pressed["pressed_us"])
        later = row["kind"] in _LATER and since_us <= NOTES_US and row.get("session") in (None, pressed["session"])
        return -BEFORE_US <= since_us <= AFTER_US or (later and since_us > 0)


def _given_us(pulse: Row) -> int:
    """Unix µs of a pulse: its row is written when its train is counted."""
    at_us = pulse["planned_us"] if pulse.get("commanded_us") is None else pulse["commanded_us"]
    return int(pulse["wall_us"]) - (int(pulse["at_us"]) - int(pulse["at_us"] if at_us is None else at_us))
