"""A whole room in real processes, treated once; and that nothing of it is left, however it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = [pytest.mark.system, pytest.mark.timeout(150)]
WITH_ARM = pytest.mark.xdist_group("arm")


@pytest.fixture
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("r")


def coilward(runtime: Path, *arguments: str) -> subprocess.Popen[str]:
    return in_a_folder_of_its_own(runtime, "--runtime", str(runtime), *arguments)


def in_a_folder_of_its_own(home: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", "from daemon.cli import main; main()", *arguments],
        env=os.environ | {"XDG_STATE_HOME": str(home / "state"), "TMPDIR": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def processes_of(runtime: Path) -> list[str]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_text().replace("\0", " ")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if str(runtime) in command and int(entry.name) != os.getpid():
            found.append(command)
    return found


def all_gone(runtime: Path, deadline_s: float = 15) -> bool:
    give_up = time.monotonic() + deadline_s
    while processes_of(runtime):
        if time.monotonic() > give_up:
            return False
        time.sleep(0.05)
    return True


def first_told(runtime: Path, trial: subprocess.Popen[str], *words: str) -> str:
    """Which of these the journal tells of first."""
    journal = runtime / "state" / "daemon" / "journal.jsonl"
    while True:
        told = journal.read_text() if journal.exists() else ""
        found = [word for word in words if f'"{word}"' in told]
        if found:
            return min(found, key=lambda word: told.index(f'"{word}"'))
        assert trial.poll() is None, trial.communicate()
        time.sleep(0.05)


@pytest.mark.parametrize("profile", ["fixed", pytest.param("robot", marks=WITH_ARM)])
def test_a_treatment_once_ends_with_evidence_that_agrees_and_keeps_its_records_alone(
    runtime: Path, profile: str
) -> None:
    trial = in_a_folder_of_its_own(runtime, "try", "--once", "--json", "--no-pacing", "--profile", profile)
    out, err = trial.communicate(timeout=140)
    assert trial.returncode == 0, err
    told = json.loads(out.splitlines()[-1])
    assert (told["outcome"], told["protocol"], told["trains"]) == ("completed", "demo", 3)
    pulses = told["pulses"]
    assert pulses["planned"] == pulses["commanded"] == pulses["settled"] == 60
    assert pulses["read_back"]["low"] <= 60 <= pulses["read_back"]["high"]
    assert (pulses["sensed"], pulses["unknown"]) == (None, 0)
    report = Path(told["report"])
    assert json.loads(report.read_text())["outcome"] == "completed"
    assert (told["off_target"] is None) == (profile == "fixed")
    assert {wait["reason"] for wait in told["waits"]} >= ({"lease-missing"} if profile == "robot" else set())
    assert all_gone(runtime)
    assert list(runtime.iterdir()) == [runtime / "state"], "nothing is left in the folder for temporary files"
    kept = [path for path in runtime.rglob("*") if path.is_file()]
    assert report in kept
    assert sum(path.stat().st_size for path in kept) < 500_000


@WITH_ARM
def test_ctrl_c_stops_reports_and_leaves_nothing(runtime: Path) -> None:
    trial = coilward(runtime, "try", "--json", "--no-pacing")
    first = first_told(runtime, trial, "granted", "coil-retracted")
    trial.send_signal(signal.SIGINT)
    out, err = trial.communicate(timeout=60)
    assert trial.returncode == 1, err
    # On a machine that stalls the arm may retract before the first train: what ends then was paused, not stopped.
    assert json.loads(out.splitlines()[-1])["outcome"] == ("stopped" if first == "granted" else "ended_early")
    assert all_gone(runtime)
    assert [path for path in runtime.rglob("*") if path.is_symlink()] == []


@WITH_ARM
def test_an_unknown_protocol_is_refused_with_one_json_object_and_a_killed_parent_leaves_no_process(
    runtime: Path,
) -> None:
    trial = coilward(runtime, "try", "--json", "--protocol", "no-such")
    assert trial.stdout is not None
    assert json.loads(trial.stdout.readline())["outcome"] == "refused"
    assert len(processes_of(runtime)) >= 5, "the room stays up"
    trial.kill()
    _, err = trial.communicate()
    assert "no such protocol" in err
    assert all_gone(runtime)


def test_what_is_no_stimulator_is_said_before_anything_starts(runtime: Path) -> None:
    trial = coilward(runtime, "try", "--stimulator", "magstim")
    _, err = trial.communicate(timeout=60)
    assert trial.returncode == 1
    assert "magstim-rapid2:11" in err
