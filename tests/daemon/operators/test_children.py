"""Processes that live no longer than their parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from daemon.children import Child, ChildEnded, stop_all
from drivers.errors import DeadlinePassed

STUBBORN = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
KIND = "import signal, sys, time; signal.signal(15, lambda *_: sys.exit(0)); print('up', flush=True); time.sleep(60)"


def python(code: str, log: Path) -> Child:
    return Child.start("child", [sys.executable, "-c", code], log)


async def up(child: Child) -> None:
    async def says_so() -> bool:
        return "up" in child.log.read_text()

    await child.ready(says_so, 10)


async def never() -> bool:
    return False


async def test_a_child_is_ready_when_its_probe_says_so_and_gone_after_stop(tmp_path: Path) -> None:
    child = python(KIND, tmp_path / "log")
    await up(child)
    assert child.running
    await child.stop()
    assert child.process.returncode == 0


async def test_a_child_that_was_killed_is_started_again_as_it_was(tmp_path: Path) -> None:
    child = python(KIND, tmp_path / "log")
    await up(child)
    first = child.process
    child.outranks(5)
    first.kill()
    first.wait()
    child.again()
    await up(child)
    assert child.process.pid != first.pid
    assert child.running
    if os.sched_getscheduler(child.process.pid) == os.SCHED_FIFO:  # where we may
        assert os.sched_getparam(child.process.pid).sched_priority == 5
    await child.stop()
    assert child.process.returncode == 0


async def test_a_child_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    child = python(STUBBORN, tmp_path / "log")
    await up(child)
    await child.stop(0.1)
    assert child.process.returncode == -signal.SIGKILL


async def test_a_child_that_ends_too_early_is_named_with_the_end_of_its_log(tmp_path: Path) -> None:
    child = python("print('the cable is loose'); raise SystemExit(3)", tmp_path / "log")
    with pytest.raises(ChildEnded, match=r"(?s)child ended with 3.*the cable is loose"):
        await child.ready(never, 10)


async def test_a_child_that_is_never_ready_is_given_up(tmp_path: Path) -> None:
    child = python(KIND, tmp_path / "log")
    with pytest.raises(DeadlinePassed, match="not ready within"):
        await child.ready(never, 0.05)
    await child.stop()


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ChildEnded, match="no-such-program"):
        Child.start("child", ["no-such-program"], tmp_path / "log")


async def test_the_last_started_ends_first(tmp_path: Path) -> None:
    story = tmp_path / "story"
    code = f"import signal, sys, time\ndef end(*_):\n open({str(story)!r}, 'a').write(sys.argv[1]); sys.exit(0)\n"
    code += "signal.signal(15, end); print('up', flush=True); time.sleep(60)"
    children = [Child.start(n, [sys.executable, "-c", code, n], tmp_path / n) for n in "abc"]
    for child in children:
        await up(child)
    await stop_all(children)
    assert story.read_text() == "cba"


def test_a_killed_parent_leaves_no_child(tmp_path: Path) -> None:
    parent_code = textwrap.dedent(f"""
        import sys, time
        from pathlib import Path
        from daemon.children import Child
        child = Child.start("child", [sys.executable, "-c", {KIND!r}], Path({str(tmp_path / "log")!r}))
        print(child.process.pid, flush=True)
        time.sleep(60)
    """)
    with subprocess.Popen([sys.executable, "-c", parent_code], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert alive(pid)
        parent.kill()
        parent.wait()
    give_up = time.monotonic() + 10
    while alive(pid):
        assert time.monotonic() < give_up
        time.sleep(0.01)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (ProcessLookupError, FileNotFoundError):
        return False
