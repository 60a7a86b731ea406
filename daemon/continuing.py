"""Which interrupted treatments may be gone on with: told by the journal, so that a restarted daemon knows them too.

What is left of one, in pulses, only the watchdog says.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from daemon.json_lines import Row

MINUTE_US = 60_000_000


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A session that was opened and did not complete."""

    session: str
    """Key, hex."""
    subject: str
    protocol: str
    intensity_tenths: int | None
    """0.1 % rMT, as it was last given."""
    last_us: int
    """Unix µs of its last row."""


class Interruptions:
    """The interrupted sessions of a room, by key, the latest last."""

    def __init__(self, within_minutes: int) -> None:
        self._within_us = within_minutes * MINUTE_US
        self._open: dict[str, Interrupted] = {}

    def read(self, rows: Iterable[Row]) -> None:
        """Takes in journal rows, in order."""
        for row in rows:
            if key := row.get("session"):
                self._read(str(key), row)

    def _read(self, key: str, row: Row) -> None:
        kind, last_us = row["kind"], int(row["wall_us"])
        if kind == "opened":
            self._open.pop(key, None)
            self._open[key] = Interrupted(
                key, str(row["subject"]), str(row["protocol"]), row.get("intensity_tenths"), last_us
            )
            return
        known = self._open.get(key)
        if known is None:
            return
        if kind == "ended" and row["outcome"] in ("completed", "refused"):
            del self._open[key]
        elif kind == "intensity":
            self._open[key] = replace(known, intensity_tenths=row["intensity_tenths"], last_us=last_us)
        else:
            self._open[key] = replace(known, last_us=last_us)

    def find(self, session: str | None, now_wall_us: int) -> Interrupted | None:
        """The session named, or the latest; None when it completed, is unknown, or ended too long ago."""
        key = session if session is not None else next(reversed(self._open), None)
        found = self._open.get(key) if key else None
        return found if found and now_wall_us - found.last_us <= self._within_us else None
