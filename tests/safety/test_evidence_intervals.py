"""How many pulses a train can have given, by when it was triggered, taken and last shown, and what follows at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from drivers.quantities import SINGLE, Hertz, Train
from drivers.stimulators import Reading, Refusal
from safety import evidence
from safety.asking import Past
from safety.events import Tell
from safety.evidence import Interval
from safety.instant import Instant
from safety.ledger_format import By, Kind
from safety.reasons import Reason
from safety.state import Delivery, Phase
from safety.turn import Turn
from tests.safety.conftest import PROTOCOLS, VirtualRoom, new, tightened, turn_of
from tests.safety.rooms import ready

MS, S = 1_000, 1_000_000
TRAIN = Train(20, Hertz(100))
"""Its pulses lie 100 ms apart, the last 1.9 s behind the first."""


@pytest.fixture
def fired() -> VirtualRoom:
    """A demo's first train of 20 pulses at 10 Hz, triggered and taken this moment."""
    room = ready(new)
    assert room.permit()["ok"]
    room.frame("EH")
    assert room.state.delivery is not None
    return room


def at(room: VirtualRoom, later_us: int, **changes: Any) -> Turn:
    """A turn so much later, with the train under way a little otherwise."""
    assert room.state.delivery is not None
    state = {name: changes.pop(name) for name in ("standby_at_us", "train_ended_us", "past", "run") if name in changes}
    turn = turn_of(room, delivery=replace(room.state.delivery, **changes), **state)
    turn.now = Instant(began_us(room) + later_us, room.now.wall_us)
    return turn


def began_us(room: VirtualRoom) -> int:
    assert room.state.delivery is not None
    return room.state.delivery.began_us


def taken(origin_us: int, shown_us: int | None) -> Delivery:
    """Written 50 ms before the device took it, and last shown running to a question so long after that."""
    shown_at_us = None if shown_us is None else origin_us + shown_us
    return Delivery(TRAIN, 450, 1, 0, origin_us - 50 * MS, 0, accepted_us=origin_us, running_asked_us=shown_at_us)  # type: ignore[arg-type]


# --- counting -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shown_us", "pulses"), [(None, 0), (-300 * MS, 0), (0, 0), (400 * MS - 1, 3), (400 * MS, 4), (1_900 * MS, 19)]
)
def test_certainly_out_is_one_less_than_was_due_when_it_was_last_asked_and_showed(
    origin_us: int, shown_us: int | None, pulses: int
) -> None:
    assert evidence.least(taken(origin_us + S, shown_us)) == pulses


@pytest.mark.parametrize(("ended_us", "pulses"), [(-50 * MS, 2), (350 * MS - 1, 5), (350 * MS, 6), (1_850 * MS, 21)])
def test_possibly_out_is_one_more_than_was_due_since_its_trigger_was_written(
    origin_us: int, ended_us: int, pulses: int
) -> None:
    assert evidence.most(taken(origin_us + S, None), origin_us + S + ended_us) == pulses


@pytest.mark.parametrize(("pulses", "within"), [(3, False), (4, True), (7, True), (8, False), (None, False)])
def test_an_interval_holds_both_of_its_ends_and_nothing_beyond(pulses: object, *, within: bool) -> None:
    assert (pulses in Interval(4, 7)) is within


# --- the answer to a trigger ----------------------------------------------------------------------------------


def test_a_train_that_was_taken_is_said_and_waits_for_its_account(fired: VirtualRoom) -> None:
    turn = at(fired, 20 * MS, accepted_us=None)

    evidence.trigger_answered(turn, Reading())

    assert told(turn) == [
        {"kind": "accepted", "at_us": turn.now.us, "wall_us": turn.now.wall_us, "permit": 1, "index": 0}
    ]
    assert turn.delivery.accepted_us == turn.now.us
    assert turn.state.phase is Phase.FIRING


def test_a_single_pulse_that_was_taken_is_accounted_for_at_once(fired: VirtualRoom) -> None:
    turn = at(fired, 20 * MS, accepted_us=None, train=Train(1, SINGLE))

    evidence.trigger_answered(turn, Reading())

    (settled,) = settlements(turn)
    assert (settled["pulses"], settled["low"], settled["high"], settled["by"]) == (1, 1, 1, "accepted")
    assert (turn.state.delivery, turn.state.phase) == (None, Phase.ARMED)
    assert turn.state.train_ended_us == turn.now.us
    assert turn.session.delivered_at == turn.session.intensity


def test_a_trigger_that_was_refused_gave_nothing_and_pauses(fired: VirtualRoom) -> None:
    turn = at(fired, 20 * MS, accepted_us=None)

    evidence.trigger_answered(turn, Reading(refused=Refusal.CONFLICT))

    said = {body["kind"]: body for body in told(turn)}
    assert (said["not-delivered"]["permit"], said["not-delivered"]["index"]) == (1, 0)
    assert said["stop"]["reason"] == "trigger-refused"
    assert (turn.state.delivery, turn.session.paused) == (None, Reason.TRIGGER_REFUSED)
    assert "settled" not in said
    assert turn.state.past == fired.state.past


