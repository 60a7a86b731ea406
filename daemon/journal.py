"""The journal: what was asked, allowed, refused and delivered, in order, append-only, each row chained to the last.

The journal is a record, not a safety function: the watchdog's ledger counts pulses, whatever happens here. So writing
never blocks the session and never raises into it: rows go to a thread of their own through a bounded queue. When the
disk is full, `trouble` says so at once; stop, pause and holds work on, the running train ends as it would have, no
further train begins, and the rows wait in memory. When space is back they are written, and a `gap` row says how many
were lost in between, if any.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections import deque
from collections.abc import Callable, Mapping
from hashlib import blake2s
from pathlib import Path
from typing import Any, Final, Protocol

from daemon.json_lines import AppendOnly, Contents, Row, encode, read_rows

FILE_NAME: Final = "journal.jsonl"
MAX_WAITING: Final = 20_000
"""Rows that may wait for the disk: more than the pulses of six whole treatments."""
RETRY_S: Final = 1.0
LAST_BYTES: Final = 1024 * 1024
"""Longer than any row."""
_START: Final = "0" * 32


class Sink(Protocol):
    """Where lines go. `put` neither blocks nor raises."""

    @property
    def trouble(self) -> str | None:
        """Why lines are not on disk now; None while they are."""

    def put(self, line: bytes) -> bool:
        """Takes a line; False when it had to be dropped."""

    def close(self) -> None:
        """Writes what waits, as far as that is possible within a second."""


class Journal:
    """Numbered, chained rows. `clock` gives (BOOTTIME µs, unix µs)."""

    def __init__(
        self, sink: Sink, clock: Callable[[], tuple[int, int]], *, previous: str = _START, practice: bool = False
    ) -> None:
        self._sink = sink
        self._mark = {"practice": True} if practice else {}
        self._clock = clock
        self._previous = previous
        self._lost = 0
        self._followers: list[Callable[[Row], None]] = []
        self.session: str | None = None
        """Key of the open session, hex: every row names it, so that a report finds its rows."""

    @property
    def trouble(self) -> str | None:
        """Why rows are not on disk now; None while they are."""
        return self._sink.trouble

    def follow(self, follower: Callable[[Row], None]) -> Callable[[], None]:
        """Every further row also goes to `follower`, which must be quick; the result ends that."""
        self._followers.append(follower)
        return lambda: self._followers.remove(follower)

    def write(self, kind: str, **fields: Any) -> Row:
        """Adds a row and returns it. Never raises for the disk's sake."""
        if self._lost and self._append("gap", {"lost": self._lost})[1]:
            self._lost = 0
        row, kept = self._append(kind, fields)
        self._lost += not kept
        for follower in tuple(self._followers):
            follower(row)
        return row

    def close(self) -> None:
        """Writes what waits."""
        self._sink.close()

    def _append(self, kind: str, fields: Mapping[str, Any]) -> tuple[Row, bool]:
        """The row, and whether it is on its way to the disk."""
        at_us, wall_us = self._clock()
        row = {"kind": kind, "at_us": at_us, "wall_us": wall_us, "session": self.session, **self._mark, **fields}
        line = encode(row | {"previous": self._previous})
        kept = self._sink.put(line)
        if kept:
            self._previous = digest(line)
        return row, kept


def digest(line: bytes) -> str:
    """What the next row quotes of this one."""
    return blake2s(line.rstrip(b"\n"), digest_size=16).hexdigest()


def broken_links(path: Path) -> tuple[Contents, list[int]]:
    """The rows of a journal, and the 0-based numbers of those that do not follow the row before them."""
    contents = read_rows(path)
    broken, expected = [], _START
    for number, row in enumerate(contents.rows):
        if row.get("previous") != expected:
            broken.append(number)
        expected = digest(encode(row))
    return contents, broken


def open_journal(state: Path, clock: Callable[[], tuple[int, int]], *, practice: bool = False) -> Journal:
    """The journal of a room, going on where its file ends; of a practice room every row says so.

    Raises OSError when it cannot even be opened.
    """
    path = state / FILE_NAME
    rows = read_rows(path, LAST_BYTES).rows
    previous = digest(encode(rows[-1])) if rows else _START
    return Journal(FileSink(AppendOnly(path)), clock, previous=previous, practice=practice)


class FileSink:
    """Lines to a file, from a thread of its own: a stalled disk stalls nobody else."""

    def __init__(self, file: AppendOnly) -> None:
        self._file = file
        self._waiting: queue.Queue[bytes | None] = queue.Queue(MAX_WAITING)
        self._trouble: str | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    @property
    def trouble(self) -> str | None:
        """As `Sink.trouble`."""
        return self._trouble

    def put(self, line: bytes) -> bool:
        """As `Sink.put`."""
        try:
            self._waiting.put_nowait(line)
        except queue.Full:
            return False
        return True

    def close(self) -> None:
        """As `Sink.close`."""
        self._closing.set()
        with contextlib.suppress(queue.Full):
            self._waiting.put_nowait(None)
        self._thread.join(RETRY_S)
        if not self._thread.is_alive():
            self._file.close()

    def _run(self) -> None:
        while (line := self._waiting.get()) is not None:
            batch, ends = self._batch(line)
            while not self._written(batch):
                if self._closing.wait(RETRY_S):
                    return
            if ends:
                return

    def _batch(self, first: bytes) -> tuple[bytes, bool]:
        """Everything that waits now, in one write; and whether the end came with it."""
        lines = deque([first])
        while not self._waiting.empty():
            line = self._waiting.get_nowait()
            if line is None:
                return b"".join(lines), True
            lines.append(line)
        return b"".join(lines), False

    def _written(self, batch: bytes) -> bool:
        try:
            self._file.append(batch)
        except OSError as wrong:
            self._trouble = wrong.strerror or str(wrong)
            return False
        self._trouble = None
        return True


class MemorySink:
    """Lines in memory: for unit tests, virtual time, and rooms under simulation without a disk."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.trouble: str | None = None

    def put(self, line: bytes) -> bool:
        """As `Sink.put`."""
        self.lines.append(line)
        return True

    def close(self) -> None:
        """Nothing waits."""
