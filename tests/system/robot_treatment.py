"""A treatment in a simulated room with an arm, every process real, and the person who gives it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from daemon.children import Child
from daemon.cli.conduct import begin, take_control
from daemon.client import RoomClient, View
from daemon.messages import Answer
from daemon.runtime import Runtime
from daemon.simulated_arm import SimulatedArm, some_host
from daemon.simulated_room import RunningRoom, Simulated, new_subject, simulated_room
from simulator.control import Control

FINAL = ("done", "ended-early", "refused")
OFF_MM = 20
TRIES = 2


@asynccontextmanager
async def room_of(runtime: Runtime, head: str, seed: int) -> AsyncIterator[RunningRoom]:
    what = Simulated("magstim-rapid2:11", pacing=False, arm=SimulatedArm(some_host(), head, seed))
    async with simulated_room(runtime, what, lambda _: None) as room:
        yield room


class Person:
    """An operator who is there, and resumes what was paused."""

    def __init__(self, client: RoomClient, room: RunningRoom) -> None:
        self.client = client
        self.room = room
        self.world = Control(room.runtime.folder)
        self.sentences: list[str] = []
        self.resumed = 0
        self.suffered: list[str] = []

    @property
    def arm(self) -> Child:
        """Its process."""
        return next(child for child in self.room.children if child.name == "arm")

    async def does(self, switch: str, **arguments: object) -> dict[str, Any]:
        return dict(await asyncio.to_thread(lambda: self.world(switch, **arguments)))

    async def suffers(self, switch: str, **arguments: object) -> None:
        await self.does(switch, **arguments)
        self.suffered.append(switch)

    async def starts(self, subject: str) -> Answer:
        return await self.client.ask("start", subject=subject, protocol="demo")

    async def opens(self, subject: str | None = None) -> Answer:
        await take_control(self.client)
        opened = await self.starts(subject or await new_subject(self.client, self.room.site))
        assert opened.ok, opened
        released = await begin(self.client, "release", str(opened.detail["hash"]))
        assert released.ok, released
        return opened

    async def until(self, *phases: str) -> View:
        return await self.client.until(lambda view: view.state.phase in (*phases, *FINAL), 90)

    async def until_over(self) -> View:
        while (view := await self.until("paused")).state.phase not in FINAL:
            self.sentences.append(view.state.sentence)
            await self.resumes(view)
        return await self.client.until(lambda later: later.state.report is not None, 20)

    async def resumes(self, view: View) -> None:
        """After a look at the subject."""
        await asyncio.sleep(2)
        self.resumed += (await begin(self.client, "resume", str(view.state.hash))).ok

    async def comes_to_a_train(self) -> None:
        """Some way into the next one, whatever pauses come before it."""
        while (view := await self.until("train", "paused")).state.phase == "paused":
            await self.resumes(view)
        assert view.state.phase == "train", view.state
        await asyncio.sleep(0.8)

    async def is_paused(self, happens: Callable[[Person], Awaitable[None]], why: str) -> None:
        """By what happens in a train; once more where a machine that stalls brought another pause first."""
        for _ in range(TRIES):
            await self.comes_to_a_train()
            await happens(self)
            self.sentences.append((await self.until("paused")).state.sentence)
            if why in self.sentences[-1]:
                return
        raise AssertionError(f"not paused by {why!r}: {self.sentences}")

    async def sees_the_coil_off(self) -> None:
        async with asyncio.timeout(10):
            while (await self.does("room"))["coil"]["gap_mm"] < OFF_MM:
                await asyncio.sleep(0.05)

    async def next_train(self) -> None:
        """Half a second into the train that begins next."""
        await self.until("gap", "held", "arming", "armed", "paused")
        await self.until("train")
        await asyncio.sleep(0.8)

    async def pulses(self) -> list[dict[str, Any]]:
        told = await self.does("log")
        found = told["happenings"]
        while told["next"] < told["total"]:
            told = await self.does("log", since=told["next"])
            found += told["happenings"]
        return [one for one in found if one["kind"] == "pulse"]


def report_of(view: View) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(Path(str(view.state.report)).read_text())
    return told
