"""Ending a LOCKOUT of the ledger: an engineer takes over what can be read and books the worst case for the rest.

A sound ledger gets one LOST record. A broken one is kept under another name and a new file begins: its first record
carries the hash of the old file and goes on with its numbers, then come the old totals (CARRIED, BLOCK), then the
LOST record. Nothing is deleted, at no moment is there no ledger, and being cut short anywhere leaves a ledger that is
still locked or already sound. Sessions end here: none of them can be continued.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace

from drivers.errors import OperatorError
from drivers.quantities import SECOND_US
from safety.book import Book
from safety.book_sums import KEPT_US
from safety.clock import continued
from safety.instant import Instant
from safety.ledger import FAILED, HEAD, LARGEST_RESERVE, LOG, Ledger, begin, genesis, lost, read_ledger
from safety.ledger_errors import BadRecord, LedgerBroken, WrongLedger
from safety.ledger_files import Folder
from safety.ledger_format import KEY0, Entry, Head, Kind, Record, digest, key, seal, unseal
from safety.ledger_replay import heads_of, used_blocks

UNLOCKED = "ledger.unlocked"
"""Who unlocked, why and what was found, one JSON object a line."""
LARGEST_DAY = 18_120
"""Pulses nobody can have been given more of in a treatment day: the hard limit of accelerated treatment and the
threshold pulses on top."""
_DAY_US = 24 * 3600 * SECOND_US


@dataclass(frozen=True, slots=True)
class Engineer:
    """Who unlocks, and why."""

    by: str
    reason: str

    @property
    def note(self) -> bytes:
        """The keys of both, for the LOST record; the words themselves stand in `UNLOCKED`."""
        return key(self.by) + key(self.reason)


@dataclass(frozen=True, slots=True)
class Unlocked:
    """What an unlock found and did."""

    why: str
    """What locked the ledger; empty when it was sound."""
    missing: int | None
    """Records that cannot be read; None when nothing says how many there were."""
    lost: int
    """Pulses booked for them."""
    everybody: bool
    """Whether they count against every subject."""
    kept: str
    """Ending of the names the old files are kept under; empty when the old file goes on."""


@dataclass(frozen=True, slots=True)
class Salvage:
    """What can still be read of a log: every block that is a whole record by itself, by number."""

    entries: tuple[Entry, ...]
    first: int
    """Number of the first record there was."""
    highest: int
    """Number of the last record anything knows of."""
    headless: bool
    """No head is readable, so the log may have been cut by any number of records."""

    @property
    def missing(self) -> int:
        """How many of the records from `first` to `highest` cannot be read."""
        return self.highest - self.first + 1 - len(self.entries)

    @property
    def before_gap(self) -> tuple[Entry, ...]:
        """The readable records before the first that is not."""
        return tuple(entry for n, entry in enumerate(self.entries) if entry.seq == self.first + n)


def salvage(log: bytes, head_data: bytes) -> Salvage:
    """Read what can be read of a broken ledger."""
    found: dict[int, Entry] = {}
    blocks, heads = used_blocks(log), heads_of(head_data)
    first = 1
    for place, block in enumerate(blocks):
        try:
            entry = unseal(block)
        except BadRecord:
            continue
        if not found:
            first = max(1, entry.seq - place)
        found.setdefault(entry.seq, entry)
    first = min([first, *found])
    highest = max([first + len(blocks) - 1, *found, *(head.seq for head in heads)])
    return Salvage(tuple(found[seq] for seq in sorted(found)), first, highest, headless=not heads)


def unlock(
    folder: Folder,
    engineer: Engineer,
    *,
    simulated: bool,
    now: Instant,
    boot: bytes,
    largest: int = LARGEST_RESERVE,
) -> Unlocked:
    """Make the ledger sound again and book the worst case.

    Raises LedgerBusy while a watchdog runs, WrongLedger, OperatorError when there is nothing to unlock.
    """
    folder.lock()
    if not any(folder.exists(name) for name in (LOG, HEAD, FAILED)):
        raise OperatorError("there is no ledger here, so nothing is locked: name the watchdog's state folder")
    try:
        found = read_ledger(folder, simulated=simulated)
    except LedgerBroken as error:
        anew = _plan(folder, str(error), simulated=simulated, boot=boot, now=now, largest=largest)
        _write_down(folder, engineer, anew.done, now)
        _begin_anew(folder, anew, engineer, boot)
        return anew.done
    at = continued(found.entries[-1], boot, now)
    record = replace(lost(found, at, largest), note=engineer.note)
    done = Unlocked("", int(found.torn), record.pulses, record.subject == KEY0, "")
    _write_down(folder, engineer, done, now)
    ledger = Ledger(folder, found, boot)
    ledger.append(record)
    ledger.keep_head()
    return done


@dataclass(frozen=True, slots=True)
class _Anew:
    """The file that will take a broken one's place."""

    records: tuple[Record, ...]
    first: int
    prev: bytes
    done: Unlocked


