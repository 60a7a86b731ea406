"""The ledger's files: opening them, and appending a record so that it survives whatever comes next.

    STATE/ledger          records, one behind the other, then zeros
    STATE/ledger.head     number and hash of the newest record, in two slots that take turns
    STATE/ledger.failed   the disk once refused a record: LOCKOUT, also after a restart

A record is durable before `append` returns. The head follows before the next record is written, so a log that was
cut at a record's end, or replaced by an old copy, is shorter than its head.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import NoReturn

from drivers.errors import OurError
from safety.clock import continued
from safety.instant import Instant
from safety.ledger_errors import LedgerBroken, LedgerFailed
from safety.ledger_files import Folder, LogFile
from safety.ledger_format import FORMAT_NOTE, HASH0, KEY0, RECORD_BYTES, Head, Kind, Record, digest, seal, seal_head
from safety.ledger_replay import Replay, head_file, head_slot, replay

LOG, HEAD, FAILED = "ledger", "ledger.head", "ledger.failed"

LARGEST_RESERVE = 600
"""Pulses of the largest RESERVE there can be: the autonomy of a device with sense and cut-off (engineering choice)."""
GROWTH = 32_768
"""Records the file is filled with zeros for at a time, 4 MiB: some weeks of a busy room. Writing into zeros that are
there already changes no file size, so fdatasync has no metadata to journal (122 µs against 150 µs, measured), and a
full disk shows when the watchdog starts, not in the middle of a train."""


@dataclass(frozen=True, slots=True)
class OpenReport:
    """What opening a ledger found and did."""

    created: bool = False
    """Neither file was there: a new room begins at zero."""
    torn: bool = False
    """The last record was cut while being written; a LOST record stands in its place."""


class Ledger:
    """An open ledger, and its only writer."""

    def __init__(self, folder: Folder, found: Replay, boot: bytes, growth: int = GROWTH) -> None:
        self.head = found.head
        """Number and hash of the newest durable record."""
        self.simulated = found.simulated
        self._boot = boot
        self._growth = growth
        self._folder = folder
        self._log: LogFile = folder.open(LOG)
        self._heads: LogFile = folder.open(HEAD)
        self._at = len(found.entries) * RECORD_BYTES
        self._size = len(self._log.read())
        self._head_pending = True
        self._failure: str | None = None

    def append(self, record: Record) -> int:
        """Make `record` durable and return its number.

        Raises LedgerFailed when the disk refuses, then and for ever; OurError for a record that must not be here.
        """
        if record.simulated != self.simulated:
            raise OurError("a simulated record for a real ledger, or the reverse")
        self.keep_head()
        head = Head(self.head.seq + 1, b"")
        block = seal(head.seq, self._boot, self.head.hash, record)
        try:
            if self._at + RECORD_BYTES > self._size:
                self._grow()
            self._log.write(self._at, block)
            self._log.sync()
        except OSError as error:
            self._fail(f"record {head.seq} could not be made durable: {error}", error)
        self.head = Head(head.seq, digest(block))
        self._at += RECORD_BYTES
        self._head_pending = True
        return self.head.seq

    def keep_head(self) -> None:
        """Write the newest record's number and hash to the second place; LedgerFailed as `append`.

        Apart from `append` so that who waits for a record need not wait for this too.
        """
        if self._failure is not None:
            raise LedgerFailed(self._failure)
        if not self._head_pending:
            return
        try:
            self._heads.write(head_slot(self.head.seq), seal_head(self.head))
            self._heads.sync()
        except OSError as error:
            self._fail(f"the head of record {self.head.seq} could not be made durable: {error}", error)
        self._head_pending = False

    def make_room(self) -> None:
        """Fill the file ahead with zeros when less than half a growth of room is left; LedgerFailed as `append`."""
        if self._size - self._at >= self._growth * RECORD_BYTES // 2:
            return
        try:
            self._grow()
        except OSError as error:
            self._fail(f"there is no room for further records: {error}", error)

    def close(self) -> None:
        """Let go of the files and of the lock."""
        self._log.close()
        self._heads.close()
        self._folder.close()

    def _grow(self) -> None:
        size = self._at + self._growth * RECORD_BYTES
        self._log.write(self._size, bytes(size - self._size))
        self._log.sync()
        self._size = size

    def _fail(self, why: str, error: OSError) -> NoReturn:
        self._failure = why
        with contextlib.suppress(OSError):  # the disk has failed already: the mark is for a disk that recovers
            self._folder.put(FAILED, why.encode())
        raise LedgerFailed(why) from error


def read_ledger(folder: Folder, *, simulated: bool) -> Replay:
    """What the files hold, without touching them; LedgerBroken or WrongLedger as `replay`, OSError from the disk."""
    if folder.exists(FAILED):
        raise LedgerBroken(f"the disk failed before: {folder.read(FAILED).decode(errors='replace')}")
    for name in (LOG, HEAD):
        if not folder.exists(name):
            raise LedgerBroken(f"the file {name} is missing: the history is gone, or half of it")
    return replay(folder.read(LOG), folder.read(HEAD), simulated=simulated)


def open_ledger(
    folder: Folder,
    *,
    simulated: bool,
    boot: bytes,
    now: Instant,
    largest: int = LARGEST_RESERVE,
    growth: int = GROWTH,
) -> tuple[Ledger, OpenReport]:
    """Open the ledger for writing, a new one if neither file is there.

    Raises LedgerBusy, LedgerBroken, WrongLedger, LedgerFailed. A torn last record is overwritten by a LOST record of
    `largest` pulses: it was never acknowledged, and being cut again there changes nothing.
    """
    folder.lock()
    created = not any(folder.exists(name) for name in (LOG, HEAD, FAILED))
    if created:
        block = seal(1, boot, HASH0, genesis(now, simulated=simulated))
        begin(folder, block, Head(1, digest(block)))
    found = read_ledger(folder, simulated=simulated)
    ledger = Ledger(folder, found, boot, growth)
    if found.torn:
        ledger.append(lost(found, continued(found.entries[-1], boot, now), largest))
    ledger.make_room()
    ledger.keep_head()
    return ledger, OpenReport(created, found.torn)


def begin(folder: Folder, blocks: bytes, head: Head) -> None:
    """Put a log that holds `blocks` and ends with `head` into the folder."""
    folder.put(LOG, blocks)
    folder.put(HEAD, head_file(head))


def genesis(now: Instant, *, simulated: bool, ref: int = 0) -> Record:
    """The first record of a file; `ref` is the last record number of the file it continues."""
    return Record(Kind.GENESIS, simulated=simulated, ref=ref, boot_us=now.us, wall_us=now.wall_us, note=FORMAT_NOTE)


def lost(found: Replay, now: Instant, pulses: int) -> Record:
    """The worst case of one unreadable last record.

    It can only have been written for the session opened last, for every RESERVE follows its OPEN; before any OPEN it
    counts against everybody.
    """
    book = found.book()
    opened = book.last_opened
    return Record(
        Kind.LOST,
        pulses=pulses,
        subject=opened.subject if opened else KEY0,
        session=opened.session if opened else KEY0,
        simulated=found.simulated,
        boot_us=now.us,
        wall_us=max(now.wall_us, book.last_wall_us),
    )
