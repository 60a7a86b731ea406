"""A treatment through the gate: from the port found to the last settled pulse, in virtual time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from safety import control
from safety.protocols import parse_protocol
from safety.state import Phase
from tests.safety.conftest import LIMITS, new

MS, S = 1_000, 1_000_000
RAMPED = (Path(__file__).parent / "files" / "ramped-protocol.toml").read_text("utf-8")


def test_a_room_without_session_arms_nothing_and_says_so_as_the_device_would(room: Any) -> None:
    reply = room.frame("EB")

    assert reply == b"ES\x67"
    assert room.last("refused")["reason"] == "no-session"


def test_the_demo_is_delivered_counted_and_settled(room: Any) -> None:
    answer = room.open()
    assert answer["ok"], answer
    assert room.release()["ok"]
    room.set_train()
    for _ in range(3):
        settled = room.run_train()
        assert (settled["outcome"], settled["pulses"], settled["by"]) == ("delivered", 20, "running")
        assert settled["low"] <= 20 <= settled["high"]
        room.stay(5 * S)

    assert room.pulses == 60
    assert room.state.book.session(room.state.session.key) == 60
    assert room.state.phase is Phase.SAFE
    assert room.state.trip is None


def test_a_ramp_is_planned_train_by_train_and_begins_anew_in_what_is_left() -> None:
    room = new(protocols={"ramped": parse_protocol(RAMPED, "ramped.toml", LIMITS)})
    opened = room.open("ramped")
    plan = opened["understood"]["plan"]
    assert [(run["trains"], run["level_tenths"]) for run in plan] == [(1, 360), (1, 380), (1, 400), (1, 420), (2, 450)]
    assert opened["understood"]["intensity_tenths"] == 1000
    assert room.release()["ok"]
    for level in (36, 38, 40, 42, 45):
        room.set_train(level=level)
        assert room.run_train(level=level)["outcome"] == "delivered"
        room.stay(4 * S)
    room.ask(control.CloseSession(by="ann"))
    room.pass_time(100 * MS)

    left = room.open("ramped", continues=opened["session"], reason="a break")["understood"]
    assert left["pulses_left"] == 20
    assert [(run["trains"], run["level_tenths"]) for run in left["plan"]] == [(1, 360)]
