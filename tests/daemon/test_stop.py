"""STOP is acknowledged by one thing alone: the watchdog's later word that the stimulator itself said standby."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any, Literal

import pytest

from daemon.cli import main
from daemon.cli.safety import _stop_watchdog
from daemon.guard_view import Rest, rest
from daemon.room import Done, Refused
from daemon.runtime import Runtime
from tests.daemon.guard_in_memory import PUSH_S, now_us
from tests.daemon.watchdog_stand_in import watchdog

VIRTUAL = pytest.mark.looptime(noop_cycles=0)  # nothing is outside the loop


def status(condition: str | None, *, present: bool = True, armed: bool = False, disarming: bool = False) -> Any:
    device = {"present": present, "condition": condition, "may_be_armed": armed}
    return {"say": "status", "at_us": 1, "disarming": disarming, "device": device}


@pytest.mark.parametrize(
    ("shown", "found"),
    [
        (status("standby"), Rest.STANDBY),
        (status("standby", disarming=True), Rest.NOT_YET),
        (status("armed", armed=True), Rest.NOT_YET),
        (status("ready", armed=True), Rest.NOT_YET),
        (status(None), Rest.NOT_YET),
        (status(None, present=False), Rest.ABSENT),
        (status(None, present=False, armed=True), Rest.LEFT_ARMED),
        ({"say": "status", "device": {"present": False}}, Rest.LEFT_ARMED),
        ({"say": "status"}, Rest.NOT_YET),
        ({}, Rest.NOT_YET),
    ],
)
def test_only_a_stimulator_that_is_there_and_says_standby_is_in_standby(shown: Any, found: Rest) -> None:
    assert rest(shown) is found


# --- over MQTT ------------------------------------------------------------------------------------------------


@VIRTUAL
async def test_a_status_from_before_the_stop_confirms_nothing(stage: Any) -> None:
    await stage.begun()
    await stage.reaches("gap")
    stage.guard.show()
    assert stage.room.view.rest is Rest.STANDBY
    stage.guard.condition, stage.guard.stuck_armed = "ready", True  # armed since
    answer = await stage.room.stop("operator")

    assert isinstance(answer, Refused)
    assert answer.reason == "disarm-unconfirmed"
    assert answer.sentence.startswith("Press STOP on the stimulator.")


@VIRTUAL
async def test_the_next_status_confirms_a_stop(stage: Any) -> None:
    await stage.begun()
    await stage.reaches("armed")
    asked_us = now_us()
    answer = await stage.room.stop("operator")

    assert isinstance(answer, Done)
    assert stage.room.view.at_us > asked_us
    assert stage.guard.condition == "standby"


@VIRTUAL
@pytest.mark.parametrize(
    ("condition", "reason", "says"),
    [("ready", "port-lost", "Press STOP on the stimulator."), ("standby", "port-absent", "No stimulator.")],
)
async def test_a_stimulator_that_is_not_there_confirms_nothing_and_is_said_at_the_next_status(
    stage: Any, condition: str, reason: str, says: str
) -> None:
    await stage.begun()
    await stage.reaches("armed")
    stage.guard.condition, stage.guard.stuck_armed, stage.guard.present = condition, True, False
    asked_s = asyncio.get_running_loop().time()
    answer = await stage.room.stop("operator")

    assert isinstance(answer, Refused)
    assert answer.reason == reason
    assert answer.sentence.startswith(says)
    assert asyncio.get_running_loop().time() - asked_s < PUSH_S + 0.05


# --- at the watchdog's own socket -----------------------------------------------------------------------------


def stopped(folder: Path, before: Any, after: list[Any], verb: Literal["stop", "emergency"] = "stop") -> bool | str:
    """What the command line makes of a watchdog that shows this before and after it answers a Stop."""
    runtime = Runtime(folder)
    runtime.watchdog_control.parent.mkdir()

    def answer(request: dict[str, Any]) -> list[dict[str, Any]]:
        return [before, {"re": request["id"], "ok": True}, *(after if request["do"] == verb else [])]

    with watchdog(runtime.watchdog_control, answer):
        return _stop_watchdog(runtime, verb)


def test_standby_is_believed_only_when_said_after_the_stop_and_waited_for(tmp_path: Path) -> None:
    late = [status("ready", armed=True, disarming=True)] * 11
    assert stopped(tmp_path, status("ready", armed=True), [*late, status("standby")]) is True


def test_an_emergency_is_one_at_the_watchdog_s_own_socket(tmp_path: Path) -> None:
    assert stopped(tmp_path, status("ready", armed=True), [status("standby")], "emergency") is True


def test_a_stimulator_not_read_back_in_standby_in_time_is_not_stopped(tmp_path: Path) -> None:
    told = stopped(tmp_path, status("standby"), [status("ready", armed=True, disarming=True)] * 12)
    assert told == "The watchdog has not read the stimulator back in standby."


@pytest.mark.parametrize(
    ("armed", "said"),
    [
        (True, "The connection to the stimulator was lost while it may have been armed."),
        (False, "No stimulator is connected, and none was left armed since the watchdog started."),
    ],
)
def test_a_stimulator_that_is_gone_is_told_from_one_that_was_left_armed(
    tmp_path: Path, said: str, *, armed: bool
) -> None:
    assert stopped(tmp_path, status("standby"), [status(None, present=False, armed=armed)]) == said


def test_a_stop_that_knows_no_watchdog_says_press_stop_on_the_stimulator_all_the_same(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("COILWARD_RUNTIME", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(sys, "argv", ["coilward", "stop"])
    with pytest.raises(SystemExit) as ended:
        main()
    said = " ".join(capsys.readouterr().err.split())
    assert ended.value.code == 3
    assert "STOP is NOT CONFIRMED: press STOP on the stimulator." in said
    assert "Give --runtime DIR" in said
