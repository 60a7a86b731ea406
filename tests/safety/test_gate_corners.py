"""Corners of the gate that a day in the room seldom visits; each with what is said there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from drivers.magstim.framing import seal
from drivers.magstim.replies import SettingsReply
from drivers.magstim.status import Instrument, Rapid
from drivers.stimulators import Condition, Reading
from safety import control, events, permits
from safety.asking import Use
from safety.events import Door
from safety.facts import facts
from safety.ledger_format import Kind, Record, key
from safety.reasons import Reason
from safety.state import Phase
from safety.turn import Turn
from tests.safety.conftest import HOLDER, VirtualRoom, new, turn_of
from tests.safety.rooms import passes, ready, released, script

S, MS, HOUR = 1_000_000, 1_000, 3_600_000_000


def no_replies(room: VirtualRoom, *letters: str) -> None:
    """The device's answers to these get lost from here on."""
    for letter in letters:
        room.fault("lose-reply", of=letter, count=99)


# --- the judge stands on its own ------------------------------------------------------------------------------


@pytest.fixture
def granted() -> VirtualRoom:
    """A room in which the next trigger passes."""
    room = ready(new)
    assert room.permit()["ok"]
    assert permits.judge_trigger(turn_of(room)) is None
    return room


def judged(turn: Turn) -> Reason:
    """The reason a trigger is refused for."""
    refused = permits.judge_trigger(turn)
    assert refused is not None
    return refused.reason


def test_no_trigger_passes_while_a_pulse_is_unknown(granted: VirtualRoom) -> None:
    book = granted.state.book.apply(granted.state.book.last_seq + 1, Record(Kind.UNKNOWN, ref=1))
    assert judged(turn_of(granted, book=book)) is Reason.UNKNOWN_OPEN


def test_no_first_trigger_passes_on_an_expired_permit(granted: VirtualRoom) -> None:
    permit = granted.state.permits[0]
    assert judged(turn_of(granted, permits=(replace(permit, expires_us=granted.now.us - 1),))) is Reason.PERMIT_EXPIRED


def test_no_trigger_passes_that_its_reservation_has_no_room_for(granted: VirtualRoom) -> None:
    permit = granted.state.permits[0]
    full = replace(permit, block=replace(permit.block, spent=1))
    assert judged(turn_of(granted, permits=(full,))) is Reason.LEDGER_LATE


def test_no_trigger_passes_on_settings_that_were_read_and_never_confirmed(granted: VirtualRoom) -> None:
    device = replace(granted.state.device, confirmed=None)
    assert judged(turn_of(granted, device=device)) is Reason.READ_BACK_STALE


def test_what_only_follows_from_a_session_or_a_trigger_is_a_mistake_of_ours_without_one() -> None:
    turn = turn_of(new())
    with pytest.raises(AssertionError, match="no session"):
        facts(turn)
    with pytest.raises(AssertionError, match="no pulses"):
        _ = turn.delivery


def test_a_field_that_the_state_has_not_is_a_mistake_of_ours() -> None:
    with pytest.raises(TypeError, match="phaze"):
        turn_of(new()).to(phaze=Phase.SAFE)


def test_a_move_that_is_not_in_the_table_locks_out_and_says_so() -> None:
    turn = turn_of(new())
    turn.move(Phase.FIRING)
    assert turn.state.phase is Phase.LOCKOUT
    told = turn.actions[0]
    assert isinstance(told, events.Tell)
    assert told.body["what"] == "safe to firing is not in the table"


# --- standing conditions --------------------------------------------------------------------------------------


def test_beats_that_grew_old_between_two_steps_refuse_before_they_trip() -> None:
    room = ready(new)
    room.connected = False
    room.pass_time(240 * MS)
    room.clock.advance_to(room.clock.now_us() + 60 * MS)
    assert room.ask(control.AskPermit(level_tenths=450, rate_tenths=100, pulses=20))["reason"] == "beats-lost"
    assert room.state.trip is not None


def test_a_first_trigger_needs_the_coil_within_the_narrow_limits() -> None:
    room = ready(new, profile="robot")
    assert room.permit()["ok"]
    room.lease = "continue"
    room.pass_time(60 * MS)
    room.frame("EH")
    assert room.last("refused")["reason"] == "lease-missing"
    room.lease = "begin"
    room.pass_time(60 * MS)
    assert passes(room, "EH")


