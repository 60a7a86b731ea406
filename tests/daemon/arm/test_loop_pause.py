"""What the arm's process does between two turns: it hears, while that makes no turn late."""

from __future__ import annotations

from typing import Any, cast

from daemon.arm.__main__ import run
from daemon.arm.lateness import Lateness
from daemon.arm.loop import Loop
from daemon.arm.realtime import Metronome
from tests.daemon.arm.loop_stand_ins import LoopRoom
from tests.daemon.arm.test_loop_talk import frame


class Pause:
    """A loop, its metronome and its sockets, each saying what was written for it; what was done, in order."""

    def __init__(self, spare_ms: list[float], ready: list[bool], heard: list[bool]) -> None:
        self.done: list[str] = []
        self.lateness = Lateness()
        self._spare_ms, self._ready, self._heard = spare_ms, ready, heard

    def ended(self, _now_us: int) -> bool:
        return "turn" in self.done

    @property
    def spare_s(self) -> float:
        return self._spare_ms.pop(0) / 1e3

    def heard_of(self, spare_s: float) -> bool:
        self.done.append(f"waits {spare_s * 1e3:g} ms")
        return self._ready.pop(0)

    def hear(self, _now_us: int) -> bool:
        self.done.append("hears")
        return self._heard.pop(0)

    def wait(self) -> tuple[int, int, int]:
        return 0, 0, 0

    def turn(self, _now_us: int) -> None:
        self.done.append("turn")


def what_is_done(spare_ms: list[float], ready: list[bool], heard: list[bool]) -> list[str]:
    pause: Any = Pause(spare_ms, ready, heard)
    run(cast(Loop, pause), cast(Metronome, pause), lambda: False, lambda _: None, pause.heard_of)
    return list(pause.done)


def test_it_hears_what_is_said_until_there_is_no_time_left() -> None:
    done = what_is_done([1.4, 0.9, 0.2, -0.1], [True, True, True], [True, True, True])

    assert done == ["waits 1.4 ms", "hears", "waits 0.9 ms", "hears", "waits 0.2 ms", "hears", "turn"]


def test_it_turns_in_time_when_nobody_speaks_and_when_no_time_was_left() -> None:
    assert what_is_done([1.4], [False], []) == ["waits 1.4 ms", "turn"]
    assert what_is_done([-0.1], [], []) == ["turn"]


def test_what_only_a_turn_can_take_does_not_keep_it_busy_until_then() -> None:
    assert what_is_done([1.4], [True], [False]) == ["waits 1.4 ms", "hears", "turn"]


def test_a_frame_that_is_heard_in_the_pause_is_in_the_hold_before_the_turn(room: LoopRoom) -> None:
    daemon = room.client("daemon")
    turns = len(room.hold.robots)
    daemon.send(**frame(room, 7))

    assert room.loop.hear(room.now_us + 900)
    assert [seen.number for seen in room.hold.told] == [7]
    assert not room.loop.hear(room.now_us + 1_000)
    assert len(room.hold.robots) == turns
