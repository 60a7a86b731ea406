"""What can be wrong with the ledger. Each of these is a LOCKOUT unless it says otherwise.

LedgerError
├── BadRecord           128 bytes that are no record of this version
│   └── TornRecord      ... because a write was cut short: the CRC does not hold
├── LedgerBroken        what is on disk cannot be the whole, unaltered history: an engineer unlocks
├── LedgerFailed        the disk did not take a record: nothing is written any more
├── LedgerBusy          another process writes it (no lockout: stop the other one)
└── WrongLedger         a simulated ledger in a real room, or the reverse (no lockout: give the right folder)
"""

from __future__ import annotations

from drivers.errors import CoilwardError


class LedgerError(CoilwardError):
    """The ledger, or the disk beneath it, cannot vouch for what was delivered."""


class BadRecord(LedgerError):
    """Bytes that are not a record of this version: says which field and what it holds."""


class TornRecord(BadRecord):
    """Bytes whose CRC does not hold, or fewer than a record has."""


class LedgerBroken(LedgerError):
    """The files do not hold the whole, unaltered history: says where and what it means."""


class LedgerFailed(LedgerError):
    """The disk did not take a record, or the writer is gone; never retried, for a page that failed once may be
    marked clean and lost (PostgreSQL stops at a failed fsync since version 11 for this reason).
    """


class LedgerBusy(LedgerError):
    """Another process writes this ledger."""


class WrongLedger(LedgerError):
    """A simulated ledger where a real one belongs, or the reverse."""
