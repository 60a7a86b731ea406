"""How a session ends in virtual time, what its report then says of it, and whether it can be continued."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from daemon.guard_words import CloseSession, OpenSession
from daemon.room import Done, Refused
from tests.daemon.stage import report_of, rows

pytestmark = pytest.mark.looptime(noop_cycles=0)  # nothing here is outside the loop


async def test_a_session_left_with_unknown_pulses_says_so(stage: Any) -> None:
    stage.guard.deliver = lambda pulses: (pulses, "unknown")
    await stage.begun()
    await stage.reaches("unknown-pulses")
    await stage.room.end("operator")

    assert report_of(stage)["outcome"] == "unknown_pulses"


async def test_a_session_ended_after_a_trip_is_reported_as_tripped(stage: Any) -> None:
    await stage.begun()
    await stage.reaches("armed")
    stage.guard.trip_with("beats-lost")
    await stage.reaches("tripped")
    answer = await stage.room.end("operator")

    assert isinstance(answer, Done)
    assert answer.detail["outcome"] == "tripped"


async def test_losing_the_watchdog_ends_the_session_and_leaves_it_continuable(stage: Any) -> None:
    await stage.begun()
    await stage.reaches("armed")
    stage.room.unlinked("end of stream")
    await stage.over()
    snapshot = stage.room.status()
    assert snapshot.phase == "ended-early"
    assert snapshot.continuable == "ab" * 8
    assert not snapshot.linked
    assert report_of(stage)["outcome"] == "ended_early"

    stage.room.linked(stage.guard)
    answer = await stage.room.continue_session(None, "watchdog restarted", "left DLPFC, mark F3", "operator")
    assert isinstance(answer, Done)
    assert stage.guard.of(OpenSession)[-1].continues == "ab" * 8
    assert stage.guard.of(OpenSession)[-1].reason == "watchdog restarted"
    assert stage.room.status().phase == "positioning"


async def test_losing_the_watchdog_in_a_train_leaves_its_pulses_unknown(stage: Any) -> None:
    await stage.begun()
    while not stage.guard.trigger_times_us:
        await asyncio.sleep(0.01)
    stage.room.unlinked("killed")
    await stage.over()

    assert report_of(stage)["outcome"] == "unknown_pulses"
    assert report_of(stage)["pulses"]["settled"] == report_of(stage)["pulses"]["unknown"] == 20
    assert {flag for row in rows(stage, "pulse") for flag in row["flags"]} == {"unknown"}


async def test_a_completed_session_cannot_be_continued(stage: Any) -> None:
    await stage.begun()
    await stage.over()
    answer = await stage.room.continue_session(None, "more", "there", "operator")

    assert isinstance(answer, Refused)
    assert answer.reason == "nothing-to-continue"


@pytest.mark.parametrize(("after_s", "refused"), [(119.9, None), (120.1, "nothing-to-continue")])
async def test_an_interrupted_session_can_be_continued_within_the_sites_two_minutes_and_no_later(
    stage: Any, after_s: float, refused: str | None
) -> None:
    await stage.begun()
    await stage.reaches("gap")
    await stage.room.end("operator")
    await asyncio.sleep(after_s)
    answer = await stage.room.continue_session(None, "late", "there", "operator")

    assert (answer.reason if isinstance(answer, Refused) else None) == refused
    assert stage.room.status().phase == ("positioning" if refused is None else "ended-early")


@pytest.mark.parametrize("recorded_s", [-60.0, 0.0, 60.0])
@pytest.mark.parametrize("past_s", [-0.1, 0.1])
async def test_what_is_shown_as_continuable_is_what_the_ledger_last_heard_of_it(
    stage: Any, recorded_s: float, past_s: float
) -> None:
    """Its last record is older than the last row of a daemon that lived on, and newer than that of one that did not."""
    await stage.begun()
    await stage.reaches("gap")
    await stage.room.end("operator")
    ended_us = rows(stage, "ended")[-1]["wall_us"]
    stage.guard.last_session = {"key": "ab" * 8, "last_wall_us": ended_us + int(recorded_s * 1e6)}
    stage.guard.show()
    await asyncio.sleep(120 + recorded_s + past_s)

    assert stage.room.status().continuable == (None if past_s > 0 else "ab" * 8)
    answer = await stage.room.continue_session(None, "late", "there", "operator")
    assert isinstance(answer, Refused) is (past_s > 0)


async def test_what_the_ledger_says_of_another_session_changes_nothing_for_this_one(stage: Any) -> None:
    await stage.begun()
    await stage.reaches("gap")
    await stage.room.end("operator")
    stage.guard.last_session = {"key": "cd" * 8, "last_wall_us": 1}
    stage.guard.show()
    assert stage.room.status().continuable == "ab" * 8


@pytest.mark.parametrize("phase", ["gap", "armed", "train"])
async def test_stop_is_done_when_standby_is_confirmed_and_the_session_has_ended(stage: Any, phase: str) -> None:
    await stage.begun()
    await stage.reaches(phase)
    answer = await stage.room.stop("operator")

    assert isinstance(answer, Done)
    assert answer.detail["standby"] is True
    assert stage.guard.condition == "standby"
    assert report_of(stage)["outcome"] == "stopped"
    assert isinstance(await stage.room.stop("operator"), Done)  # again, with nothing to stop


@pytest.mark.parametrize("phase", ["positioning", "gap", "arming", "armed", "train"])
async def test_a_session_can_be_ended_from_every_state(stage: Any, phase: str) -> None:
    await stage.opened()
    if phase != "positioning":
        await stage.released()
    await stage.reaches(phase)
    answer = await stage.room.end("operator")

    assert isinstance(answer, Done)
    assert answer.detail["outcome"] == "ended_early"
    assert Path(str(answer.detail["report"])).exists()
    assert len(stage.guard.of(CloseSession)) == 1
