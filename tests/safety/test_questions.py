"""What the watchdog asks by itself, and when: never in a trigger's way, never of a device that must fall asleep."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from drivers.magstim.framing import seal
from drivers.quantities import Hertz
from safety import events, questions
from safety.events import Door
from safety.state import Disarming, Exchange, Phase, Waiting, Wire
from safety.turn import Turn
from tests.safety.conftest import VirtualRoom, new, tightened, turn_of
from tests.safety.rooms import ready, running, script

MS, S = 1_000, 1_000_000


def asked(turn: Turn) -> str:
    """The question that goes out: its letter, or nothing."""
    questions.ask_next(turn)
    return "".join(chr(action.frame[0]) for action in turn.actions if isinstance(action, events.Write))


def heard(turn: Turn, *, condition_us: int = 0, settings_us: int = 0, temperature_us: int = 0) -> Turn:
    """The same, the device last heard so long ago, its line free and nobody asked since."""
    now_us = turn.now.us
    turn.to(
        wire=Wire(),
        status_asked_us=0,
        device=replace(
            turn.state.device,
            condition_at_us=now_us - condition_us,
            settings_at_us=now_us - settings_us,
            temperature_at_us=now_us - temperature_us,
        ),
    )
    return turn


def old(turn: Turn) -> Turn:
    """The same, with every answer too old."""
    return heard(turn, condition_us=S, settings_us=S, temperature_us=3 * S)


@pytest.fixture(scope="module")
def armed() -> VirtualRoom:
    return ready(new)


@pytest.fixture(scope="module")
def granted() -> VirtualRoom:
    room = ready(new)
    assert room.permit()["ok"]
    return room


@pytest.fixture(scope="module")
def firing() -> VirtualRoom:
    return running(new)


@pytest.fixture(scope="module")
def paused_script() -> VirtualRoom:
    """A script that has just fired a single pulse."""
    room = script(new, pulses=1)
    assert room.frame("EH", Door.PTY)
    room.pass_time(100 * MS)
    assert room.state.delivery is None
    return room


# --- when nothing is asked --------------------------------------------------------------------------------------


def frame_of(room: VirtualRoom) -> tuple[bytes, Any]:
    frame = seal(b"@045")
    return frame, room.dialect.effect(frame)


def test_nothing_is_asked_without_a_device_without_remote_control_before_the_start_or_locked_out(
    armed: VirtualRoom,
) -> None:
    device = armed.state.device
    for changes in (
        {"device": replace(device, present=False)},
        {"device": replace(device, remote=False)},
        {"phase": Phase.BOOT},
        {"phase": Phase.LOCKOUT},
    ):
        assert asked(old(turn_of(armed, **changes))) == "", changes
    assert asked(old(turn_of(armed))) == "x"


def test_nothing_is_asked_while_the_line_is_taken_or_waited_for_or_a_disarm_is_under_way(armed: VirtualRoom) -> None:
    frame, effect = frame_of(armed)
    now_us = armed.now.us
    for changes in (
        {"wire": Wire(open=Exchange(frame, effect, None, now_us))},
        {"wire": Wire(queue=(Waiting(Door.DAEMON, frame, effect, now_us),))},
        {"disarming": Disarming(None, now_us, now_us)},
    ):
        turn = old(turn_of(armed))
        turn.to(**changes)
        assert asked(turn) == "", changes


def test_without_a_session_only_a_train_that_outlived_it_is_asked_about(
    armed: VirtualRoom, firing: VirtualRoom
) -> None:
    assert asked(old(turn_of(armed, session=None))) == ""
    assert asked(old(turn_of(firing, session=None))) == "\\"


# --- what is asked ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ages", "letter"),
    [
        ({}, ""),
        ({"condition_us": 500 * MS}, ""),
        ({"condition_us": 500 * MS + 1}, "x"),
        ({"settings_us": 500 * MS}, ""),
        ({"settings_us": 500 * MS + 1}, "\\"),
        ({"temperature_us": S}, ""),
        ({"temperature_us": S + 1}, "F"),
        ({"condition_us": S, "settings_us": S, "temperature_us": 3 * S}, "x"),
        ({"settings_us": S, "temperature_us": 3 * S}, "\\"),
    ],
)
def test_of_an_armed_device_what_has_outgrown_its_age_is_asked_the_condition_first(
    armed: VirtualRoom, ages: dict[str, int], letter: str
) -> None:
    assert asked(heard(turn_of(armed), **ages)) == letter


@pytest.mark.parametrize("waited_us", [0, 1])
def test_a_condition_that_was_just_asked_for_is_not_asked_for_again_at_once(armed: VirtualRoom, waited_us: int) -> None:
    turn = heard(turn_of(armed), condition_us=S)
    turn.to(status_asked_us=turn.now.us - 250 * MS - waited_us)
    assert asked(turn) == ("x" if waited_us else "")
    assert (turn.state.status_asked_us == turn.now.us) == bool(waited_us)


def test_in_standby_the_temperature_alone_is_asked_and_the_settings_for_whoever_waits_for_a_permit(
    armed: VirtualRoom,
) -> None:
    assert asked(old(turn_of(armed, phase=Phase.SAFE))) == "F"
    assert asked(old(turn_of(armed, phase=Phase.SAFE, pending=object()))) == "\\"


def test_settings_that_were_said_only_once_are_asked_for_again(armed: VirtualRoom) -> None:
    turn = heard(turn_of(armed))
    turn.to(device=replace(turn.state.device, agreed=1))
    assert asked(turn) == "\\"


# --- a train ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("since_us", "ages", "letter"),
    [
        (49 * MS, {}, ""),
        (50 * MS, {}, "x"),
        (50 * MS, {"settings_us": 500 * MS}, "x"),
        (50 * MS, {"settings_us": 500 * MS + 1}, "\\"),
        (49 * MS, {"temperature_us": S}, ""),
        (49 * MS, {"temperature_us": S + 1}, "F"),
    ],
)
def test_of_a_train_its_end_is_asked_twice_a_period_and_the_coil_s_temperature_between(
    firing: VirtualRoom, since_us: int, ages: dict[str, int], letter: str
) -> None:
    turn = heard(turn_of(firing), **ages)
    turn.to(status_asked_us=turn.now.us - since_us)
    assert asked(turn) == letter
    if letter in ("x", "\\"):
        assert turn.state.status_asked_us == turn.now.us


@pytest.mark.parametrize(("rate_tenths", "pause_us"), [(10, 100 * MS), (50, 100 * MS), (128, 39_062)])
def test_of_a_slow_train_its_end_is_asked_ten_times_a_second_and_of_a_faster_one_more_often(
    firing: VirtualRoom, rate_tenths: int, pause_us: int
) -> None:
    delivery = firing.state.delivery
    assert delivery is not None
    other = replace(delivery, train=replace(delivery.train, rate=Hertz(rate_tenths)))
    for since_us, letter in ((pause_us - 1, ""), (pause_us, "x")):
        turn = heard(turn_of(firing, delivery=other))
        turn.to(status_asked_us=turn.now.us - since_us)
        assert asked(turn) == letter


@pytest.mark.parametrize(("since_us", "letter"), [(50 * MS - 1, ""), (50 * MS, "x")])
def test_half_a_period_passes_before_a_train_is_first_asked_about(
    firing: VirtualRoom, since_us: int, letter: str
) -> None:
    delivery = firing.state.delivery
    assert delivery is not None
    began = replace(delivery, accepted_us=firing.now.us - since_us)
    assert asked(heard(turn_of(firing, delivery=began))) == letter


# --- a trigger near ---------------------------------------------------------------------------------------------


def test_between_a_grant_and_its_first_trigger_nothing_is_asked(granted: VirtualRoom) -> None:
    assert asked(old(turn_of(granted))) == ""
    assert asked(old(turn_of(granted, permits=()))) == "x"


@pytest.mark.parametrize(("left_us", "letter"), [(150 * MS - 1, ""), (150 * MS, "x")])
def test_nothing_is_asked_shortly_before_a_further_or_a_timed_trigger(
    granted: VirtualRoom, left_us: int, letter: str
) -> None:
    now_us = granted.now.us
    permit = replace(granted.state.permits[0], spacing_us=S)
    further = {"permits": (replace(permit, index=1),), "armed_at_us": now_us - S + left_us}
    timed = {"permits": (replace(permit, due=(now_us + left_us,)),), "fired_since_arm": False}
    assert asked(old(turn_of(granted, **further))) == letter
    assert asked(old(turn_of(granted, **timed))) == letter


@pytest.mark.parametrize(
    ("left_us", "letter"),
    [(250 * MS + 1, ""), (250 * MS, "x"), (150 * MS, "x"), (150 * MS - 1, ""), (1, ""), (0, "x")],
)
def test_in_the_pause_of_a_script_everything_is_asked_just_before_its_line_must_be_quiet(
    paused_script: VirtualRoom, left_us: int, letter: str
) -> None:
    """With nothing left of the pause the ordinary ages hold again."""
    armed_at_us = paused_script.now.us - 950 * MS + left_us
    turn = heard(turn_of(paused_script, armed_at_us=armed_at_us), condition_us=S, settings_us=S, temperature_us=S)
    assert asked(turn) == letter


@pytest.mark.parametrize(
    ("ages", "letter"),
    [
        ({"condition_us": S, "settings_us": S, "temperature_us": S}, ""),
        ({"condition_us": S + 1}, "x"),
        ({"settings_us": S + 1}, "\\"),
        ({"temperature_us": S + 1}, "F"),
    ],
)
def test_in_a_pause_that_a_site_made_long_nothing_grows_older_than_a_trigger_may_find_it(
    paused_script: VirtualRoom, ages: dict[str, int], letter: str
) -> None:
    turn = tightened(turn_of(paused_script, armed_at_us=paused_script.now.us), single_spacing=4)
    assert asked(heard(turn, **ages)) == letter


@pytest.mark.parametrize(
    ("ages", "letter"),
    [
        ({"condition_us": 100 * MS}, ""),
        ({"condition_us": 100 * MS + 1}, "x"),
        ({"settings_us": 100 * MS + 1}, "\\"),
        ({"temperature_us": 100 * MS}, ""),
        ({"temperature_us": 100 * MS + 1}, "F"),
    ],
)
def test_in_the_pause_of_a_script_a_tenth_of_a_second_is_old(
    paused_script: VirtualRoom, ages: dict[str, int], letter: str
) -> None:
    turn = heard(turn_of(paused_script, armed_at_us=paused_script.now.us - 750 * MS), **ages)
    assert asked(turn) == letter


def test_a_script_that_has_not_fired_or_is_not_armed_and_a_treatment_have_no_pause(
    paused_script: VirtualRoom, armed: VirtualRoom
) -> None:
    just_now = {"armed_at_us": paused_script.now.us}

    def asks(room: VirtualRoom, **changes: Any) -> str:
        turn = turn_of(room, **(just_now | changes))
        return asked(
            heard(turn, condition_us=S, settings_us=S, temperature_us=S + S * (turn.state.phase is Phase.SAFE))
        )

    assert asks(paused_script) == ""
    assert asks(paused_script, fired_since_arm=False) == "x"
    assert asks(paused_script, phase=Phase.SAFE) == "F"
    assert asks(armed, armed_at_us=armed.now.us, fired_since_arm=True) == "x"
