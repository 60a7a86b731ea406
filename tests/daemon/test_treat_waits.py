"""What a session waits for in virtual time, a hold or a person, and how it goes on from there."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from daemon.guard_words import AskPermit, Stop
from daemon.room import Done, Refused
from tests.daemon.guard_in_memory import HASH, NONCE, PUSH_S
from tests.daemon.stage import report_of

pytestmark = pytest.mark.looptime(noop_cycles=0)  # nothing here is outside the loop


async def test_a_paused_session_waits_for_a_person_however_long(stage: Any) -> None:
    await stage.begun()
    await stage.reaches("gap")
    await stage.room.pause("operator")
    await asyncio.sleep(120)

    assert stage.room.status().phase == "paused"
    assert stage.guard.trigger_times_us == []


async def test_a_hold_delays_the_next_train_and_a_countdown_precedes_it(stage: Any) -> None:
    await stage.begun()
    await stage.reaches("gap")
    stage.guard.holding("presence-old")
    await stage.reaches("held")
    await asyncio.sleep(20)
    assert stage.guard.trigger_times_us == []

    cleared_us = int(asyncio.get_running_loop().time() * 1e6)
    stage.guard.clear()
    await stage.over()
    assert stage.guard.trigger_times_us[0] - cleared_us >= 3_000_000
    assert report_of(stage)["outcome"] == "completed"


async def test_a_permit_that_is_held_back_is_asked_again(stage: Any) -> None:
    stage.guard.denials = ["read-back-stale"]
    await stage.begun()
    await stage.over()

    assert report_of(stage)["outcome"] == "completed"
    assert len(stage.guard.of(AskPermit)) == 4


async def test_a_permit_that_stays_refused_pauses_the_session(stage: Any) -> None:
    stage.guard.denials = ["read-back-stale"] * 3
    await stage.begun()
    await stage.reaches("paused")

    assert "read back" in stage.room.status().sentence
    assert len(stage.guard.of(Stop)) == 1


async def test_a_permit_refused_for_good_pauses_at_once(stage: Any) -> None:
    stage.guard.denials = ["rate-over-limit"]
    await stage.begun()
    await stage.reaches("paused")

    assert len(stage.guard.of(AskPermit)) == 1


async def test_unknown_pulses_are_counted_never_sent_again_and_wait_for_a_person(stage: Any) -> None:
    fates = iter([(20, "unknown"), (20, "delivered"), (20, "delivered")])
    stage.guard.deliver = lambda _pulses: next(fates)
    await stage.begun()
    await stage.reaches("unknown-pulses")
    assert stage.room.status().counts.unknown == 20
    answer = await stage.room.release(HASH, NONCE, "operator")
    assert isinstance(answer, Refused)
    assert "Resolve" in answer.sentence

    assert await stage.room.resolve(stage.guard.unknown[0], "subject felt it", NONCE, "operator") == Done()
    await stage.reaches("paused")
    await stage.released()
    await stage.over()
    assert len(stage.guard.trigger_times_us) == 3
    assert report_of(stage)["pulses"]["settled"] == 60
    assert report_of(stage)["pulses"]["unknown"] == 20


async def test_a_settlement_that_never_comes_makes_the_pulses_unknown(stage: Any) -> None:
    stage.guard._settle = lambda *_: None
    await stage.begun()
    await stage.reaches("unknown-pulses")

    assert stage.room.status().counts.unknown == 20


async def test_a_trip_waits_for_its_reset_and_then_for_a_release(stage: Any) -> None:
    await stage.begun()
    await stage.reaches("train")
    while not stage.guard.trigger_times_us:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.5)
    stage.guard.trip_with("level-changed")
    await stage.reaches("tripped")
    assert "knobs" in stage.room.status().sentence
    await asyncio.sleep(100)
    assert len(stage.guard.trigger_times_us) == 1

    await stage.room.reset(NONCE, "operator")
    await stage.reaches("paused")
    await asyncio.sleep(PUSH_S)
    assert stage.room.status().sentence.startswith("The safety stop was reset.")
    await stage.released()
    await stage.over()
    assert report_of(stage)["outcome"] == "completed"
    assert report_of(stage)["pulses"]["settled"] == 60


async def test_a_full_disk_begins_no_further_train_and_stops_nothing_else(stage: Any) -> None:
    await stage.begun()
    await stage.reaches("train")
    stage.sink.trouble = "No space left on device"
    await stage.reaches("paused")
    assert len(stage.guard.trigger_times_us) == 1
    assert stage.room.status().counts.settled == 20
    assert "No space left on device" in stage.room.status().sentence
    assert isinstance(await stage.room.pause("operator"), Done)

    stage.sink.trouble = None
    await stage.released()
    await stage.over()
    assert report_of(stage)["pulses"]["settled"] == 60


async def test_a_stimulator_that_does_not_arm_pauses_the_session_and_is_named(stage: Any) -> None:
    stage.stimulator.refuse = {"arm"}
    await stage.begun()
    await stage.reaches("paused")

    assert "refused to arm" in stage.room.status().sentence


async def test_a_stimulator_that_goes_away_and_comes_back_finishes_the_session(stage: Any) -> None:
    await stage.begun()
    await stage.reaches("gap")
    stage.room.equipped(None)
    await stage.reaches("paused")
    refused = await stage.room.release(HASH, NONCE, "operator")
    assert isinstance(refused, Refused)
    assert refused.reason == "stimulator-away"
    await asyncio.sleep(0.1)

    stage.room.equipped(stage.stimulator)
    await stage.released()
    await stage.over()
    assert report_of(stage)["outcome"] == "completed"