def test_a_fault_of_the_armed_device_pauses_the_session() -> None:
    room = ready(new)
    room.fault("error-code", code="E01")
    room.poke()
    assert room.last("stop")["reason"] == "device-fault"


def test_settings_nobody_asked_for_end_the_read_back() -> None:
    room = ready(new)
    status = Instrument.REMOTE | Instrument.STANDBY
    reply = SettingsReply("\\", status, Rapid(0), 60, 100, 20, 20, 0).encode(11)
    room.feed(events.DeviceReply(reply, room.dialect.reading(reply)))
    assert room.kinds()[-1] == "reply-to-nobody"
    assert room.state.device.agreed == 0


def test_an_answer_to_a_disarm_that_says_nothing_of_remote_control_leaves_it_as_it_was() -> None:
    room = ready(new)
    room.fault("silent")
    room.ask(control.Stop(by="ann"))
    room.feed(events.DeviceReply(seal(b"E\x01"), Reading(condition=Condition.STANDBY)))
    assert room.state.phase is Phase.SAFE
    assert room.state.device.remote


def test_a_device_that_says_nothing_at_the_start_trips_nothing_and_is_asked_once_a_second() -> None:
    room = VirtualRoom(firmware=11)
    room.fault("silent")
    room.feed(events.PortFound())
    room.pass_time(1_100 * MS)
    before = len(room.written)
    room.pass_time(3 * S)
    assert 3 <= len(room.written) - before <= 4
    assert room.state.phase is Phase.BOOT
    assert room.state.trip is None


def test_a_device_found_armed_is_booked_unless_nothing_can_be_written_down() -> None:
    room, locked = VirtualRoom(firmware=11), VirtualRoom(firmware=11)
    locked.feed(events.CommitFailed("no disk"))
    for each in (room, locked):
        each.bench.device.take_remote()
        each.bench.device.arm()
        each.feed(events.PortFound())
        each.pass_time(300 * MS)
        assert each.last("found-armed")["pulses"] == 50
        assert each.bench.device.condition is Condition.STANDBY
    assert [record.kind for _, record in room.records] == [Kind.FOUND_ARMED]
    assert not locked.records


def test_a_coil_whose_temperature_nobody_read_lately_is_not_armed() -> None:
    room = released(new)
    no_replies(room, "F")
    room.stay(2_400 * MS)
    room.frame("EB")
    assert room.last("refused")["reason"] == "temperature-unread"


# --- evidence -------------------------------------------------------------------------------------------------


def test_a_status_asked_at_once_after_the_trigger_proves_nothing() -> None:
    room = ready(new, options={"trigger_latency_us": 15 * MS})
    assert room.permit()["ok"]
    room.frame("EH")
    room.frame("x@")
    assert room.state.delivery is not None
    room.stay(4 * S)
    assert room.last("settled")["outcome"] == "delivered"


def short_train() -> VirtualRoom:
    """A train so short that its end is overdue before the coil's temperature is."""
    room = released(new)
    room.set_train(pulses=5)
    room.arm()
    room.frame("F@")
    assert room.permit(pulses=5)["ok"]
    room.frame("EH")
    return room


def test_a_train_that_no_answer_ever_spoke_of_is_unknown() -> None:
    room = short_train()
    no_replies(room, "x", "\\")
    room.pass_time(1_900 * MS)
    assert room.last("settled")["outcome"] == "unknown"


def test_a_train_seen_running_whose_end_nobody_saw_is_a_trip() -> None:
    room = short_train()
    room.pass_time(150 * MS)
    no_replies(room, "x", "\\")
    room.pass_time(1_700 * MS)
    assert room.last("trip")["reason"] == "evidence-contradicts"


def test_a_refusal_that_comes_after_a_trip_refuses_and_nothing_more() -> None:
    room = ready(new)
    assert room.permit()["ok"]
    room.fault("slow-replies", ms=200)
    room.bench.device.disarm("the coil's button was let go")
    trigger = seal(b"EH")
    room.feed(events.ClientFrame(Door.DAEMON, trigger, room.dialect.effect(trigger)))
    room.clock.advance_to(room.state.seen_us + 151 * MS)
    room.feed(events.Tick())
    assert room.state.phase is Phase.TRIPPED
    room.pass_time(S)
    assert room.kinds().count("not-delivered") == 1
    assert room.state.phase is Phase.TRIPPED


