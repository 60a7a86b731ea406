"""What stays with the user who ran a command: records of the last few trials, and poses of a calibration."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from drivers.errors import OperatorError

KEPT: Final = 20
"""Trials whose records are kept, and as many of practice; some 100 KiB each (engineering choice)."""


def own_folder(name: str, what: str) -> Path:
    """A folder of this user's, made where there is none. Raises OperatorError that says `what` stays there."""
    folder = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "coilward" / name
    with _written(folder, what):
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def records(subject: str, of: str = "try") -> Path:
    """A new folder for the records of this subject; those of the oldest make room. Raises OperatorError."""
    what = "Reports stay there."
    folder = own_folder(of, what)
    with _written(folder, what):
        (folder / subject).mkdir()
        oldest_first = sorted((path for path in folder.iterdir() if path.is_dir()), key=lambda one: one.stat().st_mtime)
    for old in oldest_first[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    return folder / subject


def forget_unless_reported(folder: Path) -> None:
    """Removes the records of a trial, or of practice, that came to no report and no result."""
    if not any((*folder.glob("reports/*"), *folder.glob("practice.json"))):
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _written(folder: Path, what: str) -> Iterator[None]:
    try:
        yield
    except OSError as wrong:
        raise OperatorError(
            f"{folder} cannot be written: {wrong.strerror}. {what} Set XDG_STATE_HOME to a folder of yours."
        ) from None
