"""A room registered and calibrated from the terminal, with real processes: what was measured is where the coil goes."""

from __future__ import annotations

import asyncio
import json
import math
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from daemon.cli.conduct import begin, take_control
from daemon.client import RoomClient, connect
from daemon.messages import Answer, Code
from daemon.runtime import Runtime
from daemon.simulated_room import ROOM, new_subject
from tests.system.at_once import ARM
from tests.system.robot_treatment import Person, room_of

pytestmark = [pytest.mark.system, pytest.mark.timeout(120), pytest.mark.xdist_group(ARM)]
SUBJECT = "S-0001"
POSES = 12
FIDUCIALS = ("NAS", "LPA", "RPA")
SAID_S = 20.0
LOOKS_S = 10.0
"""For the room to stand still long enough to be decided on (engineering choice)."""


class Terminal:
    """One `coilward … --json` that runs, and what it says to its person meanwhile."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._said: list[str] = []

    async def says(self, wanted: str) -> None:
        """In a line that was not waited for before."""
        assert self._process.stderr is not None
        async with asyncio.timeout(SAID_S):
            while True:
                line = (await self._process.stderr.readline()).decode()
                assert line, "".join(self._said)
                self._said.append(line)
                if wanted in line:
                    return

    async def ends(self) -> dict[str, Any]:
        """Well, with one JSON object."""
        async with asyncio.timeout(SAID_S):
            out, err = await self._process.communicate()
        assert self._process.returncode == 0, "".join(self._said) + err.decode()
        found: dict[str, Any] = json.loads(out)
        return found


@asynccontextmanager
async def coilward(runtime: Runtime, *words: str) -> AsyncIterator[Terminal]:
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("coilward"), "--runtime", runtime.folder, *words, "--json",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "XDG_STATE_HOME": str(runtime.folder / "mine")},
    )  # fmt: skip
    try:
        yield Terminal(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def registers(person: Person) -> dict[str, Any]:
    """Holds the pointer where it is asked for, each point twice."""
    async with coilward(person.room.runtime, "register", SUBJECT, "--hands-free") as terminal:
        for point in 2 * FIDUCIALS:
            await person.does("hold-pointer", at=point)
            await terminal.says(f"{point} taken")
        await person.does("hold-pointer", at="none")
        return await terminal.ends()


async def calibrates(person: Person) -> dict[str, Any]:
    """Leads the coil from one planned pose to the next."""
    runtime, poses = person.room.runtime, ("--poses", str(POSES))
    assert (await person.client.ask("hand-guide")).ok
    async with (
        coilward(runtime, "calibrate", "plan", *poses) as plan,
        coilward(runtime, "calibrate", "run", *poses) as terminal,
    ):
        views = (await plan.ends())["robot_from_tcp"]
        for count, view in enumerate(views, 1):
            await person.does("lead-arm", to=",".join(map(str, view)))
            await terminal.says(f"Pose {count} of {POSES} taken")
        await person.does("lead-arm", mm=0.0)
        return await terminal.ends()


async def decides(client: RoomClient, verb: str, **fields: object) -> Answer:
    """What a person gets who looks once more where the room changed under the finger."""
    async with asyncio.timeout(LOOKS_S):
        while (answer := await client.ask(verb, **fields)).code is Code.CONFLICT:
            await asyncio.sleep(0.1)
    assert answer.ok, answer
    return answer


async def is_released(person: Person) -> Answer:
    """A session that is opened now."""
    opened = await decides(person.client, "start", subject=SUBJECT, protocol="demo")
    return await begin(person.client, "release", str(opened.detail["hash"]))


async def test_after_the_camera_was_moved_what_a_person_measures_anew_brings_the_coil_to_its_target(
    runtime: Runtime,
) -> None:
    async with room_of(runtime, "rest", 3) as room, connect(room.address, ROOM) as client, client.present():
        person = Person(client, room)
        await take_control(client)
        await person.does("bump-camera", mm=10.0, deg=1.0)
        await new_subject(client, room.site, SUBJECT)
        by_the_old = await is_released(person)
        await client.until(lambda view: view.state.phase == "paused", 5)
        await decides(client, "end")

        head, found = await asyncio.gather(registers(person), calibrates(person))
        released = await is_released(person)
        view = await client.until(lambda view: view.arm is not None and view.arm.lease == "begin", 20)
        coil = (await person.does("room"))["coil"]

    assert by_the_old.reason in ("camera-moved", "coil-marker-disagrees")
    assert released.ok
    placement = str(view.state.understood["placement"])
    assert f"registration {head['sha256'][:12]}" in placement
    assert f"calibration {found['sha256'][:12]}" in placement
    assert math.hypot(coil["lateral_mm"], coil["depth_mm"]) < 2
    assert math.hypot(coil["tilt_deg"], coil["twist_deg"]) < 3