def test_a_lost_reply_in_a_script_takes_its_whole_block_along() -> None:
    room = script(new)
    room.fault("lose-reply", of="E", count=1)
    room.frame("EH", Door.PTY)
    room.pass_time(S)
    session = room.state.session
    assert session is not None
    assert session.block is None
    assert room.state.book.session(session.key) == 50


def test_an_unknown_pulse_is_resolved_when_the_device_stands_by() -> None:
    room = ready(new)
    assert room.permit()["ok"]
    room.fault("lose-reply", of="E", count=1)
    room.fault("swallow-disarm", count=3)
    room.frame("EH")
    while not room.state.book.unknowns:
        room.pass_time(5 * MS)
    resolve = control.Resolve(by="ann", ref=room.state.book.unknowns[0], why="it clicked", nonce=room.nonce)
    assert room.ask(resolve)["reason"] == "reset-conditions"
    room.pass_time(2 * S)
    assert room.ask(replace(resolve, nonce=room.nonce))["ok"]


# --- frames and messages --------------------------------------------------------------------------------------


def test_enhanced_power_is_never_passed_on() -> None:
    room = new()
    room.frame("^@")
    assert room.last("refused")["reason"] == "forbidden-frame"
    assert passes(room, "_@")


def test_a_start_is_written_down_unless_nothing_can_be() -> None:
    room, locked = VirtualRoom(), VirtualRoom()
    locked.feed(events.CommitFailed("no disk"))
    for each in (room, locked):
        each.feed(events.Started())
        each.pass_time(10 * MS)
    assert [record.kind for _, record in room.records] == [Kind.BOOT]
    assert not locked.records


def test_the_daemon_gets_its_door_once_and_nobody_else_gets_it() -> None:
    room = VirtualRoom()
    assert room.ask(control.Attach()) == {
        "ok": False, "reason": "not-session-holder", "detail": {},
    }  # fmt: skip
    room.ask(control.Hello(role="daemon"))
    assert room.ask(control.Attach())["ok"]
    room.feed(events.DoorOpened(Door.DAEMON))
    assert room.ask(control.Attach())["reason"] == "not-speaking"


def test_a_connection_says_hello_once() -> None:
    assert new().ask(control.Hello(role="guarded"))["reason"] == "malformed-message"


def test_a_connection_that_only_looks_on_resets_and_opens_nothing() -> None:
    room = new()
    room.ask(control.Hello(role="cli"), 9)
    assert room.ask(control.Reset(by="ann", nonce=room.nonce), 9)["reason"] == "not-session-holder"
    opening = control.OpenSession("phantom", "daemon", "ann", "coil-1")
    assert room.ask(opening, 9)["reason"] == "not-session-holder"
    assert room.ask(control.Status(), 9)["status"]["phase"] == "safe"


# --- permits --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"rate": 0}, "a rate"),
        ({"triggers": 2, "times_us": (0,), "spacing_us": S}, "one time for each trigger"),
        ({"triggers": 2, "times_us": (0, S - 1), "spacing_us": S}, "spaced by spacing_us"),
        ({"times_us": (2 * S,), "spacing_us": S}, "within a permit's life"),
    ],
)
def test_a_permit_that_contradicts_itself_is_malformed(changes: dict[str, Any], why: str) -> None:
    answer = ready(new).permit(**changes)
    assert answer["reason"] == "malformed-message"
    assert why in answer["detail"]["why"]


def test_a_script_asks_for_no_permits() -> None:
    assert script(new).permit()["reason"] == "permit-busy"


def one_hertz(**options: Any) -> VirtualRoom:
    """Armed for pulses one by one."""
    room = new(**options)
    assert room.open("lf-right-1hz")["ok"]
    assert room.release()["ok"]
    room.set_single(level=54)
    room.arm()
    return room


def timed(room: VirtualRoom, triggers: int = 3) -> dict[str, Any]:
    """A block of pulses on the watchdog's timer, the first in 200 ms."""
    times = tuple(200 * MS + n * S for n in range(triggers))
    return room.permit(level=54, rate=0, pulses=1, triggers=triggers, spacing_us=S, times_us=times)


