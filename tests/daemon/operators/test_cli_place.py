"""Options that may stand anywhere, and what the watchdog's own socket says."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from daemon.cli.operate import percent_tenths
from daemon.cli.place import first_word, hoisted
from daemon.guard_words import Stop
from daemon.watchdog_line import WatchdogLine, WatchdogRefused
from drivers.errors import OperatorError, PortLost, PortNotFound
from tests.daemon.watchdog_stand_in import watchdog


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        (["status", "--runtime", "R"], ["--runtime", "R", "status"]),
        (["--runtime", "R", "status"], ["--runtime", "R", "status"]),
        (["stop", "--json", "--site=S"], ["--site=S", "stop", "--json"]),
        (["guarded", "--user", "o", "--", "x", "--user", "y"], ["--user", "o", "guarded", "--", "x", "--user", "y"]),
        (["status", "--runtime"], ["status", "--runtime"]),
        ([], []),
    ],
)  # fmt: skip
def test_shared_options_may_stand_anywhere_before_two_dashes(typed: list[str], read: list[str]) -> None:
    assert hoisted(typed) == read


@pytest.mark.parametrize(
    ("typed", "command"),
    [
        (["--user", "stop", "--site=S", "status", "x"], "status"),
        (["stop", "--json"], "stop"),
        (["--help"], ""),
        (["--user"], ""),
        ([], ""),
    ],
)  # fmt: skip
def test_the_command_is_the_first_word_that_belongs_to_no_option(typed: list[str], command: str) -> None:
    assert first_word(typed) == command


def test_whoever_wants_stop_waits_for_no_other_command() -> None:
    loads = "import sys; from daemon.cli import command_line; command_line({!r}); print(*sys.modules)"
    stop, everything = (
        set(subprocess.run([sys.executable, "-c", loads.format(asked)], capture_output=True, check=True).stdout.split())
        for asked in ("stop", "")
    )
    others = {b"daemon.cli.practice", b"daemon.arm.assembly", b"safety.start"}

    assert b"daemon.cli.safety" in stop
    assert stop & others == set()
    assert others <= everything


@pytest.mark.parametrize(("text", "tenths"), [("95", 950), ("97.5", 975), ("100 %", 1000), ("0", 0)])
def test_an_intensity_is_read_to_the_tenth(text: str, tenths: int) -> None:
    assert percent_tenths(text) == tenths


@pytest.mark.parametrize("text", ["", "a lot", "97.55", "-1", "nan", "inf", "9,5"])
def test_what_is_no_intensity_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(OperatorError, match="such as 95"):
        percent_tenths(text)


def agreeable(request: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"say": "status", "phase": "safe"}, {"re": request["id"], "ok": True, "room": "room1"}]


def test_a_line_says_hello_as_a_command_line_and_passes_over_pushes(tmp_path: Path) -> None:
    with watchdog(tmp_path / "control", agreeable) as heard, WatchdogLine(tmp_path / "control") as line:
        assert line.hello["room"] == "room1"
        assert line.ask(Stop(by="olga"))["ok"]
    assert [(message["do"], message.get("role")) for message in heard] == [("hello", "cli"), ("stop", None)]


def test_a_refusal_of_the_watchdog_has_its_name_and_its_sentence(tmp_path: Path) -> None:
    def refuse(request: dict[str, Any]) -> list[dict[str, Any]]:
        ok = request["do"] == "hello"
        return [{"re": request["id"], "ok": ok, "reason": "tripped", "detail": {}}]

    with (
        watchdog(tmp_path / "control", refuse),
        WatchdogLine(tmp_path / "control") as line,
        pytest.raises(WatchdogRefused, match="A safety stop is active") as refused,
    ):
        line.ask(Stop(by="olga"))
    assert refused.value.reason == "tripped"


def test_a_watchdog_that_hangs_up_and_one_that_is_not_there_are_told_apart(tmp_path: Path) -> None:
    with watchdog(tmp_path / "control", lambda _: []), pytest.raises(PortLost), WatchdogLine(tmp_path / "control"):
        pass
    with pytest.raises(PortNotFound, match="not running"), WatchdogLine(tmp_path / "nobody"):
        pass


def test_a_socket_that_is_not_for_this_user_names_the_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Barred(socket.socket):
        def connect(self, _address: Any) -> None:
            raise PermissionError

    monkeypatch.setattr("daemon.watchdog_line.socket.socket", Barred)
    with pytest.raises(PortNotFound, match="Join that group"), WatchdogLine(tmp_path / "control"):
        pass
