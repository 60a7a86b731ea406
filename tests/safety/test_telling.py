"""The status, whole: what everybody sees of a room at rest, of a train under way, and of a trip."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from drivers.quantities import PercentRmt
from drivers.stimulators import Condition
from safety.events import Door
from safety.ledger_format import KEY0, Kind, Record, key
from safety.reasons import Reason
from safety.state import Device, Disarming, Emergency, Phase, Trip
from safety.telling import status
from tests.safety.conftest import VirtualRoom, new, turn_of
from tests.safety.rooms import hunting, running

MS, S = 1_000, 1_000_000

UNKNOWN_DEVICE = {
    "present": False, "condition": None, "condition_age_us": None, "may_be_armed": False, "remote": False,
    "coil_present": True, "temperature_tenths": None, "temperature_age_us": None, "settings": None,
    "train_running": False,
}  # fmt: skip


@pytest.fixture(scope="module")
def firing() -> VirtualRoom:
    return running(new)


def test_before_anything_is_known_the_status_says_so_of_each_thing() -> None:
    room = VirtualRoom()
    assert status(turn_of(room)) == {
        "at_us": room.now.us, "wall_us": room.now.wall_us, "phase": "boot", "nonce": None, "daemon": False,
        "speaker": None, "hold": None, "trip": None, "lockout": None, "unknown": [], "disarming": False,
        "device": UNKNOWN_DEVICE, "session": None, "last_session": None, "emergency": None,
        "blocked": False, "witness": "running", "sensed": None, "cut_off": None,
    }  # fmt: skip


def test_while_a_train_runs_the_status_says_for_whom_with_what_and_how_far(firing: VirtualRoom) -> None:
    turn = turn_of(firing)
    now_us, session = turn.now.us, firing.state.session
    assert session is not None
    device = replace(firing.state.device, condition_at_us=now_us - 3, temperature_at_us=now_us - 7)
    turn.to(device=replace(device, condition=Condition.READY, temperature_tenths=254))
    turn.to(session=replace(session, cuts=2), nonces=(("old", 1), ("new", 2)), hold=Reason.PRESENCE_OLD)

    told = status(turn)

    assert told.pop("device") == {
        "present": True, "condition": "ready", "condition_age_us": 3, "may_be_armed": True, "remote": True,
        "coil_present": True, "temperature_tenths": 254, "temperature_age_us": 7,
        "settings": {"level_tenths": 450, "rate_tenths": 100, "pulses": 20}, "train_running": True,
    }  # fmt: skip
    assert told.pop("session") == {
        "key": session.key.hex(), "hash": session.hash, "kind": "treatment", "door": "daemon", "subject": "S-0001",
        "protocol": "demo", "released": True, "paused": None, "ceiling_tenths": 450, "intensity_tenths": 1000,
        "planned": 60, "counted": 20, "today": 20, "cuts": 2,
    }  # fmt: skip
    book = turn.state.book
    assert told.pop("last_session") == {"key": session.key.hex(), "last_wall_us": book.last_us(session.key)}
    assert turn.now.wall_us - 2_000_000 < book.last_us(session.key) <= turn.now.wall_us
    assert told == {
        "emergency": None, "blocked": False,
        "at_us": now_us, "wall_us": turn.now.wall_us, "phase": "firing", "nonce": "new", "daemon": True,
        "speaker": "daemon", "hold": "presence-old", "trip": None, "lockout": None, "unknown": [], "disarming": False,
        "witness": "running", "sensed": None, "cut_off": None,
    }  # fmt: skip


def test_a_session_without_protocol_has_no_intensity_and_says_what_paused_it() -> None:
    room = hunting(new)
    session = room.state.session
    assert session is not None
    earlier = Record(Kind.RESERVE, 5, subject=key("S-0001"), session=b"\7" * 8, wall_us=room.now.wall_us)
    book = room.state.book.apply(room.state.book.last_seq + 1, earlier)
    paused = replace(session, released=False, paused=Reason.STOP_ASKED)

    told = status(turn_of(room, session=paused, book=book))["session"]

    assert (told["kind"], told["protocol"], told["intensity_tenths"]) == ("threshold", None, None)
    assert (told["released"], told["paused"]) == (False, "stop-asked")
    assert (told["counted"], told["today"]) == (0, 5)


@pytest.mark.parametrize(("first", "shown"), [("", None), ("ann", "ann")])
def test_a_trip_is_shown_with_its_reason_and_who_would_end_it(
    firing: VirtualRoom, first: str, shown: str | None
) -> None:
    trip = Trip(Reason.PORT_LOST, 5, "unplugged", first, 9)
    told = status(turn_of(firing, trip=trip, phase=Phase.TRIPPED))
    assert told["phase"] == "tripped"
    assert told["trip"] == {"reason": "port-lost", "at_us": 5, "detail": "unplugged", "first_person": shown}


@pytest.mark.parametrize(("pulses", "running"), [(1, False), (2, True)])
def test_a_single_pulse_is_no_train(firing: VirtualRoom, pulses: int, *, running: bool) -> None:
    delivery = firing.state.delivery
    assert delivery is not None
    delivery = replace(delivery, train=replace(delivery.train, pulses=pulses))
    assert status(turn_of(firing, delivery=delivery))["device"]["train_running"] is running


@pytest.mark.parametrize(
    ("changes", "name", "shown"),
    [
        ({"disarming": Disarming(None, 0, 0)}, "disarming", True),
        ({"phase": Phase.LOCKOUT, "lockout": "the disk is full"}, "lockout", "the disk is full"),
        ({"speaker": Door.PTY}, "speaker", "pty"),
        ({"roles": ((3, "cli"), (4, "guarded"))}, "daemon", False),
        ({"commits": ((1, Record(Kind.UNKNOWN, ref=12), 0),)}, "unknown", [12]),
    ],
)
def test_the_status_follows_what_the_gate_knows(
    firing: VirtualRoom, changes: dict[str, Any], name: str, shown: object
) -> None:
    assert status(turn_of(firing))[name] != shown
    assert status(turn_of(firing, **changes))[name] == shown


def test_an_emergency_and_a_block_of_whoever_was_last_treated_are_told(firing: VirtualRoom) -> None:
    turn = turn_of(firing, emergency=Emergency(77, "bob", "S-0001", b"\7" * 8))
    told = status(turn)
    assert told["emergency"] == {"pressed_us": 77, "by": "bob", "subject": "S-0001", "session": "07" * 8}
    assert told["blocked"] is False, "for as long as the disk has not confirmed it"

    blocked = firing.state.book.apply(99, Record(Kind.BLOCK, subject=key("S-0001")))
    another = firing.state.book.apply(99, Record(Kind.BLOCK, subject=key("S-0002")))
    assert status(turn_of(firing, book=blocked))["blocked"] is True
    assert status(turn_of(firing, book=another))["blocked"] is False


def test_an_emergency_of_nobody_names_no_session(firing: VirtualRoom) -> None:
    told = status(turn_of(firing, emergency=Emergency(77, "bob", "", KEY0)))["emergency"]
    assert told == {"pressed_us": 77, "by": "bob", "subject": None, "session": None}


def test_what_a_device_never_said_has_no_age(firing: VirtualRoom) -> None:
    told = status(turn_of(firing, device=Device(present=True, coil_present=False)))["device"]
    assert told == {**UNKNOWN_DEVICE, "present": True, "coil_present": False, "train_running": True}


def test_the_intensity_and_the_ceiling_shown_are_the_sessions(firing: VirtualRoom) -> None:
    session = firing.state.session
    assert session is not None
    told = status(turn_of(firing, session=replace(session, intensity=PercentRmt(800))))["session"]
    assert (told["intensity_tenths"], told["ceiling_tenths"]) == (800, 450)
