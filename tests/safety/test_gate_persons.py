"""Who a person is: the daemon says whom the broker has proved, any other program acts for the user it runs as."""

from __future__ import annotations

from typing import Any

import pytest

from safety import control, events
from safety.ledger_format import Kind, key
from safety.state import Phase
from tests.safety.conftest import HOLDER, VirtualRoom, new
from tests.safety.rooms import released
from tests.safety.rooms import tripped as unplugged

MS = 1_000
RUN, OTHER_RUN = 21, 22
"""Connections of two guarded runs."""
ANN, BOB = 1001, 1002
"""Users of the machine."""


@pytest.fixture
def tripped() -> VirtualRoom:
    """A room whose daemon asked for more than the limits allow, with two guarded runs that look on."""
    room = released(new)
    room.frame("@046")
    room.pass_time(300 * MS)
    for run in (RUN, OTHER_RUN):
        assert room.ask(control.Hello(role="guarded"), run)["ok"]
    assert room.state.phase is Phase.TRIPPED
    return room


def reset(room: VirtualRoom, by: str, connection: int = HOLDER, uid: int = 0) -> Any:
    answer = room.ask(control.Reset(by=by, nonce=room.nonce), connection, uid)
    return answer.get("reason", "reset")


@pytest.mark.parametrize("uid", [0, 1233, 1235])
def test_only_the_daemon_s_own_user_may_call_itself_the_daemon(uid: int) -> None:
    room = VirtualRoom(daemon_uid=1234)
    assert room.ask(control.Hello(role="daemon"), RUN, uid)["reason"] == "not-the-daemon"
    assert room.ask(control.Attach(), RUN, uid)["reason"] == "not-session-holder"
    for role in ("guarded", "cli"):
        assert room.ask(control.Hello(role=role), RUN, uid)["ok"]
        room.feed(events.Disconnected(RUN))
    assert room.ask(control.Hello(role="daemon"), OTHER_RUN, 1234)["ok"]
    assert room.ask(control.Attach(), OTHER_RUN, 1234)["ok"]


def test_the_status_says_whether_a_daemon_is_there_to_name_persons() -> None:
    room = new()
    room.ask(control.Hello(role="guarded"), RUN)
    assert room.ask(control.Status(), RUN)["status"]["daemon"] is True
    room.feed(events.Disconnected(HOLDER))
    assert room.ask(control.Status(), RUN)["status"]["daemon"] is False


def test_a_guarded_run_is_one_person_whatever_names_it_gives(tripped: VirtualRoom) -> None:
    for name in ("ann", "bob", f"uid {BOB}"):
        assert reset(tripped, name, RUN, ANN) == "reset-needs-second-person"
    assert tripped.state.trip is not None
    assert tripped.state.trip.first_person == "uid 1001"


def test_two_runs_of_one_user_are_one_person_and_of_two_users_are_two(tripped: VirtualRoom) -> None:
    assert reset(tripped, "ann", RUN, ANN) == "reset-needs-second-person"
    assert reset(tripped, "bob", OTHER_RUN, ANN) == "reset-needs-second-person"
    assert reset(tripped, "ann", OTHER_RUN, BOB) == "reset"


def test_the_daemon_s_word_makes_two_persons_of_one_connection(tripped: VirtualRoom) -> None:
    assert reset(tripped, "ann") == "reset-needs-second-person"
    assert reset(tripped, "ann") == "reset-needs-second-person"
    assert reset(tripped, "bob") == "reset"


def test_a_user_of_the_broker_and_one_of_the_machine_may_be_the_same_person(tripped: VirtualRoom) -> None:
    assert reset(tripped, "ann") == "reset-needs-second-person"
    assert reset(tripped, "bob", RUN, BOB) == "reset-needs-second-person"
    assert reset(tripped, "bob") == "reset"


def test_the_ledger_keeps_who_reset_and_who_came_first_where_it_took_two(tripped: VirtualRoom) -> None:
    reset(tripped, "ann")
    reset(tripped, "bob")
    alone = unplugged(new)
    assert reset(alone, "ann") == "reset"

    assert last_note(tripped, Kind.RESET) == key("bob") + key("ann")
    assert last_note(alone, Kind.RESET) == key("ann")


def test_a_guarded_run_signs_with_the_user_of_its_process() -> None:
    room = new()
    room.ask(control.Hello(role="guarded"), RUN, ANN)
    opened = room.ask(control.OpenSession("phantom", "pty", "bob", "coil-1"), RUN, ANN)
    assert room.ask(control.Release(opened["hash"], room.nonce, "bob"), RUN, ANN)["ok"]
    assert room.ask(control.Status(), RUN, ANN)["ok"]
    assert room.ask(control.CloseSession("bob"), RUN, ANN)["ok"]

    assert [room.last(kind)["by"] for kind in ("released", "session-closed")] == ["uid 1001"] * 2
    assert last_note(room, Kind.RELEASE) == key("uid 1001")


def last_note(room: VirtualRoom, kind: Kind) -> bytes:
    room.pass_time(10 * MS)
    return next(record.note for _, record in reversed(room.records) if record.kind is kind)
