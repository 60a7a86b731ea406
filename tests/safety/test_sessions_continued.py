"""A treatment that goes on: under its own key, with its own plan, and only where it ended."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from safety import control, sessions
from safety.book import Book
from safety.frames import No
from safety.instant import Instant
from safety.ledger_format import Kind, Record, key
from safety.reasons import Reason
from safety.turn import Turn
from tests.safety.book_records import book_of
from tests.safety.conftest import HOLDER, VirtualRoom, new, tightened, turn_of

S = 1_000_000
TWO_HOURS_US = 7_200 * S
TREATMENT = b"\7" * 8
WHOSE: dict[str, Any] = {
    "session": TREATMENT, "subject": key("S-0001"), "coil": key("coil-1"), "protocol": key("demo")
}  # fmt: skip


@pytest.fixture(scope="module")
def room() -> VirtualRoom:
    return new()


def begun(room: VirtualRoom, *, delivered: int = 20, planned: int = 60, **changes: Any) -> Book:
    """A demo's ledger, opened this moment; some of it delivered."""
    opened = Record(Kind.OPEN, planned, wall_us=room.now.wall_us, **(WHOSE | changes))
    return book_of(opened, replace(opened, kind=Kind.RESERVE, pulses=delivered))


def go_on(turn: Turn, room: VirtualRoom, **changes: Any) -> sessions.Yes | No:
    base: dict[str, Any] = {
        "kind": "treatment", "door": "daemon", "by": "ann", "coil": "coil-1", "subject": "S-0001", "protocol": "demo",
        "threshold": room.threshold(), "continues": TREATMENT.hex(), "reason": "a break",
    }  # fmt: skip
    return sessions.open_session(turn, HOLDER, control.OpenSession(**(base | changes)))


def cannot(why: str) -> No:
    return No(Reason.CANNOT_CONTINUE, {"why": why})


@pytest.mark.parametrize(("delivered", "trains"), [(20, [(1, 20), (1, 20)]), (45, [(1, 15)]), (59, [(1, 1)])])
def test_what_is_left_is_planned_and_counted_to_the_same_treatment(
    room: VirtualRoom, delivered: int, trains: list[tuple[int, int]]
) -> None:
    turn = turn_of(room, book=begun(room, delivered=delivered))

    answer = go_on(turn, room)

    assert isinstance(answer, sessions.Yes)
    understood = answer.body["understood"]
    assert answer.body["session"] == TREATMENT.hex()
    assert (turn.session.key, turn.session.planned) == (TREATMENT, 60)
    assert (understood["planned"], understood["pulses_left"]) == (60, 60 - delivered)
    assert [(run["trains"], run["pulses"]) for run in understood["plan"]] == trains


def test_a_treatment_of_fewer_pulses_than_its_protocol_goes_on_as_that(room: VirtualRoom) -> None:
    turn = turn_of(room, book=begun(room, planned=50))
    assert isinstance(go_on(turn, room), sessions.Yes)
    assert (turn.session.planned, turn.state.commits[-1][1].pulses) == (50, 50)


@pytest.mark.parametrize(
    ("begun_as", "asked", "no"),
    [
        ({}, {"continues": "08" * 8}, cannot("there is no such treatment")),
        ({}, {"kind": "threshold", "protocol": "", "threshold": None}, cannot("there is no such treatment")),
        ({"subject": key("S-0002")}, {}, cannot("subject, coil or protocol differ")),
        ({"coil": key("coil-2")}, {}, cannot("subject, coil or protocol differ")),
        ({"protocol": key("mdd-10hz-19")}, {}, cannot("subject, coil or protocol differ")),
        ({}, {"reason": ""}, cannot("a reason is needed")),
        ({"delivered": 60}, {}, cannot("nothing is left to deliver")),
    ],
)
def test_it_goes_on_only_where_it_ended_with_a_reason_and_while_something_is_left(
    room: VirtualRoom, begun_as: dict[str, Any], asked: dict[str, Any], no: No
) -> None:
    turn = turn_of(room, book=begun(room, **begun_as))
    assert go_on(turn, room, **asked) == no
    assert (turn.state.session, turn.state.commits, turn.actions) == (None, (), [])


LASTS_US = 37 * 60 * S
"""From the beginning of a session to its last record."""
LATER: tuple[tuple[str, tuple[Kind, ...], tuple[Kind, ...]], ...] = (
    ("its end", (Kind.RESERVE, Kind.SETTLE, Kind.CLOSE), ()),
    ("its operator's release", (Kind.RELEASE,), ()),
    ("its last settled train, both killed", (Kind.RESERVE, Kind.SETTLE), (Kind.BOOT,)),
    ("its last reserved train, both killed in it", (Kind.RESERVE,), (Kind.BOOT, Kind.FOUND_ARMED)),
    ("its last reserved train, and its ledger unlocked", (Kind.RESERVE,), (Kind.LOST, Kind.BOOT)),
)


@pytest.mark.parametrize(("late_us", "goes_on"), [(0, True), (1, False)])
@pytest.mark.parametrize(("its_own", "later"), [each[1:] for each in LATER], ids=[each[0] for each in LATER])
def test_it_goes_on_for_two_hours_from_its_last_record_whatever_the_next_start_books_to_it(
    room: VirtualRoom, its_own: tuple[Kind, ...], later: tuple[Kind, ...], late_us: int, *, goes_on: bool
) -> None:
    ends_us = room.now.wall_us + LASTS_US
    own = [Record(kind, 20, ref=2, wall_us=ends_us, **WHOSE) for kind in its_own]
    restart = [Record(kind, 1, wall_us=ends_us + 60 * S, **(WHOSE if kind is not Kind.BOOT else {})) for kind in later]
    book = book_of(Record(Kind.OPEN, 60, wall_us=room.now.wall_us, **WHOSE), *own, *restart)
    turn = turn_of(room, book=book)
    turn.now = Instant(room.now.us, ends_us + TWO_HOURS_US + late_us)
    answer = go_on(turn, room)
    assert isinstance(answer, sessions.Yes) is goes_on
    assert goes_on or answer == cannot("it ended too long ago")


@pytest.mark.parametrize(("late_us", "goes_on"), [(0, True), (1, False)])
def test_a_site_may_let_it_go_on_for_less_long(room: VirtualRoom, late_us: int, *, goes_on: bool) -> None:
    turn = tightened(turn_of(room, book=begun(room)), continue_within=600)
    turn.now = Instant(room.now.us, room.now.wall_us + 600 * S + late_us)
    assert isinstance(go_on(turn, room), sessions.Yes) is goes_on


def test_what_counts_in_another_session_takes_nothing_from_what_is_left(room: VirtualRoom) -> None:
    book = begun(room, delivered=0)
    other = Record(Kind.RESERVE, 60, wall_us=room.now.wall_us, **(WHOSE | {"session": b"\6" * 8}))
    answer = go_on(turn_of(room, book=book.apply(3, other)), room)
    assert isinstance(answer, sessions.Yes)
    assert answer.body["understood"]["pulses_left"] == 60
