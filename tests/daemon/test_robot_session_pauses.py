"""Sessions in a room with an arm, in virtual time: what is left to a person, and where the coil goes at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from daemon.arm_words import ArmAnswer
from daemon.guard_words import Release
from daemon.room import Done, Refused
from drivers.errors import DeadlinePassed
from tests.daemon.arm_in_memory import ArmInMemory, begun
from tests.daemon.guard_in_memory import HASH, NONCE
from tests.daemon.stage import first_pulse, report_of, rows

pytestmark = pytest.mark.looptime(noop_cycles=0)


async def test_after_a_retract_the_operator_resumes(stage: Any, arm: ArmInMemory) -> None:
    await begun(stage, arm)
    await first_pulse(stage)
    await asyncio.sleep(0.5)
    arm.leaves("freeze", "head-lost")
    await asyncio.sleep(0.5)
    arm.leaves("retract", "head-lost")
    await stage.reaches("paused")
    sentence = stage.room.status().sentence
    assert "took the coil off the head" in sentence
    assert "does not see the head marker" in sentence
    assert (stage.room.status().reason, stage.room.status().coil_reason) == ("coil-retracted", "head-lost")
    arm.leaves("away", None)
    await asyncio.sleep(60)
    assert len(stage.guard.trigger_times_us) == 1

    await stage.released()
    await stage.over()
    assert arm.went[:2] == ["target", "target"]
    assert report_of(stage)["outcome"] == "completed"
    assert report_of(stage)["pulses"]["settled"] == 60
    paused = [row for row in rows(stage, "wait") if row["state"] == "paused"]
    assert [(row["reason"], row["coil"]) for row in paused] == [("coil-retracted", "head-lost")]
    assert paused[0]["seconds"] == pytest.approx(60, abs=1)


async def test_a_coil_that_stays_away_is_waited_for_by_a_person(stage: Any, arm: ArmInMemory) -> None:
    await begun(stage, arm)
    await first_pulse(stage)
    await stage.reaches("gap")
    arm.leaves("approach", "out-of-reach")
    await asyncio.sleep(9)
    assert stage.room.status().phase in ("gap", "held")
    await stage.reaches("paused", within_s=8)

    assert "stayed off its target too long" in stage.room.status().sentence
    arm.arrives()
    await asyncio.sleep(60)
    assert stage.room.status().phase == "paused"


async def test_after_a_resume_the_way_back_may_take_longer_than_an_absence(stage: Any, arm: ArmInMemory) -> None:
    await begun(stage, arm)
    await first_pulse(stage)
    arm.leaves("retract", "force")
    await stage.reaches("paused")
    arm.way_s = 30.0
    await stage.released()
    await stage.over()

    assert report_of(stage)["outcome"] == "completed"


async def test_a_lost_arm_pauses_the_session_and_is_named(stage: Any, arm: ArmInMemory) -> None:
    await begun(stage, arm)
    await first_pulse(stage)
    await stage.reaches("gap")
    arm.hangs_up()
    await stage.reaches("paused")

    assert "coilward-arm does not answer" in stage.room.status().sentence
    assert stage.room.status().arm["linked"] is False
    assert isinstance(await stage.room.coil_away("operator"), Refused)


async def test_an_arm_that_does_not_go_to_the_target_pauses_what_was_released(stage: Any, arm: ArmInMemory) -> None:
    arm.refuse["target"] = "robot-stopped"
    await arm.connected()
    await stage.opened()
    answer = await stage.room.release(HASH, NONCE, "operator")

    assert isinstance(answer, Refused)
    assert answer.reason == "robot-stopped"
    assert "release the stop: at its pendant" in answer.sentence
    await stage.reaches("paused")
    arm.refuse.clear()
    await stage.released()
    await stage.over()


async def test_a_release_the_watchdog_refuses_moves_nothing(stage: Any, arm: ArmInMemory) -> None:
    await arm.connected()
    await stage.opened()
    stage.guard.condition = "armed"
    stage.guard.show()
    assert isinstance(await stage.room.release(HASH, NONCE, "operator"), Refused)

    assert stage.guard.of(Release) == []
    assert arm.went == []


async def test_stop_reaches_the_arm_too_and_leaves_it_where_it_is(stage: Any, arm: ArmInMemory) -> None:
    await begun(stage, arm)
    await first_pulse(stage)
    assert isinstance(await stage.room.stop("operator"), Done)
    await asyncio.sleep(5)

    assert arm.went == ["target", "stop"]


async def test_stop_reaches_an_arm_that_was_sent_away_before(stage: Any, arm: ArmInMemory) -> None:
    await begun(stage, arm)
    await first_pulse(stage)
    assert isinstance(await stage.room.coil_away("operator"), Done)
    assert isinstance(await stage.room.stop("operator"), Done)
    await asyncio.sleep(1)

    assert arm.went == ["target", "away", "stop"]


async def test_a_stop_at_the_watchdog_reaches_an_arm_that_came_back_since_it_was_sent_away(
    stage: Any, arm: ArmInMemory
) -> None:
    await begun(stage, arm)
    await first_pulse(stage)
    assert isinstance(await stage.room.coil_away("operator"), Done)
    await stage.reaches("paused")
    stage.room.arm_lost("killed")
    await arm.side.linked(arm)
    stage.guard.tell("stop-asked", by="pedal")
    await asyncio.sleep(1)

    assert arm.went == ["target", "away", "stop"]


class Deaf:
    """A link whose arm takes an order, or not, and says nothing."""

    async def ask(self, order: Mapping[str, Any]) -> ArmAnswer:
        raise DeadlinePassed(f"The arm did not answer {order['do']} within 1 s.")


@pytest.mark.parametrize("link", [None, Deaf()], ids=["no link", "no answer"])
async def test_a_stop_at_the_watchdog_reaches_an_arm_that_may_not_have_heard_that_it_was_sent_away(
    stage: Any, arm: ArmInMemory, link: Any
) -> None:
    await begun(stage, arm)
    await first_pulse(stage)
    arm.side.link = link
    assert isinstance(await stage.room.coil_away("operator"), Refused)
    arm.side.link = arm
    stage.guard.tell("stop-asked", by="pedal")

    assert arm.went == ["target", "stop"]


async def test_a_stop_that_somebody_gave_at_the_watchdog_reaches_the_arm_too(stage: Any, arm: ArmInMemory) -> None:
    await begun(stage, arm)
    await first_pulse(stage)
    stage.guard.stop("presence-lost")
    await asyncio.sleep(0)
    before = list(arm.went)
    stage.guard.tell("stop-asked", by="pedal")
    await asyncio.sleep(5)

    assert before == ["target"]
    assert arm.went == ["target", "stop"]


@pytest.mark.parametrize(("how", "to"), [("done", "park"), ("end", "away"), ("trip", "away"), ("watchdog", "away")])
async def test_at_its_end_a_session_lets_go_of_the_head(stage: Any, arm: ArmInMemory, how: str, to: str) -> None:
    await begun(stage, arm)
    await first_pulse(stage)
    if how == "trip":
        stage.guard.trip_with("beats-lost")
    elif how == "watchdog":
        stage.room.unlinked("killed")
    elif how == "end":
        await stage.reaches("gap")
        await stage.room.end("operator")
    else:
        await stage.over()
    await asyncio.sleep(1)

    assert arm.went == ["target", to]


async def test_coil_away_pauses_a_train_and_a_release_brings_it_back(stage: Any, arm: ArmInMemory) -> None:
    await begun(stage, arm)
    await first_pulse(stage)
    await asyncio.sleep(0.5)
    assert isinstance(await stage.room.coil_away("operator"), Done)
    await stage.reaches("paused")
    assert "A person had the coil taken off the head" in stage.room.status().sentence
    stage.guard.tell("stop-asked", by="operator")  # the room's own, by which the train was cut
    await asyncio.sleep(0.1)
    assert arm.went == ["target", "away"]

    await stage.released()
    await stage.over()
    assert report_of(stage)["pulses"]["settled"] == 60


@pytest.mark.parametrize("verb", ["hand_guide", "park"])
async def test_an_arm_is_guided_and_parked_only_while_nothing_is_armed(stage: Any, arm: ArmInMemory, verb: str) -> None:
    await begun(stage, arm)
    await stage.reaches("armed")
    refused = await getattr(stage.room, verb)("operator")
    assert isinstance(refused, Refused)
    assert refused.reason == "coil-busy"
    await stage.room.pause("operator")
    stage.guard.condition = "armed"
    stage.guard.show()
    assert (await getattr(stage.room, verb)("operator")).reason == "not-at-rest"

    stage.guard.condition = "standby"
    stage.guard.show()
    assert isinstance(await getattr(stage.room, verb)("operator"), Done)


async def test_a_room_without_an_arm_has_none_to_move(stage: Any) -> None:
    for verb in (stage.room.coil_away, stage.room.hand_guide, stage.room.park):
        assert (await verb("operator")).reason == "no-arm"
    assert stage.room.status().arm is None
