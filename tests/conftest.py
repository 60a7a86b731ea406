"""What holds for every test: examples that repeat, and nothing left behind.

Warnings are errors (`pyproject.toml`), and so are exceptions nobody saw: those of threads and those raised where
they cannot be (finalisers), which pytest turns into warnings. What a test starts it also ends: a task still waiting
when its loop closes, a thread or a child process that outlives the test fails it.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings

GRACE_S = 2.0
"""How long a thread or child process may take to end after it was told to."""

settings.register_profile(
    "ci",
    # The same examples every time: a failure is somebody's change, never luck. No deadline: machines stall.
    derandomize=True,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("explore", settings.get_profile("ci"), derandomize=False, max_examples=2_000)
# To know that a test fails, as the mutants' judge must, the first example is enough, however large.
settings.register_profile(
    "unshrunk", settings.get_profile("ci"), phases=[Phase.explicit, Phase.generate], report_multiple_bugs=False
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What must follow one another is begun first, then what may take long, or the rest waits for its end."""
    items.sort(key=lambda item: (item.get_closest_marker("xdist_group") is None, -longest_s(item)))


def longest_s(item: pytest.Item) -> float:
    """How long a test may take."""
    marker = item.get_closest_marker("timeout")
    return float(marker.args[0]) if marker else 0.0


def children() -> dict[int, str]:
    """Living child processes of this one, and what each runs; the finished ones are not counted."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return {}  # the kernel's quick answer, for the many tests that start nothing
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            if int(parent) == os.getpid() and state not in "ZX":
                found[int(entry.name)] = (entry / "cmdline").read_text().replace("\0", " ").strip()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended while we looked
    return found


def left_over(threads_before: set[threading.Thread], children_before: set[int]) -> list[str]:
    """What was started since, and still runs after a grace."""
    give_up = time.monotonic() + GRACE_S
    while True:
        found = [f"thread {thread.name}" for thread in threading.enumerate() if thread not in threads_before]
        found += [f"process {pid}: {runs}" for pid, runs in children().items() if pid not in children_before]
        if not found or time.monotonic() > give_up:
            return found
        time.sleep(0.01)


@pytest.fixture(autouse=True)
def _ends_what_it_starts() -> Iterator[None]:
    """Set up after wider fixtures and torn down after the test's own: theirs may live on, the test's may not."""
    threads, processes = set(threading.enumerate()), set(children())
    yield
    if found := left_over(threads, processes):
        pytest.fail("left running: " + "; ".join(found), pytrace=False)


abandoned: list[str] = []
"""Tasks that were still waiting when the loop they run on was closed."""

cancel_all_tasks = asyncio.runners._cancel_all_tasks  # type: ignore[attr-defined]


def remember_and_cancel(loop: asyncio.AbstractEventLoop) -> None:
    """What a loop does as it closes, and a note of whom it had to cancel."""
    abandoned.extend(repr(task.get_coro()) for task in asyncio.all_tasks(loop))
    cancel_all_tasks(loop)


@pytest.fixture(scope="session", autouse=True)
def _loops_report_abandoned_tasks() -> Iterator[None]:
    """A loop cancels silently what nobody awaited; its close is the one place where every such task is seen."""
    asyncio.set_event_loop(None)  # else pytest-asyncio's first look for a loop makes one that nobody closes
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncio.runners, "_cancel_all_tasks", remember_and_cancel)
        yield


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How much an enumeration covered, beside the dots: a number that shrinks is worth a look."""
    for report in terminalreporter.stats.get("passed", ()):
        for name, covered in report.user_properties:
            if name == "covered":
                terminalreporter.write_line(f"{report.nodeid.rpartition('::')[2]}: {covered}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Generator[None, object, object]:
    """After all fixtures of the test, its event loop among them, are gone."""
    result = yield
    found, abandoned[:] = list(abandoned), []
    if found:
        pytest.fail("tasks left waiting: " + "; ".join(found), pytrace=False)
    return result
