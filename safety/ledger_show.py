"""The ledger as rows a person can read: what each record says, how its RESERVE ended, what counts from there on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from drivers.quantities import SECOND_US
from safety.book import EMPTY_BOOK
from safety.book_sums import KEPT_US
from safety.ledger_format import KEY0, Kind, Record, settled_of
from safety.ledger_replay import Replay


def ledger_rows(found: Replay, zone: ZoneInfo) -> Iterator[dict[str, Any]]:
    """A row of JSON values for each record; totals are of its session, and of its subject's day in `zone`.

    `everybody`: it counts against all subjects, those included that come for the first time.
    """
    ends = {entry.record.ref: entry.record for entry in found.entries if entry.record.kind in _ENDS}
    book = EMPTY_BOOK
    for entry in found.entries:
        record, before = entry.record, book
        book = book.apply(entry.seq, record)
        strangers = [each.window(_STRANGER, book.last_wall_us, KEPT_US) for each in (before, book)]
        yield {
            "seq": entry.seq,
            "time": datetime.fromtimestamp(record.wall_us / SECOND_US, zone).isoformat(timespec="milliseconds"),
            "kind": record.kind.name,
            "simulated": record.simulated,
            "subject": _hex(record.subject),
            "everybody": strangers[1] > strangers[0],
            "session": _hex(record.session),
            "coil": _hex(record.coil),
            "protocol": _hex(record.protocol),
            "pulses": record.pulses,
            "level": record.level_tenths / 10,
            "rate": record.rate_tenths / 10,
            "ref": record.ref,
            "code": record.code,
            "settled": _settled(record, ends.get(entry.seq)),
            "session_total": book.session(record.session),
            "day_total": book.day(record.subject, record.wall_us, zone),
        }


def _settled(record: Record, end: Record | None) -> str:
    if record.kind is not Kind.RESERVE:
        return ""
    if end is None:
        return "open"
    if end.kind is not Kind.SETTLE:
        return "unknown" if end.kind is Kind.UNKNOWN else "resolved"
    note = settled_of(end)
    return f"{end.pulses} ({note.low}-{note.high} {note.by.name.lower()})"


_STRANGER = b"\xff" * len(KEY0)
"""Whom no record names."""
_ENDS = (Kind.SETTLE, Kind.UNKNOWN, Kind.RESOLVE)

_COLUMNS = (
    "{seq:>7} {time:<29} {kind:<11} {subject:<16} {session:<16} {pulses:>6} {settled:<22} "
    "{session_total:>7} {day_total:>6}"
)


def columns(row: dict[str, Any]) -> str:
    """A row as one line of a table."""
    return _COLUMNS.format(**row | ({"subject": "everybody"} if row["everybody"] else {})).rstrip()


def headings() -> str:
    """The line above the table."""
    names = ("seq", "time", "kind", "subject", "session", "pulses", "settled", "session_total", "day_total")
    return _COLUMNS.format(**{name: name.removesuffix("_total") for name in names})


def _hex(name: bytes) -> str:
    return "" if name == KEY0 else name.hex()
