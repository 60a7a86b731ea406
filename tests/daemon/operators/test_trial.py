"""A trial while its processes live, and when one of them does not."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from daemon.children import Child
from daemon.cli.trial import while_it_lives
from daemon.config import parse_site
from daemon.runtime import Runtime
from daemon.simulated_room import RunningRoom, Simulated, site_text
from drivers.errors import OperatorError


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[RunningRoom]:
    """One process that says a word and waits."""
    runtime = Runtime(tmp_path)
    site = parse_site(site_text(runtime, Simulated("magstim-rapid2:8"), 1883, None), tmp_path / "site.toml")
    program = "import sys, time; print('its last word', flush=True); time.sleep(60)"
    child = Child.start("daemon", [sys.executable, "-c", program], tmp_path / "log")
    yield RunningRoom(runtime, site, (child,))
    await child.stop()


async def test_a_trial_gives_what_its_work_gives(room: RunningRoom) -> None:
    async def work() -> str:
        await asyncio.sleep(0.01)
        return "done"

    assert await while_it_lives(room, work()) == "done"


async def test_a_process_that_ends_ends_the_trial_and_is_named_with_its_last_words(room: RunningRoom) -> None:
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    async def said() -> bool:
        return "last word" in room.children[0].tail()

    await room.children[0].ready(said, 20)
    room.children[0].process.kill()
    with pytest.raises(OperatorError, match=r"The daemon ended[^$]*its last word"):
        await while_it_lives(room, work())
    assert ended.is_set()
