"""The task that keeps a device from dropping its remote control, keeps out of the way of pulses, and notices a loss.

A device with a keep-alive disarms when it hears nothing for its lapse time. Any question renews it, so this asks only
when nothing else did. A question takes the line for some 10 ms (at 9600 baud), and a trigger behind it would be that
late: none begins within `QUIET_BEFORE_S` before a planned pulse.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, Final

from drivers.errors import CoilwardError, DeadlinePassed, DeviceError, DeviceRefused, DeviceSilent, OurError, PortLost
from drivers.exchange import ROUNDING_S, NotAsked
from drivers.quantities import SECOND_US

SLICE_S: Final = 0.05
"""Longest wait between two turns: the watchdog takes a counter that stands still for 250 ms for a lost beat."""
QUIET_BEFORE_S: Final = 0.05
"""No keep-alive begins this close before a planned pulse (magpy-tms 1.4 guards its timed pulses by 40 to 50 ms)."""
QUIET_AFTER_S: Final = 0.02
"""Nor this soon after one, which may be that late (engineering choice: later ones are marked)."""
MOST_PLANNED: Final = 10_000
MISSES: Final = 2
"""Questions in a row without an answer after which the device is lost: one reply may be lost on any line."""

REFUSED_PAUSE_S: Final = 1.0
"""Until the next question after a refused one (engineering choice: while another program speaks, each is an event)."""


class KeepAlive:
    """Run `run` as a task of its own, from connecting to closing."""

    def __init__(
        self,
        ask: Callable[[float], Awaitable[object]],
        due_at_s: Callable[[], float],
        answer_s: float,
        on_lost: Callable[[CoilwardError], None],
    ) -> None:
        """`ask(deadline_s)` asks the device anything that renews it; `due_at_s()` is when, on the loop's clock, that is
        next needed (infinity: never). `on_lost` hears of the loss; what it does to `due_at_s` ends the asking.
        """
        self._ask = ask
        self._due_at_s = due_at_s
        self._answer_s = answer_s
        self._on_lost = on_lost
        self._planned: deque[float] = deque()
        self._misses = 0
        self.turns = 0
        """Grows by one each turn of `run`, at least every `SLICE_S`: waiting is progress, blocking is not."""

    def plan(self, times_us: Iterable[int]) -> None:
        """Replaces the planned pulses: µs on the loop's clock, past ones are ignored.

        A plan denser than the quiet time leaves the device to be renewed by the triggers themselves.
        """
        planned = sorted(times_us)
        if len(planned) > MOST_PLANNED:
            raise OurError(f"{len(planned)} planned pulses are more than {MOST_PLANNED}: plan one train at a time")
        self._planned = deque(time_us / SECOND_US for time_us in planned)

    async def run(self) -> None:
        """Turns until cancelled, through any loss: a driver without its device is still a driver that lives."""
        while True:
            self.turns += 1
            if wait_s := self._wait_s():
                await asyncio.sleep(min(wait_s, SLICE_S))
            else:
                await self._turning_while(self._renew())

    def _wait_s(self) -> float:
        now = asyncio.get_running_loop().time()
        while self._planned and self._planned[0] + QUIET_AFTER_S <= now + ROUNDING_S:
            self._planned.popleft()
        quiet = self._planned and now >= self._planned[0] - QUIET_BEFORE_S
        wait_s = (self._planned[0] + QUIET_AFTER_S if quiet else self._due_at_s()) - now
        return wait_s if wait_s > ROUNDING_S else 0.0

    async def _renew(self) -> None:
        try:
            await self._ask(self._deadline_s())
        except NotAsked:  # the line is with somebody whose own deadline ends that
            await asyncio.sleep(SLICE_S)
        except DeadlinePassed as error:
            self._misses += 1
            if self._misses >= MISSES:
                self._lose(
                    DeviceSilent(
                        f"The stimulator stopped answering ({error}). Check its power and cable, then reconnect."
                    )
                )
        except DeviceRefused:  # it is there and hears us; who may speak is not decided here
            await asyncio.sleep(REFUSED_PAUSE_S)
        except (PortLost, DeviceError) as error:
            self._lose(error)
        else:
            self._misses = 0

    def _deadline_s(self) -> float:
        """Shorter where a pulse is planned sooner: a lost reply must not hold the line when its trigger comes."""
        if not self._planned:
            return self._answer_s
        return min(self._answer_s, self._planned[0] - asyncio.get_running_loop().time())

    def _lose(self, error: CoilwardError) -> None:
        self._misses = 0
        self._on_lost(error)

    async def _turning_while(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        try:
            while not (await asyncio.wait((task,), timeout=SLICE_S))[0]:
                self.turns += 1
        finally:
            task.cancel()
            await asyncio.wait((task,))
        task.result()
