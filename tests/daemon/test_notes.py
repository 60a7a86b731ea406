"""What people note lands in the journal, in the session's report whenever it comes, and in an emergency's."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from daemon import recording_room
from daemon.guard_words import Dose
from daemon.notes import NOTES
from daemon.panel.documents import REASONS_FOR_PAUSE
from daemon.room import Done, Refused
from daemon.wishes import Note
from tests.daemon.guard_in_memory import KEY
from tests.daemon.stage import first_pulse, report_of, rows
from tests.daemon.test_emergency import restarted

pytestmark = pytest.mark.looptime(noop_cycles=0)


async def until(true: Any) -> None:
    """What a thread does takes its time in the world, while the loop's own jumps on."""
    for _ in range(5_000):
        if true():
            return
        await asyncio.sleep(0.05)
        time.sleep(0.001)  # noqa: ASYNC251
    raise AssertionError("it never came to that")


def test_the_list_of_notes_is_the_one_of_page_and_command() -> None:
    kinds = Note.model_json_schema()["properties"]["kind"]["enum"]
    assert set(kinds) == set(NOTES)
    assert NOTES["reason"] == REASONS_FOR_PAUSE


async def test_a_note_in_a_session_is_a_row_with_its_author_and_stands_in_the_report(stage: Any) -> None:
    await stage.begun()
    await stage.room.pause("olga")
    answer = await stage.room.note("reason", "sneeze", "twice", "olga")
    await stage.room.end("olga")

    assert isinstance(answer, Done)
    (row,) = rows(stage, "note")
    assert (row["note"], row["what"], row["text"], row["by"], row["session"]) == (
        "reason",
        "sneeze",
        "twice",
        "olga",
        KEY,
    )
    assert answer.detail == {"wall_us": row["wall_us"]}
    assert [note["what"] for note in report_of(stage)["notes"]] == ["sneeze"]
    assert "sneeze, twice" in Path(stage.room.status().report).with_suffix(".html").read_text()


async def test_checks_before_a_session_are_of_the_next_one_and_of_that_one_alone(stage: Any) -> None:
    await stage.room.note("check", "screening", "sim-0001", "olga")
    await stage.opened()
    await stage.room.end("olga")
    checked = report_of(stage)["notes"]
    await stage.opened()
    await stage.room.end("olga")

    assert [(note["what"], note["session"]) for note in checked] == [("screening", None)]
    assert report_of(stage)["notes"] == []


async def test_a_note_after_the_session_is_put_into_its_report(stage: Any) -> None:
    await stage.begun()
    await stage.reaches("gap")
    await stage.room.end("olga")
    await stage.room.note("adverse", "headache", "", "olga")
    await stage.room.note("note", "note", "slept well", "olga")

    assert [note["what"] for note in report_of(stage)["notes"]] == ["headache", "note"]


async def test_a_note_with_nothing_to_belong_to_is_a_row_alone(stage: Any) -> None:
    assert isinstance(await stage.room.note("note", "note", "the coil squeaks", "olga"), Done)
    assert rows(stage, "note")[0]["session"] is None


async def test_a_report_that_cannot_be_extended_is_a_trouble_and_the_note_is_kept(stage: Any) -> None:
    await stage.begun()
    await stage.reaches("gap")
    await stage.room.end("olga")
    Path(stage.room.status().report).write_text("{}")
    answer = await stage.room.note("adverse", "headache", "", "olga")

    assert isinstance(answer, Done)
    assert "does not have what was noted" in rows(stage, "trouble")[-1]["what"]


async def test_who_closes_a_session_as_incomplete_is_not_asked_to_continue_it(stage: Any) -> None:
    await stage.begun()
    await stage.reaches("gap")
    await stage.room.end("olga")
    await stage.room.note("reason", "toilet", "", "olga")
    assert stage.room.status().continuable == KEY
    await stage.room.note("note", "closed-incomplete", "went home", "olga")

    assert stage.room.status().continuable is None
    assert report_of(stage)["notes"][-1]["text"] == "went home"


async def test_notes_do_not_lengthen_the_time_in_which_a_session_can_be_continued(stage: Any) -> None:
    await stage.begun()
    await stage.reaches("gap")
    await stage.room.end("olga")
    await asyncio.sleep(100)
    await stage.room.note("adverse", "headache", "", "olga")
    await asyncio.sleep(30)
    assert stage.room.status().continuable is None, "two minutes are over"


# --- looking up -------------------------------------------------------------------------------------------------------


async def test_a_session_that_has_ended_is_in_the_list_with_its_report(stage: Any) -> None:
    await stage.begun()
    await first_pulse(stage)
    await stage.reaches("gap")
    await stage.room.end("olga")
    listed = (await stage.room.history(None, 50, "vera")).detail["sessions"]
    told = (await stage.room.read_report(KEY, "vera")).detail

    assert [(one["session"], one["outcome"], one["pulses"]["settled"]) for one in listed] == [(KEY, "ended_early", 20)]
    assert told["report"]["outcome"] == "ended_early"
    journal = await stage.room.read_journal(None, None, 50, None, "vera")
    assert journal.detail == {"rows": []}, "this journal is in memory"


