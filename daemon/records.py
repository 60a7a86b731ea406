"""What a room has on file, for people who look: past sessions, one session's report, the journal. Blocks on its disk.

Every answer is bounded, because it travels in one MQTT message, and every name comes from a checked key: nothing
outside the state folder is ever read.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from daemon.journal import FILE_NAME
from daemon.json_lines import AppendOnly, Row, encode, read_rows
from daemon.report import read_report

SESSIONS: Final = "sessions.jsonl"
"""One line a segment, beside the journal: a list of months must not take the reading of every report."""
MOST_BYTES: Final = 60_000
"""Of an answer; the broker takes 65,536 of a packet."""
LIST_BYTES: Final = 512 * 1024
"""Of the list of sessions, from its end: a thousand of them."""
BLOCK_BYTES: Final = 1024 * 1024
SCANNED_BYTES: Final = 64 * 1024 * 1024
"""Of the journal, from its end, for one question (engineering choice: half a second of reading, 20 long sessions)."""
QUIET: Final = frozenset({"pulse"})
"""Kinds of rows that are read only when they are asked for: three thousand a session."""
_OF_OPENED: Final = ("subject", "placement", "by")
_SEGMENT: Final = re.compile(r"[0-9a-f]{16}(?:-(\d+))?\.json")


def listed(document: Mapping[str, Any], report: Path | None) -> dict[str, Any]:
    """The line of a session in the list of sessions."""
    opened, pulses = document["opened"], document["pulses"]
    return {
        "session": opened.get("session"),
        **{name: opened.get(name) for name in _OF_OPENED},
        "protocol": document["protocol"],
        "outcome": document["outcome"],
        "trains": document["trains"],
        "pulses": {name: pulses[name] for name in ("planned", "settled", "unknown")},
        "at_us": opened.get("wall_us"),
        "report": report.name if report else None,
    }


class Records:
    """Of the room whose state folder this is."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self.reports = state / "reports"

    def add(self, document: Mapping[str, Any], report: Path | None) -> None:
        """Puts a session that has ended into the list. Raises OSError."""
        file = AppendOnly(self._state / SESSIONS)
        try:
            file.append(encode(listed(document, report)))
        finally:
            file.close()

    def sessions(self, before_us: int | None, most: int) -> dict[str, Any]:
        """The sessions opened before a time (None: the last ones), the newest first. Raises OSError."""
        rows = read_rows(self._state / SESSIONS, LIST_BYTES).rows
        older = (row for row in reversed(rows) if before_us is None or int(row["at_us"]) < before_us)
        return {"sessions": _as_many(older, most)}

    def report(self, session: str) -> dict[str, Any] | None:
        """The report of a session's last segment, and of its emergency; None when there is none.

        Raises OSError, OperatorError.
        """
        path = self.report_of(session)
        if path is None:
            return None
        document = read_report(path)
        told = {name: value for name, value in document.items() if name not in ("pulse_rows", "opened", "ended")}
        told |= {name: document["opened"].get(name) for name in (*_OF_OPENED, "session")}
        told["at_us"] = document["opened"].get("wall_us")
        incident = self._incident(session)
        room = MOST_BYTES - len(encode({"report": _without_lists(told), "incident": incident}))
        for name in ("notes", "waits", "remarks"):
            told[name] = _newest(told.get(name) or (), room)
            room -= len(encode({name: told[name]}))
        return {"report": told, "incident": incident}

    def report_of(self, session: str) -> Path | None:
        """The report of its last segment."""
        found = [path for path in self.reports.glob(f"{session}*.json") if _SEGMENT.fullmatch(path.name)]
        return max(found, key=_segment, default=None)

    def _incident(self, session: str) -> dict[str, Any] | None:
        path = max(self.reports.glob(f"incident-{session}-*.json"), default=None)
        if path is None:
            return None
        document = json.loads(path.read_bytes())
        kept = {name: document[name] for name in ("pressed_us", "by", "subject", "session", "pulses_before")}
        return {**kept, "notes": _newest(document["notes"], MOST_BYTES // 4), "report": path.name}

    def journal(
        self, session: str | None, before_us: int | None, most: int, kinds: Sequence[str] | None
    ) -> dict[str, Any]:
        """The journal's rows before a time (None: the last ones), the newest first; pulses only when asked for.

        Raises OSError.
        """
        starts = tuple(f'{{"kind":"{kind}",'.encode() for kind in kinds or ())
        quiet = tuple(f'{{"kind":"{kind}",'.encode() for kind in QUIET)
        mine = f'"session":"{session}"'.encode() if session else b""
        lines = (
            line
            for line in _from_the_end(self._state / FILE_NAME)
            if (line.startswith(starts) if starts else not line.startswith(quiet)) and mine in line
        )
        return {"rows": _as_many(_rows(lines, before_us), most)}


def _segment(path: Path) -> int:
    found = _SEGMENT.fullmatch(path.name)
    return int(found[1] or 1) if found else 0


def _from_the_end(path: Path) -> Iterator[bytes]:
    """Whole lines, the last first, as far back as one question may read. None when there is no file."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        at = end = file.seek(0, os.SEEK_END)
        head = b""
        while at and end - at < SCANNED_BYTES:
            size = min(BLOCK_BYTES, at)
            at -= size
            file.seek(at)
            head, *lines = (file.read(size) + head).split(b"\n")
            yield from reversed(lines)
        if not at:
            yield head


def _rows(lines: Iterable[bytes], before_us: int | None) -> Iterator[Row]:
    for line in lines:
        try:
            row = json.loads(line)
        except ValueError:  # half a line of a crash, or the nothing behind the last
            continue
        if before_us is None or int(row["wall_us"]) < before_us:
            row.pop("previous", None)
            yield row


def _as_many(rows: Iterable[Row], most: int, room: int = MOST_BYTES) -> list[Row]:
    """The first of them, as many as are wanted and as fit into an answer."""
    kept: list[Row] = []
    for row in rows:
        room -= len(encode(row))
        if room < 0 or len(kept) >= most:
            break
        kept.append(row)
    return kept


def _newest(rows: Sequence[Row], room: int) -> list[Row]:
    """The last of them that fit, in order."""
    return _as_many(reversed(rows), len(rows), room)[::-1]


def _without_lists(told: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if name not in ("notes", "waits", "remarks")}
