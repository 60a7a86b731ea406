"""The few things a ledger asks of a disk, and the disk that does them.

A campaign puts another `Folder` in its place, whose cache forgets at a power cut what was not synced.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Protocol

from safety.ledger_errors import LedgerBusy


class LogFile(Protocol):
    """An open file. Every method raises OSError when the disk refuses."""

    def read(self) -> bytes:
        """All of it."""

    def write(self, at: int, data: bytes) -> None:
        """All of `data` at offset `at`; a short write is an OSError."""

    def sync(self) -> None:
        """Return when everything written is durable."""

    def close(self) -> None: ...


class Folder(Protocol):
    """A state folder. Every method raises OSError when the disk refuses."""

    def lock(self) -> None:
        """Be the only writer until `close`; LedgerBusy when another is."""

    def exists(self, name: str) -> bool: ...

    def read(self, name: str) -> bytes: ...

    def open(self, name: str) -> LogFile: ...

    def put(self, name: str, data: bytes) -> None:
        """Make `name` hold `data`, durably and at once: a crash leaves the old file or the new one."""

    def keep(self, name: str, also: str) -> None:
        """Give the file a second, lasting name, so that a `put` on the first deletes nothing."""

    def rename(self, name: str, to: str) -> None:
        """Durably call the file by another name."""

    def close(self) -> None: ...


class DiskFile:
    """A `LogFile` on a real disk."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)

    def read(self) -> bytes:
        size, parts = os.fstat(self._fd).st_size, b""
        while len(parts) < size and (part := os.pread(self._fd, size - len(parts), len(parts))):
            parts += part
        return parts

    def write(self, at: int, data: bytes) -> None:
        written = os.pwrite(self._fd, data, at)
        if written != len(data):
            raise OSError(f"the disk took {written} of {len(data)} bytes")

    def sync(self) -> None:
        os.fdatasync(self._fd)

    def close(self) -> None:
        os.close(self._fd)


class DiskFolder:
    """A `Folder` on a real disk, made if it is missing, readable by its owner alone."""

    def __init__(self, path: Path) -> None:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = path
        self._fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def lock(self) -> None:
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LedgerBusy(
                f"another process writes the ledger in {self._path}: stop that watchdog before this one starts"
            ) from error

    def exists(self, name: str) -> bool:
        return (self._path / name).exists()

    def read(self, name: str) -> bytes:
        return (self._path / name).read_bytes()

    def open(self, name: str) -> DiskFile:
        return DiskFile(self._path / name)

    def put(self, name: str, data: bytes) -> None:
        draft = self._path / f"{name}.new"
        with draft.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path / name)
        os.fsync(self._fd)

    def keep(self, name: str, also: str) -> None:
        os.link(self._path / name, self._path / also)
        os.fsync(self._fd)

    def rename(self, name: str, to: str) -> None:
        (self._path / name).rename(self._path / to)
        os.fsync(self._fd)

    def close(self) -> None:
        os.close(self._fd)
