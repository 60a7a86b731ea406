"""Pulse by pulse in a room with an arm, in virtual time: how blocks wait for a coil that is near its target."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import pytest

from daemon.guard_words import AskPermit
from daemon.pace import NEXT_BLOCK_US
from tests.daemon.arm_in_memory import ArmInMemory, begun
from tests.daemon.stage import first_pulse, report_of, rows

pytestmark = pytest.mark.looptime(noop_cycles=0)

PERIOD_US = 1_000_000
BEFORE_THE_ASK = 20 - NEXT_BLOCK_US // PERIOD_US - 1
"""Pulses of the first block after which the next one is asked with the next pulse."""


async def in_its_first_block(stage: Any, arm: ArmInMemory) -> None:
    """A session of 50 single pulses at 1 Hz goes on until its next block is soon to be asked for."""
    stage.guard.plan = [
        {"trains": 1, "pulses": 1, "rate_tenths": 0, "level_tenths": 500, "gap_us": 0},
        {"trains": 49, "pulses": 1, "rate_tenths": 0, "level_tenths": 500, "gap_us": PERIOD_US},
    ]
    await begun(stage, arm)
    await first_pulse(stage, BEFORE_THE_ASK)
    assert len(stage.guard.of(AskPermit)) == 1


def gaps_us(stage: Any) -> list[int]:
    times_us = stage.guard.trigger_times_us
    return [round((b - a) / 10) * 10 for a, b in pairwise(times_us)]


async def test_a_coil_that_trembles_while_a_block_runs_is_waited_for_before_the_next_is_asked(
    stage: Any, arm: ArmInMemory
) -> None:
    await in_its_first_block(stage, arm)
    arm.flickers()
    await first_pulse(stage, 19)
    assert len(stage.guard.of(AskPermit)) == 1, "no permit is asked that would be refused"
    arm.arrives()
    await stage.over()

    assert [permit.triggers for permit in stage.guard.of(AskPermit)] == [20, 20, 10]
    assert set(gaps_us(stage)) == {PERIOD_US}
    assert report_of(stage)["pulses"]["settled"] == 50


async def test_a_coil_that_trembles_past_the_end_of_its_block_ends_the_train_and_the_rest_follows_by_itself(
    stage: Any, arm: ArmInMemory
) -> None:
    await in_its_first_block(stage, arm)
    arm.flickers()
    await stage.reaches("held")
    assert len(stage.guard.trigger_times_us) == 20
    assert "head moves too fast" in stage.room.status().sentence
    await asyncio.sleep(2)
    arm.arrives()
    await stage.over()

    assert report_of(stage)["outcome"] == "completed"
    assert [row["pulses"] for row in rows(stage, "train")] == [20, 30]
    assert [permit.triggers for permit in stage.guard.of(AskPermit)] == [20, 20, 10]
    assert min(gaps_us(stage)) == PERIOD_US


async def test_a_block_that_meets_a_coil_only_near_its_target_at_its_first_pulse_is_asked_again_later(
    stage: Any, arm: ArmInMemory
) -> None:
    await in_its_first_block(stage, arm)
    await first_pulse(stage, 20)
    assert len(stage.guard.of(AskPermit)) == 2
    arm.flickers()
    await stage.reaches("held")
    assert len(stage.guard.trigger_times_us) == 20
    arm.arrives()
    await stage.over()

    assert report_of(stage)["outcome"] == "completed"
    assert report_of(stage)["pulses"] == {**report_of(stage)["pulses"], "settled": 50, "unknown": 0}
    assert [row["pulses"] for row in rows(stage, "train")] == [20, 30]


async def test_a_further_block_that_is_refused_for_the_coil_pauses_nothing(stage: Any, arm: ArmInMemory) -> None:
    await in_its_first_block(stage, arm)
    stage.guard.near = True  # the watchdog knows, and the daemon has not heard
    await stage.reaches("gap", "held")
    assert len(stage.guard.trigger_times_us) == 20
    assert rows(stage, "refused")[0]["reason"] == "lease-missing"
    stage.guard.near = False
    await stage.over()

    assert report_of(stage)["outcome"] == "completed"
    assert report_of(stage)["pulses"]["settled"] == 50
