"""What the gate refuses in passing: a condition is gone, a device is not there, it is locked out; and what goes beside.

The searches of the small world meet all of it by chance; here each comes about on purpose.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from drivers.magstim.framing import seal
from drivers.stimulators import Condition
from safety import conditions, control, events, evidence, outcomes
from safety.events import Door
from safety.ledger_format import Kind
from safety.reasons import Reason
from safety.state import Disarming, Phase
from safety.turn import Turn
from tests.safety.conftest import HOLDER, VirtualRoom, new, turn_of
from tests.safety.rooms import passes, ready, released, running, tripped

S, MS = 1_000_000, 1_000


def frames_of(room: VirtualRoom, since_us: int) -> list[bytes]:
    """The letters of what was written since."""
    return [frame[:1] for at_us, frame in room.written if at_us >= since_us]


def told_by(turn: Turn) -> list[str]:
    return [action.body["kind"] for action in turn.actions if isinstance(action, events.Tell)]


# --- conditions -------------------------------------------------------------------------------------------------


def test_nothing_may_be_armed_or_fired_while_a_disarm_is_under_way() -> None:
    room = ready(new)
    under_way = Disarming(None, room.now.us, room.now.us)
    assert conditions.standing(turn_of(room, disarming=under_way)) is Reason.NOT_ARMED
    assert conditions.standing(turn_of(room)) is None


def test_an_operator_who_has_just_left_starts_no_new_train() -> None:
    room = ready(new)
    room.present = False
    room.pass_time(900 * MS)
    assert conditions.standing(turn_of(room)) is None
    room.poke()
    room.clock.advance_to(room.clock.now_us() + 140 * MS)
    assert conditions.standing(turn_of(room)) is Reason.PRESENCE_OLD


@pytest.mark.parametrize(
    ("known", "reason"),
    [({"coil_present": False}, Reason.COIL_MISSING), ({"temperature_tenths": 400}, Reason.COIL_HOT)],
)
def test_an_armed_coil_that_is_pulled_or_hot_pauses_the_session(known: dict[str, Any], reason: Reason) -> None:
    room = ready(new)
    good = turn_of(room)
    conditions.watch(good)
    assert good.session.released
    turn = turn_of(room, device=replace(room.state.device, **known))
    conditions.watch(turn)
    assert turn.session.paused is reason
    assert turn.state.disarming is not None


def test_a_train_that_runs_is_not_cut_for_a_coil_that_only_gets_warm() -> None:
    room = running(new)
    room.fault("coil-temperature", celsius=40.0)
    room.pass_time(600 * MS)
    assert room.state.delivery is not None
    assert "stop" not in room.kinds()


# --- the armed device -------------------------------------------------------------------------------------------


def test_armed_once_more_is_not_armed_anew_and_the_device_s_own_refusal_is_told() -> None:
    room = ready(new)
    since_us = room.state.armed_at_us
    assert not passes(room, "EB")
    assert (room.last("device-refused")["frame"], room.last("device-refused")["how"]) == ("EB", "conflict")
    assert room.state.armed_at_us == since_us


def test_a_device_that_is_armed_at_its_panel_while_tripped_is_disarmed() -> None:
    room = tripped(new)
    assert room.bench.device.condition is Condition.STANDBY
    room.bench.device.take_remote()
    room.fault("panel-arm")
    room.pass_time(1_500 * MS)
    assert room.bench.device.condition is Condition.STANDBY
    assert room.last("disarmed")["why"] == "armed-elsewhere"
    assert room.state.phase is Phase.TRIPPED


def test_remote_control_is_given_up_only_behind_a_disarm() -> None:
    room = ready(new)
    since_us = room.now.us
    assert passes(room, "R@")
    letters = [letter for letter in frames_of(room, since_us) if letter in b"ER"]
    assert (letters[0], letters[-1]) == (b"E", b"R")
    assert room.bench.device.condition is Condition.STANDBY


def test_an_armed_device_is_armed_no_more_while_its_train_runs() -> None:
    room = running(new)
    room.frame("EB")
    assert room.last("refused")["reason"] == "train-running"


def test_what_waits_for_the_line_is_refused_when_a_disarm_comes_first_and_questions_are_not() -> None:
    room = ready(new)
    room.replies[Door.DAEMON] = b""
    since_us = room.now.us
    for text in ("x@", "@045", "\\@", "EA"):
        data = seal(text.encode())
        room.feed(events.ClientFrame(Door.DAEMON, data, room.dialect.effect(data)))
    room.pass_time(500 * MS)
    assert room.last("refused")["frame"] == "@045"
    assert room.state.trip is None
    assert b"@" not in frames_of(room, since_us)
    assert b"\\" in frames_of(room, since_us)


def test_a_lone_question_mark_for_a_trigger_proves_nothing() -> None:
    room = ready(new)
    assert room.permit()["ok"]
    room.fault("lose-reply", of="E", count=1)
    trigger = seal(b"EH")
    room.feed(events.ClientFrame(Door.DAEMON, trigger, room.dialect.effect(trigger)))
    assert room.state.delivery is not None
    room.feed(events.DeviceReply(b"?", room.dialect.reading(b"?")))
    assert room.last("settled")["outcome"] == "unknown"


# --- no device --------------------------------------------------------------------------------------------------


def test_without_a_device_every_frame_is_refused_and_a_disarm_too() -> None:
    room = new()
    assert passes(room, "EA")
    room.feed(events.PortLost("unplugged"))
    written = len(room.written)
    for text in ("EA", "x@"):
        assert room.frame(text)[1:2] == b"S"
        assert room.last("refused")["reason"] == "port-absent"
    assert len(room.written) == written


def test_a_port_lost_in_a_train_leaves_its_pulses_unknown_and_trips() -> None:
    room = running(new)
    room.feed(events.PortLost("unplugged"))
    assert room.last("settled")["outcome"] == "unknown"
    assert room.last("trip")["reason"] == "port-lost"


def test_a_port_lost_while_locked_out_leaves_the_pulses_unknown_and_the_gate_locked() -> None:
    room = running(new)
    room.fault("ignore-disarm", count=0)
    room.feed(events.CommitFailed("no disk"))
    assert room.state.delivery is not None
    room.feed(events.PortLost("unplugged"))
    assert room.last("settled")["outcome"] == "unknown"
    assert room.state.phase is Phase.LOCKOUT
    assert not {"trip", "our-mistake"} & set(room.kinds())
    assert room.kinds().count("stop") == 1, "for the unknown pulses, not for a port that a locked gate does not use"


# --- requests ---------------------------------------------------------------------------------------------------


def test_a_permit_is_asked_for_and_withdrawn_by_the_session_s_holder_alone() -> None:
    room = ready(new)
    room.ask(control.Hello(role="daemon"), 9)
    ask = control.AskPermit(level_tenths=450, rate_tenths=100, pulses=20)
    assert room.ask(ask, 9)["reason"] == "not-session-holder"
    assert room.permit()["ok"]
    assert room.ask(control.Withdraw(), 9)["reason"] == "not-session-holder"
    assert room.state.permits
    assert room.ask(control.Withdraw())["ok"]
    assert not room.state.permits
    room.ask(control.CloseSession(by="ann"))
    assert room.ask(ask)["reason"] == "no-session"


def test_a_permit_whose_reservation_came_late_or_whose_conditions_went_meanwhile_is_refused() -> None:
    late, lost = ready(new), ready(new)
    for room in (late, lost):
        room.disk_us = 10 * S
        room.feed(events.Requested(HOLDER, 99, control.AskPermit(level_tenths=450, rate_tenths=100, pulses=20)))
        token, record, _ = room.state.commits[-1]
        assert record.kind is Kind.RESERVE
        if room is lost:
            room.state = replace(room.state, device=replace(room.state.device, remote=False))
        else:
            room.clock.advance_to(room.clock.now_us() + 100 * MS)
            room.feed(events.Tick())
            room.clock.advance_to(room.clock.now_us() + 101 * MS)
        room.feed(events.Committed(token, room.state.book.last_seq + 1))
        assert not room.state.permits
    assert late.answers[99]["reason"] == "ledger-late"
    assert lost.answers[99]["reason"] == "remote-lost"


def test_records_may_be_confirmed_in_another_order_than_they_were_sent() -> None:
    room = new()
    room.disk_us = 10 * S
    room.open()
    room.ask(control.CloseSession(by="ann"))
    first, second = room.state.commits[-2:]
    room.feed(events.Committed(second[0], room.state.book.last_seq + 1))
    assert [token for token, _, _ in room.state.commits] == [first[0]]
    room.feed(events.Committed(first[0], room.state.book.last_seq + 1))
    assert not room.state.commits
    assert room.state.phase is Phase.SAFE


def test_no_session_opens_while_the_device_is_being_disarmed() -> None:
    room = new()
    under_way = Disarming(None, room.now.us, room.now.us)
    room.state = replace(room.state, disarming=under_way)
    assert room.open()["reason"] == "boot"
    assert new().open()["ok"]


def test_a_release_needs_a_session_and_none_passes_while_tripped() -> None:
    room = new()
    release = control.Release(hash="", nonce=room.nonce, by="ann")
    assert room.ask(release)["reason"] == "no-session"
    stopped = tripped(new)
    session = stopped.state.session
    assert session is not None
    stopped.pass_time(300 * MS)
    asked = control.Release(hash=session.hash, nonce=stopped.nonce, by="ann")
    assert stopped.ask(asked)["reason"] == "tripped"
    stopped.state = replace(stopped.state, phase=Phase.LOCKOUT)
    assert stopped.ask(asked)["reason"] == "locked-out"


def test_intensity_is_the_holder_s_and_never_changed_under_a_permit() -> None:
    room = new()
    assert room.ask(control.Intensity(900, "ann"))["reason"] == "no-session"
    room = ready(new)
    room.ask(control.Hello(role="daemon"), 9)
    assert room.ask(control.Intensity(900, "ann"), 9)["reason"] == "not-session-holder"
    assert room.permit()["ok"]
    assert room.ask(control.Intensity(900, "ann"))["reason"] == "train-running"
    room.ask(control.Withdraw())
    assert room.ask(control.Intensity(900, "ann"))["ok"]


def test_settings_are_refused_while_tripped_or_locked_out() -> None:
    room = tripped(new)
    room.frame("@045")
    assert room.last("refused")["reason"] == "tripped"
    room.state = replace(room.state, phase=Phase.LOCKOUT)
    room.frame("@045")
    assert room.last("refused")["reason"] == "locked-out"


def test_a_daemon_that_asks_for_more_than_the_limits_allow_is_a_trip_and_what_waits_is_refused() -> None:
    room = released(new)
    since_us = room.now.us
    for text in ("x@", "@100", "@045"):
        data = seal(text.encode())
        room.feed(events.ClientFrame(Door.DAEMON, data, room.dialect.effect(data)))
    room.pass_time(S)
    assert room.last("trip")["reason"] == "over-limit-frame"
    refused = [(body["frame"], body["reason"]) for body in room.told if body["kind"] == "refused"]
    assert refused == [("@100", "setting-out-of-range"), ("@045", "tripped")]
    assert b"@" not in frames_of(room, since_us)


def test_an_armed_daemon_that_asks_for_more_is_answered_once() -> None:
    room = ready(new)
    room.frame("@100")
    assert room.last("trip")["reason"] == "over-limit-frame"
    assert room.kinds().count("refused") == 1
    assert room.replies[Door.DAEMON][1:2] == b"S"


# --- trip and lock-out ------------------------------------------------------------------------------------------


def test_a_trip_while_locked_out_is_told_and_changes_neither_phase_nor_ledger() -> None:
    room = ready(new)
    turn = turn_of(room, phase=Phase.LOCKOUT, commits=())
    outcomes.trip(turn, Reason.BEATS_LOST)
    assert told_by(turn) == ["trip"]
    assert turn.state.phase is Phase.LOCKOUT
    assert not turn.state.commits
    assert not turn.session.released


def test_a_trip_without_a_session_latches_all_the_same_and_a_second_keeps_the_first_reason() -> None:
    turn = turn_of(new())
    outcomes.trip(turn, Reason.PORT_LOST)
    outcomes.trip(turn, Reason.BEATS_LOST)
    assert turn.state.trip is not None
    assert turn.state.trip.reason is Reason.PORT_LOST
    assert told_by(turn) == ["trip"]
    assert [record.kind for _, record, _ in turn.state.commits] == [Kind.TRIP]


def test_a_lock_out_is_said_once_and_not_ended_by_a_reset() -> None:
    room = new()
    room.feed(events.CommitFailed("no disk"))
    room.feed(events.CommitFailed("no disk"))
    assert room.kinds().count("lockout") == 1
    room.pass_time(300 * MS)
    assert room.ask(control.Reset(by="ann", nonce=room.nonce))["reason"] == "locked-out"


# --- evidence ---------------------------------------------------------------------------------------------------


def test_nothing_is_certain_of_a_train_before_it_was_seen_running() -> None:
    room = running(new)
    delivery = room.state.delivery
    assert delivery is not None
    seen = replace(delivery, running_asked_us=delivery.began_us + 500 * MS)
    assert evidence.least(replace(delivery, running_asked_us=None)) == 0
    assert evidence.least(seen) == 5
