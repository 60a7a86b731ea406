"""Whose reply this is, what is still owed, and what follows when none comes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from drivers.magstim.framing import seal
from drivers.stimulators import Condition, Reading, Refusal
from safety import events, wire
from safety.events import DeviceReply, Door
from safety.reasons import Reason
from safety.state import Disarming, Owed, Wire
from tests.safety.conftest import VirtualRoom, new, turn_of
from tests.safety.line_turns import SETTING, STATUS, TRIGGER, asked, at_rest, framed, replied, waits
from tests.safety.rooms import ready
from tests.safety.said import told

MS, S = 1_000, 1_000_000


@pytest.fixture
def room() -> VirtualRoom:
    return at_rest()


# --- a reply --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("asker", [Door.DAEMON, Door.PTY, None])
def test_a_reply_goes_to_the_door_that_asked_and_ends_the_exchange(room: VirtualRoom, asker: Door | None) -> None:
    turn = turn_of(room, wire=Wire(open=asked(room, STATUS, asker=asker)))

    wire.device_reply(turn, DeviceReply(b"x-answer", Reading(Condition.STANDBY, fault=True)))

    assert replied(turn) == ([] if asker is None else [(asker, b"x-answer")])
    assert turn.state.wire == Wire()
    assert turn.state.device.fault


def test_a_reply_that_answers_another_frame_is_nobodys_and_the_exchange_stays_open(room: VirtualRoom) -> None:
    waiting = Wire(open=asked(room, STATUS))
    turn = turn_of(room, wire=waiting)

    wire.device_reply(turn, DeviceReply(seal(b"@045"), Reading(fault=True)))

    assert told(turn.actions) == [{"kind": "reply-to-nobody"}]
    assert turn.state.wire == waiting
    assert not turn.state.device.fault


@pytest.mark.parametrize(("asker", "said"), [(Door.DAEMON, True), (None, False)])
def test_a_refusal_of_the_device_is_said_when_a_client_asked(
    room: VirtualRoom, asker: Door | None, *, said: bool
) -> None:
    turn = turn_of(room, wire=Wire(open=asked(room, SETTING, asker=asker)))

    wire.device_reply(turn, DeviceReply(seal(b"@S"), Reading(refused=Refusal.CONFLICT)))

    assert told(turn.actions) == ([{"kind": "device-refused", "how": "conflict", "frame": "@045"}] if said else [])


@pytest.mark.parametrize("opened", [STATUS, SETTING])
def test_a_reply_that_is_owed_is_trusted_by_nobody_and_one_that_it_could_be_is_doubtful(
    room: VirtualRoom, opened: bytes
) -> None:
    until_us = room.now.us + S
    owed = (Owed(TRIGGER, until_us), Owed(STATUS, until_us), Owed(STATUS, until_us + 1))
    exchange = asked(room, opened)
    turn = turn_of(room, wire=Wire(open=exchange, owed=owed))

    wire.device_reply(turn, DeviceReply(b"x-late", Reading(fault=True)))

    assert told(turn.actions) == [{"kind": "late-reply"}]
    assert replied(turn) == []
    assert turn.state.wire == Wire(open=replace(exchange, doubtful=opened == STATUS), owed=(owed[0], owed[2]))
    assert not turn.state.device.fault


def test_a_lone_question_mark_pays_no_debt(room: VirtualRoom) -> None:
    owed = (Owed(STATUS, room.now.us + S),)
    turn = turn_of(room, wire=Wire(owed=owed))

    wire.device_reply(turn, DeviceReply(b"?", Reading(refused=Refusal.NOT_UNDERSTOOD)))

    assert told(turn.actions) == [{"kind": "reply-to-nobody"}]
    assert turn.state.wire.owed == owed


@pytest.mark.parametrize(("opened", "ends"), [(STATUS, False), (SETTING, True)])
def test_a_lone_question_mark_during_a_disarm_may_be_its_own_and_ends_no_question(
    room: VirtualRoom, opened: bytes, *, ends: bool
) -> None:
    under_way = Disarming(None, room.now.us, room.now.us, unanswered_us=(room.now.us,))
    exchange = asked(room, opened)
    turn = turn_of(room, wire=Wire(open=exchange), disarming=under_way)

    wire.device_reply(turn, DeviceReply(b"?", Reading(refused=Refusal.NOT_UNDERSTOOD)))

    assert turn.state.wire.open == (None if ends else exchange)
    assert replied(turn) == ([(Door.DAEMON, b"?")] if ends else [])
    assert turn.state.disarming == under_way


@pytest.mark.parametrize(("reply", "outcome"), [(b"?", "unknown"), (seal(b"ES"), None), (seal(b"E\x04"), "accepted")])
def test_a_lone_question_mark_to_a_trigger_proves_nothing_and_a_whole_answer_does(
    reply: bytes, outcome: str | None
) -> None:
    room = ready(new)
    assert room.permit()["ok"]
    trigger = framed(room, TRIGGER)
    turn = turn_of(room, wire=Wire(queue=(waits(room, trigger.frame),)))
    wire.pump(turn)
    assert turn.state.delivery is not None

    wire.device_reply(turn, DeviceReply(reply, room.dialect.reading(reply)))

    said = {body["kind"]: body.get("outcome", body["kind"]) for body in told(turn.actions)}
    ends = {"unknown": said.get("settled"), "accepted": said.get("accepted"), None: said.get("not-delivered")}
    assert [end for end, there in ends.items() if there] == [outcome]


@pytest.mark.parametrize("behind", [(), (STATUS,)])
def test_a_frame_that_trips_an_armed_device_is_refused_once_and_only_questions_go_on_waiting(
    behind: tuple[bytes, ...],
) -> None:
    room = ready(new)
    waiting = tuple(waits(room, frame) for frame in (seal(b"@100"), *behind))
    turn = turn_of(room, wire=Wire(queue=waiting))

    wire.pump(turn)

    assert turn.state.trip is not None
    assert turn.state.disarming is not None
    assert replied(turn) == [(Door.DAEMON, seal(b"@S"))]
    assert turn.state.wire.queue == waiting[1:]


# --- what does not come ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("early_us", "given_up"), [(1, False), (0, True)])
@pytest.mark.parametrize("doubtful", [False, True])
def test_an_exchange_is_given_up_when_its_time_is_over_and_its_reply_is_owed_unless_it_came(
    room: VirtualRoom, early_us: int, *, given_up: bool, doubtful: bool
) -> None:
    timing = room.room.limits.timing
    exchange = replace(asked(room, STATUS, timing.exchange_us - early_us), doubtful=doubtful)
    turn = turn_of(room, wire=Wire(open=exchange))

    wire.expire(turn)

    owed = () if doubtful else (Owed(STATUS, room.now.us + timing.owed_us),)
    assert turn.state.wire == (Wire(owed=owed) if given_up else Wire(open=exchange))
    assert told(turn.actions) == ([{"kind": "no-reply", "frame": "x@"}] if given_up else [])


def test_what_is_owed_is_forgotten_when_its_time_is_over(room: VirtualRoom) -> None:
    past, present, later = (Owed(STATUS, room.now.us + us) for us in (-1, 0, 1))
    turn = turn_of(room, wire=Wire(owed=(past, later, present)))

    wire.expire(turn)

    assert turn.state.wire == Wire(owed=(later,))
    assert turn.actions == []

    alone = turn_of(room, wire=Wire(owed=(present,)))
    wire.expire(alone)
    assert alone.state.wire == Wire()


def test_no_more_than_eight_old_debts_are_kept_beside_the_newest(room: VirtualRoom) -> None:
    debts = tuple(Owed(STATUS, room.now.us + n) for n in range(9))
    turn = turn_of(room, wire=Wire(owed=debts))

    wire.owe(turn, SETTING, room.now.us - MS)

    newest = Owed(SETTING, room.now.us - MS + room.room.limits.timing.owed_us)
    assert turn.state.wire.owed == (*debts[1:], newest)


def test_when_the_line_is_cleared_questions_and_remote_control_go_on_waiting(room: VirtualRoom) -> None:
    unlock = seal(f"Q{room.profile.unlock_code}".encode())
    query, remote = waits(room, STATUS), waits(room, unlock)
    opened = asked(room, STATUS)
    queue = (waits(room, SETTING), query, waits(room, TRIGGER, Door.PTY), remote)
    turn = turn_of(room, wire=Wire(open=opened, queue=queue))

    wire.clear(turn, Reason.NOT_ARMED)

    assert turn.state.wire == Wire(open=opened, queue=(query, remote))
    assert replied(turn) == [(Door.DAEMON, seal(b"@S")), (Door.PTY, seal(b"ES"))]
    assert [(body["reason"], body["frame"]) for body in told(turn.actions)] == [
        ("not-armed", "@045"),
        ("not-armed", "EH"),
    ]


@pytest.mark.parametrize("gone", list(Door))
def test_of_a_client_that_went_away_nothing_waits_and_no_answer_is_for_it(room: VirtualRoom, gone: Door) -> None:
    opened = asked(room, STATUS)
    ours, others = waits(room, SETTING), waits(room, STATUS, Door.PTY)
    turn = turn_of(room, wire=Wire(open=opened, queue=(ours, others)))

    wire.drop_door(turn, gone)

    left = (others,) if gone is Door.DAEMON else (ours,)
    asker = None if gone is Door.DAEMON else Door.DAEMON
    assert turn.state.wire == Wire(open=replace(opened, asker=asker), queue=left)
    assert turn.actions == []


def test_what_a_port_lost_leaves_is_an_empty_line(room: VirtualRoom) -> None:
    room.feed(events.ClientFrame(Door.DAEMON, STATUS, room.dialect.effect(STATUS)))
    assert room.state.wire != wire.EMPTY

    room.feed(events.PortLost("unplugged"))

    assert room.state.wire == wire.EMPTY


def test_a_trigger_whose_reply_does_not_come_is_unknown() -> None:
    room = ready(new)
    assert room.permit()["ok"]
    turn = turn_of(room, wire=Wire(queue=(waits(room, TRIGGER),)))
    wire.pump(turn)
    turn.to(wire=Wire(open=asked(room, TRIGGER, room.room.limits.timing.exchange_us)))

    wire.expire(turn)

    assert [body["outcome"] for body in told(turn.actions) if body["kind"] == "settled"] == ["unknown"]


def test_settings_in_a_reply_nobody_asked_for_leave_nothing_read_back() -> None:
    room = ready(new)
    assert room.state.device.agreed == 2
    turn = turn_of(room, wire=Wire())

    wire.device_reply(turn, DeviceReply(b"\\late", Reading(settings=room.state.device.settings)))

    assert turn.state.device.agreed == 0
