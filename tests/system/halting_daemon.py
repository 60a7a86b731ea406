"""The real daemon in a process whose event loop can be told to give one of its tasks no more turns.

    python -m tests.system.halting_daemon SITE RUNTIME < names

A line on standard input names a task by its coroutine, such as `TreatmentRoom.run`. From its next turn on that task
waits for what never comes, like one that awaits a future nobody bounds; all others go on, and none of them is told.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine, Generator
from pathlib import Path
from typing import Any

from daemon.app import serve
from daemon.config import load_site
from daemon.runtime import Runtime

HALTED: set[str] = set()


class Halting(Coroutine[Any, Any, Any]):
    """A task's work, until its name is said."""

    def __init__(self, work: Coroutine[Any, Any, Any]) -> None:
        self._work = work

    def send(self, value: Any) -> Any:
        if self._work.__qualname__ in HALTED:
            return next(asyncio.get_running_loop().create_future().__await__())
        return self._work.send(value)

    def throw(self, *error: Any) -> Any:
        return self._work.throw(*error)

    def close(self) -> None:
        self._work.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._work.__await__()


async def main(site: Path, runtime: Path) -> None:
    """Until a signal ends it."""
    loop = asyncio.get_running_loop()
    loop.set_task_factory(lambda loop, work, **named: asyncio.Task(Halting(work), loop=loop, **named))  # type: ignore[arg-type]
    loop.add_reader(sys.stdin, lambda: HALTED.add(sys.stdin.readline().strip()))
    await serve(load_site(site), Runtime(runtime))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
