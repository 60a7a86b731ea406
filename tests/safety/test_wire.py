"""Whose turn it is on the line and whose reply this is: what waits, what is refused, what is still owed."""

from __future__ import annotations

from typing import Any

import pytest

from drivers.magstim.framing import seal
from drivers.quantities import SINGLE, PercentMso, Train
from safety import wire
from safety.events import ClientNoise, Door, Reply, Write
from safety.reasons import Reason
from safety.state import Block, Device, Disarming, Permit, Phase, Wire
from tests.safety.conftest import VirtualRoom, turn_of
from tests.safety.line_turns import SETTING, STATUS, UNLOCK, asked, at_rest, framed, replied, waits
from tests.safety.said import told

MS, S = 1_000, 1_000_000


@pytest.fixture
def room() -> VirtualRoom:
    return at_rest()


# --- a client's frame -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "waiting", "door", "said"),
    [
        ({"speaker": Door.PTY}, 0, Door.DAEMON, ("not-speaking", "not-speaking")),
        ({"speaker": None}, 0, Door.PTY, ("not-speaking", "not-speaking")),
        ({"device": Device(present=False)}, 0, Door.DAEMON, ("refused", "port-absent")),
        ({"phase": Phase.BOOT}, 0, Door.DAEMON, ("refused", "boot")),
        ({}, 8, Door.DAEMON, ("refused", "queue-full")),
    ],
)
def test_a_frame_that_may_not_wait_for_the_line_is_refused_at_its_door_with_the_reason(
    room: VirtualRoom, changes: dict[str, Any], waiting: int, door: Door, said: tuple[str, str]
) -> None:
    (kind, reason), queue = said, (waits(room, STATUS),) * waiting
    turn = turn_of(room, wire=Wire(queue=queue), **changes)

    wire.client_frame(turn, framed(room, SETTING, door))

    assert replied(turn) == [(door, seal(b"@S"))]
    assert told(turn.actions) == [{"kind": kind, "reason": reason, "door": door.value, "frame": "@045", "detail": {}}]
    assert turn.state.wire.queue == queue


@pytest.mark.parametrize("before", [0, 7])
def test_a_speakers_frame_waits_behind_the_others_from_now_on(room: VirtualRoom, before: int) -> None:
    queue = (waits(room, STATUS),) * before
    turn = turn_of(room, wire=Wire(queue=queue))

    wire.client_frame(turn, framed(room, SETTING))

    assert turn.state.wire == Wire(queue=(*queue, waits(room, SETTING)))
    assert turn.actions == []


@pytest.mark.parametrize("door", list(Door))
def test_a_disarm_passes_from_both_doors_and_its_answer_goes_where_it_came_from(room: VirtualRoom, door: Door) -> None:
    turn = turn_of(room, wire=Wire(queue=(waits(room, STATUS),) * 8))

    wire.client_frame(turn, framed(room, seal(b"EA"), door))

    assert Write(room.dialect.disarm) in turn.actions
    assert turn.state.disarming is not None
    assert (turn.state.disarming.why, turn.state.disarming.waiting) == (None, (door,))


@pytest.mark.parametrize(
    ("data", "reply", "reason", "shown"),
    [
        (b"\0\1\2", b"???", "unknown-frame", "<3 bytes, no command>"),
        (SETTING[:-1] + b"\0", seal(b"@?"), "malformed-frame", "<5 bytes, no command>"),
    ],
)
def test_nonsense_gets_the_devices_answer_to_each_byte_or_to_the_frame_and_is_not_shown(
    room: VirtualRoom, data: bytes, reply: bytes, reason: str, shown: str
) -> None:
    turn = turn_of(room)

    wire.client_noise(turn, ClientNoise(Door.PTY, data))

    assert turn.actions[0] == Reply(Door.PTY, reply)
    assert told(turn.actions) == [{"kind": "refused", "reason": reason, "door": "pty", "frame": shown}]
    assert turn.state == room.state


