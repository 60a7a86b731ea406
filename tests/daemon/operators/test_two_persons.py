"""A trip that takes two persons, in real processes: two users of the broker lift it, one does not."""

from __future__ import annotations

import asyncio
import json
import socket

import pytest

from daemon.client import RoomClient, connect
from daemon.runtime import Runtime
from daemon.simulated_room import OPERATOR, ROOM, Simulated, new_subject, simulated_room

pytestmark = [pytest.mark.system, pytest.mark.timeout(150)]
LONG_S = 60.0
SECOND = "second"


def over_fire(runtime: Runtime, pulses: int) -> None:
    """The simulated stimulator gives so many pulses more than it was set to."""
    with socket.socket(socket.AF_UNIX) as door:
        door.settimeout(5)
        door.connect(str(runtime.simulator_control))
        door.sendall(json.dumps({"do": "over-fire", "pulses": pulses}).encode() + b"\n")
        assert json.loads(door.recv(65536))["ok"]


async def resets(room: RoomClient) -> str:
    """What this person's reset comes to, once the stimulator is at rest and the room as it is now was heard."""
    not_yet = ("reset-conditions", "nonce-stale", "conflict")
    async with asyncio.timeout(LONG_S):
        while (answer := await room.ask("reset")).reason in not_yet:
            await asyncio.sleep(0.25)
    return answer.reason or "reset"


async def test_two_users_of_the_broker_lift_a_trip_that_one_of_them_does_not(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    runtime = Runtime(tmp_path_factory.mktemp("r"))
    wanted = Simulated(pacing=False, operators=(OPERATOR, SECOND))
    async with (
        simulated_room(runtime, wanted, lambda _: None) as house,
        connect(house.address, ROOM) as first,
        connect(house.address_of(SECOND), ROOM) as second,
    ):
        await first.known(5)
        await first.ask("take")
        async with first.present():
            over_fire(runtime, 3)
            subject = await new_subject(first, house.site)
            opened = await first.ask("start", subject=subject, protocol="demo", placement="none")
            async with asyncio.timeout(LONG_S):
                while not (await first.ask("release", hash=opened.detail["hash"])).ok:
                    await asyncio.sleep(0.25)
            await first.until(lambda view: view.state.phase == "tripped", LONG_S)
            said = [await resets(person) for person in (first, first, second)]

        assert said == ["reset-needs-second-person", "reset-needs-second-person", "reset"]
        await second.until(lambda view: view.state.trip is None, LONG_S)
