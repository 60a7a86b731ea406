"""The session machine alone: its table, its bookkeeping, its sentences."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.plan import Planned
from daemon.session import Happened, Refusal, Session, outcome, step
from daemon.session_table import FINAL, IN_TRAIN, SITUATIONS, TRANSITIONS, Effect, Event, State
from drivers.quantities import Hertz, PercentRmt, Train

FULL = PercentRmt(1000)
TRAIN = Planned(Train(20, Hertz(100)), FULL, 6_000_000)
START = Session(prescribed=FULL, intensity=FULL)
OPENED = Happened(Event.OPENED, plan=(TRAIN, TRAIN, TRAIN))


def after(session: Session, *happenings: Happened) -> Session:
    for happened in happenings:
        result = step(session, happened)
        assert not isinstance(result, Refusal), result
        session = result[0]
    return session


def on_the_way_to(state: State) -> Session:
    path = [OPENED, Happened(Event.RELEASED), Happened(Event.DUE), Happened(Event.READY), Happened(Event.GRANTED)]
    states = [State.CHECKS, State.POSITIONING, State.GAP, State.ARMING, State.ARMED, State.TRAIN]
    return after(START, *path[: states.index(state)])


def test_every_state_has_its_row_and_its_sentence() -> None:
    assert set(TRANSITIONS) == set(SITUATIONS) == set(State)
    assert all(not TRANSITIONS[state] for state in FINAL)


def test_every_state_is_reached_and_every_open_one_can_be_left() -> None:
    reached = {state for row in TRANSITIONS.values() for state, _ in row.values()}
    assert reached | {State.CHECKS} == set(State)
    assert all(TRANSITIONS[state] for state in set(State) - FINAL)


@pytest.mark.parametrize("state", sorted(set(State) - FINAL - {State.CHECKS}, key=lambda state: state.value))
def test_a_trip_a_stop_and_the_loss_of_the_watchdog_are_heard_in_every_open_state(state: State) -> None:
    assert TRANSITIONS[state][Event.TRIPPED][0] is State.TRIPPED
    assert TRANSITIONS[state][Event.DISCONNECTED][0] is State.ENDED_EARLY
    assert TRANSITIONS[state][Event.STOPPED][0] not in {State.GAP, State.ARMING, State.ARMED, State.TRAIN}


def test_pulses_begin_only_after_a_release_and_only_by_way_of_a_permit() -> None:
    into_train = {(state, event) for state, row in TRANSITIONS.items() for event, move in row.items()
                  if move[0] is State.TRAIN and state is not State.TRAIN}  # fmt: skip
    assert into_train == {(State.ARMED, Event.GRANTED)}
    at_rest = {State.POSITIONING, State.PAUSED, State.TRIPPED, State.UNKNOWN}
    leaving = {event for state in at_rest for event, move in TRANSITIONS[state].items() if move[0] is State.GAP}
    assert leaving == {Event.RELEASED}


def test_a_train_leaves_the_plan_only_where_it_is_accounted_for() -> None:
    for state, row in TRANSITIONS.items():
        for event, (_, effects) in row.items():
            if Effect.BOOK in effects:
                assert event in {Event.TRAIN_SETTLED, Event.UNKNOWN}
                assert state in IN_TRAIN | {State.TRIPPED}


def test_what_ends_a_session_reports_it() -> None:
    for row in TRANSITIONS.values():
        for event, (state, effects) in row.items():
            assert (Effect.REPORT in effects) == (state in FINAL), event


@given(st.sampled_from(list(State)), st.sampled_from([event for event in Event if event is not Event.INTENSITY]))
def test_what_is_not_in_the_table_is_refused_with_a_sentence_and_changes_nothing(state: State, event: Event) -> None:
    session = Session(prescribed=FULL, intensity=FULL, state=state, plan=(TRAIN,), trains=1)
    result = step(session, Happened(event, pulses=20))

    if event in TRANSITIONS[state]:
        assert not isinstance(result, Refusal)
    else:
        assert isinstance(result, Refusal)
        assert result.sentence.startswith(f"The session cannot be {event.value} now: ")
        assert result.sentence.endswith(".")


@given(st.lists(st.integers(min_value=0, max_value=20), min_size=1, max_size=40), st.booleans())
def test_settled_left_out_and_to_come_always_sum_up_to_what_was_prescribed(settled: list[int], append: bool) -> None:
    session = after(Session(prescribed=FULL, intensity=FULL, append_cut=append), OPENED, Happened(Event.RELEASED))
    for pulses in settled:
        if session.state in FINAL:
            break
        due = session.plan[0].train.pulses
        session = after(session, Happened(Event.DUE), Happened(Event.READY), Happened(Event.GRANTED))
        session = after(session, Happened(Event.TRAIN_SETTLED, pulses=min(pulses, due)))
        to_come = sum(planned.train.pulses for planned in session.plan)
        assert session.settled + session.left_out + to_come == 60
    assert (session.state is State.DONE) == (not session.plan)


def test_a_train_that_never_began_is_still_the_next_one() -> None:
    session = after(on_the_way_to(State.TRAIN), Happened(Event.TRAIN_SETTLED, pulses=0))

    assert session.plan == (TRAIN, TRAIN, TRAIN)
    assert session.train == 1


def test_a_made_up_train_of_one_pulse_needs_no_rate() -> None:
    session = after(on_the_way_to(State.TRAIN), Happened(Event.TRAIN_SETTLED, pulses=19))

    assert session.plan[-1].train == Train(1, Hertz(0))
    assert session.trains == 4


def test_the_first_reason_stays_until_the_next_release() -> None:
    session = after(
        on_the_way_to(State.GAP),
        Happened(Event.PAUSE, reason="pause-asked"),
        Happened(Event.STOPPED, reason="stop-asked"),
    )
    assert session.reason == "pause-asked"
    assert after(session, Happened(Event.RELEASED)).reason == ""


@pytest.mark.parametrize("event", [Event.PAUSE, Event.STOPPED, Event.TRIPPED])
def test_a_hold_that_clears_takes_no_reason_from_what_a_person_has_to_end(event: Event) -> None:
    held = Happened(Event.HELD, reason="lease-missing")
    there = after(on_the_way_to(State.ARMED), held, Happened(event, reason="too-many-cuts"))
    cleared = after(there, Happened(Event.CLEARED))
    assert (cleared.reason, cleared.interrupted) == ("too-many-cuts", event)


def test_a_hold_that_clears_in_a_running_train_leaves_no_reason_behind() -> None:
    held = Happened(Event.HELD, reason="lease-missing")
    assert after(on_the_way_to(State.TRAIN), held, Happened(Event.CLEARED)).reason == ""


def test_a_trip_outweighs_the_pause_before_it_and_the_stop_behind_it() -> None:
    session = after(
        on_the_way_to(State.GAP),
        Happened(Event.PAUSE, reason="pause-asked"),
        Happened(Event.TRIPPED, reason="beats-lost"),
        Happened(Event.STOPPED, reason="stop-asked"),
        Happened(Event.END),
    )
    assert (session.reason, outcome(session)) == ("beats-lost", "tripped")


@pytest.mark.parametrize(
    ("happenings", "said"),
    [
        ((Happened(Event.STOPPED, reason="stop-asked"), Happened(Event.END)), "stopped"),
        ((Happened(Event.PAUSE, reason="pause-asked"), Happened(Event.END)), "ended_early"),
        ((Happened(Event.DISCONNECTED, reason="watchdog-lost"),), "ended_early"),
        ((Happened(Event.TRIPPED, reason="x"), Happened(Event.RESET), Happened(Event.END)), "tripped"),
    ],
)
def test_the_outcome_says_how_it_ended(happenings: tuple[Happened, ...], said: str) -> None:
    assert outcome(after(on_the_way_to(State.GAP), *happenings)) == said


def test_a_complete_and_a_refused_session_say_so() -> None:
    assert outcome(after(START, Happened(Event.NOT_OPENED))) == "refused"
    one = after(START, Happened(Event.OPENED, plan=(TRAIN,)), Happened(Event.RELEASED), Happened(Event.DUE))
    done = after(one, Happened(Event.READY), Happened(Event.GRANTED), Happened(Event.TRAIN_SETTLED, pulses=20))
    assert outcome(done) == "completed"


@given(st.integers(min_value=0, max_value=1100), st.integers(min_value=1, max_value=1000))
def test_intensity_rises_by_five_percent_at_most_and_never_above_the_prescription(wanted: int, present: int) -> None:
    session = Session(prescribed=FULL, intensity=PercentRmt(present), state=State.PAUSED, plan=(TRAIN,), trains=1)
    result = step(session, Happened(Event.INTENSITY, intensity=PercentRmt(wanted)))

    allowed = 0 < wanted <= 1000 and wanted <= present + 50
    assert isinstance(result, Refusal) != allowed
    if not isinstance(result, Refusal):
        assert result[0].intensity == PercentRmt(wanted)