def test_a_timed_pulse_that_would_come_too_late_is_left_out() -> None:
    room = one_hertz()
    assert timed(room)["ok"]
    due_us = room.state.permits[0].due[0]
    room.pass_time(due_us - 40 * MS - room.clock.now_us())
    room.clock.advance_to(due_us + 60 * MS)
    room.feed(events.Tick())
    assert room.last("left-out")["index"] == 0
    room.stay(3 * S)
    assert room.pulses == 2
    session = room.state.session
    assert session is not None
    assert room.state.book.session(session.key) == 2


def test_a_timed_pulse_that_may_not_go_out_takes_the_rest_of_its_block_along() -> None:
    room = one_hertz()
    assert timed(room)["ok"]
    no_replies(room, "\\")
    room.stay(3 * S)
    assert room.last("refused")["frame"] == "timed trigger"
    assert room.last("refused")["reason"] == "read-back-stale"
    assert not room.state.permits
    assert room.pulses <= 1


def test_a_lost_reply_gives_back_the_block_that_waited_behind() -> None:
    room = one_hertz()
    assert timed(room, 2)["ok"]
    times = (S, 2 * S)
    assert room.permit(level=54, rate=0, pulses=1, triggers=2, spacing_us=S, times_us=times)["ok"]
    room.fault("lose-reply", of="E", count=1)
    room.stay(S)
    session = room.state.session
    assert session is not None
    assert room.last("settled")["outcome"] == "unknown"
    assert room.state.book.session(session.key) == 2


def test_the_next_block_may_be_asked_for_while_a_pulse_is_on_its_way() -> None:
    room = one_hertz()
    assert timed(room, 2)["ok"]
    room.fault("slow-replies", ms=40)
    while room.state.phase is not Phase.FIRING:
        room.pass_time(5 * MS)
    message = control.AskPermit(540, 0, 1, triggers=2, spacing_us=S, times_us=(S, 2 * S))
    assert room.ask(message)["ok"]


# --- scripts --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("disk_us", "arms"), [(100 * MS, True), (400 * MS, False)])
def test_a_script_arms_when_its_block_is_on_the_disk_in_time(disk_us: int, *, arms: bool) -> None:
    room = new()
    assert room.open_script()["ok"]
    assert room.release()["ok"]
    room.take_remote(Door.PTY)
    room.set_train(level=40, door=Door.PTY)
    room.disk_us = disk_us
    assert passes(room, "EB", Door.PTY) is arms
    assert arms or room.last("refused")["reason"] == "ledger-late"


def test_a_script_gets_a_new_block_before_the_next_train_finds_the_old_one_too_small() -> None:
    room = script(new, pulses=20)
    for _ in range(3):
        assert passes(room, "EH", Door.PTY), room.told[-2:]
        room.stay(3 * S, Door.PTY)
        room.frame("EA", Door.PTY)
        room.pass_time(3 * S)
        room.arm(Door.PTY)
    session = room.state.session
    assert session is not None
    assert session.block is not None
    assert room.pulses == 60


def test_a_script_that_stays_armed_gets_its_next_block_while_it_waits() -> None:
    room = script(new, pulses=1)
    for _ in range(3):
        assert passes(room, "EH", Door.PTY), room.told[-2:]
        room.stay(2_400 * MS, Door.PTY)
    session = room.state.session
    assert session is not None
    assert session.block is not None
    state = replace(room.state, session=replace(session, block=replace(session.block, spent=50)))
    room.state = state
    room.pass_time(50 * MS)
    after = room.state.session
    assert after is not None
    assert after.block is not None
    assert after.block.ref > session.block.ref
    assert after.block.left == 50


def test_a_script_s_trigger_says_what_it_lacks() -> None:
    room = script(new)
    assert passes(room, "EH", Door.PTY)
    room.pass_time(300 * MS)
    room.frame("EH", Door.PTY)
    assert room.last("refused")["reason"] == "train-running"

    unarmed = new()
    assert unarmed.open_script()["ok"]
    assert unarmed.release()["ok"]
    unarmed.frame("EH", Door.PTY)
    assert unarmed.last("refused")["reason"] in ("not-armed", "remote-lost")

    unread = new()
    assert unread.open_script()["ok"]
    assert unread.release()["ok"]
    unread.take_remote(Door.PTY)
    no_replies(unread, "\\")
    unread.frame("EB", Door.PTY)
    unread.frame("EH", Door.PTY)
    assert unread.last("refused")["reason"] == "read-back-stale"


