"""What a person did, out of the journal: by whatever way the press came, and never what the room did by itself."""

from __future__ import annotations

from typing import Any

import pytest

from daemon.practice.acts import Reader

S = 1_000_000


def row(kind: str, at_s: float = 1, **fields: Any) -> dict[str, Any]:
    return {"kind": kind, "at_us": round(at_s * S), "wall_us": 0, "session": "aa", **fields}


def moved(event: str, state: str, at_s: float = 1, reason: str = "") -> dict[str, Any]:
    return row("session", at_s, event=event, state=state, reason=reason)


def told(event: str, at_s: float = 1) -> dict[str, Any]:
    return row("watchdog", at_s, event=event, told={})


def read(*rows: dict[str, Any]) -> list[str]:
    reader = Reader()
    reader.read(rows)
    return [act.verb for act in reader.acts]


OPENED = row("opened")
RELEASED = moved("released", "gap")


def test_the_first_release_starts_it_and_the_next_resumes_it() -> None:
    assert read(OPENED, RELEASED, moved("pause", "paused", reason="pause-asked"), RELEASED) == [
        "start", "release", "pause", "resume",
    ]  # fmt: skip


def test_a_session_that_is_opened_again_is_continued() -> None:
    assert read(OPENED, RELEASED, OPENED, RELEASED) == ["start", "release", "continue", "release"]
    assert read(OPENED, row("opened", session="bb") | {"session": "bb"}) == ["start", "start"]


def test_a_stop_counts_by_either_way_and_what_a_pause_asks_of_the_watchdog_does_not() -> None:
    pause = moved("pause", "paused", 5, "pause-asked")
    assert read(told("stop-asked", 5)) == ["stop"]
    assert read(row("asked", verb="stop")) == ["stop"]
    assert read(pause, told("stop-asked", 5.2)) == ["pause"]
    assert read(pause, row("asked", 5.2, verb="stop")) == ["pause", "stop"]
    assert read(pause, told("stop-asked", 8)) == ["pause", "stop"]


def test_a_pause_of_the_rooms_own_is_nobodys() -> None:
    assert read(moved("pause", "paused", reason="coil-retracted")) == []


@pytest.mark.parametrize(
    ("one", "verb"),
    [
        (row("emergency"), "emergency"),
        (row("allowed", verb="reset"), "reset"),
        (row("allowed", verb="resolve"), "resolve"),
        (row("coil-asked", to="away"), "coil-away"),
        (row("ended", outcome="completed"), "completed"),
        (row("intensity"), "lower"),
        (row("unblocked"), "unblock"),
        (moved("end", "ended-early"), "end"),
    ],
)
def test_each_press_leaves_its_row(one: dict[str, Any], verb: str) -> None:
    assert read(one) == [verb]


@pytest.mark.parametrize(
    "one",
    [
        row("asked", verb="reset"), row("allowed", verb="release"), row("coil-asked", to="target"), told("disarmed"),
        row("ended", outcome="stopped"), moved("due", "arming"), row("coil", state="retract"),
    ],
)  # fmt: skip
def test_what_the_room_says_of_itself_is_no_act(one: dict[str, Any]) -> None:
    assert read(one) == []


def test_a_note_keeps_what_was_noted_and_phases_are_kept_in_order() -> None:
    reader = Reader()
    reader.read([row("note", note="stamp", what="onset"), moved("due", "arming", 2), moved("granted", "train", 3)])
    assert [(act.verb, act.kind, act.what) for act in reader.acts] == [("note", "stamp", "onset")]
    assert reader.phases == [(2 * S, "arming"), (3 * S, "train")]
