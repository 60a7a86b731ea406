"""Which interrupted treatments may be gone on with: told by the journal, so that a restarted daemon knows them too.

What is left of one, in pulses, only the watchdog says, and of the last one when its ledger last heard of it: where one
process of the two was killed, the other's records go on for a while.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from daemon.json_lines import Row

CLOSED: Final = "closed-incomplete"
"""What a person notes who will not go on with it (`daemon.notes`)."""


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
    """Unix µs of its last record in the ledger, where the watchdog has told it; else of its last row."""


class Interruptions:
    """The interrupted sessions of a room, by key, the latest last."""

    def __init__(self, within_us: int) -> None:
        self._within_us = within_us
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
        if known is None or (kind == "note" and row.get("what") != CLOSED):
            return
        if kind in ("emergency", "note") or (
            kind == "ended" and row["outcome"] in ("completed", "refused", "emergency")
        ):
            del self._open[key]
        elif kind == "intensity":
            self._open[key] = replace(known, intensity_tenths=row["intensity_tenths"], last_us=last_us)
        else:
            self._open[key] = replace(known, last_us=last_us)

    def recorded(self, last: Mapping[str, Any] | None) -> None:
        """Takes in the ledger's last record of a session (`GuardView.last_session`), by which the watchdog judges."""
        known = self._open.get(last["key"]) if last else None
        if last and known:
            self._open[known.session] = replace(known, last_us=int(last["last_wall_us"]))

    def find(self, session: str | None, now_wall_us: int) -> Interrupted | None:
        """The session named, or the latest; None when it completed, is unknown, or ended too long ago."""
        key = session if session is not None else next(reversed(self._open), None)
        found = self._open.get(key) if key else None
        return found if found and now_wall_us - found.last_us <= self._within_us else None
