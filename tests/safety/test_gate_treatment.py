"""A treatment through the gate: from the port found to the last settled pulse, in virtual time."""

from __future__ import annotations

from typing import Any

from safety.state import Phase

S = 1_000_000


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
