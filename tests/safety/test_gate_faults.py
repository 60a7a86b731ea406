"""What can go wrong on the wire, in the device and in the client, and where each ends."""

from __future__ import annotations

from typing import Any

import pytest

from drivers.stimulators import Condition
from safety import control, events, gate
from safety.events import Door
from safety.ledger_format import KEY0
from safety.state import Phase
from tests.safety.conftest import taken

S, MS = 1_000_000, 1_000


@pytest.fixture
def ready(room: Any) -> Any:
    """A released demo session, set and read back, armed and charged."""
    assert room.open()["ok"]
    assert room.release()["ok"]
    room.set_train()
    assert taken(room.arm())
    return room


def worst_case_holds(room: Any) -> bool:
    """The ledger never counts fewer pulses than physically went out."""
    session = next(record.session for _, record in room.records if record.session != KEY0)
    return room.state.book.session(session) >= room.pulses


def test_a_lost_reply_to_a_trigger_is_unknown_counted_and_never_sent_again(ready: Any) -> None:
    assert ready.permit()["ok"]
    ready.fault("lose-reply", of="E", count=1)
    ready.frame("EH")
    ready.pass_time(S)

    assert ready.last("settled")["outcome"] == "unknown"
    assert ready.state.book.unknowns
    assert ready.state.session.paused.json == "unknown-open"
    assert [frame for _, frame in ready.written].count(b"EHr") == 1
    assert worst_case_holds(ready)
    ref = ready.state.book.unknowns[0]
    ready.pass_time(S)
    answer = ready.ask(control.Resolve(by="operator", ref=ref, why="coil clicked", nonce=ready.nonce))
    assert answer["ok"], answer
    ready.pass_time(50 * MS)
    assert not ready.state.book.unknowns
    assert ready.state.book.session(ready.state.session.key) == 20


@pytest.mark.parametrize(("name", "pulses"), [("over-fire", 3), ("under-fire", 3)])
def test_a_device_that_delivers_another_number_is_a_trip_for_two_persons(ready: Any, name: str, pulses: int) -> None:
    assert ready.permit()["ok"]
    ready.fault(name, pulses=pulses)
    ready.frame("EH")
    ready.stay(5 * S)

    assert ready.state.trip.reason.json == "evidence-contradicts"
    assert worst_case_holds(ready)
    assert ready.ask(control.Reset(by="ann", nonce=ready.nonce))["reason"] == "reset-needs-second-person"
    assert ready.ask(control.Reset(by="ann", nonce=ready.nonce))["reason"] == "reset-needs-second-person"
    assert ready.ask(control.Reset(by="bob", nonce=ready.nonce))["ok"]
    assert ready.state.phase is Phase.SAFE


def test_a_hung_session_task_disarms_within_the_beat_limit(ready: Any) -> None:
    assert ready.permit()["ok"]
    ready.frame("EH")
    ready.pass_time(500 * MS)
    ready.turning = [False, True]
    stopped_us = ready.now.us
    ready.pass_time(2 * S)

    assert ready.state.trip.reason.json == "beats-lost"
    disarmed_us = next(at for at, frame in ready.written if at > stopped_us and frame == b"EAy")
    limit_us = ready.room.limits.timing.beat_us
    assert limit_us - 50 * MS < disarmed_us - stopped_us <= limit_us + gate.TICK_US, "since the beat before it hung"
    assert ready.pulses == 8
    assert worst_case_holds(ready)


def test_a_closed_connection_disarms_in_the_same_step(ready: Any) -> None:
    assert ready.permit()["ok"]
    ready.frame("EH")
    ready.pass_time(500 * MS)
    ready.feed(events.Disconnected(7))

    assert ready.written[-1] == (ready.now.us, b"EAy")
    ready.pass_time(2 * S)
    assert ready.state.session is None
    assert ready.pulses == 5
    assert worst_case_holds(ready)


def test_a_device_that_swallows_the_first_disarm_is_disarmed_by_the_next(ready: Any) -> None:
    ready.fault("swallow-disarm", count=1)
    ready.ask(control.Stop(by="operator"))
    ready.pass_time(240 * MS)

    assert ready.state.phase is Phase.SAFE
    assert ready.state.trip is None