def _plan(folder: Folder, why: str, *, simulated: bool, boot: bytes, now: Instant, largest: int) -> _Anew:
    log, head_data = (folder.read(name) if folder.exists(name) else b"" for name in (LOG, HEAD))
    saved = salvage(log, head_data)
    if any(entry.record.simulated != simulated for entry in saved.entries):
        raise WrongLedger("this ledger holds records of the other kind, simulated or real: name the right state folder")
    book = Book.of((entry.seq, entry.record) for entry in saved.entries)
    at = continued(saved.entries[-1], boot, now) if saved.entries else now
    at = Instant(at.us, max(at.wall_us, book.last_wall_us))
    worst = _worst(saved, at, largest)
    records = (genesis(at, simulated=simulated, ref=saved.highest), *book.carried(), worst)
    stamped = tuple(replace(one, simulated=simulated, boot_us=at.us, wall_us=at.wall_us) for one in records)
    missing = None if saved.headless else saved.missing
    done = Unlocked(why, missing, worst.pulses, worst.subject == KEY0, f"kept-{now.wall_us}")
    return _Anew(stamped, saved.highest + 1, digest(log), done)


def _worst(saved: Salvage, at: Instant, largest: int) -> Record:
    """One missing record belongs to the session opened before it; more may belong to anybody, and span days."""
    before = Book.of((entry.seq, entry.record) for entry in saved.before_gap)
    if saved.missing <= 1 and not saved.headless:
        opened = before.last_opened
        return Record(Kind.LOST, largest, subject=opened.subject if opened else KEY0)
    span_us = min(at.wall_us - before.last_wall_us, KEPT_US)
    most = (span_us // _DAY_US + 2) * LARGEST_DAY
    return Record(Kind.LOST, most if saved.headless else min(most, saved.missing * largest))


def _begin_anew(folder: Folder, anew: _Anew, engineer: Engineer, boot: bytes) -> None:
    blocks, prev = b"", anew.prev
    for seq, record in enumerate(anew.records, anew.first):
        note = engineer.note if record.kind is Kind.LOST else record.note
        block = seal(seq, boot, prev, replace(record, note=note))
        blocks, prev = blocks + block, digest(block)
    for name in (LOG, HEAD):
        if folder.exists(name):
            folder.keep(name, f"{name}.{anew.done.kept}")
    begin(folder, blocks, Head(anew.first + len(anew.records) - 1, prev))
    if folder.exists(FAILED):
        folder.rename(FAILED, f"{FAILED}.{anew.done.kept}")


def _write_down(folder: Folder, engineer: Engineer, done: Unlocked, now: Instant) -> None:
    before = folder.read(UNLOCKED) if folder.exists(UNLOCKED) else b""
    line = json.dumps({"wall_us": now.wall_us, **asdict(engineer), **asdict(done)}, ensure_ascii=False)
    folder.put(UNLOCKED, before + line.encode() + b"\n")
