"""Any program at the PTY door: the watchdog makes the permit at the trigger, out of a block reserved at arming."""

from __future__ import annotations

from typing import Any

from safety.events import Door

S = 1_000_000


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