def test_a_script_that_ends_armed_or_waiting_for_its_block_gives_it_back() -> None:
    room = script(new)
    session = room.state.session
    assert session is not None
    room.ask(control.CloseSession(by="ann"))
    room.pass_time(300 * MS)
    assert room.state.book.session(session.key) == 0

    waiting = new()
    assert waiting.open_script()["ok"]
    assert waiting.release()["ok"]
    waiting.take_remote(Door.PTY)
    waiting.disk_us = 100 * MS
    arm = seal(b"EB")
    waiting.feed(events.ClientFrame(Door.PTY, arm, waiting.dialect.effect(arm)))
    session = waiting.state.session
    assert session is not None
    assert session.block_token is not None
    waiting.ask(control.CloseSession(by="ann"))
    waiting.pass_time(500 * MS)
    assert waiting.state.book.session(session.key) == 0


# --- sessions -------------------------------------------------------------------------------------------------


def test_no_session_opens_while_tripped() -> None:
    room = ready(new)
    room.feed(events.PortLost("unplugged"))
    room.ask(control.CloseSession(by="ann"))
    assert room.open()["reason"] == "tripped"


def test_a_room_opens_no_session_for_another_coil_a_simulated_threshold_or_more_than_prescribed() -> None:
    room = new()
    assert room.open(coil="coil-2")["reason"] == "threshold-other-coil"
    assert new(simulated=False).open()["reason"] == "use-forbids"
    assert room.open(intensity_tenths=1001)["reason"] == "intensity-over-limit"
    lacking = new(use=Use.STUDY, lacks=lambda _protocol, _wall_us: ("row cell_10hz_100 is not signed",))
    refused = lacking.open()
    assert refused["reason"] == "use-forbids"
    assert "cell_10hz_100" in str(refused["detail"])


@pytest.mark.parametrize(
    ("changes", "later_us", "why"),
    [
        ({"continues": "0" * 16}, 0, "no such treatment"),
        ({}, 3 * HOUR, "too long ago"),
        ({"reason": ""}, 0, "a reason is needed"),
    ],
)
def test_a_treatment_is_not_continued(changes: dict[str, Any], later_us: int, why: str) -> None:
    room = new()
    session = room.open()["session"]
    room.pass_time(10 * MS)
    room.ask(control.CloseSession(by="ann"))
    room.pass_time(10 * MS)
    room.wall_shift_us = later_us
    asked: dict[str, Any] = {"continues": session, "reason": "a break"}
    answer = room.open(**(asked | changes))
    assert answer["reason"] == "cannot-continue"
    assert why in answer["detail"]["why"]


def test_a_treatment_that_is_complete_is_not_continued() -> None:
    room = new()
    session = room.open()["session"]
    room.pass_time(10 * MS)
    done = Record(Kind.RESERVE, 60, subject=key("S-0001"), session=bytes.fromhex(session), protocol=key("demo"))
    room.state = replace(room.state, book=room.state.book.apply(room.state.book.last_seq + 1, done))
    room.ask(control.CloseSession(by="ann"))
    answer = room.open(continues=session, reason="a break")
    assert answer["detail"]["why"] == "nothing is left to deliver"


def test_only_the_holder_releases_and_only_a_treatment_has_an_intensity() -> None:
    room = new()
    hashed = room.open(kind="threshold", protocol="", threshold=None)["hash"]
    room.ask(control.Hello(role="daemon"), 9)
    room.pass_time(300 * MS)
    release = control.Release(hash=hashed, nonce=room.nonce, by="ann")
    assert room.ask(release, 9)["reason"] == "not-session-holder"
    assert room.ask(control.Intensity(900, "ann"))["reason"] == "malformed-message"
    assert room.ask(release, HOLDER)["ok"]


def test_nothing_is_released_before_the_device_is_known() -> None:
    room = new()
    hashed = room.open()["hash"]
    room.pass_time(300 * MS)
    room.feed(events.PortLost("unplugged"))
    assert room.ask(control.Release(hash=hashed, nonce=room.nonce, by="ann"))["reason"] == "port-absent"
    room.feed(events.PortFound())
    assert room.ask(control.Release(hash=hashed, nonce=room.nonce, by="ann"))["reason"] == "boot"
    room.pass_time(500 * MS)
    assert room.ask(control.Release(hash=hashed, nonce=room.nonce, by="ann"))["ok"]
