"""Connections that come and go: tried again with growing pauses, each loss and each return told once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from daemon.journal import Journal
from drivers.errors import CoilwardError

FIRST_RETRY_S: Final = 0.1
LAST_RETRY_S: Final = 5.0


class Kept:
    """One thing that is kept connected, with what hangs on it."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._told: str | None = None

    async def again_and_again(self, serve: Callable[[], Awaitable[None]]) -> None:
        """For ever: `serve` connects and serves; it raises from `drivers.errors` when that has ended."""
        wait_s = FIRST_RETRY_S
        while True:
            began = asyncio.get_running_loop().time()
            try:
                await serve()
            except CoilwardError as error:
                self.away(str(error))
            if asyncio.get_running_loop().time() - began > LAST_RETRY_S:
                wait_s = FIRST_RETRY_S  # it worked for a while: this is a new trouble
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, LAST_RETRY_S)

    def away(self, why: str) -> None:
        """Something is not there; the same again is not told again."""
        if why != self._told:
            self._told = why
            self._journal.write("trouble", what=why)
            print(f"coilward-daemon: {why}", flush=True)

    def back(self, who: str) -> None:
        """It is there again."""
        if self._told is not None:
            self._told = None
            print(f"coilward-daemon: the {who} is there again", flush=True)
