"""One control message at a time: from whom it is taken, what it changes, what is answered and what all are told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from safety import control, gate
from safety.asking import Cutting, Use
from safety.events import Answer, Requested, Tell
from safety.ledger_format import Kind, Record
from safety.state import Beats, Phase, State
from safety.telling import status
from safety.turn import Turn
from tests.safety.conftest import ARM_LOOP, HOLDER, VirtualRoom, new
from tests.safety.rooms import ready
from tests.safety.rooms import tripped as unplugged

MS, S = 1_000, 1_000_000
DAEMON, RUN, CLI, STRANGER = HOLDER, 21, 22, 23
"""Connections, by the role they have said hello with; a stranger has said nothing."""
ROLES = ((DAEMON, "daemon"), (ARM_LOOP, "lease"), (RUN, "guarded"), (CLI, "cli"))
ANN = 1001
"""A user of the machine."""
NONCE = "0" * 32


@pytest.fixture(scope="module")
def idle() -> VirtualRoom:
    return quoted(new())


@pytest.fixture(scope="module")
def granted() -> VirtualRoom:
    room = ready(new)
    assert room.permit()["ok"]
    return quoted(room)


@pytest.fixture(scope="module")
def tripped() -> VirtualRoom:
    return quoted(unplugged(new))


def quoted(room: VirtualRoom) -> VirtualRoom:
    """With a connection of each role, and a nonce that was just seen."""
    room.state = replace(room.state, roles=ROLES, nonces=((NONCE, room.now.us),), stopped_us=-1)
    return room


def ask(
    room: VirtualRoom, message: control.Message, connection: int = DAEMON, *, uid: int = 0, **changes: Any
) -> tuple[State, dict[str, Any], list[dict[str, Any]]]:
    """The state after a request, its one answer, and what was told, without the time."""
    event = Requested(connection, 5, message, uid)
    state, actions = gate.step(room.room, replace(room.state, **changes), event, room.now)
    (answer,) = [action for action in actions if isinstance(action, Answer)]
    assert (answer.connection, answer.request_id, answer.hand_over_door) == (connection, 5, False)
    bodies = [action.body for action in actions if isinstance(action, Tell)]
    told = [{name: value for name, value in body.items() if name not in ("at_us", "wall_us")} for body in bodies]
    return state, answer.body, told


def no(reason: str, **detail: object) -> dict[str, Any]:
    return {"ok": False, "reason": reason, "detail": detail}


# --- answers ----------------------------------------------------------------------------------------------------


def test_a_refused_request_is_answered_to_who_asked_and_told_to_all(idle: VirtualRoom) -> None:
    _, answer, told = ask(idle, control.Withdraw())
    assert answer == no("not-session-holder")
    assert told == [{"kind": "request-refused", "do": "withdraw", "reason": "not-session-holder", "detail": {}}]

    _, answer, told = ask(idle, control.Hello("daemon"), DAEMON)
    why = {"why": "this connection has said hello"}
    assert answer == no("malformed-message", **why)
    assert told == [{"kind": "request-refused", "do": "hello", "reason": "malformed-message", "detail": why}]


@pytest.mark.parametrize("number", [0, 1, 77])
@pytest.mark.parametrize("message", [control.Status(), control.Attach(), control.AskPermit(450, 100, 20)])
@pytest.mark.parametrize("connection", [DAEMON, STRANGER])
def test_an_answer_carries_the_number_of_its_request(
    idle: VirtualRoom, message: control.Message, number: int, connection: int
) -> None:
    state = replace(idle.state, daemon_attached=False)
    _, actions = gate.step(idle.room, state, Requested(connection, number, message), idle.now)
    answers = [(each.connection, each.request_id) for each in actions if isinstance(each, Answer)]
    assert answers == [(connection, number)]


def test_the_status_is_answered_as_it_is(idle: VirtualRoom) -> None:
    state, answer, told = ask(idle, control.Status(), CLI)
    assert answer == {"ok": True, "status": status(Turn(idle.room, state, idle.now))}
    assert told == []


# --- who may say what -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("connection", [STRANGER, ARM_LOOP])
def test_who_has_not_said_hello_and_the_arm_loop_are_answered_nothing_but_a_stop(
    idle: VirtualRoom, connection: int
) -> None:
    opening = control.OpenSession("phantom", "daemon", "ann", "coil-1")
    for message in (control.Status(), control.Attach(), opening, control.AskPermit(450, 100, 20)):
        state, answer, _ = ask(idle, message, connection, daemon_attached=False)
        assert answer == no("not-session-holder"), message
        assert state.session is None
    _, answer, told = ask(idle, control.Stop("ann"), connection)
    assert answer == {"ok": True, "at_us": idle.now.us}
    assert {"kind": "stop-asked", "by": "ann"} in told


@pytest.mark.parametrize(("connection", "name"), [(RUN, "uid 1001"), (CLI, "ann"), (DAEMON, "ann"), (STRANGER, "ann")])
def test_a_guarded_run_signs_with_its_user_and_whoever_else_with_the_name_it_gives(
    idle: VirtualRoom, connection: int, name: str
) -> None:
    _, answer, told = ask(idle, control.Stop("ann"), connection, uid=ANN)
    assert answer["ok"]
    assert {"kind": "stop-asked", "by": name} in told


def test_a_guarded_run_is_answered_what_nobody_signs(idle: VirtualRoom) -> None:
    assert ask(idle, control.Status(), RUN, uid=ANN)[1]["ok"]


@pytest.mark.parametrize(
    ("role", "uid", "reason"),
    [
        ("daemon", 50, None),
        ("daemon", 60, "not-the-daemon"),
        ("daemon", 0, "not-the-daemon"),
        ("lease", 60, None),
        ("lease", 50, "not-the-arm"),
        ("lease", 0, "not-the-arm"),
        ("guarded", 7, None),
        ("cli", 7, None),
    ],
)
@pytest.mark.parametrize("arm_is_there", [False, True])
def test_hello_is_taken_from_the_user_whose_role_it_is_and_the_arm_loops_once(
    role: str, uid: int, reason: str | None, *, arm_is_there: bool
) -> None:
    room = VirtualRoom(daemon_uid=50, arm_uid=60)
    roles = ((DAEMON, "daemon"), *([(ARM_LOOP, "lease")] if arm_is_there else []))
    if role == "lease" and arm_is_there:
        reason = "not-the-arm"
    state, answer, _ = ask(room, control.Hello(role), STRANGER, uid=uid, roles=roles)
    assert answer.get("reason") == reason
    assert state.roles == (roles if reason else (*roles, (STRANGER, role)))


def test_hello_is_answered_with_what_stands_in_the_room() -> None:
    room = VirtualRoom(use=Use.BENCH, slack=3, profile="robot", disarm_cuts_train=Cutting.PROVEN, simulated=False)
    _, answer, _ = ask(room, control.Hello("cli"), STRANGER)
    assert answer == {
        "ok": True, "model": "magstim-rapid2", "firmware": 11, "use": "bench", "simulated": False, "slack": 3,
        "profile": "robot", "disarm_cuts_train": "proven",
    }  # fmt: skip


# --- the daemon's door ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("connection", "attached", "given"),
    [(DAEMON, False, True), (DAEMON, True, False), (RUN, False, False), (CLI, False, False)],
)
def test_the_daemon_gets_its_door_while_nobody_has_it(
    idle: VirtualRoom, connection: int, *, attached: bool, given: bool
) -> None:
    state = replace(idle.state, daemon_attached=attached)
    _, actions = gate.step(idle.room, state, Requested(connection, 5, control.Attach()), idle.now)
    answers = [action for action in actions if isinstance(action, Answer)]
    body = {"ok": True} if given else no("not-speaking")
    assert answers == [Answer(connection, 5, body, hand_over_door=given)]


# --- permits ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [0, 5])
def test_a_request_for_a_permit_is_answered_when_it_is_granted_and_not_before(number: int) -> None:
    room = quoted(ready(new))
    room.disk_us = S
    event = Requested(DAEMON, number, control.AskPermit(450, 100, 20))
    state, actions = gate.step(room.room, room.state, event, room.now)
    assert not [action for action in actions if isinstance(action, Answer)]
    assert state.pending is not None
    assert (state.pending.connection, state.pending.request_id) == (DAEMON, number)


def test_a_request_for_a_permit_that_is_refused_is_answered_at_once(granted: VirtualRoom) -> None:
    _, answer, told = ask(granted, control.AskPermit(450, 100, 20), RUN)
    assert answer == no("not-session-holder")
    assert told == [{"kind": "request-refused", "do": "permit", "reason": "not-session-holder", "detail": {}}]


@pytest.mark.parametrize(("connection", "holds"), [(DAEMON, True), (RUN, False)])
def test_its_holder_withdraws_a_permit_and_nobody_else(granted: VirtualRoom, connection: int, *, holds: bool) -> None:
    (permit,) = granted.state.permits
    state, answer, told = ask(granted, control.Withdraw(), connection)
    assert answer == ({"ok": True} if holds else no("not-session-holder"))
    assert state.permits == (() if holds else (permit,))
    withdrawn = {"kind": "withdrawn", "permit": permit.number, "reason": "no-permit"}
    assert [body for body in told if body["kind"] == "withdrawn"] == [withdrawn] * holds


# --- by the operator --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("connection", "nonce", "reason"),
    [
        (DAEMON, NONCE, None),
        (RUN, NONCE, None),
        (CLI, NONCE, "not-session-holder"),
        (DAEMON, "1" * 32, "nonce-stale"),
        (RUN, "1" * 32, "nonce-stale"),
    ],
)
def test_a_reset_and_a_resolve_come_from_the_daemon_or_a_guarded_run_and_quote_what_was_just_seen(
    tripped: VirtualRoom, idle: VirtualRoom, connection: int, nonce: str, reason: str | None
) -> None:
    state, answer, _ = ask(tripped, control.Reset("ann", nonce), connection, uid=ANN)
    assert answer == (no(reason) if reason else {"ok": True})
    assert state.phase is (Phase.TRIPPED if reason else Phase.SAFE)

    book = idle.state.book.apply(90, Record(Kind.RESERVE, 20)).apply(91, Record(Kind.UNKNOWN, 20, ref=90))
    state, answer, told = ask(idle, control.Resolve("ann", 90, "seen", nonce), connection, uid=ANN, book=book)
    assert answer == (no(reason) if reason else {"ok": True})
    resolved = {"kind": "resolved", "ref": 90, "by": "uid 1001" if connection == RUN else "ann"}
    assert [body for body in told if body["kind"] == "resolved"] == ([] if reason else [resolved])


@pytest.mark.parametrize("message", [control.Reset("ann", NONCE), control.Resolve("ann", 90, "seen", NONCE)])
def test_with_nothing_to_reset_or_to_resolve_the_answer_says_so(idle: VirtualRoom, message: control.Message) -> None:
    assert ask(idle, message)[1]["reason"] in ("nothing-tripped", "nothing-to-resolve")


# --- beats and leases -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("turns", "moved"), [(4, False), (5, False), (6, True)])
def test_only_a_counter_that_moved_on_is_a_beat_of_its_own_loop(
    granted: VirtualRoom, turns: int, *, moved: bool
) -> None:
    now_us = granted.now.us
    before = Beats(5, now_us - 11, 5, now_us - 12, now_us - 13)
    at_us = now_us if moved else None
    for beat, after in (
        (control.Beat(turns, 5, 13), Beats(turns, at_us or now_us - 11, 5, now_us - 12, now_us - 13)),
        (control.Beat(5, turns, 13), Beats(5, now_us - 11, turns, at_us or now_us - 12, now_us - 13)),
    ):
        event = Requested(DAEMON, None, beat)
        state, actions = gate.step(granted.room, replace(granted.state, beats=before), event, granted.now)
        assert state.beats == after
        assert not [action for action in actions if isinstance(action, Answer)]


@pytest.mark.parametrize(("ago_us", "seen_us"), [(14, 13), (13, 13), (12, 12), (0, 0)])
def test_an_operator_was_last_seen_when_any_beat_said_so(granted: VirtualRoom, ago_us: int, seen_us: int) -> None:
    now_us = granted.now.us
    before = Beats(5, now_us, 5, now_us, now_us - 13)
    event = Requested(DAEMON, None, control.Beat(6, 6, ago_us))
    state, _ = gate.step(granted.room, replace(granted.state, beats=before), event, granted.now)
    assert state.beats.presence_at_us == now_us - seen_us


def test_a_beat_counts_from_the_holder_of_the_session_alone(granted: VirtualRoom, idle: VirtualRoom) -> None:
    for room, connection in ((granted, RUN), (granted, STRANGER), (idle, DAEMON)):
        event = Requested(connection, None, control.Beat(2**40, 2**40, 0))
        state, actions = gate.step(room.room, room.state, event, room.now)
        assert state.beats == room.state.beats
        assert not [action for action in actions if isinstance(action, Answer)]


@pytest.mark.parametrize("value", ["begin", "continue", "none"])
@pytest.mark.parametrize("connection", [ARM_LOOP, DAEMON, RUN, CLI, STRANGER])
def test_the_arm_loop_alone_says_whether_the_coil_is_on_its_target(
    idle: VirtualRoom, connection: int, value: str
) -> None:
    state = replace(idle.state, lease="before", lease_at_us=3)
    after, actions = gate.step(idle.room, state, Requested(connection, None, control.Lease(value)), idle.now)
    taken = connection == ARM_LOOP
    assert (after.lease, after.lease_at_us) == ((value, idle.now.us) if taken else ("before", 3))
    assert not [action for action in actions if isinstance(action, Answer)]
