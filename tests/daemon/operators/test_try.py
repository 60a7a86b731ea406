"""A whole room in real processes, treated once; and that nothing of it is left, however it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from daemon.runtime import Runtime
from tests.system.at_once import ARM

pytestmark = [pytest.mark.system, pytest.mark.timeout(150)]
WITH_ARM = pytest.mark.xdist_group(ARM)


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


def commands_of(runtime: Path) -> dict[int, str]:
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_text().replace("\0", " ")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if str(runtime) in command and int(entry.name) != os.getpid():
            found[int(entry.name)] = command
    return found


def processes_of(runtime: Path) -> list[str]:
    return list(commands_of(runtime).values())


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
    assert "panel" not in out + err
    told = json.loads(out.splitlines()[-1])
    assert (told["outcome"], told["protocol"], told["trains"]) == ("completed", "demo", 3)
    pulses = told["pulses"]
    assert pulses["planned"] == pulses["commanded"] == pulses["settled"] == 60
    assert pulses["read_back"]["low"] <= 60 <= pulses["read_back"]["high"]
    assert (pulses["sensed"], pulses["unknown"]) == (None, 0)
    report = Path(told["report"])
    assert json.loads(report.read_text())["outcome"] == "completed"
    assert (told["off_target"] is None) == (told["target_unknown"] is None) == (profile == "fixed")
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
    assert len(processes_of(runtime)) >= 6, "the room stays up"
    assert trial.stderr is not None
    err = ""
    for line in trial.stderr:  # its last words come after the object
        err += line
        if "--help" in line:
            break
    trial.kill()
    trial.communicate()
    assert "There is no protocol no-such here." in err
    assert "The operator's panel: http://127.0.0.1:" in err
    assert f"What can befall it: coilward-simulator ctl --runtime {runtime} --help" in " ".join(err.split())
    assert all_gone(runtime)


def test_what_is_no_stimulator_is_said_before_anything_starts(runtime: Path) -> None:
    trial = coilward(runtime, "try", "--stimulator", "magstim")
    _, err = trial.communicate(timeout=60)
    assert trial.returncode == 1
    assert "magstim-rapid2:11" in err


# --- one JSON object, whatever happens ------------------------------------------------------------------------


def told_by(trial: subprocess.Popen[str]) -> tuple[dict[str, Any], str]:
    """The object in its last line, with every documented field, and what it complained about; it has failed."""
    out, err = trial.communicate(timeout=120)
    assert trial.returncode == 1, (out, err)
    told: dict[str, Any] = json.loads(out.splitlines()[-1])
    assert told.keys() >= {"outcome", "protocol", "trains", "pulses", "report"}
    assert told["pulses"].keys() == {"planned", "commanded", "settled", "read_back", "sensed", "unknown"}
    assert told["pulses"]["read_back"].keys() == {"low", "high", "by"}
    return told, err


def once(runtime: Path, *options: str) -> subprocess.Popen[str]:
    return coilward(runtime, "try", "--once", "--json", "--no-pacing", "--profile", "fixed", *options)


def appears(path: Path, trial: subprocess.Popen[str]) -> None:
    while not path.exists():
        assert trial.poll() is None, trial.communicate()
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [(("over-fire", "--pulses", "3"), "tripped"), (("lose-reply", "--of", "EH"), "unknown_pulses")],
)
def test_a_fault_at_the_stimulator_ends_the_trial_by_its_name(
    runtime: Path, fault: tuple[str, ...], outcome: str
) -> None:
    trial = once(runtime)
    appears(Runtime(runtime).simulator_control, trial)
    ctl = [sys.executable, "-m", "simulator", "ctl", *fault, "--runtime", str(runtime)]
    subprocess.run(ctl, check=True, capture_output=True, timeout=30)
    told, _ = told_by(trial)
    assert told["outcome"] == outcome
    pulses = told["pulses"]
    assert (pulses["planned"], pulses["commanded"]) == (60, 20)
    # Too many are counted as far as the evidence goes, which is by the time of a question: never below what was set.
    most = max(20, pulses["read_back"]["high"]) if outcome == "tripped" else 20
    assert pulses["settled"] == most
    assert outcome == "tripped" or pulses["unknown"] == 20
    assert json.loads(Path(told["report"]).read_text())["outcome"] == outcome


def test_a_daemon_killed_in_a_train_leaves_its_pulses_unknown_and_a_report(runtime: Path) -> None:
    trial = once(runtime)
    first_told(runtime, trial, "trigger")
    (daemon,) = [pid for pid, command in commands_of(runtime).items() if " -m daemon " in command]
    os.kill(daemon, signal.SIGKILL)
    told, err = told_by(trial)
    assert "The daemon ended." in err
    assert told["outcome"] == "unknown_pulses"
    assert (told["pulses"]["planned"], told["pulses"]["commanded"], told["pulses"]["unknown"]) == (60, 20, 20)
    assert Path(told["report"]).exists()


def test_a_watchdog_killed_in_a_train_ends_the_session_and_its_report_is_told(runtime: Path) -> None:
    trial = once(runtime)
    first_told(runtime, trial, "trigger")
    (watchdog,) = [pid for pid, command in commands_of(runtime).items() if " -m safety " in command]
    os.kill(watchdog, signal.SIGKILL)
    told, _ = told_by(trial)
    assert told["outcome"] in ("unknown_pulses", "ended_early")
    assert told["pulses"]["commanded"] == 20
    assert json.loads(Path(told["report"]).read_text())["outcome"] == told["outcome"]


def test_a_trial_stopped_while_its_room_starts_says_stopped(runtime: Path) -> None:
    trial = once(runtime)
    appears(Runtime(runtime).broker, trial)
    trial.send_signal(signal.SIGINT)
    told, _ = told_by(trial)
    assert told["outcome"] == "stopped"
    assert told["pulses"]["planned"] == 0


@pytest.mark.parametrize(
    "options", [("--stimulator", "magstim"), ("--stimulator", "magstim-rapid2:7"), ("--protocol", "no-such")]
)
def test_a_trial_that_cannot_begin_says_refused(runtime: Path, options: tuple[str, ...]) -> None:
    told, err = told_by(once(runtime, *options))
    assert told["outcome"] == "refused"
    assert told["pulses"]["planned"] == told["pulses"]["settled"] == 0
    assert err
    assert "Traceback" not in err
