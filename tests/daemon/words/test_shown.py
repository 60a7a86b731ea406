"""Which word stands for a room: the gravest that is so, and the same for terminal and panel."""

from __future__ import annotations

from typing import Any

import pytest
from rich.console import Console

from daemon.cli import show
from daemon.client import View
from daemon.messages import Emergent, RoomState, WatchdogState
from daemon.session_table import FINAL, State
from daemon.words import ENGLISH, ITALIAN
from daemon.words.document import document
from daemon.words.shown import OF_THE_WATCHDOG, row_of, watchdog_word, word_of
from safety.state import Phase
from tests.daemon.words.wording import OURS, SAFE

EMERGENT = Emergent(at_us=1, by="olga", subject="S-01")
TRIP = {"reason": "beats-lost", "at_us": 1}
IN_REST = ["idle", *(state.value for state in FINAL)]
OPEN = [state.value for state in State if state not in FINAL]


def room(status: dict[str, Any] | None = None, **changes: Any) -> View:
    """A room at rest with all it needs, then changed."""
    known = dict.fromkeys(RoomState.model_fields)
    at_rest = {
        "state_seq": 1, "phase": "idle", "sentence": "", "understood": {}, "holds": (), "unknown": (), "linked": True,
        "stimulator": "standby", "fields": {},
    }  # fmt: skip
    state = RoomState.model_construct(**{**known, **at_rest, **changes})
    return View(state, None, WatchdogState(state_seq=1, linked=True, status={"phase": "safe", **(status or {})}))


@pytest.mark.parametrize(
    ("view", "row"),
    [
        (None, ("unknown", "")),
        (room(), ("phases", "idle")),
        (room(phase="train"), ("phases", "train")),
        (room({"phase": "lockout"}, linked=False, emergency=EMERGENT), ("standing", "emergency")),
        (room(linked=False), ("standing", "no-watchdog")),
        (room({"phase": "lockout"}, phase="paused"), ("standing", "lockout")),
        (room(phase="paused", stimulator="away"), ("phases", "paused")),
        (room(stimulator="away"), ("standing", "no-stimulator")),
        (room({"phase": "boot", "device": {"present": False}}, stimulator="away"), ("standing", "no-stimulator")),
        (room({"phase": "boot", "device": {"present": True}}, stimulator="away"), ("standing", "boot")),
    ],
)
def test_the_gravest_that_is_so_stands_for_the_room(view: View | None, row: tuple[str, str]) -> None:
    assert row_of(view) == row


@pytest.mark.parametrize("phase", IN_REST)
def test_what_a_session_left_behind_outweighs_its_end(phase: str) -> None:
    assert row_of(room(phase=phase)) == ("phases", phase)
    assert row_of(room(phase=phase, unknown=(4,))) == ("phases", "unknown-pulses")
    assert row_of(room(phase=phase, unknown=(4,), trip=TRIP)) == ("phases", "tripped")


@pytest.mark.parametrize("phase", OPEN)
def test_an_open_session_is_shown_by_its_own_phase(phase: str) -> None:
    assert row_of(room(phase=phase, unknown=(4,))) == ("phases", phase)


def printed(view: View | None, *, practice: bool = False) -> str:
    console = Console(width=200, highlight=False)
    with console.capture() as said:
        console.print(show.room(view, practice=practice))
    return said.get()


@pytest.mark.parametrize("phase", ["idle", *OPEN, *(state.value for state in FINAL)])
def test_the_terminal_shows_the_word_that_the_panel_loads(phase: str) -> None:
    assert document("en")["phases"][phase]["word"] in printed(room(phase=phase))


def test_the_terminal_says_no_stimulator_unknown_and_locked_as_the_panel_does() -> None:
    words = document("en")

    assert words["unknown"]["word"] in printed(None)
    assert words["no_stimulator"]["word"] in printed(room(stimulator="away"))
    assert words["lockout"]["word"] in printed(room({"phase": "lockout"}))
    assert words["no_watchdog"]["word"] in printed(room(linked=False))


@pytest.mark.parametrize("view", [None, room()], ids=["unknown", "known"])
def test_the_terminal_says_of_a_room_to_practise_in_that_it_is_one_and_of_no_other(view: View | None) -> None:
    assert show.PRACTICE in printed(view, practice=True).splitlines()[1]
    assert show.PRACTICE not in printed(view)


def test_the_watchdogs_phases_are_printed_in_the_operators_words() -> None:
    assert set(OF_THE_WATCHDOG) == {phase.value for phase in Phase}
    for phase in Phase:
        said = printed(room({"phase": phase.value, "witness": "running"}, trip=TRIP))
        assert watchdog_word(phase.value, ENGLISH).lower() in said
        assert not SAFE.search(said)
        assert not OURS.search(said)


def test_the_same_room_is_told_in_italian() -> None:
    assert word_of(room(), ITALIAN).word == "DISARMATO"
    assert word_of(room(trip=TRIP), ITALIAN).word == "ARRESTO DI SICUREZZA"
    assert word_of(None, ITALIAN) == ITALIAN.unknown
