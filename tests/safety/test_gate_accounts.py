"""What is left in the gate's memory when pulses were unknown, refused or never asked for, and when a trip is over."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from drivers.stimulators import Condition
from safety import control, events, gate
from safety.ledger_format import By, Kind, Settled, settled_of
from safety.state import Phase, Trip
from safety.turn import Turn

S, MS = 1_000_000, 1_000


@pytest.fixture
def ready(room: Any) -> Any:
    """A released demo session, set and read back, armed and charged."""
    assert room.open()["ok"]
    assert room.release()["ok"]
    room.set_train()
    room.arm()
    return room


def reset(room: Any, by: str = "ann") -> Any:
    return room.ask(control.Reset(by=by, nonce=room.nonce))


def test_the_next_train_keeps_its_distance_from_one_nobody_knows_the_fate_of(ready: Any) -> None:
    assert ready.permit()["ok"]
    ready.fault("lose-reply", of="E", count=1)
    ready.frame("EH")
    ready.pass_time(400 * MS)

    settled = ready.last("settled")
    assert settled["outcome"] == "unknown"
    assert ready.state.past[-1].train.pulses == 20
    assert ready.state.train_ended_us == settled["at_us"]
    assert ready.state.phase is Phase.SAFE
    ready.pass_time(300 * MS)
    ref = ready.state.book.unknowns[0]
    assert ready.ask(control.Resolve(by="ann", ref=ref, why="it clicked", nonce=ready.nonce))["ok"]
    assert ready.release()["ok"]
    ready.arm()
    # All 20 pulses may have gone out, the last 1.9 s after the trigger; a permit is used within half a second.
    next_us = settled["written_us"] + 1_900 * MS + 5_900 * MS - 500 * MS
    ready.stay(next_us - ready.now.us - 1 * MS)
    ready.pass_time(next_us - ready.now.us - 1 * MS)
    refused = ready.permit()
    assert (refused["reason"], refused["detail"]["allowed"]) == ("gap-too-short", "5.9 s")
    ready.pass_time(1 * MS)
    assert ready.permit()["ok"]


def test_the_ledger_keeps_what_the_evidence_of_a_train_allows_and_of_which_kind_it_was(room: Any) -> None:
    assert room.open()["ok"]
    assert room.release()["ok"]
    room.set_train()
    told = room.run_train()
    (settle,) = (record for _, record in room.records if record.kind is Kind.SETTLE)

    assert told["low"] < 20 < told["high"]
    assert settled_of(settle) == Settled(told["low"], told["high"], By.RUNNING)


def test_an_unknown_train_leaves_the_device_armed_only_until_it_is_disarmed(ready: Any) -> None:
    assert ready.permit()["ok"]
    ready.fault("lose-reply", of="E", count=1)
    ready.feed(events.ClientFrame(ready.state.speaker, b"EHr", ready.dialect.effect(b"EHr")))
    ready.fault("ignore-disarm", count=2)
    ready.pass_time(320 * MS)
    assert ready.last("settled")["outcome"] == "unknown"
    assert ready.state.phase is Phase.ARMED
    assert ready.state.disarming is not None
    ready.pass_time(200 * MS)
    assert ready.state.phase is Phase.SAFE
    assert ready.bench.device.condition is Condition.STANDBY


@pytest.mark.parametrize(("celsius", "passes"), [(39.9, True), (40.0, False)])
def test_a_reset_wants_a_coil_below_the_temperature_that_stops(ready: Any, celsius: float, *, passes: bool) -> None:
    tripped = trip(ready)
    tripped.fault("freeze-sensor", celsius=celsius)
    tripped.stay(2 * S)
    assert reset(tripped)["ok"] == passes


def trip(room: Any) -> Any:
    """Tripped by a level that was turned at the device, and disarmed."""
    room.fault("panel-level", percent=30)
    room.stay(2 * S)
    assert room.state.trip is not None
    assert room.state.disarming is None
    return room


@pytest.mark.parametrize(("age", "passes"), [(0, False), (1, True)])
def test_a_temperature_just_too_old_says_nothing_about_the_coil(ready: Any, age: int, *, passes: bool) -> None:
    tripped = trip(ready)
    device = type(tripped.state.device)(
        present=True, condition=Condition.STANDBY, temperature_tenths=450, temperature_at_us=tripped.now.us
    )
    state = type(tripped.state)(phase=Phase.TRIPPED, device=device, trip=tripped.state.trip)
    later = type(tripped.now)(tripped.now.us + tripped.room.limits.timing.coil_age_us + age, tripped.now.wall_us)
    turn = Turn(tripped.room, state, later)
    assert (gate.outcomes.reset(turn, control.Reset(by="ann", nonce="")) is None) == passes


@pytest.mark.parametrize(("waited", "passes"), [(0, True), (1, False)])
def test_the_second_person_comes_within_the_time_or_counts_as_the_first(
    ready: Any, waited: int, *, passes: bool
) -> None:
    timing, now = ready.room.limits.timing, ready.now
    first = Trip(gate.Reason.EVIDENCE_CONTRADICTS, now.us, first_person="ann", first_person_at_us=now.us)
    device = type(ready.state.device)(present=True, condition=Condition.STANDBY)
    state = type(ready.state)(phase=Phase.TRIPPED, device=device, trip=first)
    turn = Turn(ready.room, state, type(now)(now.us + timing.second_person_us + waited, now.wall_us))
    refused = gate.outcomes.reset(turn, control.Reset(by="bob", nonce=""))
    assert (refused is None) == passes
    if not passes:
        assert turn.state.trip is not None
        assert turn.state.trip.first_person == "bob"


@pytest.mark.parametrize("left_over", ["disarming", "delivery"])
def test_nothing_is_reset_while_the_device_may_still_be_armed_or_a_train_is_not_accounted_for(
    ready: Any, left_over: str
) -> None:
    assert ready.permit()["ok"]
    ready.frame("EH")
    ready.pass_time(300 * MS)
    running = ready.state
    device = type(running.device)(present=True, condition=Condition.STANDBY)
    stopped, _ = gate.step(ready.room, running, events.Requested(7, 99, control.Stop(by="ann")), ready.now)
    parts = {"disarming": stopped.disarming, "delivery": running.delivery}
    assert parts[left_over] is not None
    clear = type(running)(phase=Phase.TRIPPED, device=device, trip=Trip(gate.Reason.BEATS_LOST, 0))
    asked = control.Reset(by="ann", nonce="")
    left = replace(clear, **{left_over: parts[left_over]})
    assert gate.outcomes.reset(Turn(ready.room, left, ready.now), asked) is gate.Reason.RESET_CONDITIONS
    assert gate.outcomes.reset(Turn(ready.room, clear, ready.now), asked) is None


def test_a_trip_is_reset_without_a_device_and_waits_for_it_in_boot(ready: Any) -> None:
    ready.feed(events.PortLost("unplugged"))
    assert ready.state.trip is not None
    ready.pass_time(S)
    assert reset(ready)["ok"]
    assert ready.state.phase is Phase.BOOT