def test_a_device_that_ignores_every_disarm_is_said_loudly_and_left_to_its_own_lapse(ready: Any) -> None:
    ready.fault("ignore-disarm", count=0)
    ready.ask(control.Stop(by="operator"))
    ready.pass_time(300 * MS)

    assert ready.state.trip.reason.json == "disarm-unconfirmed"
    ready.pass_time(5 * S)
    assert ready.bench.device.condition is Condition.STANDBY


def test_stop_disarms_in_the_same_step_and_needs_a_release_to_go_on(ready: Any) -> None:
    assert ready.permit()["ok"]
    assert ready.ask(control.Stop(by="anybody"), connection=99)["ok"]

    assert (ready.now.us, b"EAy") in ready.written
    assert ready.frame("EH")[1:2] == b"S"
    ready.pass_time(S)
    assert ready.frame("EB")[1:2] == b"S"
    assert ready.pulses == 0
    assert ready.release()["ok"]
    assert taken(ready.arm())


def test_an_expired_permit_fires_nothing(ready: Any) -> None:
    assert ready.permit()["ok"]
    ready.pass_time(520 * MS)

    assert ready.last("withdrawn")["reason"] == "permit-expired"
    assert ready.frame("EH")[1:2] == b"S"
    assert ready.last("refused")["reason"] == "no-permit"
    ready.stay(2 * S)
    assert ready.pulses == 0
    assert ready.state.book.session(ready.state.session.key) == 0


def test_a_trigger_without_a_permit_fires_nothing(ready: Any) -> None:
    assert ready.frame("EH")[1:2] == b"S"
    assert ready.last("refused")["reason"] == "no-permit"
    assert ready.pulses == 0


def test_a_slow_disk_refuses_the_permit_and_its_reservation_stands(ready: Any) -> None:
    ready.disk_us = 900 * MS
    answer = ready.permit()
    assert answer["reason"] == "ledger-late"
    ready.pass_time(S)
    assert ready.state.book.session(ready.state.session.key) == 20
    assert ready.pulses == 0


def test_the_silent_door_hears_the_devices_refusal_and_may_still_disarm(ready: Any) -> None:
    assert ready.frame("x@" if ready.profile.firmware > 8 else "Q@", Door.PTY)[1:2] == b"S"
    assert ready.last("not-speaking")["door"] == "pty"
    assert ready.frame("EA", Door.PTY)[:1] == b"E"
    ready.pass_time(200 * MS)
    assert ready.state.phase is Phase.SAFE


def test_a_port_lost_while_armed_is_a_trip(ready: Any) -> None:
    ready.feed(events.PortLost("unplugged"))
    assert ready.state.trip.reason.json == "port-lost"


def test_an_operator_who_leaves_holds_then_stops(ready: Any) -> None:
    ready.present = False
    ready.pass_time(1_200 * MS)
    assert ready.permit()["reason"] == "presence-old"
    ready.stay(2_400 * MS)
    assert ready.state.session.paused.json == "presence-lost"
    assert ready.state.phase is Phase.SAFE


def test_a_level_changed_at_the_device_while_armed_is_a_trip(ready: Any) -> None:
    ready.fault("panel-level", percent=60)
    ready.stay(2 * S)
    assert ready.state.trip.reason.json == "level-changed"


def test_a_level_that_creeps_by_itself_while_armed_is_a_trip(ready: Any) -> None:
    ready.fault("creep-level", tenths=10)
    ready.stay(2 * S)
    assert ready.state.trip.reason.json == "level-changed"


def test_a_train_nobody_triggered_is_a_trip_and_counts_in_full(ready: Any) -> None:
    ready.fault("panel-trigger")
    ready.stay(1 * S)
    assert ready.state.trip.reason.json == "train-not-triggered"
    ready.pass_time(S)
    assert ready.pulses == 4, "cut, when it was seen"
    assert ready.state.book.session(ready.state.session.key) == 20


def test_a_train_cut_by_its_client_s_death_counts_what_the_device_can_have_given(ready: Any) -> None:
    assert ready.permit()["ok"]
    ready.frame("EH")
    ready.pass_time(700 * MS)
    ready.connected = False
    ready.feed(events.Disconnected(7))
    ready.feed(events.DoorClosed(Door.DAEMON))
    ready.pass_time(2 * S)

    settled = ready.last("settled")
    assert (settled["outcome"], settled["by"]) == ("cut", "running"), "its end is seen though its session is over"
    assert ready.pulses <= settled["pulses"] <= ready.pulses + 3
    assert worst_case_holds(ready)
