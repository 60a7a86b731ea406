"""What a session gave, told from its journal rows alone: as data, and as a page that stands by itself.

Nothing here remembers a session: whoever has the journal can make the same report again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from daemon.json_lines import Row
from daemon.on_target import counts
from daemon.report_page import page
from daemon.under_way import booked
from drivers.errors import OperatorError

_WAIT = ("state", "reason", "coil")
_REMARKS = ("session", "refused", "trouble", "gap", "coil", "coil-refused", "arm", "emergency")
_WEAKEST_FIRST = ("none", "assumed", "accepted", "running", "counted")


@dataclass(frozen=True, slots=True)
class Report:
    """One segment of a treatment."""

    outcome: str
    protocol: str | None
    trains: int
    """Trains that delivered at least one pulse."""
    planned: int
    commanded: int
    settled: int
    low: int
    high: int
    by: str
    """The weakest evidence any train has."""
    unknown: int
    opened: Mapping[str, Any]
    ended: Mapping[str, Any]
    pulses: tuple[Row, ...]
    remarks: tuple[Row, ...]
    """Refusals, holds, pauses, trips and troubles, in order."""
    waits: tuple[Row, ...]
    """Every wait with its reason and seconds, in order."""
    notes: tuple[Row, ...]
    """What people noted, checks before the session first."""

    def summary(self, path: str | None = None) -> dict[str, Any]:
        """The one JSON object programs read."""
        return {
            "outcome": self.outcome,
            "protocol": self.protocol,
            "trains": self.trains,
            "pulses": {
                "planned": self.planned,
                "commanded": self.commanded,
                "settled": self.settled,
                "read_back": {"low": self.low, "high": self.high, "by": self.by},
                "sensed": None,
                "unknown": self.unknown,
            },
            "report": path,
        }

    def course(self) -> dict[str, Any]:
        """What held it up, each reason once, and how the coil stood: beside the summary in the file and on the page."""
        seconds: dict[tuple[Any, ...], list[float]] = {}
        for row in self.waits:
            seconds.setdefault(tuple(row.get(name) for name in _WAIT), []).append(row["seconds"])
        waits = [
            {name: value for name, value in zip(_WAIT, wait, strict=True) if value}
            | {"times": len(each), "seconds": round(sum(each), 3)}
            for wait, each in seconds.items()
        ]
        return {"waits": waits, **counts(self.pulses)}


def make_report(rows: Iterable[Row]) -> Report:
    """The report of one session's rows. Rows that are missing leave zeros, never a guess.

    Without its end, the train under way is booked as far as the rows tell; what nobody settled is unknown, and counts.
    """
    rows = tuple(rows)
    opened = _last(rows, "opened")
    ended = _last(rows, "ended")
    if not ended:
        rows = booked(rows)
    trains = [row for row in rows if row["kind"] == "train"]
    pulses = tuple(row for row in rows if row["kind"] == "pulse")
    kinds = {str(row["by"]) for row in trains if row["pulses"]}
    return Report(
        outcome=str(ended.get("outcome", "never_ended")),
        protocol=opened.get("protocol"),
        trains=sum(1 for row in trains if row["pulses"]),
        planned=int(opened.get("planned", 0)),
        commanded=sum(int(row["commanded"]) for row in trains),
        settled=sum(int(row["pulses"]) for row in trains),
        low=sum(int(row["low"]) for row in trains),
        high=sum(int(row["high"]) for row in trains),
        by=min(kinds, key=_strength, default="none"),
        unknown=sum(int(row["unknown"]) for row in trains),
        opened=opened,
        ended=ended,
        pulses=pulses,
        remarks=tuple(row for row in rows if row["kind"] in _REMARKS),
        waits=tuple(row for row in rows if row["kind"] == "wait"),
        notes=(*opened.get("checks", ()), *(row for row in rows if row["kind"] == "note")),
    )


def _strength(kind: str) -> int:
    return _WEAKEST_FIRST.index(kind) if kind in _WEAKEST_FIRST else -1


def _last(rows: Sequence[Row], kind: str) -> Mapping[str, Any]:
    return next((row for row in reversed(rows) if row["kind"] == kind), {})


def rows_of(rows: Iterable[Row], opened: Mapping[str, Any]) -> tuple[Row, ...]:
    """The rows of the segment that began with `opened`, out of a whole journal."""
    mine = [row for row in rows if row.get("session") == opened.get("session")]
    begins = [at for at, row in enumerate(mine) if row["kind"] == "opened"]
    for begin, end in pairwise((*begins, len(mine))):
        if mine[begin]["at_us"] == opened.get("at_us"):
            return tuple(mine[begin:end])
    return ()


def differences(document: Mapping[str, Any], rows: Iterable[Row]) -> list[str]:
    """What a report's file says otherwise than a report made again from the journal's rows."""
    report = make_report(rows_of(rows, document["opened"]))
    again = report.summary() | counts(report.pulses)
    return [
        f"{name}: the report says {document.get(name)}, the journal {again[name]}"
        for name in ("outcome", "protocol", "trains", "pulses", *counts(()))
        if document.get(name) != again[name]
    ]


def write_report(report: Report, folder: Path, name: str) -> Path:
    """Writes `name`.json and `name`.html; the path of the JSON. Raises OSError.

    Neither is overwritten by another session's: a segment that bears the name already gets a number behind it. The JSON
    comes last and whole, so that where it is the report is.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = _free(folder, name)
    return _put(path, document_of(report, path))


