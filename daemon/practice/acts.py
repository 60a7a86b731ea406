"""What people did, read from the journal: a trainee's every press leaves a row, by whatever way it came."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from daemon.json_lines import Row
from daemon.practice.scenario import COMPLETED
from drivers.quantities import SECOND_US

OWN_STOP_US: Final = 2 * SECOND_US
"""A pause and an end have the watchdog stop as well: so soon after one of them its word is no press of STOP."""


@dataclass(frozen=True, slots=True)
class Act:
    """One thing somebody did."""

    at_us: int
    """BOOTTIME."""
    verb: str
    kind: str = ""
    what: str = ""
    """Of a note."""


@dataclass
class Reader:
    """Rows in, in their order; acts and phases out."""

    acts: list[Act] = field(default_factory=list)
    phases: list[tuple[int, str]] = field(default_factory=list)
    """When the session came into which."""
    _opened: set[str] = field(default_factory=set)
    _released: bool = False
    _own_stop_us: int = -OWN_STOP_US

    def read(self, rows: Iterable[Row]) -> None:
        """Takes in the next rows."""
        for row in rows:
            at_us = int(row["at_us"])
            if row["kind"] == "session":
                self.phases.append((at_us, str(row["state"])))
            verb = self._verb(row, at_us)
            if row["kind"] == "note":
                self.acts.append(Act(at_us, "note", str(row.get("note")), str(row.get("what"))))
            elif verb is not None:
                self.acts.append(Act(at_us, verb))

    def _verb(self, row: Row, at_us: int) -> str | None:
        match row["kind"]:
            case "opened":
                return self._opening(str(row["session"]))
            case "session":
                return self._moved(str(row["event"]), str(row.get("reason")), at_us)
            case "asked" if row["verb"] == "stop":
                return "stop"
            case "allowed" if row["verb"] in ("reset", "resolve"):
                return str(row["verb"])
            case "watchdog" if row["event"] == "stop-asked" and at_us - self._own_stop_us > OWN_STOP_US:
                return "stop"
            case "coil-asked" if row["to"] == "away":
                return "coil-away"
            case "ended" if row["outcome"] == "completed":
                return COMPLETED
        return _ALONE.get(str(row["kind"]))

    def _opening(self, session: str) -> str:
        again, self._released = session in self._opened, False
        self._opened.add(session)
        return "continue" if again else "start"

    def _moved(self, event: str, reason: str, at_us: int) -> str | None:
        if event == "released":
            again, self._released = self._released, True
            return "resume" if again else "release"
        if event in ("pause", "end"):
            self._own_stop_us = at_us
        if event == "end":
            return "end"
        return "pause" if (event, reason) == ("pause", "pause-asked") else None


_ALONE: Final = {"emergency": "emergency", "intensity": "lower", "unblocked": "unblock", "blocked": "block"}
"""Kinds of rows that say it all."""
KNOWN: Final = frozenset(
    {
        "start",
        "continue",
        "release",
        "resume",
        "pause",
        "stop",
        "end",
        "reset",
        "resolve",
        "coil-away",
        "note",
        COMPLETED,
    }
    | set(_ALONE.values())
)
"""What a step may ask for: what can be read here."""
