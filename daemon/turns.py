"""Progress that proves itself: a loop counts its turns, and waits in slices so that waiting is progress.

The watchdog gets the counter in every beat and trips when it stands still. A loop that waits for a device goes on
counting; a loop that is blocked, by a call that never yields or a future that nobody bounds, does not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

from drivers.errors import DeadlinePassed

T = TypeVar("T")

SLICE_S: Final = 0.05
"""Longest a loop waits without counting; beats go out this often, and stand still for 250 ms at most."""

RESOLUTION_S: Final = 1e-6
"""Nearer than this is now: a rest for less would be no rest on a clock that counts microseconds."""


def _nothing() -> None:
    """Nothing to look for."""


class Turns:
    """The counter of one loop, and the only way that loop waits."""

    def __init__(self) -> None:
        self.count = 0
        self._bell: asyncio.Future[None] | None = None

    def ring(self) -> None:
        """Ends the present slice at once: something has changed that the loop may want to see."""
        if self._bell is not None and not self._bell.done():
            self._bell.set_result(None)

    async def slice(self, at_most_s: float, *others: asyncio.Future[Any]) -> None:
        """One turn: until somebody rings, one of `others` is done, or a slice is over."""
        self.count += 1
        loop = asyncio.get_running_loop()
        bell = self._bell = loop.create_future()
        timer = loop.call_later(max(0.0, min(at_most_s, SLICE_S)), self.ring)
        for other in others:
            other.add_done_callback(self._rung)
        try:
            await bell
        finally:
            timer.cancel()
            for other in others:
                other.remove_done_callback(self._rung)

    def _rung(self, _future: asyncio.Future[Any]) -> None:
        self.ring()

    async def finish(self, work: Coroutine[Any, Any, T], within_s: float, look: Callable[[], None] = _nothing) -> T:
        """The result of `work`, turning while it runs and looking around at every turn.

        Raises what `look` raises, and DeadlinePassed when time is over; both cancel `work` first.
        """
        task = asyncio.ensure_future(work)
        loop = asyncio.get_running_loop()
        ends_s = loop.time() + within_s
        try:
            while not task.done():
                look()
                if loop.time() >= ends_s:
                    raise DeadlinePassed(f"Not done within {within_s:g} s. Look at the journal for what was asked.")
                await self.slice(ends_s - loop.time(), task)
        finally:
            await _ended(task)
        return task.result()

    async def rest(self, until_s: float, look: Callable[[], None] = _nothing) -> None:
        """Waits until the loop's clock shows `until_s`, turning and looking."""
        loop = asyncio.get_running_loop()
        while (left_s := until_s - loop.time()) > RESOLUTION_S:
            look()
            await self.slice(left_s)
        look()


async def _ended(task: asyncio.Future[Any]) -> None:
    """Cancelled and over, so that nothing of it goes on behind the next step's back."""
    if not task.done():
        task.cancel()
        await asyncio.wait((task,))
        if not task.cancelled():
            task.exception()  # what it raised on its way out is of no use to anybody: it was no longer wanted
