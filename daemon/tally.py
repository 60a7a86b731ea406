"""What a session has given so far: one train's account after the other, added up and written into the journal."""

from __future__ import annotations

from dataclasses import dataclass

from daemon.account import Account
from daemon.coil import Coil
from daemon.journal import Journal
from daemon.on_target import counts


@dataclass(slots=True)
class Tally:
    """Pulses of the trains that are accounted for."""

    coil: Coil | None = None
    """Knows how the coil stood at each pulse; None in a room without an arm."""
    commanded: int = 0
    settled: int = 0
    """Booked as delivered, unknown ones included."""
    unknown: int = 0
    rows: int = 0
    """Pulses that have a row, also those that were left out."""

    def book(self, account: Account, journal: Journal) -> int:
        """Adds one train and writes its rows; the pulses it counts with."""
        total = account.total
        self.commanded += total["commanded"]
        self.settled += total["pulses"]
        self.unknown += total["unknown"]
        pulses = [self.coil.marked(row) if self.coil else row for row in account.rows()]
        for row in pulses:
            self.rows += 1
            journal.write("pulse", seq=self.rows, **row)
        journal.write("train", **total, **counts(pulses))
        return int(total["pulses"])