def test_a_refusal_says_its_detail_and_keeps_an_unlock_code_to_itself(room: VirtualRoom) -> None:
    turn, code = turn_of(room), seal(f"Q{room.profile.unlock_code}".encode())

    wire.refuse(turn, Door.DAEMON, code, Reason.BOOT, allowed=3)

    assert told(turn.actions) == [
        {"kind": "refused", "reason": "boot", "door": "daemon", "frame": "Q<unlock code>", "detail": {"allowed": 3}}
    ]


# --- the line -------------------------------------------------------------------------------------------------


def test_frames_go_out_one_at_a_time_in_their_order(room: VirtualRoom) -> None:
    turn = turn_of(room, wire=Wire(queue=(waits(room, STATUS), waits(room, UNLOCK))))

    wire.pump(turn)

    assert turn.actions == [Write(STATUS)]
    assert turn.state.wire == Wire(open=asked(room, STATUS), queue=(waits(room, UNLOCK),))


def test_a_frame_whose_door_lost_its_say_while_it_waited_is_refused_and_the_next_goes_out(room: VirtualRoom) -> None:
    turn = turn_of(room, wire=Wire(queue=(waits(room, SETTING, Door.PTY), waits(room, STATUS))))

    wire.pump(turn)

    assert replied(turn) == [(Door.PTY, seal(b"@S"))]
    assert told(turn.actions)[0]["kind"] == "not-speaking"
    assert turn.actions[-1] == Write(STATUS)
    assert turn.state.wire == Wire(open=asked(room, STATUS))


@pytest.mark.parametrize("taken", ["open", "disarming"])
def test_nothing_goes_out_while_an_answer_is_awaited_or_a_disarm_is_under_way(room: VirtualRoom, taken: str) -> None:
    queue = (waits(room, STATUS),)
    opened = asked(room, STATUS) if taken == "open" else None
    disarming = Disarming(None, 0, 0) if taken == "disarming" else None
    turn = turn_of(room, wire=Wire(open=opened, queue=queue), disarming=disarming)

    wire.pump(turn)

    assert turn.actions == []
    assert turn.state.wire.queue == queue


def test_a_frame_is_judged_when_its_turn_comes_and_a_refused_one_never_goes_out(room: VirtualRoom) -> None:
    turn = turn_of(room, wire=Wire(queue=(waits(room, seal(b"^@")), waits(room, STATUS))))

    wire.pump(turn)

    assert replied(turn) == [(Door.DAEMON, seal(b"^S"))]
    assert told(turn.actions)[0]["reason"] == "forbidden-frame"
    assert told(turn.actions)[0]["detail"] == {"why": "enhanced power reaches above 100 % MSO"}
    assert [action for action in turn.actions if isinstance(action, Write)] == [Write(STATUS)]
    assert turn.state.wire == Wire(open=asked(room, STATUS))


@pytest.mark.parametrize(("sooner_us", "free"), [(0, False), (-1, True)])
def test_the_line_is_kept_clear_before_a_timed_trigger(room: VirtualRoom, sooner_us: int, *, free: bool) -> None:
    due_us = room.now.us + room.room.limits.timing.line_clear_before_trigger_us - sooner_us
    timed = Permit(1, PercentMso(450), Train(1, SINGLE), 1, S, 0, due_us, Block(1, 1), due=(due_us,))
    turn = turn_of(room, permits=(timed,), wire=Wire(queue=(waits(room, STATUS),)))

    wire.pump(turn)

    assert turn.actions == ([Write(STATUS)] if free else [])


def test_the_watchdogs_own_question_is_nobody_elses(room: VirtualRoom) -> None:
    turn = turn_of(room)

    wire.ask(turn, STATUS)

    assert turn.actions == [Write(STATUS)]
    assert turn.state.wire.open == asked(room, STATUS, asker=None)
