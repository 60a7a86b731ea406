"""How long each condition holds: the last moment at which a thing still counts, and the first at which it does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from drivers.quantities import Hertz
from drivers.stimulators import Condition
from safety import conditions
from safety.ledger_format import Kind, Record
from safety.reasons import Reason
from safety.state import Beats, Delivery, Phase
from safety.turn import Turn
from tests.safety.conftest import VirtualRoom, new, turn_of
from tests.safety.rooms import ready, running

MS, S = 1_000, 1_000_000


@pytest.fixture(scope="module")
def armed() -> VirtualRoom:
    return ready(new)


@pytest.fixture(scope="module")
def robot() -> VirtualRoom:
    """Armed, in a room whose arm says that the coil is on its target."""
    return ready(new, profile="robot")


@pytest.fixture(scope="module")
def firing() -> VirtualRoom:
    return running(new)


def known(turn: Turn, **changes: Any) -> Turn:
    turn.to(device=replace(turn.state.device, **changes))
    return turn


def fresh(room: VirtualRoom, **changes: Any) -> Turn:
    """Everything said a moment ago, then changed."""
    now_us = room.now.us
    turn = turn_of(room, beats=Beats(1, now_us, 1, now_us, now_us), lease_at_us=now_us, armed_at_us=now_us)
    known(turn, condition_at_us=now_us, settings_at_us=now_us, temperature_at_us=now_us, temperature_tenths=250)
    turn.to(**changes)
    return turn


def sent(room: VirtualRoom, *ages_us: int) -> tuple[tuple[int, Record, int], ...]:
    """Records on their way to the disk for so long."""
    return tuple((token, Record(Kind.RESERVE, 1), room.now.us - age_us) for token, age_us in enumerate(ages_us, 90))


# --- nothing may arm --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("paused", "reason"), [(None, Reason.NOT_RELEASED), (Reason.STOP_ASKED, Reason.STOP_ASKED)])
def test_a_session_that_waits_for_its_release_says_what_paused_it(
    armed: VirtualRoom, paused: Reason | None, reason: Reason
) -> None:
    session = armed.state.session
    assert session is not None
    assert conditions.standing(fresh(armed, session=replace(session, released=False, paused=paused))) is reason


def test_the_oldest_record_on_its_way_to_the_disk_may_take_a_fifth_of_a_second(armed: VirtualRoom) -> None:
    for ages_us, reason in (
        ((200 * MS, 0), None),
        ((200 * MS + 1, 0), Reason.LEDGER_LATE),
        ((200 * MS + 1,), Reason.LEDGER_LATE),
        ((), None),
    ):
        assert conditions.standing(fresh(armed, commits=sent(armed, *ages_us))) is reason, ages_us


def test_an_operator_may_have_been_seen_a_second_ago_to_begin(armed: VirtualRoom) -> None:
    now_us = armed.now.us
    for away_us, reason in ((S, None), (S + 1, Reason.PRESENCE_OLD)):
        beats = Beats(1, now_us, 1, now_us, now_us - away_us)
        assert conditions.standing(fresh(armed, beats=beats)) is reason


@pytest.mark.parametrize(
    ("lease", "age_us", "reason"),
    [
        ("begin", 150 * MS, None),
        ("begin", 150 * MS + 1, Reason.LEASE_MISSING),
        ("continue", 0, None),
        ("none", 0, Reason.LEASE_MISSING),
    ],
)
def test_nothing_arms_without_a_lease_of_the_last_moment_where_there_is_an_arm(
    robot: VirtualRoom, armed: VirtualRoom, lease: str, age_us: int, reason: Reason | None
) -> None:
    changes = {"lease": lease, "lease_at_us": robot.now.us - age_us}
    assert conditions.standing(fresh(robot, **changes)) is reason
    assert conditions.standing(fresh(armed, lease="none", lease_at_us=0)) is None


@pytest.mark.parametrize(
    ("changes", "age_us", "reason"),
    [
        ({}, 2 * S, None),
        ({}, 2 * S + 1, Reason.TEMPERATURE_UNREAD),
        ({"temperature_tenths": None}, 0, Reason.TEMPERATURE_UNREAD),
        ({"temperature_tenths": 399}, 0, None),
        ({"temperature_tenths": 400}, 0, Reason.COIL_HOT),
        ({"temperature_tenths": 0}, 0, None),
        ({"coil_present": False}, 0, Reason.COIL_MISSING),
        ({"fault": True}, 0, Reason.DEVICE_FAULT),
    ],
)
def test_nothing_arms_with_a_coil_that_is_hot_missing_or_not_heard_or_a_device_at_fault(
    armed: VirtualRoom, changes: dict[str, Any], age_us: int, reason: Reason | None
) -> None:
    turn = known(fresh(armed), temperature_at_us=armed.now.us - age_us, **changes)
    assert conditions.standing(turn) is reason


# --- no trigger goes out ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "fired", "reason"),
    [
        ({"condition": Condition.READY}, False, None),
        ({"condition": Condition.READY}, True, None),
        ({"condition": Condition.ARMED}, False, Reason.NOT_READY),
        ({"condition": Condition.ARMED}, True, None),
        ({"condition": Condition.STANDBY}, True, Reason.NOT_READY),
        ({"condition": None}, True, Reason.NOT_READY),
        ({"agreed": 1}, False, Reason.READ_BACK_STALE),
    ],
)
def test_a_device_is_charged_when_it_says_so_and_after_its_first_trigger_when_it_is_armed(
    armed: VirtualRoom, changes: dict[str, Any], fired: bool, reason: Reason | None
) -> None:
    assert conditions.firing(known(fresh(armed, fired_since_arm=fired), **changes)) is reason


@pytest.mark.parametrize(
    ("what", "reason"), [("condition_at_us", Reason.NOT_READY), ("settings_at_us", Reason.READ_BACK_STALE)]
)
def test_what_a_trigger_relies_on_was_read_within_a_second(armed: VirtualRoom, what: str, reason: Reason) -> None:
    assert conditions.firing(known(fresh(armed), **{what: armed.now.us - S})) is None
    assert conditions.firing(known(fresh(armed), **{what: armed.now.us - S - 1})) is reason


@pytest.mark.parametrize(
    ("lease", "begins", "goes_on"),
    [
        ("begin", None, None),
        ("continue", Reason.LEASE_MISSING, None),
        ("none", Reason.LEASE_MISSING, Reason.LEASE_MISSING),
    ],
)
def test_near_the_target_what_was_begun_goes_on_and_nothing_begins(
    robot: VirtualRoom, lease: str, begins: Reason | None, goes_on: Reason | None
) -> None:
    for fired in (False, True):
        turn = fresh(robot, lease=lease, fired_since_arm=fired)
        assert (conditions.off_target(turn), conditions.firing(turn)) == (begins, goes_on)


@pytest.mark.parametrize(
    ("phase", "reason"), [(Phase.SAFE, Reason.NOT_ARMED), (Phase.FIRING, Reason.TRAIN_RUNNING), (Phase.ARMED, None)]
)
def test_a_trigger_needs_an_armed_device_at_rest(armed: VirtualRoom, phase: Phase, reason: Reason | None) -> None:
    assert conditions.firing(fresh(armed, phase=phase)) is reason


# --- watched ----------------------------------------------------------------------------------------------------


def outcome(turn: Turn) -> str:
    """What watching it led to: the reason with what follows from it, or nothing."""
    conditions.watch(turn)
    state = turn.state
    if state.trip is not None:
        return f"trip {state.trip.reason.json}"
    if turn.session.paused is not None:
        return f"stop {turn.session.paused.json}"
    if state.hold is not None:
        return f"hold {state.hold.json}"
    return f"disarm {state.disarming.why.json}" if state.disarming and state.disarming.why else ""


@pytest.mark.parametrize(
    ("changes", "follows"),
    [
        ({"temperature_at_us": -2 * S}, ""),
        ({"temperature_at_us": -2 * S - 1}, "trip temperature-unread"),
        ({"temperature_tenths": 409, "fault": False}, "stop coil-hot"),
        ({"temperature_tenths": 410}, "trip coil-too-hot"),
        ({"temperature_tenths": 400}, "stop coil-hot"),
        ({"temperature_tenths": 399}, ""),
        ({"temperature_tenths": None}, ""),
        ({"temperature_tenths": 400, "coil_present": False}, "stop coil-missing"),
        ({"temperature_tenths": 400, "fault": True}, "stop device-fault"),
    ],
)
def test_an_armed_device_is_stopped_for_what_it_says_and_tripped_for_a_coil_too_hot_or_not_heard(
    armed: VirtualRoom, changes: dict[str, Any], follows: str
) -> None:
    said = {name: armed.now.us + value if name.endswith("_us") else value for name, value in changes.items()}
    assert outcome(known(fresh(armed), **said)) == follows
    assert outcome(known(fresh(armed, phase=Phase.SAFE), **said)) == ""


def test_a_train_runs_on_with_a_warm_coil_and_not_with_a_hot_one(firing: VirtualRoom) -> None:
    assert outcome(known(fresh(firing), temperature_tenths=409)) == ""
    assert outcome(known(fresh(firing), temperature_tenths=410)) == "trip coil-too-hot"


def test_a_device_armed_for_more_than_five_seconds_without_a_trigger_is_disarmed(
    armed: VirtualRoom, firing: VirtualRoom
) -> None:
    assert outcome(fresh(armed, armed_at_us=armed.now.us - 5 * S)) == ""
    assert outcome(fresh(armed, armed_at_us=armed.now.us - 5 * S - 1)) == "disarm armed-idle"
    assert outcome(fresh(firing, armed_at_us=firing.now.us - 5 * S - 1)) == ""


@pytest.mark.parametrize(
    ("rate", "limit_us"), [(None, 250 * MS), (200, 250 * MS), (201, 150 * MS)], ids=["no train", "20 Hz", "faster"]
)
@pytest.mark.parametrize("silent", ["session_at_us", "driver_at_us"])
def test_either_loop_may_stand_still_for_a_quarter_second_and_for_less_in_a_fast_train(
    firing: VirtualRoom, rate: int | None, limit_us: int, silent: str
) -> None:
    now_us, delivery = firing.now.us, firing.state.delivery
    assert delivery is not None
    train = replace(delivery.train, rate=Hertz(rate)) if rate else None
    under_way: Delivery | None = replace(delivery, train=train) if train else None
    for age_us, follows in ((limit_us, ""), (limit_us + 1, "trip beats-lost")):
        beats = replace(Beats(1, now_us, 1, now_us, now_us), **{silent: now_us - age_us})
        assert outcome(fresh(firing, delivery=under_way, beats=beats)) == follows


@pytest.mark.parametrize(
    ("away_us", "follows"),
    [(S, ""), (S + 1, "hold presence-old"), (3 * S, "hold presence-old"), (3 * S + 1, "stop presence-lost")],
)
def test_an_operator_who_is_away_longer_than_a_second_holds_and_longer_than_three_stops(
    armed: VirtualRoom, away_us: int, follows: str
) -> None:
    now_us = armed.now.us
    assert outcome(fresh(armed, beats=Beats(1, now_us, 1, now_us, now_us - away_us))) == follows


@pytest.mark.parametrize(("good_us", "holds"), [(S - 1, True), (S, False)])
def test_a_hold_clears_after_a_second_in_which_all_was_well(armed: VirtualRoom, good_us: int, *, holds: bool) -> None:
    turn = fresh(armed, hold=Reason.PRESENCE_OLD, good_since_us=armed.now.us - good_us)
    assert outcome(turn) == ("hold presence-old" if holds else "")
    assert len(turn.actions) == (not holds)


@pytest.mark.parametrize(
    ("phase", "released", "follows"),
    [
        (Phase.SAFE, True, "trip beats-lost"),
        (Phase.SAFE, False, ""),
        (Phase.ARMED, False, "trip beats-lost"),
        (Phase.FIRING, False, "trip beats-lost"),
        (Phase.TRIPPED, True, ""),
        (Phase.BOOT, True, ""),
        (Phase.LOCKOUT, True, ""),
    ],
)
def test_lost_beats_trip_where_pulses_may_go_out_and_nowhere_twice(
    armed: VirtualRoom, phase: Phase, released: bool, follows: str
) -> None:
    session = armed.state.session
    assert session is not None
    turn = fresh(armed, phase=phase, session=replace(session, released=released), beats=Beats())
    known(turn, condition=Condition.STANDBY)
    assert outcome(turn) == follows


@pytest.mark.parametrize("condition", list(Condition))
def test_a_locked_gate_disarms_a_device_that_is_armed(armed: VirtualRoom, condition: Condition) -> None:
    turn = known(fresh(armed, phase=Phase.LOCKOUT), condition=condition)
    conditions.watch(turn)
    armed_now = condition is not Condition.STANDBY
    assert (turn.state.disarming is not None) == armed_now
    assert turn.state.disarming is None or turn.state.disarming.why is Reason.LOCKED_OUT
