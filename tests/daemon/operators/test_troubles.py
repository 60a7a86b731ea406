"""One treatment in real processes, troubled three times, and finished by its operator."""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path
from typing import Any

import pytest

from daemon.client import RoomClient, View, connect
from daemon.runtime import Runtime
from daemon.simulated_room import ROOM, Simulated, new_subject, simulated_room

pytestmark = [pytest.mark.system, pytest.mark.timeout(150)]
LONG_S = 60.0


def order(runtime: Runtime, do: str, **arguments: Any) -> dict[str, Any]:
    """Through the simulator's back door."""
    with socket.socket(socket.AF_UNIX) as door:
        door.settimeout(5)
        door.connect(str(runtime.simulator_control))
        door.sendall(json.dumps({"do": do, **arguments}).encode() + b"\n")
        answer: dict[str, Any] = json.loads(door.recv(65536))
        assert answer["ok"], answer
        return answer


async def until_done(room: RoomClient, verb: str, **fields: Any) -> None:
    """A person presses again when they are told that it is too early."""
    async with asyncio.timeout(LONG_S):
        while not (answer := await room.ask(verb, **fields)).ok:
            assert answer.sentence is not None
            assert answer.sentence.next, answer
            await asyncio.sleep(0.25)


async def goes_on(room: RoomClient) -> None:
    view = await room.known(5)
    await until_done(room, "resume", hash=view.state.hash)


def stands_before_the_last_train(view: View) -> bool:
    """In standby: a cable pulled from an armed device is another matter, a trip."""
    waits = view.state.phase == "gap" and view.state.stimulator == "standby"
    return waits and view.progress is not None and view.progress.train == 3


async def test_a_treatment_troubled_three_times_is_finished_and_gives_no_pulse_too_many(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    runtime = Runtime(tmp_path_factory.mktemp("r"))
    async with (
        simulated_room(runtime, Simulated(pacing=False), lambda _: None) as house,
        connect(house.address, ROOM) as room,
    ):
        await room.known(5)
        await room.ask("take")
        async with room.present():
            order(runtime, "over-fire", pulses=3)
            subject = await new_subject(room, house.site)
            opened = await room.ask("start", subject=subject, protocol="demo", placement="none")
            await until_done(room, "release", hash=opened.detail["hash"])

            tripped = await room.until(lambda view: view.state.phase == "tripped", LONG_S)
            assert "delivered another number of pulses" in tripped.state.sentence
            order(runtime, "over-fire", pulses=0)
            await until_done(room, "reset")
            await goes_on(room)

            await room.until(stands_before_the_last_train, LONG_S)
            order(runtime, "vanish")
            gone = await room.until(lambda view: view.state.phase == "paused", LONG_S)
            assert "Check power, cable" in gone.state.sentence
            refused = await room.ask("resume", hash=gone.state.hash)
            assert not refused.ok
            order(runtime, "come-back")
            await goes_on(room)

            order(runtime, "coil-temperature", celsius=40.5)
            warm = await room.until(lambda view: view.state.phase == "paused", LONG_S)
            assert "The coil is warm" in warm.state.sentence
            order(runtime, "coil-temperature", celsius=30.0)
            await goes_on(room)

            done = await room.until(lambda view: view.state.report is not None, LONG_S)
        assert done.state.phase == "done"
        told = json.loads(Path(str(done.state.report)).read_text())
        assert (told["outcome"], told["pulses"]["settled"]) == ("completed", 60)
        assert order(runtime, "pulses")["pulses"] <= 60
