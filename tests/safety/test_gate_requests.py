"""Frames and requests: what is never passed on, who gets a door, and who may open, continue and release a session."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from safety import control, events
from safety.asking import Cutting, Use
from safety.book import EMPTY_BOOK
from safety.events import Door
from safety.ledger_format import Carry, Kind, Record, key
from tests.safety.conftest import HOLDER, VirtualRoom, new
from tests.safety.rooms import passes, ready

MS, S, HOUR = 1_000, 1_000_000, 3_600_000_000


# --- frames and messages --------------------------------------------------------------------------------------


def test_enhanced_power_is_never_passed_on() -> None:
    room = new()
    room.frame("^@")
    assert room.last("refused")["reason"] == "forbidden-frame"
    assert passes(room, "_@")


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
    room = new()
    assert room.ask(control.Hello(role="guarded")) == {
        "ok": False, "reason": "malformed-message", "detail": {"why": "this connection has said hello"},
    }  # fmt: skip
    assert dict(room.state.roles)[HOLDER] == "daemon", "and stays what it said first"
    assert room.ask(control.Hello(role="guarded"), 9)["ok"]


@pytest.mark.parametrize("cutting", Cutting)
def test_whoever_says_hello_or_opens_a_session_hears_what_is_known_of_disarming(cutting: Cutting) -> None:
    room = new(disarm_cuts_train=cutting)
    hello = room.ask(control.Hello(role="cli"), 9)
    understood = room.open(kind="phantom", subject="", protocol="", threshold=None)["understood"]
    assert (hello["disarm_cuts_train"], understood["disarm_cuts_train"]) == (cutting.value, cutting.value)


@pytest.mark.parametrize(("cutting", "allowed"), [(Cutting.ASSUMED, True), (Cutting.PROVEN, True), (Cutting.NO, False)])
def test_where_disarming_does_not_cut_a_train_no_train_of_two_seconds_is_planned(
    cutting: Cutting, *, allowed: bool
) -> None:
    answer = new(disarm_cuts_train=cutting).open()
    assert answer["ok"] is allowed
    assert allowed or (answer["reason"], answer["detail"]["allowed"]) == ("autonomy", "50 pulses in 1.0 s")


def test_a_connection_that_only_looks_on_resets_and_opens_nothing() -> None:
    room = new()
    room.ask(control.Hello(role="cli"), 9)
    assert room.ask(control.Reset(by="ann", nonce=room.nonce), 9)["reason"] == "not-session-holder"
    opening = control.OpenSession("phantom", "daemon", "ann", "coil-1")
    assert room.ask(opening, 9)["reason"] == "not-session-holder"
    assert room.ask(control.Status(), 9)["status"]["phase"] == "safe"


# --- sessions -------------------------------------------------------------------------------------------------


def test_no_session_opens_while_tripped() -> None:
    room = ready(new)
    room.feed(events.PortLost("unplugged"))
    room.ask(control.CloseSession(by="ann"))
    assert room.open()["reason"] == "tripped"


def test_a_room_opens_no_session_for_another_coil_a_simulated_threshold_or_more_than_prescribed() -> None:
    room = new()
    assert room.open(coil="coil-2")["reason"] == "threshold-other-coil"
    assert room.open(intensity_tenths=1001)["reason"] == "intensity-over-limit"
    assert room.open(coil="coil-1", intensity_tenths=1000)["ok"]
    real = new(simulated=False)
    refused = real.open()
    assert (refused["reason"], refused["detail"]) == ("threshold-simulated", {})
    assert real.open(threshold=real.threshold(simulated=False))["ok"]


def test_a_study_opens_no_session_while_a_row_of_its_tables_is_not_signed() -> None:
    unsigned = "row cell_10hz_100 is not signed"
    lacking, signed = new(use=Use.STUDY, lacks=lambda _protocol, _wall_us: (unsigned,)), new(use=Use.STUDY)
    threshold = signed.threshold(simulated=False)
    refused = lacking.open(threshold=threshold)
    assert (refused["reason"], refused["detail"]) == ("study-incomplete", {"lacks": unsigned})
    assert signed.open(threshold=threshold)["ok"]


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
    room.wall_shift_us = 0
    assert room.open(**asked)["ok"]


@pytest.mark.parametrize(("delivered", "continued"), [(60, False), (59, True)])
def test_a_treatment_that_is_complete_is_not_continued(delivered: int, *, continued: bool) -> None:
    room = new()
    session = room.open()["session"]
    room.pass_time(10 * MS)
    done = Record(Kind.RESERVE, delivered, subject=key("S-0001"), session=bytes.fromhex(session), protocol=key("demo"))
    room.state = replace(room.state, book=room.state.book.apply(room.state.book.last_seq + 1, done))
    room.ask(control.CloseSession(by="ann"))
    answer = room.open(continues=session, reason="a break")
    assert answer["ok"] is continued
    assert continued or answer["detail"]["why"] == "nothing is left to deliver"


@pytest.mark.parametrize(("course", "noticed"), [(38_999, False), (39_000, True)])
def test_a_long_course_is_noticed_when_a_session_opens_and_refuses_nothing(course: int, *, noticed: bool) -> None:
    carried = Record(Kind.CARRIED, course, subject=key("S-0001"), protocol=key("demo"), code=Carry.COURSE)
    understood = new(book=EMPTY_BOOK.apply(1, carried)).open()["understood"]
    assert (understood["course"], understood["course_notice"]) == (course, noticed)


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
