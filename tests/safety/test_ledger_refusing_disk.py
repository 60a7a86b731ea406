"""A disk that refuses or cuts short: the failure is told, and nothing is asked of that disk again."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from safety.ledger import FAILED, LOG
from safety.ledger_errors import LedgerBroken, LedgerFailed
from safety.ledger_files import DiskFolder, LogFile
from tests.safety.cached_folder import (
    OPEN,
    RESERVE,
    CachedFolder,
    opened,
)


class Refusing:
    """A file of which one operation fails with `error`, once."""

    def __init__(self, file: LogFile, operation: str, error: OSError) -> None:
        self.file, self.operation, self.error = file, operation, error
        self.asked = 0

    def _try(self, operation: str) -> None:
        if operation == self.operation:
            self.asked += 1
            if self.asked == 1:
                raise self.error

    def read(self) -> bytes:
        return self.file.read()

    def write(self, at: int, data: bytes) -> None:
        self._try("write")
        self.file.write(at, data)

    def sync(self) -> None:
        self._try("sync")
        self.file.sync()

    def close(self) -> None:
        self.file.close()


@pytest.mark.parametrize("operation", ["write", "sync"])
@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])
@pytest.mark.parametrize("which", ["_log", "_heads"])
def test_a_disk_that_refuses_once_is_never_asked_again(which: str, operation: str, code: int) -> None:
    folder = CachedFolder()
    ledger, _ = opened(folder)
    ledger.append(OPEN)
    refusing = Refusing(getattr(ledger, which), operation, OSError(code, "no"))
    setattr(ledger, which, refusing)
    with pytest.raises(LedgerFailed, match="could not be made durable"):
        ledger.append(RESERVE)
    asked = refusing.asked
    for act in (lambda: ledger.append(RESERVE), ledger.keep_head):
        with pytest.raises(LedgerFailed, match="could not be made durable"):
            act()
    assert refusing.asked == asked
    ledger.close()
    with pytest.raises(LedgerBroken, match="the disk failed before"):
        opened(folder)


def test_a_disk_that_cannot_even_note_its_failure_still_reports_it() -> None:
    folder = CachedFolder()
    ledger, _ = opened(folder)

    def put(name: str, data: bytes) -> None:
        raise OSError(errno.EIO, "no")

    folder.put = put  # type: ignore[method-assign]
    ledger._log = Refusing(ledger._log, "sync", OSError(errno.EIO, "no"))
    with pytest.raises(LedgerFailed):
        ledger.append(RESERVE)
    assert not folder.exists(FAILED)


def test_a_full_disk_shows_when_room_is_made() -> None:
    folder = CachedFolder()
    ledger, _ = opened(folder, growth=4)
    for _ in range(3):
        ledger.append(RESERVE)
    ledger._log = Refusing(ledger._log, "write", OSError(errno.ENOSPC, "full"))
    with pytest.raises(LedgerFailed, match="no room"):
        ledger.make_room()


def test_a_short_write_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger, _ = opened(DiskFolder(tmp_path))
    monkeypatch.setattr("os.pwrite", lambda _fd, data, _at: len(data) - 1)
    with pytest.raises(LedgerFailed, match="took 127 of 128 bytes"):
        ledger.append(RESERVE)
    ledger.close()


def test_a_file_that_shrinks_while_it_is_read_ends_where_it_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = DiskFolder(tmp_path)
    folder.put(LOG, b"abc")
    file = folder.open(LOG)
    monkeypatch.setattr("os.pread", lambda _fd, _size, at: b"ab"[at : at + 1])
    assert file.read() == b"ab"
    file.close()
    folder.close()
