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
