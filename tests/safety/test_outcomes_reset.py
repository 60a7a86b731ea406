"""The way back out of a trip: when it is open, who must come, and what is written down."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from drivers.stimulators import Condition
from safety import control, outcomes
from safety.events import Tell
from safety.ledger_format import Kind, key
from safety.reasons import Reason
from safety.state import Device, Disarming, Phase, Trip
from safety.turn import Turn
from tests.safety.conftest import VirtualRoom, new, tightened, turn_of
from tests.safety.rooms import running

MS, S = 1_000, 1_000_000
ONE, TWO = Reason.BEATS_LOST, Reason.OVER_LIMIT_FRAME
"""A trip that one person may end, and one that takes two."""


@pytest.fixture(scope="module")
def train() -> VirtualRoom:
    """A room in a train, to take pieces from."""
    return running(new)


def tripped(room: VirtualRoom, reason: Reason = ONE, *, device: dict[str, Any] | None = None, **changes: Any) -> Turn:
    """A trip with nothing in the way of its end, then changed. The device is there, in standby and cool."""
    standby = Device(present=True, condition=Condition.STANDBY, temperature_tenths=250, temperature_at_us=room.now.us)
    state: dict[str, Any] = {"phase": Phase.TRIPPED, "trip": Trip(reason, 0), "delivery": None, "commits": ()}
    return turn_of(room, **(state | {"device": replace(standby, **(device or {}))} | changes))


def reset(turn: Turn, by: str = "ann") -> Reason | None:
    return outcomes.reset(turn, control.Reset(by=by, nonce=""))


def test_a_trip_with_nothing_in_its_way_ends_and_is_said_and_written_down(train: VirtualRoom) -> None:
    turn = tripped(train)

    assert reset(turn) is None
    assert (turn.state.trip, turn.state.phase) == (None, Phase.SAFE)
    (record,) = [record for _, record, _ in turn.state.commits]
    assert (record.kind, record.code, record.note) == (Kind.RESET, ONE.code, key("ann"))
    (body,) = [action.body for action in turn.actions if isinstance(action, Tell)]
    assert (body["kind"], body["by"], body["reason"]) == ("reset", "ann", "beats-lost")


@pytest.mark.parametrize(
    ("device", "passes"),
    [
        ({"condition": Condition.ARMED}, False),
        ({"condition": Condition.READY}, False),
        ({"condition": None}, False),
        ({"fault": True}, False),
        ({"temperature_tenths": 399}, True),
        ({"temperature_tenths": 400}, False),
        ({"temperature_tenths": None}, True),
        ({"present": False, "condition": None, "fault": True, "temperature_tenths": 500}, True),
    ],
    ids=str,
)
def test_the_device_as_far_as_it_is_there_is_in_standby_whole_and_cool(
    train: VirtualRoom, device: dict[str, Any], *, passes: bool
) -> None:
    turn = tripped(train, device=device)

    assert train.room.limits.timing.coil_stop == 400
    assert reset(turn) is (None if passes else Reason.RESET_CONDITIONS)
    if passes:
        assert turn.state.phase is (Phase.SAFE if turn.state.device.present else Phase.BOOT)


@pytest.mark.parametrize(("older_us", "passes"), [(0, False), (1, True)])
def test_a_coil_that_was_hot_when_last_read_is_in_the_way_as_long_as_that_is_believed(
    train: VirtualRoom, older_us: int, *, passes: bool
) -> None:
    read_us = train.now.us - train.room.limits.timing.coil_age_us - older_us
    turn = tripped(train, device={"temperature_tenths": 400, "temperature_at_us": read_us})

    assert reset(turn) is (None if passes else Reason.RESET_CONDITIONS)


@pytest.mark.parametrize(("older_us", "passes"), [(0, False), (1, True)])
def test_a_site_that_trusts_a_temperature_less_long_forgets_a_hot_coil_no_sooner(
    train: VirtualRoom, older_us: int, *, passes: bool
) -> None:
    read_us = train.now.us - 2_000_000 - older_us
    turn = tripped(train, device={"temperature_tenths": 400, "temperature_at_us": read_us})

    assert reset(tightened(turn, coil_age=1)) is (None if passes else Reason.RESET_CONDITIONS)


def test_nothing_ends_while_a_disarm_is_under_way_or_a_train_is_not_accounted_for(train: VirtualRoom) -> None:
    under_way = Disarming(ONE, train.now.us, train.now.us)
    for changes in ({"disarming": under_way}, {"delivery": train.state.delivery}):
        turn = tripped(train, **changes)
        assert reset(turn) is Reason.RESET_CONDITIONS
        assert turn.state.trip is not None


def test_without_a_trip_and_in_a_lock_out_there_is_nothing_to_end(train: VirtualRoom) -> None:
    assert reset(tripped(train, trip=None, phase=Phase.SAFE)) is Reason.NOTHING_TRIPPED
    assert reset(tripped(train, phase=Phase.LOCKOUT)) is Reason.LOCKED_OUT


# --- two persons ----------------------------------------------------------------------------------------------


def test_the_first_of_two_persons_is_remembered_with_the_time(train: VirtualRoom) -> None:
    turn = tripped(train, TWO)

    assert reset(turn) is Reason.RESET_NEEDS_SECOND_PERSON
    assert turn.state.trip == Trip(TWO, 0, first_person="ann", first_person_at_us=train.now.us)
    assert turn.state.commits == ()


@pytest.mark.parametrize(
    ("first", "second", "passes"),
    [
        ("ann", "bob", True),
        ("ann", "ann", False),
        ("uid 1", "uid 2", True),
        ("uid 1", "uid 1", False),
        ("ann", "uid 1", False),
        ("uid 1", "ann", False),
    ],
)
def test_two_persons_are_two_users_of_the_broker_or_two_of_the_machine(
    train: VirtualRoom, first: str, second: str, *, passes: bool
) -> None:
    turn = tripped(train, TWO, trip=Trip(TWO, 0, first_person=first, first_person_at_us=train.now.us))

    assert reset(turn, second) is (None if passes else Reason.RESET_NEEDS_SECOND_PERSON)
    assert [record.note for _, record, _ in turn.state.commits] == ([key(second) + key(first)] if passes else [])
    assert (turn.state.trip is None) is passes


@pytest.mark.parametrize(("late_us", "passes"), [(0, True), (1, False)])
def test_the_second_person_comes_within_half_a_minute_or_is_the_first_of_the_next_two(
    train: VirtualRoom, late_us: int, *, passes: bool
) -> None:
    first_us = train.now.us - train.room.limits.timing.second_person_us - late_us
    turn = tripped(train, TWO, trip=Trip(TWO, 0, first_person="ann", first_person_at_us=first_us))

    assert reset(turn, "bob") is (None if passes else Reason.RESET_NEEDS_SECOND_PERSON)
    assert turn.state.trip == (None if passes else Trip(TWO, 0, first_person="bob", first_person_at_us=train.now.us))


def test_where_a_room_says_that_there_is_one_person_one_is_enough(train: VirtualRoom) -> None:
    turn = tripped(train, TWO)
    turn.room = replace(turn.room, one_person=True)

    assert reset(turn) is None
