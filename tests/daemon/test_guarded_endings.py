"""`coilward guarded` ends what it started, whatever the watchdog does when it is told to stop."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.daemon.watchdog_stand_in import watchdog
from tests.system.processes import ANSWER_S, lives

pytestmark = pytest.mark.system

GUARDED = """
import sys
from pathlib import Path
from daemon.guarded import Wanted, main
sys.exit(main(Path(sys.argv[1]), Wanted(sys.argv[2:], coil="coil-1", by="ann", unattended=True)))
"""
PROGRAM = """
import json, os, subprocess, sys, time
left_behind = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
print(json.dumps([os.getpid(), left_behind.pid]), flush=True)
time.sleep(60)
"""

Replies = list[dict[str, Any]]


def goes_on(request: dict[str, Any]) -> Replies:
    return [{"re": request["id"], "ok": True}]


def hangs(_: dict[str, Any]) -> Replies:
    return [{"say": "status"}]


def dies(_: dict[str, Any]) -> Replies:
    return []


@pytest.mark.parametrize(
    ("when_told", "said"),
    [
        (goes_on, ""),
        (hangs, "The watchdog did not answer stop within 1 s."),
        (dies, "The watchdog ended the connection."),
    ],
)
def test_a_stop_ends_the_program_and_what_it_left_behind_and_says_what_went_wrong(
    tmp_path: Path, when_told: Callable[[dict[str, Any]], Replies], said: str
) -> None:
    (tmp_path / "watchdog").mkdir()
    understood = {"kind": "phantom", "subject": "", "threshold_tenths": 0, "ceiling_tenths": 400, "pulses_left": 10}

    def replies(request: dict[str, Any]) -> Replies:
        match request["do"]:
            case "hello":
                return [{"re": request["id"], "ok": True, "use": "simulation"}, {"say": "status", "nonce": "0" * 32}]
            case "open-session":
                return [{"re": request["id"], "ok": True, "hash": "0" * 32, "understood": understood}]
            case "stop":
                return when_told(request)
            case "beat":
                return [{"say": "status"}]
            case _:
                return goes_on(request)

    command = [sys.executable, "-c", GUARDED, str(tmp_path), sys.executable, "-c", PROGRAM]
    with (
        watchdog(tmp_path / "watchdog" / "control", replies) as heard,
        (tmp_path / "explained").open("w") as explained,
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=explained) as guarded,
    ):
        assert guarded.stdout is not None
        started = json.loads(guarded.stdout.readline())
        guarded.send_signal(signal.SIGINT)
        assert guarded.wait(ANSWER_S) == 1
    left = [pid for pid in started if lives(pid)]
    for pid in left:
        os.kill(pid, signal.SIGKILL)

    assert left == []
    assert "stop" in [each["do"] for each in heard]
    error = (tmp_path / "explained").read_text().partition("coilward guarded: ")[2]
    assert error.startswith(said)
    assert bool(error) == bool(said)
