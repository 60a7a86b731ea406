"""What goes wrong in a session, in virtual time: where it ends, what the operator reads, and how it is finished."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from daemon.guard_words import AskPermit, Release
from daemon.room import Done, Refused
from tests.daemon.guard_in_memory import HASH, NONCE, PUSH_S
from tests.daemon.stage import report_of

pytestmark = pytest.mark.looptime(noop_cycles=0)  # nothing here is outside the loop


async def in_a_train(stage: Any, seconds: float = 0.5) -> None:
    await stage.reaches("train")
    while not stage.guard.trigger_times_us:
        await asyncio.sleep(0.01)
    await asyncio.sleep(seconds)


# --- what the ledger leaves -------------------------------------------------------------------------------------------


async def test_a_train_that_gave_too_much_shortens_the_last_one_and_the_session_completes(stage: Any) -> None:
    fates = iter([(23, "delivered"), (20, "delivered"), (17, "delivered")])
    stage.guard.deliver = lambda _pulses: next(fates)
    await stage.begun()
    while stage.room.status().counts.settled < 23:
        await asyncio.sleep(0.01)
    stage.guard.trip_with("evidence-contradicts")
    await stage.reaches("tripped")
    await stage.room.reset(NONCE, "operator")
    await stage.reaches("paused")
    await stage.released()
    await stage.over()

    assert [permit.pulses for permit in stage.guard.of(AskPermit)] == [20, 20, 17]
    told = report_of(stage)
    assert (told["outcome"], told["pulses"]["settled"], told["pulses"]["commanded"]) == ("completed", 60, 57)


async def test_a_made_up_train_never_goes_over_what_the_ledger_leaves(stage: Any) -> None:
    stage.guard.plan = [
        {"trains": 1, "pulses": 20, "rate_tenths": 100, "level_tenths": 500, "gap_us": 0},
        {"trains": 1, "pulses": 20, "rate_tenths": 100, "level_tenths": 500, "gap_us": 6_000_000},
    ]
    fates = iter([(8, "cut"), (25, "delivered"), (7, "delivered")])
    stage.guard.deliver = lambda _pulses: next(fates)
    await stage.begun()
    while stage.room.status().counts.settled < 33:
        await asyncio.sleep(0.01)
    await stage.room.pause("operator")
    await stage.released()
    await stage.over()

    assert [permit.pulses for permit in stage.guard.of(AskPermit)] == [20, 20, 7]
    assert report_of(stage)["pulses"]["settled"] == 40


async def test_an_unknown_pulse_of_a_block_leaves_what_the_ledger_leaves(stage: Any) -> None:
    """The ledger counts the whole block; the daemon has heard of 5 of its pulses."""
    stage.guard.plan = [{"trains": 30, "pulses": 1, "rate_tenths": 0, "level_tenths": 500, "gap_us": 1_000_000}]
    fates = iter([*[(1, "delivered")] * 4, (1, "unknown"), *[(1, "delivered")] * 30])
    stage.guard.deliver = lambda _pulses: next(fates)
    await stage.begun()
    await stage.reaches("unknown-pulses")
    await stage.room.resolve(stage.guard.unknown[0], "felt", NONCE, "operator")
    await stage.reaches("paused")
    assert stage.room.status().sentence.startswith("The pulses in doubt were resolved.")
    await stage.released()
    await stage.over()

    assert sum(permit.triggers for permit in stage.guard.of(AskPermit)) == 20 + 10
    assert len(stage.guard.trigger_times_us) == 5 + 10
    assert report_of(stage)["outcome"] == "completed"
    assert report_of(stage)["ended"]["left_out"] == 15


async def test_when_the_ledger_leaves_nothing_a_release_completes_the_session(stage: Any) -> None:
    stage.guard.plan = [{"trains": 10, "pulses": 1, "rate_tenths": 0, "level_tenths": 500, "gap_us": 1_000_000}]
    stage.guard.deliver = lambda pulses: (pulses, "unknown")
    await stage.begun()
    await stage.reaches("unknown-pulses")
    await stage.room.resolve(stage.guard.unknown[0], "felt", NONCE, "operator")
    await stage.released()
    await stage.over()

    assert stage.room.status().phase == "done"
    assert len(stage.guard.trigger_times_us) == 1


async def test_without_a_fault_the_ledger_shortens_nothing(stage: Any) -> None:
    await stage.begun()
    await in_a_train(stage)
    await stage.room.pause("operator")
    await stage.released()
    await stage.over()

    assert sum(row["pulses"] for row in map(json.loads, stage.sink.lines) if row["kind"] == "train") == 60


# --- the stimulator goes and comes ------------------------------------------------------------------------------------


async def test_a_release_waits_for_a_driver_that_finds_its_remote_control_gone(stage: Any) -> None:
    await stage.opened()

    def gone() -> None:
        stage.stimulator.gone = None
        stage.room.equipped(None)
        asyncio.get_running_loop().call_later(0.6, stage.room.equipped, stage.stimulator)

    stage.stimulator.gone = gone
    await stage.released()
    await stage.over()
    assert report_of(stage)["outcome"] == "completed"


async def test_a_release_is_refused_while_the_stimulator_stays_away_and_passes_when_it_is_back(stage: Any) -> None:
    await stage.opened()
    stage.room.equipped(None)
    before_s = asyncio.get_running_loop().time()
    refused = await stage.room.release(HASH, NONCE, "operator")
    assert isinstance(refused, Refused)
    assert refused.sentence.endswith("Release when the stimulator is back.")
    assert asyncio.get_running_loop().time() - before_s < 2, "the nonce it quotes is worth 2 s"
    assert stage.guard.of(Release) == []

    stage.room.equipped(stage.stimulator)
    await stage.released()
    await stage.over()
    assert report_of(stage)["outcome"] == "completed"


async def test_a_release_waits_for_a_status_that_knows_the_last_count(stage: Any) -> None:
    await stage.begun()
    await in_a_train(stage)
    stage.guard.stop("device-disarmed-itself")
    await stage.reaches("paused")
    stopped_us = int(asyncio.get_running_loop().time() * 1e6)
    await stage.released()
    assert stage.room.view.at_us >= stopped_us + 190_000


async def test_the_count_of_a_new_driver_is_added_to_that_of_the_old(stage: Any) -> None:
    stage.stimulator.turns = 500
    stage.room.beat()
    stage.room.equipped(None)
    stage.room.beat()
    fresh = stage.stimulator.__class__(stage.guard, turns=1)
    stage.room.equipped(fresh)
    stage.room.beat()

    driver_turns = [beat[1] for beat in stage.guard.beats]
    assert driver_turns == [500, 500, 501]


async def test_a_beat_goes_out_with_every_release(stage: Any) -> None:
    await stage.opened()
    before = len(stage.guard.beats)
    await stage.released()
    assert len(stage.guard.beats) == before + 1


# --- what the operator reads ------------------------------------------------------------------------------------------


async def test_the_figures_of_a_refusal_stand_in_the_sentence(stage: Any) -> None:
    stage.guard.denials = [("gap-too-short", {"asked": "3 s", "allowed": "6 s"})]
    await stage.begun()
    await stage.reaches("paused")
    told = stage.room.status().sentence
    assert "3 s" in told
    assert "6 s" in told
    assert "…" not in told


async def test_what_a_sentence_is_made_of_stands_beside_it_for_other_languages(stage: Any) -> None:
    await stage.opened()
    quiet = stage.room.status()
    stage.guard.denials = [("gap-too-short", {"asked": "3 s", "allowed": "6 s"})]
    await stage.released()
    await stage.reaches("paused")
    told = stage.room.status()

    assert (quiet.reason, quiet.fields) == (None, {})
    assert (told.reason, told.fields) == ("gap-too-short", {"asked": "3 s", "allowed": "6 s"})
    assert told.coil_reason is None


async def test_an_arming_the_watchdog_withheld_is_told_in_the_watchdogs_words(stage: Any) -> None:
    stage.stimulator.refuse = {"arm"}
    stage.stimulator.withheld = "coil-hot"
    await stage.begun()
    await stage.reaches("paused")
    assert stage.room.status().sentence == (
        "The session is paused. The coil is warm. Let it cool or change the coil, then press Release."
    )

    stage.stimulator.refuse = set()
    await stage.released()
    await stage.over()
    assert report_of(stage)["outcome"] == "completed"


async def test_an_arming_withheld_by_a_hold_is_tried_again_by_itself(stage: Any) -> None:
    stage.stimulator.refuse = {"arm"}
    stage.stimulator.withheld = "presence-old"
    await stage.begun()
    await stage.reaches("held")
    stage.stimulator.refuse = set()
    await stage.over()
    assert report_of(stage)["outcome"] == "completed"


async def test_a_trigger_that_could_not_be_sent_is_tried_again_from_standby(stage: Any) -> None:
    """Nobody disarms a stimulator whose permit expired unused, and an armed one takes neither settings nor arming."""
    stage.stimulator.refuse = {"trigger"}
    await stage.begun()
    await stage.reaches("train")
    while stage.stimulator.refused != ["trigger"]:
        await asyncio.sleep(0.01)
    stage.stimulator.refuse = set()
    stage.guard._drop()  # it expires
    await stage.over()

    assert [what for _, what in stage.stimulator.did][:6] == ["prepare", "arm", "disarm", "prepare", "arm", "trigger"]
    assert report_of(stage)["pulses"]["settled"] == 60


async def test_a_trip_that_leaves_a_doubt_asks_for_its_resolution_after_the_reset(stage: Any) -> None:
    await stage.begun()
    await in_a_train(stage)
    stage.guard.trip_with("port-lost", drop="unknown")
    await stage.reaches("tripped")
    assert "Press STOP" in stage.room.status().sentence
    await stage.room.reset(NONCE, "operator")
    await stage.reaches("unknown-pulses")
    assert "Resolve" in stage.room.status().sentence
    await stage.room.resolve(stage.guard.unknown[0], "felt", NONCE, "operator")
    await stage.reaches("paused")
    await stage.released()
    await stage.over()
    assert report_of(stage)["outcome"] == "completed"


async def test_what_outlives_its_session_is_still_said(stage: Any) -> None:
    stage.guard.deliver = lambda pulses: (pulses, "unknown")
    await stage.begun()
    await stage.reaches("unknown-pulses")
    await stage.room.end("operator")
    assert "Resolve it with a reason" in stage.room.status().sentence

    await stage.room.resolve(stage.guard.unknown[0], "felt", NONCE, "operator")
    stage.guard.trip_with("late-tick")
    await asyncio.sleep(PUSH_S)
    assert "This computer stalled" in stage.room.status().sentence


LOCKED = "The system is locked. The disk is full. Call an engineer: `coilward-watchdog ledger verify` says why"


async def test_a_room_that_is_locked_out_says_so_and_why_wherever_its_session_stands(stage: Any) -> None:
    stage.guard.show()
    assert stage.room.status().sentence == "Nothing is open. Start a session."
    stage.guard.lockout = "the disk is full"
    stage.guard.show()
    assert stage.room.status().sentence.startswith(LOCKED)
    stage.guard.lockout = None
    stage.guard.show()

    await stage.begun()
    await stage.reaches("armed")
    stage.guard.lockout = "the disk is full"
    stage.guard.tell("lockout", reason="locked-out", detail="the disk is full")
    stage.guard.show()
    await stage.reaches("tripped")
    assert stage.room.status().sentence.startswith(LOCKED)

    await stage.room.end("operator")
    assert f" {LOCKED}" in stage.room.status().sentence


async def test_a_room_without_a_stimulator_says_first_that_it_is_locked_out(stage: Any) -> None:
    stage.room.equipped(None)
    stage.guard.show()
    assert stage.room.status().sentence.startswith("No stimulator.")
    stage.guard.lockout = "the disk is full"
    stage.guard.show()
    assert stage.room.status().sentence.startswith(LOCKED)


async def test_the_report_of_the_session_before_is_not_taken_for_this_ones(stage: Any) -> None:
    await stage.begun()
    await stage.over()
    assert isinstance(await stage.room.start(stage.order, "operator"), Done)
    assert stage.room.status().report is None