# --- the train bit --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("asked_us", "judged"), [(20 * MS - 1, False), (20 * MS, True)])
def test_a_bit_that_is_not_up_yet_says_nothing_before_the_device_had_time_to_raise_it(
    fired: VirtualRoom, asked_us: int, *, judged: bool
) -> None:
    turn = at(fired, 50 * MS)

    evidence.train_bit(turn, began_us(fired) + asked_us, running=False)

    assert (turn.state.trip is not None) is judged
    assert (turn.state.delivery is None) is judged


def test_an_answer_that_comes_late_to_an_older_question_takes_no_pulses_back(fired: VirtualRoom) -> None:
    turn = at(fired, 900 * MS, running_asked_us=began_us(fired) + 800 * MS)

    evidence.train_bit(turn, began_us(fired) + 400 * MS, running=True)

    assert evidence.least(turn.delivery) == 8


@pytest.mark.parametrize(("asked_us", "outlasts"), [(2_000 * MS, False), (2_100 * MS, True)])
def test_a_train_that_certainly_gave_more_than_was_set_is_a_trip_while_it_runs(
    fired: VirtualRoom, asked_us: int, *, outlasts: bool
) -> None:
    turn = at(fired, 2_100 * MS)

    evidence.train_bit(turn, began_us(fired) + asked_us, running=True)

    assert (turn.state.trip is not None) is outlasts
    assert turn.delivery.over is outlasts
    assert turn.delivery.cut is outlasts


@pytest.mark.parametrize(("asked_us", "settled"), [(699 * MS, False), (700 * MS, True)])
def test_a_cut_train_is_settled_by_a_question_asked_since_standby(
    fired: VirtualRoom, asked_us: int, *, settled: bool
) -> None:
    began = began_us(fired)
    turn = at(fired, 750 * MS, cut=True, standby_at_us=began + 700 * MS, running_asked_us=began + 400 * MS)

    evidence.train_bit(turn, began + asked_us, running=False)

    assert (turn.state.delivery is None) is settled
    if settled:
        assert turn.state.permits == (), "a permit for one train is used up by it"
        assert turn.state.past[-1].train == TRAIN


@pytest.mark.parametrize(("asked_us", "seen"), [(0, False), (1, True)])
def test_a_bit_asked_for_before_the_last_train_was_accounted_for_is_that_trains(asked_us: int, *, seen: bool) -> None:
    room = ready(new)
    turn = turn_of(room, train_ended_us=room.now.us)

    evidence.train_bit(turn, room.now.us + asked_us, running=True)

    assert (turn.state.trip is not None) is seen


def test_a_train_nobody_triggered_is_booked_at_what_is_set_or_at_what_autonomy_allows() -> None:
    room = ready(new)
    known, unknown = turn_of(room), turn_of(room, device=replace(room.state.device, settings=None))
    for turn in (known, unknown):
        evidence.train_bit(turn, room.now.us, running=True)

    booked = [[r.pulses for _, r, _ in turn.state.commits if r.kind is Kind.FOUND_ARMED] for turn in (known, unknown)]
    assert booked == [[20], [50]]
    assert [turn.state.trip.detail for turn in (known, unknown) if turn.state.trip] == [
        "20 pulses booked", "50 pulses booked",
    ]  # fmt: skip
    assert known.state.train_ended_us == room.now.us
    assert known.state.disarming is not None
    assert known.state.disarming.why is Reason.TRAIN_NOT_TRIGGERED


def test_a_site_that_tightened_autonomy_books_a_train_nobody_triggered_no_lower() -> None:
    room = ready(new)
    turn = tightened(turn_of(room, device=replace(room.state.device, settings=None)), autonomy_pulses=20)
    evidence.train_bit(turn, room.now.us, running=True)

    assert [r.pulses for _, r, _ in turn.state.commits if r.kind is Kind.FOUND_ARMED] == [50]


# --- an end nobody saw ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("late_us", "overdue"), [(0, False), (1, True)])
@pytest.mark.parametrize("shown_us", [None, 400 * MS])
def test_a_train_is_overdue_once_its_duration_and_a_read_back_s_age_are_over(
    fired: VirtualRoom, shown_us: int | None, late_us: int, *, overdue: bool
) -> None:
    timing, began = fired.room.limits.timing, began_us(fired)
    shown = None if shown_us is None else began + shown_us
    turn = at(fired, TRAIN.duration_us + timing.read_back_age_us + late_us, running_asked_us=shown)

    evidence.overdue(turn)

    paused = turn.session.paused
    assert paused is (None if not overdue else Reason.UNKNOWN_OPEN if shown is None else Reason.EVIDENCE_CONTRADICTS)


