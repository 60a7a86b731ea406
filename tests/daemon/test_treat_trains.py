"""Whole sessions in virtual time: every train of the plan, when it is due, at its level, with a row for every pulse."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path
from typing import Any

import pytest

from daemon.guard_words import AskPermit, CloseSession, Intensity
from daemon.room import Done, Refused
from tests.daemon.guard_in_memory import HASH, now_us
from tests.daemon.stage import report_of, rows

pytestmark = pytest.mark.looptime(noop_cycles=0)  # nothing here is outside the loop
SLOW = [
    {"trains": 1, "pulses": 1, "rate_tenths": 0, "level_tenths": 500, "gap_us": 0},
    {"trains": 49, "pulses": 1, "rate_tenths": 0, "level_tenths": 500, "gap_us": 1_000_000},
]


async def test_a_session_runs_every_train_of_its_plan_and_reports_it(stage: Any) -> None:
    await stage.begun()
    await stage.over()

    told = report_of(stage)
    assert told["outcome"] == "completed"
    assert told["trains"] == 3
    assert told["pulses"] == {
        "planned": 60,
        "commanded": 60,
        "settled": 60,
        "read_back": {"low": 60, "high": 60, "by": "running"},
        "sensed": None,
        "unknown": 0,
    }
    assert Path(told["report"]).with_suffix(".html").exists()
    assert len(stage.guard.of(CloseSession)) == 1


async def test_the_gap_is_kept_from_the_last_pulse_to_the_first(stage: Any) -> None:
    await stage.begun()
    await stage.over()

    first, second, third = stage.guard.trigger_times_us
    train_us = 1_900_000
    for gap_us in (second - first - train_us, third - second - train_us):
        assert 6_000_000 <= gap_us <= 6_010_000


async def test_arming_comes_at_most_two_seconds_before_the_train(stage: Any) -> None:
    await stage.begun()
    await stage.over()

    armed, triggered = stage.stimulator.times_us("arm"), stage.stimulator.times_us("trigger")
    assert len(armed) == len(triggered) == 3
    assert all(0 < pulse - arm <= 2_001_000 for arm, pulse in zip(armed, triggered, strict=True))


async def test_nothing_moves_before_the_release(stage: Any) -> None:
    await stage.opened()
    await asyncio.sleep(60)

    assert stage.room.status().phase == "positioning"
    assert stage.stimulator.did == []


async def test_the_session_task_turns_at_least_every_fifty_milliseconds_whatever_it_waits_for(stage: Any) -> None:
    await stage.begun()
    while not stage.room.status().report:
        before = stage.room.turns.count
        await asyncio.sleep(0.051)
        assert stage.room.turns.count > before


async def test_slow_stimulation_runs_in_blocks_that_follow_each_other_without_a_pause(stage: Any) -> None:
    stage.guard.plan = SLOW
    await stage.begun()
    await stage.over()

    times = stage.guard.trigger_times_us
    assert len(times) == 50
    assert all(abs(later - sooner - 1_000_000) <= 2 for sooner, later in itertools.pairwise(times))
    assert [permit.triggers for permit in stage.guard.of(AskPermit)] == [20, 20, 10]
    assert report_of(stage)["pulses"]["settled"] == 50
    assert stage.stimulator.times_us("trigger") == []  # the watchdog's timer triggers


async def test_a_pause_cuts_the_train_and_the_missing_pulses_come_last(stage: Any) -> None:
    await stage.begun()
    await stage.reaches("train")
    while not stage.guard.trigger_times_us:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.75)
    assert await stage.room.pause("operator") == Done()
    await stage.reaches("paused")
    assert stage.room.status().counts.settled == 8

    await stage.released()
    await stage.over()
    told = report_of(stage)
    assert told["outcome"] == "completed"
    assert told["pulses"]["settled"] == 60
    assert [row["pulses"] for row in rows(stage, "train")] == [8, 20, 20, 12]
    assert [permit.pulses for permit in stage.guard.of(AskPermit)] == [20, 20, 20, 12]


async def test_where_the_site_says_so_the_missing_pulses_are_left_out(stage: Any) -> None:
    stage.room._opener = stage.room._opener.__class__(
        stage.site.model_copy(update={"daemon": stage.site.daemon.model_copy(update={"made_up": "leave-out"})}),
        stage.room._opener.dialect, stage.room._opener.protocols, stage.room._opener.thresholds,
    )  # fmt: skip
    cut = iter([(8, "cut"), (20, "delivered"), (20, "delivered")])
    stage.guard.deliver = lambda _pulses: next(cut)
    await stage.begun()
    await stage.over()

    assert report_of(stage)["pulses"]["settled"] == 48
    assert rows(stage, "ended")[0]["left_out"] == 12


async def test_a_lower_intensity_holds_from_the_next_train_on(stage: Any) -> None:
    await stage.begun()
    await stage.reaches("train")
    refused = await stage.room.lower(900, "operator")
    assert isinstance(refused, Refused)
    assert "Pause first" in refused.sentence
    await stage.reaches("gap")
    assert await stage.room.lower(900, "operator") == Done()
    await stage.over()

    assert [level.tenths for level, _ in stage.stimulator.levels] == [500, 450, 450]
    assert [permit.level_tenths for permit in stage.guard.of(AskPermit)] == [500, 450, 450]


async def test_raising_is_bounded_by_the_step_and_by_the_prescription(stage: Any) -> None:
    await stage.opened()
    assert await stage.room.lower(800, "operator") == Done()
    too_far = await stage.room.lower(851, "operator")
    assert isinstance(too_far, Refused)
    assert too_far.reason == "raise-too-large"
    assert "85.1 % rMT is too far above the present 80 % rMT: a step is 5 % rMT at most." in too_far.sentence
    assert await stage.room.lower(850, "operator") == Done()
    await stage.room.lower(900, "operator")
    await stage.room.lower(950, "operator")
    await stage.room.lower(1000, "operator")
    above = await stage.room.lower(1001, "operator")
    assert isinstance(above, Refused)
    assert above.reason == "above-prescribed"
    assert "100.1 % rMT is above what is prescribed: the protocol gives 100 % rMT." in above.sentence
    assert [request.intensity_tenths for request in stage.guard.of(Intensity)] == [800, 850, 900, 950, 1000]


async def test_only_one_session_is_open_at_a_time(stage: Any) -> None:
    await stage.opened()
    answer = await stage.room.start(stage.order, "operator")

    assert isinstance(answer, Refused)
    assert answer.reason == "session-open"


async def test_a_plan_the_stimulator_cannot_deliver_is_turned_down_and_closed_again(stage: Any) -> None:
    stage.guard.plan = [{"trains": 1, "pulses": 150, "rate_tenths": 500, "level_tenths": 600, "gap_us": 0}]
    answer = await stage.room.start(stage.order, "operator")

    assert isinstance(answer, Refused)
    assert answer.reason == "not-deliverable"
    assert len(stage.guard.of(CloseSession)) == 1
    assert stage.room.status().phase == "idle"


async def test_beats_carry_the_operators_absence(stage: Any) -> None:
    stage.room.presence("operator")
    await asyncio.sleep(1.5)
    stage.room.beat()

    assert 1_500_000 <= stage.guard.beats[-1][2] <= 1_501_000


async def test_followers_get_every_pulse_row_and_hear_of_changes(stage: Any) -> None:
    heard: list[str] = []

    async def listen() -> None:
        async for happening in stage.room.follow():
            heard.append(happening.kind)  # noqa: PERF401  it is cancelled, and what it heard so far counts

    follower = asyncio.ensure_future(listen())
    await stage.begun()
    await stage.over()
    await asyncio.sleep(0)
    follower.cancel()
    await asyncio.wait((follower,))
    assert heard.count("pulse") == 60
    assert "changed" in heard


async def test_each_pulse_of_a_long_train_has_what_was_shown_last_before_it_and_not_what_the_first_one_saw(
    stage: Any,
) -> None:
    stage.guard.plan = SLOW
    await stage.begun()
    while not stage.guard.trigger_times_us:
        await asyncio.sleep(0.01)
    began_us = stage.guard.trigger_times_us[0]
    while not stage.room.status().report:
        stage.guard.temperature_tenths = 250 + (now_us() - began_us) // 1_000_000  # 0.1 °C warmer each second
        await asyncio.sleep(0.1)

    pulses = rows(stage, "pulse")
    assert len(pulses) == 50
    for row in pulses:
        assert 0 <= row["commanded_us"] - row["shown_us"] <= 250_000
        warmed = (row["shown_us"] - began_us) // 1_000_000
        assert row["coil_tenths_celsius"] in (250 + warmed, 249 + warmed), "as of its own second"
    assert {row["hash"] for row in pulses} == {HASH}
    left = [row["left"] for row in pulses]
    assert left == sorted(left, reverse=True), "blocks of 20 are reserved, and what is reserved is no longer left"
    assert left[5] == 30
    assert left[-1] == 0


async def test_the_pulses_of_a_session_are_numbered_through_its_trains(stage: Any) -> None:
    await stage.begun()
    await stage.over()

    assert [row["seq"] for row in rows(stage, "pulse")] == list(range(1, 61))


async def test_every_pulse_has_a_row_with_what_is_known_of_it(stage: Any) -> None:
    await stage.begun()
    await stage.over()

    pulses = rows(stage, "pulse")
    assert len(pulses) == 60
    assert [row["pulse"] for row in pulses[:20]] == list(range(20))
    first, second = pulses[0], pulses[1]
    assert first["commanded_us"] == stage.guard.trigger_times_us[0]
    assert second["commanded_us"] is None
    assert second["planned_us"] - first["planned_us"] == 100_000
    assert first["sensed_us"] is None
    assert first["level_set_tenths"] == first["level_read_back_tenths"] == 500
    assert (first["intensity_tenths"], first["coil"]) == (1000, "coil-1")
    assert (first["coil_tenths_celsius"], first["condition"]) == (250, "ready")
    assert (first["verdict"], first["evidence"], first["flags"]) == ("delivered", "running", [])
