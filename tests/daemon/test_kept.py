"""Records of trials: a few are kept, where the system keeps such things."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from daemon.kept import KEPT, forget_unless_reported, records
from drivers.errors import OperatorError


def test_the_oldest_make_room_for_the_newest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    made = [records(f"sim-{number}") for number in range(KEPT)]
    for age, folder in enumerate(reversed(made)):
        os.utime(folder, (1_000_000 - age, 1_000_000 - age))
    newest = records("sim-newest")

    assert newest.parent == tmp_path / "coilward" / "try"
    assert not made[0].exists()
    assert all(folder.exists() for folder in (*made[1:], newest))


def test_a_trial_without_a_report_leaves_nothing_and_one_with_a_report_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    empty, full = records("sim-empty"), records("sim-full")
    (full / "reports").mkdir()
    (full / "reports" / "one.json").touch()
    for folder in (empty, full):
        forget_unless_reported(folder)

    assert not empty.exists()
    assert full.exists()


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    with pytest.raises(OperatorError, match="Set XDG_STATE_HOME"):
        records("sim-1")
