"""What the gate remembers: a changed copy is exactly that, and what is read off a state is right at its edges."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from drivers.quantities import SECOND_US, Hertz, PercentMso, Train
from safety.book import Book
from safety.ledger_format import Kind, Record
from safety.state import MOVES, Block, Delivery, Device, Owed, Permit, Phase, State, Wire, changed

T = 987_654_321
TEN = Train(20, Hertz.of(10))
PERMIT = Permit(1, PercentMso.of(45), TEN, 20, SECOND_US, T, T + 5 * SECOND_US, Block(1, 20), due=(T, T + SECOND_US))


# --- a changed copy -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kept", "changes"),
    [
        (State(), {"seen_us": T}),
        (Device(present=True, remote=True), {"fault": True, "remote": False}),
        (Wire(), {"owed": (Owed(b"EA", T),)}),
        (Wire(owed=(Owed(b"EA", T),)), {"open": None, "queue": (), "owed": ()}),
        (Wire(), {}),
    ],
)
def test_what_is_changed_is_the_same_otherwise_and_the_old_one_stays(kept: Any, changes: dict[str, Any]) -> None:
    before = replace(kept)

    assert changed(kept, changes) == replace(kept, **changes)
    assert type(changed(kept, changes)) is type(kept)
    assert kept == before


@pytest.mark.parametrize(
    ("kept", "changes", "said"),
    [
        (State(), {"phaze": Phase.SAFE}, "State has no field phaze"),
        (Wire(), {"opened": None, "open": None}, "Wire has no field opened"),
        (Device(), {"tepid": 1, "cold": 2, "fault": True}, "Device has no field cold"),
    ],
)
def test_a_field_that_there_is_not_is_named(kept: Any, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(TypeError) as raised:
        changed(kept, changes)

    assert str(raised.value) == said


# --- the phases -----------------------------------------------------------------------------------------------


def test_a_device_is_armed_from_safe_alone_and_fires_from_armed_alone() -> None:
    assert {phase for phase, to in MOVES.items() if Phase.FIRING in to} == {Phase.ARMED}
    assert {phase for phase, to in MOVES.items() if Phase.ARMED in to} == {Phase.SAFE, Phase.FIRING}


def test_every_phase_can_lock_out_and_nothing_leads_out_of_that() -> None:
    assert set(MOVES) == set(Phase)
    assert all(Phase.LOCKOUT in to for phase, to in MOVES.items() if phase is not Phase.LOCKOUT)
    assert MOVES[Phase.LOCKOUT] == frozenset()


# --- the next trigger of the timer ----------------------------------------------------------------------------


@pytest.mark.parametrize("permits", [(), (replace(PERMIT, due=()),)])
def test_no_time_is_due_without_a_permit_that_names_times(permits: tuple[Permit, ...]) -> None:
    assert State(permits=permits, armed_at_us=T).due_us is None


def test_of_several_permits_the_first_is_due() -> None:
    later = replace(PERMIT, due=(T + 9 * SECOND_US,))

    assert State(permits=(PERMIT, later)).due_us == T
    assert State(permits=(replace(PERMIT, due=()), later)).due_us is None


@pytest.mark.parametrize(("fired_us_before", "due_us"), [(SECOND_US - 1, T + 1), (SECOND_US, T), (SECOND_US + 1, T)])
def test_a_trigger_is_due_as_planned_and_no_sooner_after_the_last_than_planned_ones_lie_apart(
    fired_us_before: int, due_us: int
) -> None:
    state = State(permits=(PERMIT,), armed_at_us=T - fired_us_before, fired_since_arm=True)

    assert state.due_us == due_us


def test_arming_delays_no_trigger() -> None:
    assert State(permits=(PERMIT,), armed_at_us=T - 1).due_us == T


# --- what is left, what is unknown, and when a train began ----------------------------------------------------


def test_what_is_left_of_a_block_is_what_was_not_triggered_out_of_it_whatever_was_settled() -> None:
    assert Block(1, 60, spent=40, settled=20, low=10, high=20).left == 20


def test_an_unknown_counts_as_one_on_the_disk_and_on_its_way_there() -> None:
    book = Book.of([(1, Record(Kind.RESERVE, 20)), (2, Record(Kind.UNKNOWN, 20, ref=1))])
    on_the_way = ((4, Record(Kind.UNKNOWN, 20, ref=7), T), (5, Record(Kind.SETTLE, 20, ref=8), T))

    assert State(book=book, commits=on_the_way).unknowns == (1, 7)
    assert State().unknowns == ()


@pytest.mark.parametrize(("accepted_us", "began_us"), [(None, T), (T + 3, T + 3)])
def test_a_train_began_when_its_trigger_was_accepted_or_else_written(accepted_us: int | None, began_us: int) -> None:
    assert Delivery(TEN, PercentMso.of(45), 1, 0, T, T + 2, accepted_us).began_us == began_us
