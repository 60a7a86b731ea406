"""An emergency ends a session from every state, for good; it stands until a session is opened, whoever pressed it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from daemon.guard_words import Emergency
from daemon.journal import Journal, MemorySink
from daemon.room import Done, Refused
from daemon.treatment_room import TreatmentRoom
from tests.daemon.arm_in_memory import ArmInMemory, begun
from tests.daemon.guard_in_memory import KEY, NONCE, WALL_US, StandInGuard, now_us
from tests.daemon.stage import first_pulse, report_of, rows
from tests.daemon.test_verbs import bring

pytestmark = pytest.mark.looptime(noop_cycles=0)
STATES = ("positioning", "gap", "arming", "armed", "train", "held", "paused", "tripped", "unknown-pulses")


@pytest.mark.parametrize("state", STATES)
async def test_an_emergency_ends_the_session_with_its_report_from_every_state(stage: Any, state: str) -> None:
    await bring(stage, state)
    answer = await stage.room.emergency("olga")
    shown = stage.room.status()

    assert isinstance(answer, Done), answer
    assert answer.detail["standby"] is True
    assert (shown.phase, report_of(stage)["outcome"]) == ("ended-early", "emergency")
    assert shown.continuable is None
    assert shown.blocked
    assert shown.emergency == {"at_us": stage.guard.emergency["pressed_us"], "by": "olga", "subject": "sim-0001"}
    assert len(rows(stage, "emergency")) == 1


async def test_the_train_it_cuts_is_counted_before_the_report_is_made(stage: Any) -> None:
    await stage.begun()
    await first_pulse(stage)
    await asyncio.sleep(0.5)
    await stage.room.emergency("olga")

    pulses = report_of(stage)["pulses"]
    assert 0 < pulses["settled"] < 20
    assert pulses["unknown"] == 0


async def test_after_the_last_pulse_it_is_an_emergency_all_the_same(stage: Any) -> None:
    stage.guard.plan = stage.guard.plan[:1]
    stage.guard._drop = lambda *_: None  # too late: the train runs to its end
    await stage.begun()
    await first_pulse(stage)
    await stage.room.emergency("olga")
    assert report_of(stage)["outcome"] == "emergency"


async def test_it_cannot_be_continued_and_the_journal_tells_the_next_daemon_so(stage: Any) -> None:
    await stage.begun()
    await stage.reaches("gap")
    await stage.room.emergency("olga")
    refused = await stage.room.continue_session(None, "it went well", "mark F3", "olga")

    assert isinstance(refused, Refused)
    assert refused.reason == "nothing-to-continue"
    again = restarted(stage)
    assert again.status().continuable is None


async def test_the_sentence_says_so_and_names_no_way_to_go_on(stage: Any) -> None:
    await stage.begun()
    await stage.reaches("gap")
    await stage.room.emergency("olga")
    told = stage.room.status()

    assert (told.reason, told.fields) == ("emergency", {"by": "olga"})
    assert "Continue" not in told.sentence
    assert len(told.sentence.split()) <= 30


def restarted(stage: Any) -> TreatmentRoom:
    """Another daemon over the same journal; the watchdog has not spoken to it yet."""
    journal = Journal(MemorySink(), lambda: (now_us(), WALL_US + now_us()))
    room = TreatmentRoom(stage.room._opener, journal, lambda: (now_us(), WALL_US + now_us()))
    room.remember([row for kind in ("opened", "session", "ended", "emergency") for row in rows(stage, kind)])
    return room


async def test_a_press_at_the_watchdog_s_own_socket_ends_the_session_too(stage: Any) -> None:
    await stage.begun()
    await stage.reaches("train")
    stage.guard.press("uid 1000")
    await stage.over()

    assert report_of(stage)["outcome"] == "emergency"
    assert stage.room.status().emergency["by"] == "uid 1000"
    assert stage.guard.of(Emergency) == []


async def test_one_that_was_pressed_while_no_daemon_ran_is_shown_and_written_down_by_the_next(stage: Any) -> None:
    await stage.opened()
    await stage.room.end("olga")
    room = restarted(stage)
    guard = StandInGuard(hear=room.hear)
    guard.emergency = {"pressed_us": 77, "by": None, "subject": None, "session": KEY}
    guard.blocked = True
    room.linked(guard)
    guard.show()
    guard.show()

    assert room.status().emergency == {"at_us": 77, "by": None, "subject": "sim-0001"}, "the journal knows whose"
    assert room.status().blocked
    assert room.status().continuable is None


async def test_a_restarted_daemon_writes_the_same_emergency_down_once(stage: Any) -> None:
    await stage.begun()
    await stage.reaches("gap")
    await stage.room.emergency("olga")
    room = restarted(stage)
    room.hear({"say": "status", "emergency": stage.guard.emergency})

    assert (room.status().emergency or {})["by"] == "olga"
    assert room._journal._sink.lines == []


async def test_it_stands_while_the_watchdog_is_away_and_ends_when_the_watchdog_says_so(stage: Any) -> None:
    await stage.begun()
    await stage.reaches("gap")
    await stage.room.emergency("olga")
    stage.room.unlinked("it was killed")
    assert stage.room.status().emergency is not None

    stage.room.linked(stage.guard)
    stage.guard.emergency = None
    stage.guard.show()
    assert stage.room.status().emergency is None


async def test_a_new_session_ends_it(stage: Any) -> None:
    await stage.begun()
    await stage.reaches("gap")
    await stage.room.emergency("olga")
    await stage.opened()
    stage.guard.show()
    assert (stage.room.status().emergency, stage.room.status().blocked) == (None, False)


async def test_with_nothing_open_it_is_pressed_as_well(stage: Any) -> None:
    stage.task = asyncio.create_task(stage.room.run())
    stage.guard.push()
    answer = await stage.room.emergency("vera")
    assert isinstance(answer, Done)
    assert dict(answer.detail) == {"standby": True}
    assert stage.room.status().emergency["by"] == "vera"
    assert stage.room.status().reason == "emergency"


async def test_a_second_press_is_the_first(stage: Any) -> None:
    await stage.begun()
    await stage.reaches("gap")
    both = await asyncio.gather(stage.room.emergency("olga"), stage.room.emergency("otto"))

    assert all(isinstance(answer, Done) for answer in both)
    assert [row["by"] for row in rows(stage, "emergency")] == ["olga"]
    assert len(list((stage.site.daemon.state / "reports").glob(f"{KEY}*.json"))) == 1


async def test_a_stimulator_that_does_not_say_standby_is_said_and_the_session_is_over_all_the_same(stage: Any) -> None:
    await stage.begun()
    await stage.reaches("armed")
    stage.guard.condition, stage.guard.stuck_armed = "ready", True
    answer = await stage.room.emergency("olga")

    assert isinstance(answer, Refused)
    assert answer.reason == "disarm-unconfirmed"
    assert report_of(stage)["outcome"] == "emergency"


async def test_a_watchdog_that_is_away_is_told_when_it_is_back(stage: Any) -> None:
    await stage.begun()
    await stage.reaches("gap")
    stage.room.unlinked("it was killed")
    await stage.over()
    answer = await stage.room.emergency("olga")

    assert isinstance(answer, Refused)
    assert answer.reason == "watchdog-away"
    assert stage.room.status().emergency["subject"] == "sim-0001"
    assert stage.room.status().continuable is None, "whatever the watchdog will say"
    stage.room.linked(stage.guard)
    stage.guard.show()
    assert stage.room.status().emergency is not None, "it has not heard of it yet"
    await asyncio.sleep(1.5)
    assert [request.by for request in stage.guard.of(Emergency)] == ["olga"]
    assert stage.room.status().emergency["by"] == "olga"


async def test_a_watchdog_that_does_not_answer_it_is_told_again_and_the_session_is_over_at_once(stage: Any) -> None:
    await stage.begun()
    await stage.reaches("gap")
    stage.guard.silent = True
    await stage.room.emergency("olga")
    assert report_of(stage)["outcome"] == "emergency"
    await asyncio.sleep(2)
    stage.guard.silent = False
    asked = len(stage.guard.of(Emergency))
    assert asked > 1
    await asyncio.sleep(1.5)
    assert stage.guard.emergency["by"] == "olga"
    done = len(stage.guard.of(Emergency))
    await asyncio.sleep(3)
    assert len(stage.guard.of(Emergency)) == done


async def test_the_coil_comes_off_and_stays_off(stage: Any, arm: ArmInMemory) -> None:
    await begun(stage, arm)
    await first_pulse(stage)
    await stage.room.emergency("olga")
    await asyncio.sleep(3)
    assert arm.went[-1] == "stop"
    assert arm.says["state"] == "stopped"


async def test_it_is_over_once_a_physician_unblocks_and_the_names_are_in_the_journal(stage: Any) -> None:
    await stage.begun()
    await stage.reaches("gap")
    await stage.room.emergency("olga")
    answer = await stage.room.unblock("sim-0001", "Dr. Bianchi", "seen and well", NONCE, "paola")
    stage.guard.show()

    assert isinstance(answer, Done)
    assert (stage.room.status().emergency, stage.room.status().blocked) == (None, False)
    (row,) = rows(stage, "unblocked")
    names = ("subject", "by", "physician", "why")
    assert [row[name] for name in names] == ["sim-0001", "paola", "Dr. Bianchi", "seen and well"]


async def test_a_person_may_block_a_subject_too(stage: Any) -> None:
    answer = await stage.room.block("sim-0001", "a new implant", NONCE, "olga")
    assert isinstance(answer, Done)
    assert rows(stage, "blocked")[0]["why"] == "a new implant"
