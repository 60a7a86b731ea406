"""The device stops by itself: its own button, its coil, its power. A person's act is no contradiction."""

from __future__ import annotations

from typing import Any

import pytest

from safety import control
from safety.state import Phase
from tests.safety.conftest import taken

S, MS = 1_000_000, 1_000


@pytest.fixture
def running(room: Any) -> Any:
    """A released demo session, half a second into its first train."""
    start_a_train(room)
    return room


def start_a_train(room: Any) -> None:
    assert room.open()["ok"]
    assert room.release()["ok"]
    room.set_train()
    assert taken(room.arm())
    assert room.permit()["ok"]
    assert taken(room.frame("EH"))
    room.pass_time(500 * MS)


@pytest.mark.parametrize("act", ["panel-disarm", "unplug-coil"])
def test_a_train_that_the_device_itself_ends_is_cut_and_pauses(running: Any, act: str) -> None:
    """A pulled coil too: what is seen first of it is that the device disarmed."""
    running.fault(act)
    running.stay(2 * S)

    settled = running.last("settled")
    assert settled["outcome"] == "cut"
    assert (running.pulses, settled["low"], settled["high"], settled["pulses"]) == (5, 4, 7, 7)
    assert running.state.trip is None
    assert running.state.session.paused.json == "device-disarmed-itself"
    assert running.state.phase is Phase.SAFE
    assert running.state.book.session(running.state.session.key) == 7


def test_a_train_cut_at_the_device_goes_on_after_a_release(running: Any) -> None:
    running.fault("panel-disarm")
    running.stay(6 * S)
    assert running.release()["ok"]

    assert running.run_train()["outcome"] == "delivered"


def test_a_device_that_delivers_too_few_and_stays_armed_is_still_a_trip(room: Any) -> None:
    assert room.open()["ok"]
    assert room.release()["ok"]
    room.set_train()
    room.arm()
    room.fault("under-fire", pulses=3)
    assert room.permit()["ok"]
    room.frame("EH")
    room.stay(4 * S)

    assert room.state.trip.reason.json == "evidence-contradicts"


def test_disarms_that_a_dead_device_never_answered_do_not_swallow_the_answers_of_the_living_one(running: Any) -> None:
    running.fault("power-cycle", off_ms=4_000)
    running.pass_time(8 * S)
    assert running.state.trip is not None
    assert running.state.disarming is None
    running.take_remote()
    assert running.state.book.unknowns == (), "the train was cut: it counts in full, and nobody need resolve it"
    assert running.state.book.session(running.state.session.key) == 20
    assert running.ask(control.Reset(by="ann", nonce=running.nonce))["ok"]

    assert running.frame("EA")[:1] == b"E"
    running.pass_time(S)
    assert running.state.trip is None
    assert running.state.phase is Phase.SAFE
    assert running.pulses == 5


def test_a_warm_coil_is_said_at_the_release_and_a_cool_one_passes(room: Any) -> None:
    assert room.open()["ok"]
    room.pass_time(1_500 * MS)
    room.fault("freeze-sensor", celsius=40.5)
    room.pass_time(1_500 * MS)
    session = room.state.session
    ask = control.Release(hash=session.hash, nonce=room.nonce, by="operator")
    assert room.ask(ask)["reason"] == "coil-hot"

    room.fault("freeze-sensor", celsius=25)
    room.pass_time(1_500 * MS)
    assert room.ask(control.Release(hash=session.hash, nonce=room.nonce, by="operator"))["ok"]


@pytest.fixture
def too_hot(room_at: Any) -> Any:
    """A coil that tripped the watchdog in a train, on a device that does not mind."""
    room = room_at(firmware=11, options={"refuses_hot_coil_tenths": 500})
    room.start()
    start_a_train(room)
    room.fault("freeze-sensor", celsius=41.5)
    room.stay(2 * S)
    assert room.state.trip.reason.json == "coil-too-hot"
    return room


def test_a_safety_stop_is_not_reset_while_the_coil_is_still_hot(too_hot: Any) -> None:
    assert too_hot.ask(control.Reset(by="ann", nonce=too_hot.nonce))["reason"] == "reset-conditions"

    too_hot.fault("freeze-sensor", celsius=30)
    too_hot.stay(3 * S)
    assert too_hot.ask(control.Reset(by="ann", nonce=too_hot.nonce))["ok"]


def test_a_temperature_nobody_has_asked_for_lately_keeps_no_safety_stop(too_hot: Any) -> None:
    assert too_hot.ask(control.CloseSession(by="ann", why="over"))["ok"]
    too_hot.stay(5 * S)  # without a session nothing is asked

    assert too_hot.ask(control.Reset(by="ann", nonce=too_hot.nonce))["ok"]