def document_of(report: Report, path: Path | None = None) -> dict[str, Any]:
    """What the JSON holds."""
    rows = {"remarks": report.remarks, "notes": report.notes, "pulse_rows": report.pulses}
    told = report.summary(str(path) if path else None) | report.course()
    return told | {"opened": report.opened, "ended": report.ended} | rows


def add_note(path: Path, note: Row) -> None:
    """Puts what was noted after a session into its report, data and page. Raises OSError, OperatorError."""
    document = read_report(path)
    _put(path, {**document, "notes": [*document.get("notes", ()), note]})


def _put(path: Path, document: Mapping[str, Any]) -> Path:
    remarks, notes = document.get("remarks", ()), document["notes"]
    text = page(document, document["opened"], document["pulse_rows"], remarks, notes)
    for suffix, whole in ((".html", text), (".json", json.dumps(document, indent=1, ensure_ascii=False, default=dict))):
        fresh = path.with_suffix(f"{suffix}.new")
        fresh.write_text(whole + "\n", encoding="utf-8")
        fresh.replace(path.with_suffix(suffix))
    return path


def report_the_last(rows: Sequence[Row], folder: Path) -> Path | None:
    """Writes the report of the segment opened last, unless there is one: a killed daemon has written none.

    Raises OSError, and OperatorError for a file of that name that is no report.
    """
    opened = _last(rows, "opened")
    name = str(opened.get("session"))
    found = (read_report(path) for path in folder.glob(f"{name}*.json"))
    if not opened or any(document["opened"]["at_us"] == opened["at_us"] for document in found):
        return None
    return write_report(make_report(rows_of(rows, opened)), folder, name)


def read_report(path: Path) -> dict[str, Any]:
    """A report's file as `write_report` left it. Raises OSError, OperatorError: it is something else."""
    try:
        document: dict[str, Any] = dict(json.loads(path.read_bytes()))
    except (ValueError, TypeError):
        document = {}
    if not document.keys() >= {"outcome", "protocol", "trains", "pulses", "opened"}:
        raise OperatorError(f"{path} is no report of coilward. Give the .json that lies beside the session's page.")
    return document


def _free(folder: Path, name: str) -> Path:
    number, path = 1, folder / f"{name}.json"
    while path.exists():
        number += 1
        path = folder / f"{name}-{number}.json"
    return path
