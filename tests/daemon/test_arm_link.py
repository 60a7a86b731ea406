"""The daemon's end of the arm's socket, against a real socket."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from daemon.arm_link import ArmLink, ArmLost
from daemon.arm_words import ArmView, frame_words, go, packet, read_packet
from drivers.errors import DeadlinePassed, PortNotFound
from drivers.poses import Pose
from drivers.trackers import Frame, Missing, Sight, Tool
from tests.daemon.arm_stand_in import ArmStandIn, state

FRAME = Frame(
    7,
    1_000,
    2_000,
    {Tool.HEAD: Sight(Pose((1.0, 0, 0, 0), (0.1, 0.2, 0.3))), Tool.COIL: Sight(None, 0, Missing.BAD_FIT)},
)


@pytest.fixture
async def arm(tmp_path: Path) -> AsyncIterator[ArmStandIn]:
    stand_in = ArmStandIn(tmp_path / "control")
    yield stand_in
    stand_in.close()


@pytest.fixture
async def link(arm: ArmStandIn) -> AsyncIterator[ArmLink]:
    made = await ArmLink.connect(arm.path, "daemon")
    yield made
    made.close()


async def until(true: object) -> None:
    async with asyncio.timeout(3):
        while not true():  # type: ignore[operator]
            await asyncio.sleep(0.005)


async def test_it_says_hello_before_anything_else(arm: ArmStandIn, link: ArmLink) -> None:
    assert arm.heard == [{"do": "hello", "role": "daemon"}]


async def test_nobody_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(PortNotFound, match="Start coilward-arm"):
        await ArmLink.connect(tmp_path / "control", "daemon")


async def test_an_arm_that_turns_us_down_is_quoted(arm: ArmStandIn) -> None:
    arm.refuse["hello"] = "one daemon is connected"
    with pytest.raises(ArmLost, match="one daemon is connected"):
        await ArmLink.connect(arm.path, "daemon")


async def test_frames_arrive_in_order_in_the_words_of_the_contract(arm: ArmStandIn, link: ArmLink) -> None:
    assert link.send_frame(FRAME)
    await until(lambda: arm.of("frame"))

    assert arm.of("frame") == [
        {"do": "frame", "n": 7, "source_us": 1000, "received_us": 2000, "fault": "",
         "tools": {"head": [1.0, 0, 0, 0, 0.1, 0.2, 0.3], "coil": {"missing": "bad-fit"}}}
    ]  # fmt: skip


async def test_an_arm_that_does_not_read_loses_frames_and_never_makes_us_wait(arm: ArmStandIn, link: ArmLink) -> None:
    arm.deaf()
    taken = sum(link.send_frame(FRAME) for _ in range(5_000))

    assert 0 < taken < 5_000
    assert link.dropped == 5_000 - taken
    with pytest.raises(DeadlinePassed, match="does not read"):
        await link.ask({"do": "stop"})


async def test_an_order_gets_its_own_answer(arm: ArmStandIn, link: ArmLink) -> None:
    arm.refuse["go"] = "no-target"
    refused, stopped = await asyncio.gather(link.ask(go("target")), link.ask({"do": "stop"}))

    assert (refused.ok, refused.why) == (False, "no-target")
    assert stopped.ok


async def test_the_answer_to_an_order_nobody_waits_for_is_nobody_elses(arm: ArmStandIn, link: ArmLink) -> None:
    arm.refuse["go"] = "no-target"
    link.tell(go("away"))
    await until(lambda: arm.of("go"))
    arm.refuse.clear()

    assert (await link.ask(go("park"))).ok


async def test_states_are_read_leniently(arm: ArmStandIn, link: ArmLink) -> None:
    arm.say(state="freeze", why="head-lost", lease="none", error=None, more=1)
    view = await anext(link.states())

    assert (view.state, view.why, view.lease, view.error) == ("freeze", "head-lost", "none", None)


async def test_its_end_reaches_everybody_who_waits(arm: ArmStandIn, link: ArmLink) -> None:
    arm.mute = True
    asking = asyncio.create_task(link.ask({"do": "stop"}))
    await until(lambda: arm.of("stop"))
    arm.hang_up()
    with pytest.raises(ArmLost):
        await asking

    assert [view async for view in link.states()] == []
    assert link.lost is not None
    with pytest.raises(ArmLost):
        link.send_frame(FRAME)


@pytest.mark.parametrize("data", [b"{", b"[]", b'{"say":"state"}', b'{"say":"else"}'])
async def test_what_is_no_message_ends_the_connection(arm: ArmStandIn, link: ArmLink, data: bytes) -> None:
    assert read_packet(data) is None
    arm.say_bytes(data)
    await until(lambda: link.lost)


def test_errors_add_up_to_a_distance_and_an_angle() -> None:
    said = ArmView.model_validate(state(error={"lateral_mm": 3.0, "depth_mm": -4.0, "tilt_deg": 0.0, "twist_deg": 1.0}))
    assert said.error is not None
    assert (said.error.distance_mm, said.error.angle_deg) == (5.0, 1.0)


def test_a_packet_is_json_of_at_most_4_kib() -> None:
    with pytest.raises(ValueError, match="4096"):
        packet({"do": "x" * 5000})
    with pytest.raises(ValueError, match="JSON"):
        packet({"do": math.nan})


def test_a_trackers_complaint_is_cut_to_what_the_arm_takes() -> None:
    words = frame_words(Frame(1, 1, 2, {}, "bad\n" + "x" * 300))

    assert words["fault"] == "bad" + "x" * 197