async def test_a_session_without_a_report_and_a_disk_that_fails_are_refusals(
    stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await stage.room.read_report("cd" * 8, "vera")).reason == "no-report"

    def broken(*_: Any) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(stage.room._records, "sessions", broken)
    refused = await stage.room.history(None, 50, "vera")
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.fields) == ("record-unread", {"problem": "Input/output error"})


async def test_no_more_than_two_look_at_once_and_nobody_waits_for_them(
    stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once, most, lock = 0, 0, threading.Lock()

    def slow(*_: Any) -> dict[str, Any]:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        with lock:
            at_once -= 1
        return {"sessions": []}

    monkeypatch.setattr(stage.room._records, "sessions", slow)
    await asyncio.gather(*(stage.room.history(None, 50, "vera") for _ in range(8)))
    assert most <= recording_room.AT_ONCE


async def test_a_dose_is_the_watchdog_s_word_and_leaves_no_row(stage: Any) -> None:
    answer = await stage.room.dose("sim-0001", "vera")
    assert isinstance(answer, Done)
    assert answer.detail["day"] == 40
    assert stage.guard.of(Dose)[0].subject == "sim-0001"
    assert not [row for row in rows(stage, "asked") if row["verb"] == "dose"]
    stage.room.unlinked("it was killed")
    assert (await stage.room.dose("sim-0001", "vera")).reason == "watchdog-away"


# --- after an emergency -----------------------------------------------------------------------------------------------


def incident(stage: Any) -> dict[str, Any]:
    (path,) = (stage.site.daemon.state / "reports").glob("incident-*.json")
    told: dict[str, Any] = json.loads(path.read_text())
    return told


async def test_an_emergency_leaves_a_report_of_its_own_beside_the_session_s(stage: Any) -> None:
    await stage.begun()
    await first_pulse(stage)
    await asyncio.sleep(0.5)
    stage.guard.press("olga")
    await until(lambda: rows(stage, "incident"))
    told = incident(stage)

    assert (told["by"], told["subject"], told["session"]) == ("olga", "sim-0001", KEY)
    assert told["pulses_before"] == report_of(stage)["pulses"]["settled"] > 0
    assert {"opened", "emergency", "ended"} <= {row["kind"] for row in told["rows"]}
    page = Path(rows(stage, "incident")[0]["report"]).with_suffix(".html").read_text()
    assert "Incident report" in page
    assert "olga" in page


async def test_times_noted_later_extend_it_and_another_session_does_not(stage: Any) -> None:
    await stage.begun()
    await stage.reaches("gap")
    await stage.room.emergency("olga")
    await until(lambda: rows(stage, "incident"))
    await stage.room.note("stamp", "help-called", "12:03:04", "olga")
    await until(lambda: incident(stage)["notes"])
    await asyncio.sleep(3600)
    await stage.room.note("stamp", "doctor", "", "olga")
    await until(lambda: len(incident(stage)["notes"]) == 2)
    before = incident(stage)
    await stage.opened()
    await stage.room.note("adverse", "other", "", "olga")
    await stage.room.end("olga")
    await asyncio.sleep(5)

    assert [note["what"] for note in before["notes"]] == ["help-called", "doctor"]
    assert len(rows(stage, "incident")) == 1
    told = (await stage.room.read_report(KEY, "vera")).detail["incident"]
    assert [note["what"] for note in told["notes"]][:2] == ["help-called", "doctor"]
    assert (told["by"], told["subject"]) == ("olga", "sim-0001")


async def test_what_lies_more_than_ten_minutes_back_is_not_in_it(stage: Any) -> None:
    await stage.opened()
    await asyncio.sleep(700)
    await stage.room.note("note", "note", "still here", "olga")
    await stage.room.emergency("olga")
    await until(lambda: rows(stage, "incident"))
    kinds = {row["kind"] for row in incident(stage)["rows"]}
    assert "opened" not in kinds
    assert incident(stage)["notes"][0]["text"] == "still here"


async def test_the_next_daemon_writes_what_a_crash_has_taken_and_extends_what_is_there(stage: Any) -> None:
    await stage.begun()
    await stage.reaches("gap")
    await stage.room.emergency("olga")
    await until(lambda: rows(stage, "incident"))
    assert restarted(stage)._incident.due is False
    Path(rows(stage, "incident")[0]["report"]).unlink()
    again = restarted(stage)
    again.write_the_incident()
    await until(lambda: again._writing is not None and again._writing.done())
    again.write_the_incident()
    assert incident(stage)["by"] == "olga"
    assert again._writing is None


async def test_a_disk_that_refuses_it_is_a_trouble(stage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(stage.room._incident, "write", full)
    await stage.begun()
    await stage.reaches("gap")
    await stage.room.emergency("olga")
    await until(lambda: rows(stage, "trouble"))
    assert "the incident report cannot be written" in rows(stage, "trouble")[-1]["what"]
