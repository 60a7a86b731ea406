"""Every process of a room looks for the others in the same folder, or says in the same words that it knows none."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import daemon.__main__
import daemon.arm.__main__
import daemon.cli
import safety.__main__
import simulator.__main__


@dataclass(frozen=True)
class Process:
    main: Callable[[], Any]
    begins: str
    """What it does first with its folder."""
    words: tuple[str, ...]
    folder: Callable[[Any], Path]
    """The folder, from what that is asked with."""


PROCESSES = {
    "watchdog": Process(safety.__main__.main, "safety.__main__.serve", ("--site", "s"), lambda asked: asked[1].parent),
    "daemon": Process(daemon.__main__.main, "daemon.__main__.serve", ("--site", "s"), lambda asked: asked[1].folder),
    "arm": Process(daemon.arm.__main__.main, "daemon.arm.__main__.serve", ("--site", "s"), lambda asked: asked[1]),
    "simulator": Process(simulator.__main__.main, "simulator.__main__._lock", (), lambda asked: asked[0].parent),
    "back door": Process(
        simulator.__main__.main, "simulator.__main__.Control", ("ctl", "pulses"), lambda asked: asked[0]
    ),
    "command line": Process(daemon.cli.main, "daemon.cli.place.load_site", ("status",), lambda asked: asked[0].parent),
}


class Begun(Exception):
    """With what a process would have begun its work."""


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without rights and without a session, whose processes do nothing."""

    def begin(*asked: Any) -> None:
        raise Begun(asked)

    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.delenv("COILWARD_RUNTIME", raising=False)
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    for name in ("safety", "daemon", "daemon.arm"):
        monkeypatch.setattr(f"{name}.__main__.load_site", lambda _file: None)
    for process in PROCESSES.values():
        monkeypatch.setattr(process.begins, begin)


def run(monkeypatch: pytest.MonkeyPatch, main: Callable[[], Any], words: tuple[str, ...]) -> int:
    """What a person types; its exit status."""
    monkeypatch.setattr(sys, "argv", ["coilward", *words])
    try:
        return int(main())
    except SystemExit as ended:
        return int(ended.code or 0)


@pytest.mark.parametrize("name", PROCESSES)
def test_every_process_looks_in_the_folder_of_its_user_s_session(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    process, folder = PROCESSES[name], tmp_path / "coilward"
    folder.mkdir()
    (folder / "site.toml").touch()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))

    with pytest.raises(Begun) as begun:
        run(monkeypatch, process.main, process.words)

    assert process.folder(begun.value.args[0]) == folder


@pytest.mark.parametrize("name", PROCESSES)
def test_without_a_session_every_process_says_to_give_runtime(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    process = PROCESSES[name]

    status = run(monkeypatch, process.main, process.words)

    said = " ".join(capsys.readouterr().err.split())
    assert status == 1
    assert "No folder of sockets is named." in said
    assert "Give --runtime DIR, the same to every process of the room, or set COILWARD_RUNTIME." in said


@pytest.mark.parametrize("words", [("protocols",), ("protocols", "--json"), ("--help",)])
def test_what_needs_no_room_needs_no_folder(monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]) -> None:
    assert run(monkeypatch, daemon.cli.main, words) == 0
