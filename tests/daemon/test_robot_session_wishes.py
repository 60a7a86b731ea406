"""Where the coil goes when people want it in two places: what was asked last holds, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from daemon.room import Refused
from tests.daemon.arm_in_memory import ArmInMemory
from tests.daemon.guard_in_memory import HASH, NONCE

pytestmark = pytest.mark.looptime(noop_cycles=0)


async def sent_off(room: Any) -> None:
    room._arm.link.is_sent_off()


WISHES: dict[str, Callable[[Any], Coroutine[Any, Any, object]]] = {
    "stop": lambda room: room.stop("operator"),
    "coil away": lambda room: room.coil_away("operator"),
    "end": lambda room: room.end("operator"),
    "coil away, said to the arm alone": sent_off,
}


async def released_unseen(stage: Any, arm: ArmInMemory) -> asyncio.Task[Any]:
    """A release while the head is hidden: the coil is asked to come again and again."""
    arm.refuse["target"] = "head-lost"
    await arm.connected()
    await stage.opened()
    released = asyncio.create_task(stage.room.release(HASH, NONCE, "operator"))
    async with asyncio.timeout(1):
        while arm.went.count("target") < 2:
            await asyncio.sleep(0.01)
    return released


@pytest.mark.parametrize("wish", WISHES)
async def test_a_coil_that_is_wanted_elsewhere_meanwhile_no_longer_comes(
    stage: Any, arm: ArmInMemory, wish: str
) -> None:
    released = await released_unseen(stage, arm)
    asking = asyncio.create_task(WISHES[wish](stage.room))
    await asyncio.sleep(0.05)
    arm.refuse.clear()
    await asyncio.sleep(5)

    assert arm.says["state"] != "track"
    assert isinstance(await released, Refused)
    await asking


async def test_a_coil_that_nobody_wants_elsewhere_comes_once_the_head_is_seen(stage: Any, arm: ArmInMemory) -> None:
    released = await released_unseen(stage, arm)
    arm.refuse.clear()
    await asyncio.sleep(5)

    assert arm.says["state"] == "track"
    assert not isinstance(await released, Refused)


async def test_a_coil_that_has_been_sent_and_not_yet_told_of_its_way_is_taken_away_all_the_same(
    arm: ArmInMemory,
) -> None:
    await arm.connected()
    parked = arm.side.coil.view
    await arm.side.come("operator")
    arm.side.coil.view = parked
    arm.side.leave("away")

    assert arm.went == ["target", "away"]


async def test_a_coil_that_never_set_out_is_left_where_it_is(arm: ArmInMemory) -> None:
    arm.refuse["target"] = "not-calibrated"
    await arm.connected()
    await arm.side.come("operator")
    arm.side.leave("away")

    assert arm.went == ["target"]
    assert arm.says["state"] == "parked"
