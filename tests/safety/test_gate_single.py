"""Pulse by pulse on the watchdog's timer: 1 Hz, blocks of twenty, one block after the other without a seam."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from simulator.world import Kind

S, MS = 1_000_000, 1_000


def test_two_blocks_of_timed_pulses_follow_each_other_at_one_hertz(room: Any) -> None:
    answer = room.open("lf-right-1hz")
    assert answer["ok"], answer
    assert room.release()["ok"]
    room.set_single(level=54)
    room.arm()
    first = room.permit(
        level=54, rate=0, pulses=1, triggers=20, spacing_us=S, times_us=tuple(n * S + 100 * MS for n in range(20))
    )
    assert first["ok"], first
    room.stay(15 * S)
    second = room.permit(
        level=54, rate=0, pulses=1, triggers=20, spacing_us=S, times_us=tuple((n + 1) * S for n in range(20))
    )
    assert second["ok"], second
    room.stay(26 * S)

    times = [happening.at_us for happening in room.world.of(Kind.PULSE)]
    assert len(times) == 40, room.told[-3:]
    assert all(abs(b - a - S) <= 20 * MS for a, b in pairwise(times))
    assert room.state.book.session(room.state.session.key) == 40
    assert room.state.trip is None