@pytest.mark.parametrize(("late_us", "settled"), [(0, False), (1, True)])
@pytest.mark.parametrize(("shown_us", "low"), [(None, 0), (400 * MS, 4), (2_300 * MS, 20)])
def test_a_cut_train_nobody_asked_after_counts_in_full_one_exchange_after_standby(
    fired: VirtualRoom, shown_us: int | None, low: int, late_us: int, *, settled: bool
) -> None:
    began, exchange_us = began_us(fired), fired.room.limits.timing.exchange_us
    shown = None if shown_us is None else began + shown_us
    standby_us = began + 2_400 * MS
    turn = at(fired, 2_400 * MS + exchange_us + late_us, cut=True, standby_at_us=standby_us, running_asked_us=shown)

    evidence.overdue(turn)

    assert (turn.state.delivery is None) is settled
    assert [(told["pulses"], told["low"], told["high"], told["by"], told["outcome"]) for told in settlements(turn)] == (
        [(20, low, 20, "assumed", "cut")] if settled else []
    )


@pytest.mark.parametrize(
    ("shown_us", "later_us", "over", "settled"),
    [
        (400 * MS, 700 * MS, False, (9, 4, 9)),
        (2_300 * MS, 2_500 * MS, False, (20, 20, 20)),
        (2_300 * MS, 2_500 * MS, True, (27, 23, 27)),
    ],
)
def test_a_cut_train_counts_what_it_can_have_given_and_no_more_than_was_set_unless_it_outlasted_that(
    fired: VirtualRoom, shown_us: int, later_us: int, settled: tuple[int, int, int], *, over: bool
) -> None:
    began = began_us(fired)
    turn = at(fired, later_us, cut=True, over=over, written_us=began, running_asked_us=began + shown_us)

    evidence.train_bit(turn, began + later_us, running=False)

    (told,) = settlements(turn)
    assert (told["pulses"], told["low"], told["high"]) == settled
    assert (told["by"], told["outcome"]) == ("running", "cut")


def settlements(turn: Turn) -> list[dict[str, Any]]:
    return [body for body in told(turn) if body["kind"] == "settled"]


def told(turn: Turn) -> list[dict[str, Any]]:
    return [action.body for action in turn.actions if isinstance(action, Tell)]


def test_a_cut_train_that_had_outlasted_what_was_set_counts_as_long_as_it_can_have_run(fired: VirtualRoom) -> None:
    began = began_us(fired)
    turn = at(fired, 4_000 * MS, cut=True, over=True, standby_at_us=began, written_us=began)

    evidence.overdue(turn)

    (told,) = settlements(turn)
    assert (told["pulses"], told["high"]) == (42, 42)


@pytest.mark.parametrize("accepted", [False, True])
def test_a_single_pulse_and_a_trigger_without_an_answer_are_not_overdue(fired: VirtualRoom, *, accepted: bool) -> None:
    one = {"train": Train(1, SINGLE)} if accepted else {"accepted_us": None}
    turn = at(fired, 60 * S, **one)

    evidence.overdue(turn)

    assert turn.state.delivery is not None
    assert turn.actions == []


# --- what is remembered ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("older_us", "kept"), [(0, True), (1, False)])
def test_a_train_is_remembered_for_the_minute_the_longest_window_looks_back(
    fired: VirtualRoom, older_us: int, *, kept: bool
) -> None:
    assert fired.state.delivery is not None
    this = Past(fired.state.delivery.written_us, TRAIN)
    earlier = Past(this.first_us - 60 * S - older_us, TRAIN)
    turn = at(fired, 2 * S, past=(earlier,), cut=True, standby_at_us=began_us(fired))

    evidence.train_bit(turn, began_us(fired) + S, running=False)

    assert turn.state.past == ((earlier, this) if kept else (this,))


@pytest.mark.parametrize(("gap_us", "parked"), [(-1, False), (0, True), (1, True)])
def test_a_device_is_parked_between_trains_only_where_they_lie_far_apart(
    fired: VirtualRoom, gap_us: int, *, parked: bool
) -> None:
    protocol = PROTOCOLS["demo"]
    gap = fired.room.limits.timing.park_gap_us + gap_us
    near, far = replace(protocol.phases[0], gap_us=0), replace(protocol.phases[0], gap_us=gap)
    turn = at(fired, 2 * S, running_asked_us=began_us(fired) + 1_850 * MS)
    turn.to(session=replace(turn.session, protocol=replace(protocol, phases=(near, far))))

    evidence.train_bit(turn, began_us(fired) + 1_960 * MS, running=False)

    assert (turn.state.disarming is not None) is parked
    assert turn.state.phase is Phase.ARMED
    assert settlements(turn)[0]["by"] == By.RUNNING.name.lower()
