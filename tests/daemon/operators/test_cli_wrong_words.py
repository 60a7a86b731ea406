"""What a person typed that cannot be is said in a sentence, never as an error of a program."""

from __future__ import annotations

import os
import pwd
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from daemon.cli import main
from daemon.cli.place import whoami
from daemon.client import RoomClient
from daemon.runtime import Runtime
from drivers.errors import OperatorError
from tests.daemon.operators.test_cli_files import SITE
from tests.daemon.watchdog_stand_in import watchdog

Says = Callable[..., str]


@pytest.fixture
def says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Says:
    """What `coilward …` says when it refuses."""
    (tmp_path / "site.toml").write_text(SITE.format(state=tmp_path / "state"))
    monkeypatch.setenv("COILWARD_RUNTIME", str(tmp_path))
    Runtime(tmp_path).watchdog_control.parent.mkdir()

    def run(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["coilward", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 1
        return " ".join(capsys.readouterr().err.split())

    return run


def agrees(request: dict[str, Any]) -> list[dict[str, Any]]:
    """A watchdog in a room without a daemon."""
    answer = {"re": request["id"], "ok": True, "use": "simulation"}
    return [answer, {"say": "status", "daemon": False, "nonce": "0" * 32}]


@pytest.mark.parametrize("ceiling", ["abc", "", "150", "100.1", "0", "45.55"])
def test_what_is_no_ceiling_is_refused_in_percent_of_the_machine(says: Says, ceiling: str) -> None:
    said = says("guarded", "--ceiling", ceiling, "--unattended", "--", "true")
    assert said == f"{ceiling!r} is no % MSO. next Write 0.1 to 100 with at most one decimal, such as 42 or 42.5."


@pytest.mark.parametrize(
    ("option", "typed", "bound"),
    [
        ("--subject", "S" * 65, "subject: string should have at most 64 characters"),
        ("--subject", "S\n1", "subject: must be printable text"),
        ("--coil", "c" * 65, "coil: string should have at most 64 characters"),
    ],
)
def test_what_guarded_cannot_ask_names_the_field(
    says: Says, tmp_path: Path, option: str, typed: str, bound: str
) -> None:
    with watchdog(Runtime(tmp_path).watchdog_control, agrees) as heard:
        said = says("guarded", option, typed, "--unattended", "--", "true")

    assert said == f"coilward guarded: Nothing was asked. {bound}. Correct it."
    assert [each["do"] for each in heard] == ["hello"]


def test_a_threshold_that_is_not_on_file_or_not_ours_to_read_is_not_made_up(says: Says, tmp_path: Path) -> None:
    guarded = ("guarded", "--subject", "S-1", "--threshold-on-file", "--unattended", "--", "true")
    assert "No threshold of S-1 with coil-1 is on file. why It is filed once it was measured." in says(*guarded)
    (tmp_path / "state" / "thresholds.jsonl").mkdir(parents=True)
    said = says(*guarded)

    assert "cannot be read: Is a directory. why Thresholds name subjects" in said
    assert said.endswith("leave out --threshold-on-file: each level is then judged as the strongest.")


@pytest.mark.parametrize(
    ("ref", "why", "bound"),
    [
        ("0", "it clicked", "ref: input should be greater than or equal to 1"),
        ("7", "", "why: string should have at least 1 character"),
        ("7", "it clicked " * 20, "why: string should have at most 200 characters"),
    ],
)
def test_what_resolve_cannot_ask_names_the_field(says: Says, tmp_path: Path, ref: str, why: str, bound: str) -> None:
    with watchdog(Runtime(tmp_path).watchdog_control, agrees):
        said = says("resolve", ref, "--why", why)

    assert said == f"Nothing was asked. why {bound}. next Correct it."


async def test_what_a_room_cannot_be_asked_names_the_field(house: Any) -> None:
    olga: RoomClient = await house.client()
    with pytest.raises(
        OperatorError, match=r"^Nothing was asked\. intensity_tenths: input should be .*2000\. Correct it"
    ):
        await olga.ask("lower", intensity_tenths=2001)


def test_who_acts_is_the_user_of_the_process_whatever_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USER", "x" * 65)
    assert whoami() == pwd.getpwuid(os.getuid()).pw_name
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000)
    assert whoami() == "4000000"
