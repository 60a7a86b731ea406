"""Any program at the PTY door: the watchdog makes the permit at the trigger, out of a block reserved at arming."""

from __future__ import annotations

from typing import Any

import pytest

from safety.events import Door

S, MS = 1_000_000, 1_000


def test_a_script_arms_fires_a_train_and_is_counted(room: Any) -> None:
    answer = room.open_script(ceiling=50)
    assert answer["ok"], answer
    assert room.release()["ok"]
    room.take_remote(Door.PTY)
    room.set_train(level=40, pulses=20, door=Door.PTY)
    assert room.arm(Door.PTY)[1:2] != b"S", room.told[-3:]
    assert room.frame("EH", Door.PTY)[1:2] != b"S", room.told[-3:]
    room.stay(3 * S, Door.PTY)
    assert room.frame("EA", Door.PTY)[:1] == b"E"
    room.pass_time(S)

    assert room.pulses == 20
    assert room.state.book.session(room.state.session.key) == 20
    assert room.state.session.block is None


@pytest.fixture
def firing(room: Any) -> Any:
    """A released script of single pulses, ready for the first."""
    assert room.open_script(ceiling=50)["ok"]
    assert room.release()["ok"]
    room.take_remote(Door.PTY)
    room.set_single(level=40, door=Door.PTY)
    room.arm(Door.PTY)
    return room


@pytest.mark.parametrize("every_us", [960 * MS, 1_100 * MS, 1_500 * MS])
def test_pulses_one_by_one_find_what_they_need_read_back(firing: Any, every_us: int) -> None:
    for _ in range(6):
        assert firing.frame("EH", Door.PTY)[1:2] != b"S", firing.told[-3:]
        fired_us = firing.clock.now_us()
        firing.pass_time(every_us // 2)
        firing.poke(Door.PTY)
        firing.pass_time(fired_us + every_us - firing.clock.now_us())
    assert firing.pulses == 6


def test_no_question_of_ours_is_on_the_line_when_a_script_may_fire_again(firing: Any) -> None:
    firing.frame("EH", Door.PTY)
    fired_us = firing.clock.now_us()
    firing.written.clear()
    firing.pass_time(1_050 * MS)
    asked_us = [at_us - fired_us for at_us, _ in firing.written]
    assert asked_us, "what was read back would be too old for the next pulse"
    assert all(680 * MS <= at_us <= 810 * MS for at_us in asked_us), asked_us
