"""STOP and EMERGENCY from a page, past the broker: one press, carried out in threads, told in two messages."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from daemon.direct_stop import press_emergency, stop_arm, stop_watchdog
from daemon.guard_view import UNCONFIRMED, Rest
from daemon.panel.told import Told
from daemon.runtime import Runtime
from drivers.errors import CoilwardError

STOP: Final = "STOP"
EMERGENCY: Final = "EMERGENCY"
AT_ONCE: Final = 4
"""Presses under way for all pages: the watchdog takes 16 connections, and most are others' (engineering choice)."""

Tell = Callable[[Mapping[str, Any]], None]
ToWatchdog = Callable[[Path, str, Callable[[], None]], Rest]

TO_WATCHDOG: Final[Mapping[str, ToWatchdog]] = {STOP: stop_watchdog, EMERGENCY: press_emergency}
"""What each word asks of the watchdog; a text frame that is none of these does nothing."""


class Direct:
    """The lines to watchdog and arm. A press goes on when its page is gone."""

    def __init__(self, runtime: Runtime, told: Told, *, with_arm: bool) -> None:
        self._runtime = runtime
        self._told = told
        self._with_arm = with_arm
        self._threads = ThreadPoolExecutor(2 * AT_ONCE, thread_name_prefix="direct")
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._under_way: set[asyncio.Task[None]] = set()

    def press(self, word: str, by: str, tell: Tell) -> asyncio.Task[None]:
        """Begins at once; `tell` hears that it was sent, and what it came to."""
        task = asyncio.create_task(self._carry_out(word, by, tell), name=f"{word} by {by}")
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task

    async def close(self) -> None:
        """Returns once every press has come to its end: each has its deadlines."""
        if self._under_way:
            await asyncio.wait(self._under_way)
        self._threads.shutdown()

    async def _carry_out(self, word: str, by: str, tell: Tell) -> None:
        async with self._turns:
            taken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            both = asyncio.gather(self._watchdog(word, by, taken), self._arm())
            await asyncio.wait((taken, both), return_when=asyncio.FIRST_COMPLETED)
            if taken.done():
                tell({"direct": word, "watchdog": "sent"})
            watchdog, arm = await both
        tell({"direct": word, **watchdog, "arm": arm})

    async def _watchdog(self, word: str, by: str, taken: asyncio.Future[None]) -> dict[str, str]:
        loop = asyncio.get_running_loop()

        def sent() -> None:
            loop.call_soon_threadsafe(taken.set_result, None)

        asked = loop.run_in_executor(self._threads, TO_WATCHDOG[word], self._runtime.watchdog_control, by, sent)
        try:
            shown = await asked
        except (CoilwardError, OSError) as why:
            self._told.lost("watchdog", f"the watchdog cannot be told to stop: {why}")
            return {"watchdog": "unreachable"}
        self._told.back("watchdog")
        return {"watchdog": "confirmed"} if shown is Rest.STANDBY else _unconfirmed(shown)

    async def _arm(self) -> str:
        if not self._with_arm:
            return "none"
        asked = asyncio.get_running_loop().run_in_executor(self._threads, stop_arm, self._runtime.arm_control)
        return "away" if await _holds(asked, self._told) else "unreachable"


async def _holds(asked: Awaitable[bool], told: Told) -> bool:
    try:
        goes = await asked
    except (CoilwardError, OSError) as why:
        told.lost("arm", f"the coil could not be told to leave the head: {why}")
        return False
    told.back("arm")
    return goes


def _unconfirmed(shown: Rest) -> dict[str, str]:
    return {"watchdog": "not-confirmed", "why": UNCONFIRMED[shown]}
