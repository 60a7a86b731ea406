"""What befalls a practice room: switches of its simulator, its broker away for a while, its power cut."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

from daemon.children import cut_power
from daemon.practice.scenario import BROKER_AWAY, POWER_CUT, Happening
from daemon.simulated_room import RunningRoom, start_again
from daemon.simulator_line import turn

AWAY_S: Final = 12.0
"""How long a broker is away when a scenario does not say (engineering choice: longer than anybody's presence lasts)."""
DARK_S: Final = 3.0
"""Without power."""


class Accidents:
    """The long ones go on beside everything else; while one does nothing else is begun."""

    def __init__(self, room: RunningRoom) -> None:
        self._room = room
        self._task: asyncio.Task[None] | None = None

    @property
    def under_way(self) -> bool:
        """Whether one is. Raises what ended it."""
        if self._task is None:
            return False
        if not self._task.done():
            return True
        task, self._task = self._task, None
        task.result()
        return False

    async def begin(self, one: Happening) -> None:
        """Begins what this one does; returns at once but for a switch, which is turned by then."""
        if one.do == BROKER_AWAY:
            self._run(self._without_broker(float(one.with_.get("seconds", AWAY_S))))
        elif one.do == POWER_CUT:
            self._run(self._without_power(float(one.with_.get("seconds", DARK_S))))
        elif one.do is not None:
            control = self._room.runtime.simulator_control
            await asyncio.to_thread(turn, control, one.do, **one.with_)

    async def close(self) -> None:
        """What is under way is left."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        self._task = asyncio.create_task(work)

    async def _without_broker(self, seconds: float) -> None:
        broker = next(child for child in self._room.children if child.name == "mosquitto")
        broker.process.kill()
        await asyncio.to_thread(broker.process.wait)
        await asyncio.sleep(seconds)
        await start_again(self._room, broker)

    async def _without_power(self, seconds: float) -> None:
        """Everything at once, the stimulator too: the disk is all that is left."""
        await asyncio.to_thread(cut_power, self._room.children)
        await asyncio.sleep(seconds)
        runtime = self._room.runtime
        for stale in (runtime.simulator_control, runtime.arm_control, runtime.panel_address):
            stale.unlink(missing_ok=True)  # who finds one takes its process for ready
        for child in self._room.children:
            await start_again(self._room, child)
