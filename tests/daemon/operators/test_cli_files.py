"""Commands that need no room: what they read, write and refuse. In this process, as `coilward` itself calls them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from daemon.cli import main

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


def test_a_threshold_is_filed_for_the_watchdog_to_judge(typed: Typed, tmp_path: Path) -> None:
    arguments = ("S-01", "--value", "42.5", "--method", "emg", "--pulses", "20", "--coil", "coil-1")
    assert typed("subject", "threshold", *arguments) == 0
    [line] = (tmp_path / "state" / "thresholds.jsonl").read_text().splitlines()
    assert json.loads(line)["threshold"]["value_tenths"] == 425
    assert typed("subject", "threshold", "S-01", "--value", "x", *arguments[3:]) == 1


def test_a_site_file_is_checked_whole(typed: Typed, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert typed("check-config") == 0
    (tmp_path / "bad.toml").write_text("[site]\nrooom = 1\n")
    capsys.readouterr()
    assert typed("check-config", str(tmp_path / "bad.toml")) == 1
    assert "rooom" in capsys.readouterr().out
