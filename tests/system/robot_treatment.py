"""A treatment in a simulated room with an arm, every process real, and the person who gives it."""

from __future__ import annotations

import asyncio
import json
import math
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from daemon.children import DAEMON_PRIORITY, Child
from daemon.cli.conduct import begin, take_control
from daemon.client import RoomClient, View
from daemon.journal import FILE_NAME
from daemon.json_lines import Row, read_rows
from daemon.messages import Answer
from daemon.runtime import Runtime
from daemon.simulated_arm import SimulatedArm, some_host
from daemon.simulated_room import RunningRoom, Simulated, new_subject, simulated_room
from simulator.control import Control
from tests.system.processes import ANSWER_S, boot_us

FINAL = ("done", "ended-early", "refused")
WAITING = ("gap", "held", "arming", "armed", "paused")
OFF_MM = 20
TRIES = 2


@asynccontextmanager
async def room_of(runtime: Runtime, head: str, seed: int) -> AsyncIterator[RunningRoom]:
    what = Simulated("magstim-rapid2:11", pacing=False, arm=SimulatedArm(some_host(), head, seed))
    async with simulated_room(runtime, what, lambda _: None) as room:
        yield room


@dataclass
class Misfortune:
    """What came, and what the journal tells from then until the next one came."""

    name: str
    at_us: int
    rows: list[Row] = field(default_factory=list)

    @property
    def session(self) -> set[str]:
        """The states of the session."""
        return {row["state"] for row in self._of("session")}

    @property
    def coil(self) -> set[str | None]:
        """Why the arm was in the states it was in."""
        return {row["why"] for row in self._of("coil")}

    @property
    def cut(self) -> bool:
        """Whether the watchdog cut a train."""
        return any(row["event"] == "cut" for row in self._of("watchdog"))

    @property
    def waits(self) -> set[tuple[str, str, str | None]]:
        """How the session waited, for what, and why the coil was not where a train may begin."""
        return {(row["state"], row["reason"], row["coil"]) for row in self._of("wait")}

    def _of(self, kind: str) -> list[Row]:
        return [row for row in self.rows if row["kind"] == kind]


class Person:
    """An operator who is there, and resumes what was paused."""

    def __init__(self, client: RoomClient, room: RunningRoom) -> None:
        self.client = client
        self.room = room
        self.world = Control(room.runtime.folder)
        self.sentences: list[str] = []
        self.resumed = 0
        self.suffered: list[Misfortune] = []

    def child(self, name: str) -> Child:
        """One process of the room."""
        return next(child for child in self.room.children if child.name == name)

    def start_again(self, name: str, package: str) -> None:
        """One that is gone, as who supervises it does."""
        runtime = self.room.runtime
        self.child(name).process.wait(ANSWER_S)
        command = [sys.executable, "-m", package, "--runtime", str(runtime.folder), "--site", str(runtime.site)]
        self.child(name).process = Child.start(name, command, runtime.log(name)).process
        if name == "daemon":
            self.child(name).outranks(DAEMON_PRIORITY)

    async def does(self, switch: str, **arguments: object) -> dict[str, Any]:
        return dict(await asyncio.to_thread(lambda: self.world(switch, **arguments)))

    async def suffers(self, switch: str, **arguments: object) -> None:
        self.suffered.append(Misfortune(switch, boot_us()))
        await self.does(switch, **arguments)

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

    async def is_paused(self, happens: Callable[[Person], Awaitable[None]], *whys: str) -> None:
        """By what happens in a train, for one of these reasons; once more where a machine that stalls brought another
        pause first.
        """
        for _ in range(TRIES):
            await self.comes_to_a_train()
            await happens(self)
            self.sentences.append((await self.until("paused")).state.sentence)
            if any(why in self.sentences[-1] for why in whys):
                return
        raise AssertionError(f"not paused by {whys}: {self.sentences}")

    async def sees_the_coil_off(self) -> None:
        async with asyncio.timeout(10):
            while (await self.does("room"))["coil"]["gap_mm"] < OFF_MM:
                await asyncio.sleep(0.05)

    async def next_train(self) -> None:
        """Some way into the next train that its own head does not cut by then."""
        await self.until(*WAITING)
        while (await self.until("train", *WAITING)).state.phase in WAITING:
            await self.until("train")
            await asyncio.sleep(0.4)

    async def in_a_train(self) -> None:
        """In this one where it still runs, else in the next."""
        if (await self.until("train", *WAITING)).state.phase in WAITING:
            await self.next_train()

    async def pulses(self) -> list[dict[str, Any]]:
        told = await self.does("log")
        found = told["happenings"]
        while told["next"] < told["total"]:
            told = await self.does("log", since=told["next"])
            found += told["happenings"]
        return [one for one in found if one["kind"] == "pulse"]


def told_apart(person: Person) -> list[Misfortune]:
    """What was suffered, each with its rows of the journal."""
    rows = read_rows(person.room.site.daemon.state / FILE_NAME).rows
    ends_us = [later.at_us for _, later in pairwise(person.suffered)] + [boot_us()]
    for one, end_us in zip(person.suffered, ends_us, strict=True):
        one.rows = [row for row in rows if one.at_us <= row["at_us"] < end_us]
    return person.suffered


def report_of(view: View) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(Path(str(view.state.report)).read_text())
    return told


def off(pulse: dict[str, Any]) -> tuple[float, float]:
    """How far, in mm, and how much turned, in degrees, as the world saw it."""
    coil = pulse["coil"]
    return math.hypot(coil["lateral_mm"], coil["depth_mm"]), math.hypot(coil["tilt_deg"], coil["twist_deg"])


def begins_off(pulse: dict[str, Any]) -> bool:
    """Where no train may begin (design §7)."""
    distance_mm, angle_deg = off(pulse)
    return distance_mm > 2 or angle_deg > 3


def beyond(pulse: dict[str, Any]) -> bool:
    """Where no train may go on (design §7)."""
    distance_mm, angle_deg = off(pulse)
    return distance_mm > 5 or angle_deg > 6
