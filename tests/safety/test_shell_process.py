"""The watchdog's process around its loop: its names, its folder, its command line, the room it serves alone."""

from __future__ import annotations

import importlib.util
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from drivers.errors import ConfigError
from safety import __main__ as process
from safety import ledger_cli, ledger_writer, realtime
from safety.clock import machine
from safety.site import load_site

EXAMPLES = Path(__file__).parents[2] / "examples"
S = 1_000_000


# --- whose names ----------------------------------------------------------------------------------------------


def test_the_names_of_this_house_are_its_own() -> None:
    process.names_are_ours()


@pytest.mark.parametrize("spec", [None, ModuleSpec("drivers", None), ModuleSpec("drivers", None, origin="/x/y.py")])
def test_a_name_that_belongs_to_another_distribution_is_refused(
    spec: ModuleSpec | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: spec)
    with pytest.raises(ConfigError, match="the package drivers is not coilward's"):
        process.names_are_ours()


# --- the command line -----------------------------------------------------------------------------------------


def command(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr("sys.argv", ["coilward-watchdog", *words])
    return process.main()


def test_the_site_file_and_the_runtime_given_are_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[Any] = []

    def serve(*what: Any) -> int:
        served.append(what)
        return 0

    monkeypatch.setattr(process, "serve", serve)
    assert command(monkeypatch, "--runtime", str(tmp_path), "--site", str(EXAMPLES / "site.toml")) == 0
    assert served == [(load_site(EXAMPLES / "site.toml"), tmp_path / "watchdog")]


def test_without_a_site_file_it_is_a_mistake_of_usage(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        command(monkeypatch)
    assert ended.value.code == 2
    assert "--site FILE is needed" in capsys.readouterr().err


def test_what_cannot_run_says_so_in_one_line_and_ends_with_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(monkeypatch, "--site", str(tmp_path / "absent.toml")) == 1
    said = capsys.readouterr().err
    assert said.startswith("coilward-watchdog: ")
    assert said.count("\n") == 1


def test_a_ledger_command_needs_no_site_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_cli, "run", lambda args: {"ledger": 7}[args.command])
    assert command(monkeypatch, "ledger", "verify", "--state", str(tmp_path)) == 7


# --- one room, one watchdog -----------------------------------------------------------------------------------


def test_only_one_watchdog_holds_a_runtime_and_the_next_may_when_it_ended(tmp_path: Path) -> None:
    first = process.alone(tmp_path)
    descriptors = len(os.listdir("/proc/self/fd"))  # noqa: PTH208  a folder that is no folder
    with pytest.raises(ConfigError, match="another watchdog runs in"):
        process.alone(tmp_path)
    assert len(os.listdir("/proc/self/fd")) == descriptors, "the refused one keeps nothing open"  # noqa: PTH208
    os.close(first)
    os.close(process.alone(tmp_path))


class BriefWatchdog:
    """Stands in for the loop: runs once, as `during` says, and is closed."""

    def __init__(self) -> None:
        self.running = True
        self.closed = False
        self.state = SimpleNamespace(seen_us=10_000_000)
        self.made_of: tuple[Any, ...] = ()
        self.clock: Any = None
        self.during: Callable[[], None] = lambda: None

    def run(self, after_each_turn: Callable[[], None]) -> None:
        after_each_turn()
        self.during()

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> Iterator[BriefWatchdog]:
    """`serve` with that watchdog, no writer process, and nothing asked of the kernel; signals as before afterwards."""
    made = BriefWatchdog()

    def make(*made_of: Any, clock: Any) -> BriefWatchdog:
        made.made_of, made.clock = made_of, clock
        return made

    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    monkeypatch.setattr(process, "Watchdog", make)
    monkeypatch.setattr(process, "starting_state", lambda _room, folder, now, spawn: (folder.exists(), spawn, now))
    monkeypatch.setattr(realtime, "prepare", lambda: iter(["memory is not locked"]))
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    yield made
    for number, handler in handlers.items():
        signal.signal(number, handler)


def site_in(folder: Path, slack: int = 4) -> Any:
    return replace(load_site(EXAMPLES / "site.toml"), state=folder / "a" / "state", slack=slack)


def test_serving_says_what_was_refused_that_it_is_ready_and_ends_in_order(
    tmp_path: Path, brief: BriefWatchdog, capsys: pytest.CaptureFixture[str]
) -> None:
    assert process.serve(site_in(tmp_path), tmp_path / "run" / "watchdog") == 0
    said = capsys.readouterr()
    assert said.err == "coilward-watchdog: memory is not locked\n"
    assert "slack 4: deadlines" in said.out
    assert said.out.endswith(f"ready in {tmp_path}/run/watchdog\n")
    assert brief.closed
    assert brief.made_of[1] is True, "the ledger's folder is there before its writer starts"
    assert abs(brief.clock.us - machine().us) < 60 * S
    assert (tmp_path / "a" / "state").stat().st_mode & 0o777 == 0o700
    os.close(process.alone(tmp_path / "run" / "watchdog"))


def test_a_room_without_slack_says_nothing_of_it(
    tmp_path: Path, brief: BriefWatchdog, capsys: pytest.CaptureFixture[str]
) -> None:
    process.serve(site_in(tmp_path, slack=1), tmp_path / "w")
    assert "slack 1" not in capsys.readouterr().out


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_asks_the_loop_to_end_and_nothing_more(
    number: signal.Signals, tmp_path: Path, brief: BriefWatchdog
) -> None:
    running: list[bool] = []

    def during() -> None:
        running.append(brief.running)
        signal.raise_signal(number)
        running.append(brief.running)
        assert not brief.closed, "the handler itself closes nothing"

    brief.during = during
    assert process.serve(site_in(tmp_path), tmp_path / "w") == 0
    assert running == [True, False]


def test_a_loop_that_fails_is_closed_and_lets_go_of_its_runtime(tmp_path: Path, brief: BriefWatchdog) -> None:
    def during() -> None:
        raise ZeroDivisionError

    brief.during = during
    with pytest.raises(ZeroDivisionError):
        process.serve(site_in(tmp_path), tmp_path / "w")
    assert brief.closed
    os.close(process.alone(tmp_path / "w"))


def test_the_unit_leaves_the_watchdog_the_boot_id_that_each_record_carries() -> None:
    unit = (EXAMPLES.parent / "systemd" / "coilward-watchdog.service").read_text("utf-8").splitlines()

    assert ledger_writer._BOOT_ID.is_relative_to("/proc/sys")
    assert "ProtectProc=invisible" in unit
    assert "ProcSubset=pid" not in unit, "of /proc it would leave no file but the processes' own"
