"""Reset and resolve in a room that no daemon speaks for go to the watchdog itself, as the user of the process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from daemon.cli import command_line
from daemon.cli.safety import directly
from daemon.guard_words import Request, Reset
from daemon.runtime import Runtime
from tests.daemon.watchdog_stand_in import watchdog

OLD, NEW = "0" * 32, "1" * 32


def reset(nonce: str) -> Request:
    return Reset(by="ann", nonce=nonce)


def asked(folder: Path, answer: dict[str, Any], *, daemon: bool = False) -> tuple[Any, list[dict[str, Any]]]:
    """What comes of a reset at a watchdog that gives this answer to it, and what the watchdog heard."""
    runtime = Runtime(folder)
    runtime.watchdog_control.parent.mkdir()

    def replies(request: dict[str, Any]) -> list[dict[str, Any]]:
        if request["do"] == "hello":
            return [{"re": request["id"], "ok": True}, {"say": "status", "daemon": daemon, "nonce": NEW}]
        return [{"re": request["id"], **answer}]

    with watchdog(runtime.watchdog_control, replies) as heard:
        told = directly(runtime, reset)
    return told, heard


def test_without_a_daemon_the_watchdog_is_asked_with_the_nonce_it_just_showed(tmp_path: Path) -> None:
    told, heard = asked(tmp_path, {"ok": True})

    assert told.ok
    assert [(each["do"], each.get("role"), each.get("nonce")) for each in heard] == [
        ("hello", "guarded", None), ("reset", None, NEW),
    ]  # fmt: skip


def test_its_refusal_is_told_as_what_why_and_next(tmp_path: Path) -> None:
    told, _ = asked(tmp_path, {"ok": False, "reason": "reset-needs-second-person", "detail": {}})

    assert (told.ok, told.reason) == (False, "reset-needs-second-person")
    assert (told.sentence.what, told.sentence.next) == (
        "The safety stop is still active.", "Ask a second operator to reset now as well.",
    )  # fmt: skip


def test_where_a_daemon_is_its_operators_decide(tmp_path: Path) -> None:
    told, heard = asked(tmp_path, {"ok": True}, daemon=True)

    assert told is None
    assert [each["do"] for each in heard] == ["hello"]


@pytest.mark.parametrize("runtime", ["nowhere", "file"])
def test_where_no_watchdog_can_be_reached_the_room_is_asked_over_mqtt(tmp_path: Path, runtime: str) -> None:
    (tmp_path / "file").touch()
    assert directly(Runtime(tmp_path / runtime), reset) is None


def test_an_unblocking_without_a_daemon_is_the_watchdog_s_own_and_names_the_physician(tmp_path: Path) -> None:
    runtime = Runtime(tmp_path)
    runtime.watchdog_control.parent.mkdir()

    def replies(request: dict[str, Any]) -> list[dict[str, Any]]:
        said = [{"say": "status", "daemon": False, "nonce": NEW}] if request["do"] == "hello" else []
        return [{"re": request["id"], "ok": True}, *said]

    with watchdog(runtime.watchdog_control, replies) as heard:
        words = ["subject", "unblock", "S-0001", "--by", "Dr. Bianchi", "--reason", "seen and well"]
        told = CliRunner().invoke(command_line(), ["--runtime", str(tmp_path), *words])

    assert told.exit_code == 0, told.output
    asked = heard[-1]
    assert {name: asked[name] for name in ("do", "subject", "physician", "why", "nonce")} == {
        "do": "unblock", "subject": "S-0001", "physician": "Dr. Bianchi", "why": "seen and well", "nonce": NEW,
    }  # fmt: skip
