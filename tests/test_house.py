"""The house's own test rules are tested too: what is left behind fails, and what is ended passes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

RULES = Path(__file__).with_name("conftest.py")
ROOT = RULES.parent.parent
SETTINGS = ROOT / "pyproject.toml"

LEFT_BEHIND = """
import asyncio, subprocess, threading, time, warnings

async def test_a_task():
    asyncio.create_task(asyncio.sleep(60))

def test_a_task_of_a_loop_of_our_own():
    async def main():
        asyncio.create_task(asyncio.sleep(60))
    asyncio.run(main())

def test_a_thread():
    threading.Thread(target=time.sleep, args=(6,), daemon=True).start()

def test_a_child_process():
    global child
    child = subprocess.Popen(["sleep", "6"])

def test_an_exception_in_a_thread():
    thread = threading.Thread(target=lambda: 1 / 0)
    thread.start()
    thread.join()

def test_an_exception_in_a_finaliser():
    class Broken:
        def __del__(self):
            raise ValueError
    Broken()

def test_a_warning():
    warnings.warn("something is off")
"""

COMPLAINTS = {
    "test_a_task": "tasks left waiting",
    "test_a_task_of_a_loop_of_our_own": "tasks left waiting",
    "test_a_thread": "left running: thread",
    "test_a_child_process": "left running: process",
    "test_an_exception_in_a_thread": "PytestUnhandledThreadExceptionWarning",
    "test_an_exception_in_a_finaliser": "PytestUnraisableExceptionWarning",
    "test_a_warning": "UserWarning: something is off",
}

ENDED = """
import asyncio, subprocess, threading, time
import pytest

@pytest.fixture(scope="module")
def shared():
    with subprocess.Popen(["sleep", "60"]) as child:
        yield child
        child.kill()

@pytest.fixture
async def server():
    task = asyncio.create_task(asyncio.sleep(60))
    yield task
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

async def test_a_task_that_is_awaited(server, shared):
    await asyncio.to_thread(time.sleep, 0.001)

def test_a_thread_that_is_joined(shared):
    thread = threading.Thread(target=time.sleep, args=(0.001,))
    thread.start()
    thread.join()
"""


def complaints_about(source: str, folder: Path) -> dict[str, str]:
    """Runs one test file under this project's settings and rules: test name → what pytest's summary says of it."""
    (folder / "test_it.py").write_text(source)
    (folder / "conftest.py").write_text(RULES.read_text())
    (folder / "pyproject.toml").write_text(SETTINGS.read_text())
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", "test_it.py"]
    wide = {**os.environ, "COLUMNS": "500"}
    ran = subprocess.run(command, cwd=folder, env=wide, capture_output=True, text=True, timeout=50, check=False)
    assert ran.returncode in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}, ran.stdout
    return dict(re.findall(r"^(?:FAILED|ERROR) test_it\.py::(\w+) - (.*)", ran.stdout, re.MULTILINE))


def test_what_is_left_behind_fails_its_test(tmp_path: Path) -> None:
    said = complaints_about(LEFT_BEHIND, tmp_path)

    assert set(said) == set(COMPLAINTS)
    for test, complaint in COMPLAINTS.items():
        assert complaint in said[test]


def test_what_is_ended_passes(tmp_path: Path) -> None:
    assert complaints_about(ENDED, tmp_path) == {}


TOGETHER = """
import os, pytest

@pytest.mark.xdist_group("one after the other")
@pytest.mark.parametrize("turn", range(6))
def test_it(turn):
    with open("workers", "a") as workers:
        workers.write(os.environ["PYTEST_XDIST_WORKER"] + "\\n")
"""


def test_rooms_that_must_not_meet_follow_one_another_in_one_worker(tmp_path: Path) -> None:
    """With pytest 9.2, pytest-xdist 3.8 forgets its groups and says nothing: rooms with an arm starved each other."""
    (tmp_path / "test_it.py").write_text(TOGETHER)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "2", "--dist", "loadgroup"]
    subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=50, check=True)
    assert len(set((tmp_path / "workers").read_text().split())) == 1


@pytest.mark.parametrize(("workers", "arms"), [("4", 2), ("3", 1), ("2", 1)])
def test_two_arms_at_once_are_for_four_workers(workers: str, arms: int) -> None:
    groups = "from tests.system.at_once import ANOTHER_ARM, ARM; print(len({ANOTHER_ARM, ARM}))"
    environment = {**os.environ, "PYTEST_XDIST_WORKER_COUNT": workers}
    ran = subprocess.run([sys.executable, "-c", groups], cwd=ROOT, env=environment, capture_output=True, check=True)
    assert int(ran.stdout) == arms
