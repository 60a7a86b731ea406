"""What is taken over from each answer of the device, what from a frame as it is written, and what is doubted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from drivers.magstim.framing import seal
from drivers.quantities import Hertz, PercentMso
from drivers.stimulators import Condition, Reading, Refusal, Settings
from safety import device
from safety.events import Door, Tell, Write
from safety.reasons import Reason
from safety.state import Device, Disarming, Exchange, Phase
from safety.turn import Turn
from tests.safety.conftest import VirtualRoom, new, turn_of
from tests.safety.rooms import ready

MS, S = 1_000, 1_000_000
SET = Settings(PercentMso(450), Hertz(100), 20, 2_000)
OTHER = replace(SET, level=PercentMso(460))


@pytest.fixture
def armed() -> VirtualRoom:
    """A released demo session, set and read back, armed and charged."""
    return ready(new)


def exchange(room: VirtualRoom, text: bytes) -> Exchange:
    frame = seal(text)
    return Exchange(frame, room.dialect.effect(frame), Door.DAEMON, room.now.us - 20 * MS)


def told(turn: Turn) -> list[dict[str, Any]]:
    return [action.body for action in turn.actions if isinstance(action, Tell)]


# --- a frame as it is written ---------------------------------------------------------------------------------


def test_an_arming_frame_arms_as_it_is_written_and_what_was_said_before_is_no_longer_known(armed: VirtualRoom) -> None:
    disarmed = replace(armed.state.device, condition=Condition.STANDBY, may_be_armed=False)
    turn = turn_of(armed, phase=Phase.SAFE, armed_at_us=0, fired_since_arm=True, device=disarmed)

    device.frame_written(turn, armed.dialect.effect(seal(b"EB")))

    state = turn.state
    assert (state.phase, state.armed_at_us) == (Phase.ARMED, armed.now.us)
    assert state.fired_since_arm is False
    assert (state.device.condition, state.device.may_be_armed) == (None, True)


def test_armed_once_more_is_not_armed_anew(armed: VirtualRoom) -> None:
    turn = turn_of(armed, armed_at_us=armed.now.us - S, fired_since_arm=True)

    device.frame_written(turn, armed.dialect.effect(seal(b"EB")))

    assert (turn.state.armed_at_us, turn.state.fired_since_arm) == (armed.now.us - S, True)
    assert turn.state.device.condition is None


def test_a_setting_takes_back_the_permit_and_what_was_read_back(armed: VirtualRoom) -> None:
    assert armed.permit()["ok"]
    turn = turn_of(armed)
    assert turn.state.device.agreed == device.AGREED
    assert turn.state.device.confirmed is not None

    device.frame_written(turn, armed.dialect.effect(seal(b"@044")))

    assert (turn.state.device.agreed, turn.state.device.confirmed) == (0, None)
    assert turn.state.permits == ()
    assert [(body["kind"], body["reason"]) for body in told(turn)] == [("withdrawn", "permit-differs")]


def test_a_question_changes_nothing_as_it_is_written(armed: VirtualRoom) -> None:
    assert armed.permit()["ok"]
    turn = turn_of(armed)

    device.frame_written(turn, armed.dialect.effect(seal(b"x@")))

    assert turn.state == armed.state
    assert turn.actions == []


# --- an answer ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [True, False])
@pytest.mark.parametrize("name", ["remote", "coil_present", "fault"])
def test_what_an_answer_says_is_known_and_what_it_does_not_speak_of_stays(
    armed: VirtualRoom, name: str, *, value: bool
) -> None:
    known = {"remote": not value, "coil_present": not value, "fault": not value}
    turn = turn_of(armed, device=replace(armed.state.device, **known))

    device.learn(turn, exchange(armed, b"x@"), Reading(**{name: value}))  # type: ignore[arg-type]

    assert {each: getattr(turn.state.device, each) for each in known} == known | {name: value}
    assert turn.state.device == replace(armed.state.device, **(known | {name: value}))


def test_of_a_refusal_neither_condition_nor_remote_control_is_believed(armed: VirtualRoom) -> None:
    said = Reading(Condition.STANDBY, remote=False, coil_present=False, fault=True, refused=Refusal.CONFLICT)
    turn = turn_of(armed)

    device.learn(turn, exchange(armed, b"x@"), said)

    assert turn.state.device == armed.state.device
    assert turn.state.phase is Phase.ARMED


def test_a_temperature_is_known_with_the_time_of_its_answer(armed: VirtualRoom) -> None:
    turn = turn_of(armed, device=replace(armed.state.device, temperature_tenths=None, temperature_at_us=0))

    device.learn(turn, exchange(armed, b"F@"), Reading(coil_tenths_celsius=287))

    assert (turn.state.device.temperature_tenths, turn.state.device.temperature_at_us) == (287, armed.now.us)


@pytest.mark.parametrize(("text", "believed"), [(b"x@", True), (b"@045", False), (b"EH", False)])
@pytest.mark.parametrize("running", [True, False])
def test_only_a_question_is_answered_with_whether_a_train_runs_now(
    armed: VirtualRoom, text: bytes, *, believed: bool, running: bool
) -> None:
    turn = turn_of(armed)

    device.learn(turn, exchange(armed, text), Reading(train_running=running))

    assert (turn.state.trip is not None) is (believed and running)


def test_the_answer_to_an_arming_frame_says_armed_whatever_stands_in_it(armed: VirtualRoom) -> None:
    turn = turn_of(armed, device=replace(armed.state.device, condition=None, condition_at_us=0))

    device.learn(turn, exchange(armed, b"EB"), Reading(Condition.STANDBY))

    assert (turn.state.device.condition, turn.state.device.condition_at_us) == (Condition.ARMED, armed.now.us)
    assert told(turn) == [{"kind": "armed", "at_us": armed.now.us, "wall_us": armed.now.wall_us}]
    assert turn.state.phase is Phase.ARMED


def test_the_condition_in_the_answer_to_a_trigger_is_the_one_before_it(armed: VirtualRoom) -> None:
    turn = turn_of(armed)

    device.learn(turn, exchange(armed, b"EH"), Reading(Condition.STANDBY))

    assert turn.state == armed.state


@pytest.mark.parametrize("condition", list(Condition))
def test_a_condition_is_known_with_its_time_and_a_device_that_does_not_stand_by_may_be_armed(
    armed: VirtualRoom, condition: Condition
) -> None:
    standby = condition is Condition.STANDBY
    before = replace(armed.state.device, condition=None, condition_at_us=0, may_be_armed=standby)
    turn = turn_of(armed, device=before)

    device.learn(turn, exchange(armed, b"x@"), Reading(condition))

    known = turn.state.device
    assert (known.condition, known.condition_at_us, known.may_be_armed) == (condition, armed.now.us, not standby)


@pytest.mark.parametrize("disarming", [False, True])
@pytest.mark.parametrize(
    ("phase", "condition", "then", "stopped", "disarms"),
    [
        (Phase.BOOT, Condition.STANDBY, Phase.BOOT, None, False),
        (Phase.BOOT, Condition.READY, Phase.BOOT, None, False),
        (Phase.SAFE, Condition.STANDBY, Phase.SAFE, None, False),
        (Phase.SAFE, Condition.ARMED, Phase.ARMED, "armed-elsewhere", True),
        (Phase.ARMED, Condition.STANDBY, Phase.SAFE, "device-disarmed-itself", False),
        (Phase.ARMED, Condition.READY, Phase.ARMED, None, False),
        (Phase.FIRING, Condition.STANDBY, Phase.FIRING, "device-disarmed-itself", True),
        (Phase.FIRING, Condition.READY, Phase.FIRING, None, False),
        (Phase.TRIPPED, Condition.STANDBY, Phase.TRIPPED, None, False),
        (Phase.TRIPPED, Condition.READY, Phase.TRIPPED, None, True),
        (Phase.LOCKOUT, Condition.STANDBY, Phase.LOCKOUT, None, False),
        (Phase.LOCKOUT, Condition.READY, Phase.LOCKOUT, None, True),
    ],
)
def test_a_condition_that_changes_by_itself_is_answered_and_one_of_a_disarm_under_way_is_not(
    armed: VirtualRoom,
    phase: Phase,
    condition: Condition,
    then: Phase,
    stopped: str | None,
    *,
    disarms: bool,
    disarming: bool,
) -> None:
    under_way = Disarming(None, 0, 0) if disarming else None
    turn = turn_of(armed, phase=phase, disarming=under_way, device=replace(armed.state.device, condition=None))

    device.learn(turn, exchange(armed, b"x@"), Reading(condition))

    written = [action.frame for action in turn.actions if isinstance(action, Write)]
    stops = [body["reason"] for body in told(turn) if body["kind"] == "stop"]
    assert turn.state.phase is (phase if disarming else then)
    assert stops == ([] if disarming or stopped is None else [stopped])
    assert written == ([armed.dialect.disarm] if disarms and not disarming else [])
    if disarming:
        assert turn.state.disarming == under_way
    elif disarms:
        assert turn.state.disarming is not None
        assert turn.state.disarming.why is not None
        assert turn.state.disarming.why.json == (stopped or "armed-elsewhere")


def test_a_condition_said_once_more_is_no_change(armed: VirtualRoom) -> None:
    turn = turn_of(armed, device=replace(armed.state.device, condition=Condition.STANDBY))

    device.learn(turn, exchange(armed, b"x@"), Reading(Condition.STANDBY))

    assert turn.state.phase is Phase.ARMED


@pytest.mark.parametrize("condition", [Condition.STANDBY, Condition.READY])
def test_a_permit_is_taken_back_from_a_device_that_disarmed_itself(armed: VirtualRoom, condition: Condition) -> None:
    assert armed.permit()["ok"]
    turn = turn_of(armed)

    device.learn(turn, exchange(armed, b"x@"), Reading(condition))

    withdrawn = [body["reason"] for body in told(turn) if body["kind"] == "withdrawn"]
    assert withdrawn == (["device-disarmed-itself"] if condition is Condition.STANDBY else [])


# --- settings -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("agreed", "said", "then"), [(0, SET, 1), (1, SET, 2), (2, SET, 2), (0, OTHER, 1), (1, OTHER, 1), (2, OTHER, 1)]
)
def test_settings_are_read_back_once_two_answers_in_a_row_say_the_same(
    armed: VirtualRoom, agreed: int, said: Settings, then: int
) -> None:
    turn = turn_of(armed, device=replace(armed.state.device, settings=SET, agreed=agreed, confirmed=None))

    device.learn(turn, exchange(armed, b"\\@"), Reading(settings=said))

    known = turn.state.device
    assert (known.settings, known.settings_at_us, known.agreed) == (said, armed.now.us, then)
    assert known.confirmed == (said if then == device.AGREED else None)
    assert turn.state.trip is None


@pytest.mark.parametrize("phase", [Phase.SAFE, Phase.ARMED, Phase.FIRING])
def test_settings_that_change_by_themselves_trip_while_armed_and_say_both(armed: VirtualRoom, phase: Phase) -> None:
    turn = turn_of(armed, phase=phase, device=replace(armed.state.device, settings=OTHER, agreed=1, confirmed=SET))

    device.learn(turn, exchange(armed, b"\\@"), Reading(settings=OTHER))

    trip = turn.state.trip
    assert turn.state.device.confirmed == OTHER
    if phase is Phase.SAFE:
        assert trip is None
    else:
        assert trip is not None
        assert (trip.reason, trip.detail) == (Reason.LEVEL_CHANGED, f"{SET} became {OTHER}")


@pytest.mark.parametrize(("said", "agreed"), [(SET, 0), (None, 2)])
def test_settings_in_an_answer_to_nobody_end_the_read_back_and_anything_else_does_not(
    armed: VirtualRoom, said: Settings | None, agreed: int
) -> None:
    turn = turn_of(armed)

    device.doubt(turn, Reading(Condition.READY, settings=said))

    assert turn.state.device == replace(armed.state.device, agreed=agreed)


@pytest.mark.parametrize(
    ("agreed", "age_us", "held"), [(2, 500, True), (2, 501, False), (1, 500, False), (0, 0, False), (2, 0, True)]
)
def test_settings_hold_when_they_were_agreed_and_the_newest_answer_is_fresh(
    origin_us: int, agreed: int, age_us: int, *, held: bool
) -> None:
    known = Device(settings=SET, settings_at_us=origin_us, agreed=agreed)

    assert device.holds(known, origin_us + age_us, 500) is held


@pytest.mark.parametrize("may_be_armed", [True, False])
@pytest.mark.parametrize("present", [True, False])
def test_of_a_device_whose_port_came_or_went_only_that_it_may_be_armed_is_kept(
    armed: VirtualRoom, *, present: bool, may_be_armed: bool
) -> None:
    turn = turn_of(armed, device=replace(armed.state.device, may_be_armed=may_be_armed))

    device.forget(turn, present=present)

    assert turn.state.device == Device(present=present, may_be_armed=may_be_armed)
