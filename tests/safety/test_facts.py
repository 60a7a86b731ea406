"""What a rule knows: the session, the subject's pulses and what was given lately, each as it stands at that moment."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from drivers.quantities import SINGLE, PercentMso, Train
from drivers.stimulators import Witness
from safety.asking import Cutting, Facts, Past, SessionKind, Totals, Use
from safety.book import Book
from safety.facts import facts, totals
from safety.instant import Instant
from safety.ledger_format import Carry, Kind, Record, carried_note, key
from safety.state import Block
from tests.safety.book_records import book_of
from tests.safety.conftest import PROTOCOLS, WALL_US, VirtualRoom, new, turn_of

S = 1_000_000
HOUR, DAY = 3_600 * S, 24 * 3_600 * S
SUBJECT = key("S-0001")


@pytest.fixture(scope="module")
def opened() -> VirtualRoom:
    """A demo's session, nothing given yet."""
    room = new()
    assert room.open()["ok"]
    return room


def given(wall_us: int, *ages_us: int) -> Book:
    """Pulses of a subject so long ago: first one, and of each further time twice as many."""
    carried = partial(Record, Kind.CARRIED, subject=SUBJECT, code=Carry.WINDOWS, wall_us=wall_us)
    return book_of(*(carried(2**n, note=carried_note(wall_us - age_us)) for n, age_us in enumerate(ages_us)))


def with_pulses(book: Book, session: bytes, *, here: int, elsewhere: int) -> Book:
    """With pulses more of this treatment, and of the same protocol in an earlier one."""
    for whose, pulses in ((session, here), (b"\7" * 8, elsewhere)):
        record = Record(Kind.RESERVE, pulses, subject=SUBJECT, session=whose, protocol=key("demo"), wall_us=WALL_US)
        book = book.apply(book.last_seq + 1, record)
    return book


def test_a_rule_knows_the_session_its_subject_and_what_was_given_lately(opened: VirtualRoom) -> None:
    session, past = opened.state.session, (Past(opened.now.us - 7 * S, Train(1, SINGLE)),)
    assert session is not None
    room = replace(
        opened.room, use=Use.STUDY, lacks=lambda protocol, wall_us: (f"{protocol and protocol.id} {wall_us}",)
    )
    turn = turn_of(opened, past=past, run=3, book=with_pulses(opened.state.book, session.key, here=20, elsewhere=7))
    turn.room = room

    assert facts(turn) == Facts(
        now_us=opened.now.us,
        wall_us=opened.now.wall_us,
        use=Use.STUDY,
        kind=SessionKind.TREATMENT,
        coil="coil-1",
        witness=Witness.RUNNING,
        ceiling=PercentMso(450),
        protocol=PROTOCOLS["demo"],
        threshold=session.threshold,
        authorised=session.authorised,
        lacks=(f"demo {opened.now.wall_us}",),
        past=past,
        run=3,
        disarm_cuts_train=True,
        totals=Totals(20, 27, 27, 27, 27),
        planned=60,
    )


@pytest.mark.parametrize("authorised", [False, True])
def test_a_rule_knows_whether_a_person_has_let_this_subject_have_more(opened: VirtualRoom, *, authorised: bool) -> None:
    turn = turn_of(opened)
    turn.to(session=replace(turn.session, authorised=authorised))
    assert facts(turn).authorised is authorised


@pytest.mark.parametrize(("cutting", "counts"), [(Cutting.ASSUMED, True), (Cutting.PROVEN, True), (Cutting.NO, False)])
def test_disarming_is_counted_on_to_end_a_train_unless_it_is_known_not_to(
    opened: VirtualRoom, cutting: Cutting, *, counts: bool
) -> None:
    turn = turn_of(opened)
    turn.room = replace(turn.room, disarm_cuts_train=cutting)
    assert facts(turn).disarm_cuts_train is counts


@pytest.mark.parametrize(
    ("spent", "counted"),
    [(0, Totals(0, 7, 7, 7, 7)), (5, Totals(5, 12, 12, 12, 12)), (20, Totals(20, 27, 27, 27, 27))],
)
def test_what_is_left_in_the_reservation_that_is_being_spent_is_not_counted_twice(
    opened: VirtualRoom, spent: int, counted: Totals
) -> None:
    turn = turn_of(opened)
    turn.to(book=with_pulses(turn.state.book, turn.session.key, here=20, elsewhere=7))
    assert facts(turn, Block(4, 20, spent=spent)).totals == counted


def test_where_a_reservation_does_not_count_it_takes_nothing_away(opened: VirtualRoom) -> None:
    """A phantom's stands in no course; less than none cannot have been given there."""
    turn = turn_of(opened)
    turn.to(book=with_pulses(turn.state.book, turn.session.key, here=2, elsewhere=0))
    assert totals(turn, "S-0001", turn.session.key, 2) == Totals()
    assert totals(turn, "S-0001", turn.session.key, 3) == Totals()
    assert totals(turn, "S-0001", turn.session.key, 1) == Totals(1, 1, 1, 1, 1)


def test_half_a_day_and_a_week_look_back_so_far_and_no_further(opened: VirtualRoom) -> None:
    wall_us = opened.now.wall_us + 30 * DAY
    ages = (12 * HOUR, 12 * HOUR + 1, 7 * DAY, 7 * DAY + 1)
    turn = turn_of(opened, book=given(wall_us, *ages))
    turn.now = Instant(turn.now.us, wall_us)
    counted = totals(turn, "S-0001", turn.session.key)
    assert (counted.twelve_hours, counted.week) == (1, 1 + 2 + 4)


def test_a_treatment_day_is_counted_by_the_clock_of_the_room(opened: VirtualRoom) -> None:
    """An hour apart, about three in the morning in Rome: in Greenwich both lie in the day before."""
    wall_us = 1_790_038_800 * S + HOUR // 2
    turn = turn_of(opened, book=given(wall_us, HOUR, 0))
    turn.now = Instant(turn.now.us, wall_us)
    assert totals(turn, "S-0001", turn.session.key).day == 2


def test_a_course_is_that_of_the_session_s_protocol_and_without_one_there_is_none(opened: VirtualRoom) -> None:
    turn = turn_of(opened)
    turn.to(book=with_pulses(turn.state.book, b"", here=20, elsewhere=7))
    assert totals(turn, "S-0001", b"").course == 27
    assert totals(turn, "S-0002", b"").course == 0
    for session in (
        replace(turn.session, protocol=PROTOCOLS["lf-right-1hz"]), replace(turn.session, protocol=None), None
    ):  # fmt: skip
        turn.to(session=session)
        assert totals(turn, "S-0001", b"").course == 0
