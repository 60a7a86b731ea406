"""The runner: reads the journal, has happen what is due, tells the page, until there is nothing left to wait for."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from daemon.bus import BrokerLost, Bus
from daemon.journal import FILE_NAME
from daemon.json_lines import Row
from daemon.messages import Both, Practice, PracticeResult
from daemon.practice.accidents import Accidents
from daemon.practice.acts import Reader
from daemon.practice.judge import due, happens_now, hint_due, judge, over, result
from daemon.practice.scenario import BEGIN, Happening, Scenario
from daemon.simulated_room import RunningRoom
from daemon.simulator_line import turn
from daemon.topics import Topics
from drivers.errors import CoilwardError, DeadlinePassed, OperatorError

LOOK_S: Final = 0.1

Tell = Callable[[Both], None]


class Tail:
    """A journal as it grows. A line that a power cut has torn is passed over."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = 0

    def read(self) -> list[Row]:
        """The rows that have come since."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._at)
                data = file.read()
        except FileNotFoundError:
            return []
        whole = data[: data.rfind(b"\n") + 1]
        self._at += len(whole)
        rows: list[Row] = []
        for line in whole.splitlines():
            with contextlib.suppress(ValueError):
                rows.append(json.loads(line))
        return rows


@dataclass(frozen=True, slots=True)
class Exercise:
    """One scenario in one room, for one subject."""

    scenario: Scenario
    room: RunningRoom
    subject: str

    @property
    def journal(self) -> Path:
        """What is judged."""
        return self.room.site.daemon.state / FILE_NAME


async def run(exercise: Exercise, bus: Bus, tell: Tell, stop: asyncio.Event) -> PracticeResult:
    """Until it is over, or stopped. `tell` hears what happens, for the terminal.

    Raises OperatorError when a process of the room ends that should not.
    """
    accidents = Accidents(exercise.room)
    leading = _Leading(exercise, bus, tell, accidents)
    try:
        while not await leading.turn(boottime_us()) or accidents.under_way:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), LOOK_S)
                break
        return await leading.finish()
    finally:
        await accidents.close()


def boottime_us() -> int:
    """The journal's clock."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000


class _Leading:
    def __init__(self, exercise: Exercise, bus: Bus, tell: Tell, accidents: Accidents) -> None:
        self._scenario = exercise.scenario
        self._exercise = exercise
        self._room = exercise.room
        self._bus = bus
        self._tell = tell
        self._accidents = accidents
        self._tail = Tail(exercise.journal)
        self._reader = Reader()
        self._came = {BEGIN: boottime_us()}
        self._judged = judge(self._scenario, self._came, (), self._came[BEGIN])
        self._told: Both | None = None
        self._shown: Practice | None = None
        self._tail.read()  # what was before is nobody's doing

    async def turn(self, now_us: int) -> bool:
        """Looks once; whether it is over."""
        self._reader.read(self._tail.read())
        self._judged = judge(self._scenario, self._came, self._reader.acts, now_us)
        if not self._accidents.under_way:
            if (gone := self._room.ended()) is not None:
                raise OperatorError(f"The {gone.name} ended. Its log says why.\n{gone.tail()}")
            await self._have_happen(now_us)
        await self._show(now_us, None)
        return over(self._scenario, self._came, self._judged, now_us)

    async def finish(self) -> PracticeResult:
        """Tells how it went."""
        found = result(self._scenario, self._judged)
        await self._show(boottime_us(), found)
        return found

    async def _have_happen(self, now_us: int) -> None:
        waiting = [one for one in self._scenario.happens if one.name not in self._came]
        pulses = await self._pulses() if any(one.when.pulses for one in waiting) else 0
        for one in waiting:
            if happens_now(one, self._came, self._judged, self._reader.phases, pulses, now_us):
                await self._happen(one)
                return  # the next one in the next turn: it may have to wait for this one

    async def _happen(self, one: Happening) -> None:
        self._came[one.name] = boottime_us()
        if one.told is not None:
            self._told = one.told
            self._tell(one.told)
        if self._room.site.robot is not None or not one.arm_only:
            await self._accidents.begin(one)

    async def _pulses(self) -> int:
        with contextlib.suppress(CoilwardError):  # a simulator that is busy is asked again
            told: dict[str, Any] = await asyncio.to_thread(turn, self._room.runtime.simulator_control, "pulses")
            return int(told["pulses"])
        return 0

    async def _show(self, now_us: int, found: PracticeResult | None) -> None:
        """On the page, when something has changed. A broker that is away has it told by the bus once it is back."""
        now, scenario = due(self._judged), self._scenario
        shown = Practice(
            scenario=scenario.name, title=scenario.title, goal=scenario.goal, subject=self._exercise.subject,
            protocol=scenario.protocol, told=self._told, hint=now.step.hint if now else None,
            hint_due=now is not None and hint_due(now, now_us), result=found,
        )  # fmt: skip
        if shown != self._shown:
            self._shown = shown
            topic = Topics(self._room.site.site.room).of("practice")
            with contextlib.suppress(BrokerLost, DeadlinePassed):
                await self._bus.publish(topic, shown.encode(), retain=True)
