"""Emergencies as the daemon knows them: the one that stands, and one that the watchdog has not been told of yet.

The watchdog's word decides which one stands; its names come from the journal, because a ledger holds keys.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any, Final

from daemon.journal import Journal
from daemon.json_lines import Row

MOST_SESSIONS: Final = 256
"""Whose subject is remembered: months of a room, and an emergency is of the last (engineering choice)."""

Pressed = Mapping[str, Any]
"""What the watchdog says of one, beside other things; None where nobody knows."""
_NAMES: Final = ("pressed_us", "by", "subject", "session")
"""Unix µs of the watchdog's clock, who pressed, whose it was, and the key of which session."""


class Emergencies:
    """One room's."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._subjects: OrderedDict[str, str] = OrderedDict()
        self._last: Pressed | None = None
        self._stands: Pressed | None = None
        self.owed: str | None = None
        """Who pressed while the watchdog was away: it is told when it is back."""

    def read(self, rows: Iterable[Row]) -> None:
        """Takes in journal rows, in order."""
        for row in rows:
            if row["kind"] == "opened" and row.get("session"):
                self._subjects[str(row["session"])] = str(row["subject"])
                while len(self._subjects) > MOST_SESSIONS:
                    self._subjects.popitem(last=False)
            elif row["kind"] == "emergency":
                self._last = {name: row.get(name) for name in _NAMES}

    def told(self, pressed: Pressed | None) -> None:
        """Takes in what the watchdog says stands; one that is new gets its row in the journal."""
        if pressed is None:
            self._stands = self._stands if self.owed else None
            return
        if self._last is None or self._last["pressed_us"] != pressed["pressed_us"]:
            self._write(pressed)
        self._stands = self._last

    def owe(self, by: str, session: str | None, pressed_us: int) -> None:
        """The watchdog is away, or did not answer: it is an emergency all the same."""
        self.owed = by
        self._write({"pressed_us": pressed_us, "by": by, "session": session, "subject": None})
        self._stands = self._last

    @property
    def shown(self) -> dict[str, Any] | None:
        """The one that stands, in the fields of `messages.Emergent`."""
        stands = self._stands
        return {"at_us": stands["pressed_us"], "by": stands["by"], "subject": stands["subject"]} if stands else None

    def _write(self, pressed: Pressed) -> None:
        names = {name: pressed[name] for name in _NAMES}
        names["subject"] = names["subject"] or self._subjects.get(str(names["session"]))
        self._journal.write("emergency", **names)
