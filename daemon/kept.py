"""Where a trial's records stay: journal and reports of the last few, and nothing else of it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Final

from drivers.errors import OperatorError

KEPT: Final = 20
"""Trials whose records are kept, some 100 KiB each (engineering choice)."""


def records(subject: str) -> Path:
    """A new folder for the records of this subject; those of the oldest trials make room. Raises OperatorError."""
    home = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    folder = home / "coilward" / "try"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / subject).mkdir()
        oldest_first = sorted((path for path in folder.iterdir() if path.is_dir()), key=lambda one: one.stat().st_mtime)
    except OSError as wrong:
        raise OperatorError(
            f"{folder} cannot be written: {wrong.strerror}. Reports of trials stay there. "
            "Set XDG_STATE_HOME to a folder of yours."
        ) from None
    for old in oldest_first[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    return folder / subject


def forget_unless_reported(folder: Path) -> None:
    """Removes the records of a trial that came to no report."""
    if not any(folder.glob("reports/*")):
        shutil.rmtree(folder, ignore_errors=True)
