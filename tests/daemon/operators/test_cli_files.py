"""Commands that need no room: what they read, write and refuse. In this process, as `coilward` itself calls them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from daemon.cli import main
from daemon.journal import FILE_NAME, open_journal
from daemon.report import make_report, write_report

SITE = """
[site]
room = "room1"
use = "simulation"
timezone = "UTC"
[stimulator]
model = "magstim-rapid2"
firmware = 8
port = "pty:/nowhere"
coil = "coil-1"
[watchdog]
state = "{state}/watchdog"
[daemon]
state = "{state}"
"""
Typed = Callable[..., int]


@pytest.fixture
def typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Typed:
    """Types `coilward …` and gives its exit code."""
    (tmp_path / "site.toml").write_text(SITE.format(state=tmp_path / "state"))
    monkeypatch.setenv("COILWARD_RUNTIME", str(tmp_path))

    def run(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["coilward", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0)

    return run


def test_without_a_terminal_to_ask_nothing_is_opened(typed: Typed, capsys: pytest.CaptureFixture[str]) -> None:
    assert typed("session", "start", "S-01", "demo") == 1  # and not 3: nobody was looked for
    assert "--yes" in capsys.readouterr().err


def test_wrong_usage_has_its_own_code(typed: Typed) -> None:
    assert typed("session", "start") == 2
    assert typed("no-such-command") == 2


def test_a_site_file_is_checked_whole(typed: Typed, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert typed("check-config") == 0
    (tmp_path / "bad.toml").write_text("[site]\nrooom = 1\n")
    capsys.readouterr()
    assert typed("check-config", str(tmp_path / "bad.toml")) == 1
    assert "rooom" in capsys.readouterr().out


def test_rows_are_signed_by_name_or_all_and_the_rest_stays_open(
    typed: Typed, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(tmp_path / "signed.toml")
    assert typed("limits", "review", "--sign", "Anna", "--file", file) == 1
    assert "--all" in capsys.readouterr().err
    assert not Path(file).exists()

    assert typed("limits", "review", "intensity", "--sign", "Anna", "--file", file) == 0
    capsys.readouterr()
    assert typed("limits", "review", "--file", file, "--json") == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["row"] for row in rows if row["signed"]] == ["intensity"]

    assert typed("limits", "review", "--all", "--sign", "Bea", "--file", file) == 0
    capsys.readouterr()
    assert typed("limits", "review", "--file", file) == 0
    assert f"0 of {len(rows)} unsigned" in capsys.readouterr().out


def test_a_file_that_cannot_be_written_is_said_without_a_traceback(
    typed: Typed, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert typed("limits", "review", "--all", "--sign", "Anna", "--file", str(tmp_path / "no" / "x")) == 1
    assert "No such file or directory" in " ".join(capsys.readouterr().err.split())


def test_reports_that_only_the_daemon_s_user_may_read_are_not_called_missing(
    typed: Typed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def forbid(_folder: Path) -> None:
        raise PermissionError(13, "Permission denied")

    assert typed("report") == 1
    assert f"No report in {tmp_path}" in capsys.readouterr().err.replace("\n", "")
    monkeypatch.setattr(Path, "iterdir", forbid)
    assert typed("report") == 1
    assert "belong to the user of coilward-daemon" in " ".join(capsys.readouterr().err.split())


def test_the_newest_report_is_shown_and_held_against_its_journal(
    typed: Typed, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = tmp_path / "state"
    assert typed("report") == 1
    journal = open_journal(state, lambda: (1, 2))
    rows: list[Any] = []
    journal.follow(rows.append)
    journal.session = "ab"
    journal.write("opened", protocol="demo", planned=20)
    journal.write("train", train=1, commanded=20, pulses=20, low=18, high=21, by="running", unknown=0)
    journal.write("ended", outcome="completed")
    journal.close()
    write_report(make_report(rows), state / "reports", "ab")
    capsys.readouterr()

    assert typed("report", "--verify") == 0
    said = capsys.readouterr()
    assert "20" in said.out
    assert "agree" in said.err
    assert typed("report", str(state / "reports" / "ab.json"), "--verify") == 0  # a trial's, which no site names
    capsys.readouterr()
    assert typed("report", str(state / FILE_NAME)) == 1
    assert "is no report" in " ".join(capsys.readouterr().err.split())

    lines = (state / FILE_NAME).read_text().replace('"commanded":20', '"commanded":19')
    (state / FILE_NAME).write_text(lines)
    assert typed("report", "--verify") == 1
    wrong = capsys.readouterr().err
    assert "does not follow" in wrong
    assert "the journal" in wrong
