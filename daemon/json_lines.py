"""Files of JSON lines that are only ever appended to: thresholds and the journal.

A crash may leave half a line at the end. It is not repaired in place: the next append begins a line of its own,
and a reader counts what it could not read instead of passing it over in silence.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Row = Mapping[str, Any]


def encode(row: Row) -> bytes:
    """One line, keys in the order given."""
    return json.dumps(row, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


class AppendOnly:
    """A file open for appending; every `append` is on disk when it returns. Blocks, raises OSError."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        self._torn = self._ends_torn()

    def append(self, lines: bytes) -> None:
        """Adds whole lines, or raises OSError and leaves the file as it was, as far as the disk lets it."""
        data = b"\n" + lines if self._torn else lines
        before = os.fstat(self._descriptor).st_size
        self._torn = True
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
            os.fdatasync(self._descriptor)
        except OSError:
            # A full disk takes half a batch; what was never acknowledged is taken back, so that a retry adds it once.
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, before)
                self._torn = self._ends_torn()
            raise
        self._torn = False

    def close(self) -> None:
        os.close(self._descriptor)

    def _ends_torn(self) -> bool:
        size = os.fstat(self._descriptor).st_size
        return size > 0 and os.pread(self._descriptor, 1, size - 1) != b"\n"


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file of JSON lines holds."""

    rows: tuple[Row, ...]
    damaged: int
    """Lines that are no JSON object."""


def read_rows(path: Path, last_bytes: int | None = None) -> Contents:
    """All rows of a file, or those in its last bytes, oldest first; none when there is no file. Raises OSError."""
    try:
        with path.open("rb") as file:
            if last_bytes is not None and file.seek(0, os.SEEK_END) > last_bytes:
                file.seek(-last_bytes, os.SEEK_END)
                file.readline()  # the first one is cut
            else:
                file.seek(0)
            lines = file.read().splitlines()
    except FileNotFoundError:
        return Contents((), 0)
    rows, damaged = [], 0
    for line in lines:
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        if isinstance(row, dict):
            rows.append(row)
        elif line.strip():
            damaged += 1
    return Contents(tuple(rows), damaged)
