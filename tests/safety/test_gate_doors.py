"""Who is there: what a door and a connection change that open or close, who speaks, and whose session ends."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from drivers.quantities import Hertz, PercentMso, Train
from drivers.stimulators import Condition
from safety import events
from safety.control import AskPermit
from safety.events import Door
from safety.reasons import Reason
from safety.state import Delivery, Device, Disarming, Exchange, Phase, Wire
from tests.safety.conftest import ARM_LOOP, HOLDER, VirtualRoom, new
from tests.safety.gate_steps import busy, step, written
from tests.safety.line_turns import STATUS
from tests.safety.rooms import ready
from tests.safety.said import told

MS, S = 1_000, 1_000_000


@pytest.fixture(scope="module")
def idle() -> VirtualRoom:
    return new()


@pytest.fixture(scope="module")
def armed() -> VirtualRoom:
    return ready(new)


# --- the doors --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("door", list(Door))
@pytest.mark.parametrize("other", [False, True])
def test_a_door_is_open_until_it_is_closed_whatever_the_other_one_is(
    armed: VirtualRoom, door: Door, *, other: bool
) -> None:
    mine, others = ("daemon_attached", "pty_open") if door is Door.DAEMON else ("pty_open", "daemon_attached")
    opened, _ = step(armed, events.DoorOpened(door), **{mine: False, others: other})
    closed, _ = step(armed, events.DoorClosed(door), **{mine: True, others: other})
    assert (getattr(opened, mine), getattr(opened, others)) == (True, other)
    assert (getattr(closed, mine), getattr(closed, others)) == (False, other)


@pytest.mark.parametrize("door", list(Door))
@pytest.mark.parametrize("phase", [Phase.SAFE, Phase.ARMED, Phase.FIRING])
def test_when_the_speakers_door_closes_an_armed_device_is_disarmed(
    armed: VirtualRoom, door: Door, phase: Phase
) -> None:
    state, actions = step(armed, events.DoorClosed(door), phase=phase)
    ends = door is Door.DAEMON and phase is not Phase.SAFE
    assert (state.disarming.why if state.disarming else None) is (Reason.SESSION_ENDED if ends else None)
    assert written(actions) == [armed.dialect.disarm] * ends
    opened, _ = step(armed, events.DoorOpened(door), phase=phase)
    assert opened.disarming is None


def test_what_waited_at_a_door_that_closes_goes_with_it(idle: VirtualRoom) -> None:
    line = busy(idle)
    state, actions = step(idle, events.DoorClosed(Door.DAEMON), wire=line)
    assert line.open is not None
    assert state.wire == replace(line, open=replace(line.open, asker=None), queue=line.queue[1:])
    assert actions == ()


def delivery(room: VirtualRoom) -> Delivery:
    now_us = room.now.us
    return Delivery(Train(20, Hertz(100)), PercentMso(450), 1, 0, now_us, now_us)


@pytest.mark.parametrize(
    ("changes", "speaker"),
    [
        ({"daemon_attached": True}, Door.DAEMON),
        ({"daemon_attached": False}, Door.PTY),
        ({"daemon_attached": False, "device": Device(present=True, condition=Condition.READY)}, Door.DAEMON),
        ({"daemon_attached": False, "device": Device(present=True)}, Door.DAEMON),
        ({"daemon_attached": False, "device": Device(present=False)}, Door.PTY),
        ({"daemon_attached": True, "speaker": Door.PTY}, Door.DAEMON),
    ],
)
def test_the_daemon_speaks_while_it_is_attached_and_a_change_waits_for_standby(
    idle: VirtualRoom, changes: dict[str, Any], speaker: Door
) -> None:
    state, actions = step(idle, events.Tick(), **changes)
    assert state.speaker is speaker
    changed = speaker is not changes.get("speaker", Door.DAEMON)
    assert told(actions) == ([{"kind": "speaker", "door": speaker.value}] if changed else [])


@pytest.mark.parametrize("hinders", ["disarming", "delivery", "wire"])
def test_a_change_of_the_speaker_waits_for_whatever_is_not_over(idle: VirtualRoom, hinders: str) -> None:
    now_us = idle.now.us
    exchange = Exchange(STATUS, idle.dialect.effect(STATUS), Door.DAEMON, now_us)
    not_over = {
        "disarming": Disarming(None, now_us, now_us),
        "delivery": delivery(idle),
        "wire": Wire(open=exchange),
    }[hinders]
    state, _ = step(idle, events.Tick(), daemon_attached=False, **{hinders: not_over})
    assert state.speaker is Door.DAEMON


@pytest.mark.parametrize("door", list(Door))
@pytest.mark.parametrize("attached", [False, True])
def test_in_a_session_its_own_door_speaks_whether_the_daemon_is_attached_or_not(
    armed: VirtualRoom, door: Door, *, attached: bool
) -> None:
    session = armed.state.session
    assert session is not None
    device = replace(armed.state.device, condition=Condition.STANDBY)
    changes = {"session": replace(session, door=door), "device": device, "phase": Phase.SAFE, "wire": Wire()}
    state, _ = step(armed, events.Tick(), daemon_attached=attached, **changes)
    assert state.speaker is door


# --- connections ------------------------------------------------------------------------------------------------


def test_who_goes_away_has_no_role_any_more_and_the_others_keep_theirs(idle: VirtualRoom) -> None:
    roles = ((3, "cli"), (4, "guarded"), (ARM_LOOP, "lease"))
    state, actions = step(idle, events.Disconnected(4), roles=roles, lease="begin")
    assert (state.roles, state.lease) == (((3, "cli"), (ARM_LOOP, "lease")), "begin")
    assert actions == ()


def test_an_arm_loop_that_goes_away_takes_its_word_with_it(idle: VirtualRoom) -> None:
    state, _ = step(idle, events.Disconnected(ARM_LOOP), lease="begin")
    assert state.lease == "none"
    assert ARM_LOOP not in dict(state.roles)


def test_a_session_ends_with_the_connection_that_holds_it_and_with_no_other(armed: VirtualRoom) -> None:
    other, _ = step(armed, events.Disconnected(ARM_LOOP))
    assert other.session == armed.state.session
    state, actions = step(armed, events.Disconnected(HOLDER))
    assert state.session is None
    assert [(body["why"], body["by"]) for body in told(actions) if body["kind"] == "session-closed"] == [
        ("session-ended", "")
    ]
    assert step(armed, events.Disconnected(HOLDER), session=None)[0].session is None


def test_a_permit_asked_for_by_a_connection_that_went_away_is_answered_to_nobody() -> None:
    room = ready(new)
    room.disk_us = S
    assert room.ask(AskPermit(450, 100, 20)) == {}
    pending = room.state.pending
    assert pending is not None

    other, _ = step(room, events.Disconnected(ARM_LOOP))
    state, actions = step(room, events.Disconnected(HOLDER))

    assert other.pending == pending
    assert (state.pending, state.unwanted) == (None, (pending.token,))
    assert not [action for action in actions if isinstance(action, events.Answer)]
