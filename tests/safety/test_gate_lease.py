"""In a room with an arm: who may say that the coil is on its target, and what its silence means."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from safety import control, events, gate
from safety.events import Door
from safety.state import Phase
from tests.safety.conftest import ARM_LOOP, HOLDER, new
from tests.safety.rooms import passes

S, MS = 1_000_000, 1_000
STRANGER = 77


@pytest.fixture
def room(room_at: Any) -> Any:
    """A released session in a room with an arm, its coil on target."""
    room = room_at(firmware=11, profile="robot", arm_uid=1234)
    room.start()
    room.feed(events.Disconnected(ARM_LOOP))
    hello(room, ARM_LOOP, uid=1234)
    assert room.open()["ok"]
    assert room.release()["ok"]
    return room


@pytest.fixture
def running(room: Any) -> Any:
    """The same, half a second into its first train."""
    room.set_train()
    room.arm()
    assert room.permit()["ok"]
    room.frame("EH")
    room.pass_time(500 * MS)
    assert room.state.delivery is not None
    return room


def hello(room: Any, connection: int, uid: int) -> Any:
    room.feed(events.Requested(connection, 9_000 + connection, control.Hello(role="lease"), uid))
    return room.answers[9_000 + connection]


def test_only_one_program_of_one_user_may_report_the_coil(room: Any) -> None:
    """Another user never, and not a second one while the first is there."""
    assert hello(room, STRANGER, uid=1234)["reason"] == "not-the-arm"
    room.feed(events.Disconnected(ARM_LOOP))
    for uid in (0, 1235):
        assert hello(room, STRANGER, uid)["reason"] == "not-the-arm"
    assert hello(room, STRANGER, uid=1234)["ok"]


def test_whoever_reports_the_coil_may_ask_nothing_but_stop(room: Any) -> None:
    for refused in (control.Status(), control.Attach(), control.Withdraw()):
        assert room.ask(refused, ARM_LOOP)["reason"] == "not-session-holder"
    assert room.ask(control.Stop(by="arm"), ARM_LOOP)["ok"]
    assert room.state.session.paused.json == "stop-asked"


def test_a_lease_from_anybody_else_changes_nothing(room: Any) -> None:
    for connection in (STRANGER, HOLDER):
        room.feed(events.Requested(connection, None, control.Lease("none")))
        assert room.state.lease == "begin"
    room.feed(events.Requested(ARM_LOOP, None, control.Lease("none")))
    assert room.state.lease == "none"


def test_the_arm_s_end_cuts_a_running_train_in_the_same_step(running: Any) -> None:
    state, actions = gate.step(running.room, running.state, events.Disconnected(ARM_LOOP), running.now)
    assert events.Write(running.dialect.disarm) in actions
    assert state.delivery is not None
    assert state.delivery.cut


def test_the_arm_s_silence_cuts_a_running_train_once_its_lease_is_old(running: Any) -> None:
    state, now = running.state, running.now
    for waited_us in (running.room.limits.timing.lease_us, running.room.limits.timing.lease_us + 1):
        later = type(now)(state.lease_at_us + waited_us, now.wall_us + waited_us)
        after, _ = gate.step(running.room, state, events.Tick(), later)
        assert after.delivery is not None
        assert after.delivery.cut == (waited_us > running.room.limits.timing.lease_us)


def test_a_train_that_leaves_its_target_is_cut_although_the_operator_s_presence_is_old_too(running: Any) -> None:
    running.present = False
    running.pass_time(1_100 * MS)
    assert running.state.hold.json == "presence-old"
    assert not running.state.delivery.cut  # which alone lets a train run on

    running.lease = "none"
    running.pass_time(60 * MS)
    assert running.state.delivery.cut
    assert running.last("cut")["reason"] == "lease-lost"


def test_near_the_target_a_train_runs_on_and_none_begins(running: Any) -> None:
    running.lease = "continue"
    running.wait_settled(4 * S)
    assert running.last("settled")["outcome"] == "delivered"

    running.stay(6 * S)
    running.arm()
    assert running.permit().get("reason") == "lease-missing"
    running.lease = "begin"
    running.pass_time(50 * MS)
    assert running.permit()["ok"]


BLOCK = {"level": 54, "rate": 0, "pulses": 1, "triggers": 20, "spacing_us": S}
FIRST_US, NEXT_US = tuple(200 * MS + n * S for n in range(20)), tuple(S + n * S for n in range(20))


@pytest.fixture
def slow(room_at: Any) -> Any:
    """A room with an arm, half of its first block of 20 pulses given, its coil only near the target since 2 s."""
    room = room_at(firmware=11, profile="robot")
    room.start()
    assert room.open("lf-right-1hz")["ok"]
    assert room.release()["ok"]
    room.set_single(level=54)
    room.arm()
    assert room.permit(**BLOCK, times_us=FIRST_US)["ok"]
    room.stay(2 * S)
    room.lease = "continue"
    room.stay(8 * S)
    assert room.pulses == 10
    return room


def test_near_the_target_a_block_of_pulses_runs_to_its_end_and_no_further_one_is_granted(slow: Any) -> None:
    asked_us = slow.clock.now_us()
    assert slow.permit(**BLOCK, times_us=NEXT_US).get("reason") == "lease-missing"
    assert slow.clock.now_us() - asked_us == pytest.approx(500 * MS, abs=20 * MS), "it waits as long as a permit lives"
    slow.stay(12 * S)
    assert slow.pulses == 20


def test_a_further_block_is_granted_once_the_coil_is_back_on_its_target_and_goes_on_without_a_seam(slow: Any) -> None:
    asked = slow.ask(control.AskPermit(540, 0, 1, triggers=20, spacing_us=S, times_us=NEXT_US))
    assert asked == {}
    slow.lease = "begin"
    slow.pass_time(100 * MS)
    assert slow.last("granted")["pulses"] == 20
    slow.stay(12 * S)
    written_us = [body["planned_us"] for body in slow.told if body["kind"] == "trigger"]
    assert len(written_us) == slow.pulses > 20
    assert {b - a for a, b in pairwise(written_us)} == {S}


def test_a_further_block_does_not_begin_where_the_coil_is_only_near_its_target_by_then(slow: Any) -> None:
    slow.lease = "begin"
    slow.pass_time(100 * MS)
    assert slow.permit(**BLOCK, times_us=NEXT_US)["ok"]
    slow.lease = "continue"
    slow.stay(14 * S)
    assert slow.pulses == 20
    assert (slow.last("refused")["reason"], slow.last("withdrawn")["reason"]) == ("lease-missing", "lease-missing")
    assert slow.state.session.released


@pytest.mark.parametrize("kind", ["script", "phantom"])
def test_each_trigger_of_a_script_needs_the_coil_on_its_target(kind: str) -> None:
    room = new(profile="robot")
    who = {"subject": ""} if kind == "phantom" else {}
    assert room.open_script(kind=kind, **who)["ok"]
    assert room.release()["ok"]
    room.take_remote(Door.PTY)
    room.set_single(level=40, door=Door.PTY)
    room.arm(Door.PTY)
    for lease, passed in (("begin", True), ("continue", False), ("begin", True), ("none", False)):
        room.lease = lease
        room.stay(2 * S, Door.PTY)
        assert passes(room, "EH", Door.PTY) is passed, lease
        assert passed or room.last("refused")["reason"] == "lease-missing"
    assert room.pulses == 2


def test_after_a_short_absence_the_session_goes_on_by_itself(running: Any) -> None:
    running.lease = "none"
    running.stay(2 * S)
    assert running.last("settled")["outcome"] == "cut"
    assert running.state.session.released

    running.lease = "begin"
    running.stay(6 * S)
    assert running.run_train()["outcome"] == "delivered"


def test_no_session_opens_while_nothing_reports_the_coil(room_at: Any) -> None:
    room = room_at(firmware=8, profile="robot")
    room.start()
    room.feed(events.Disconnected(ARM_LOOP))
    assert room.open()["reason"] == "arm-absent"
    assert room.state.phase is Phase.SAFE
    fixed = room_at(firmware=8, profile="fixed")
    fixed.start()
    fixed.feed(events.Disconnected(ARM_LOOP))
    assert fixed.open()["ok"]
