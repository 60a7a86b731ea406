"""From the instant the coil really leaves its target to the end of the lease: the bound a running train is cut within.

The figures are those of the design less the 5 ms in which the watchdog writes a disarm.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest

from daemon.arm.lease import CONTINUE_M, CONTINUE_RAD, Lease
from drivers.poses import Pose
from drivers.trackers import Frame, Tool
from tests.daemon.arm.hold_room import HEAD, Room, frozen, tracking, without

SEEN_US, UNSEEN_US = 75_000, 145_000
LAG_TURNS = 20
"""80 ms, as a UR's."""
SEEDS = range(8)
MOST_US = 1_500_000


def shift(draw: random.Random, from_us: int) -> Callable[[int], Pose]:
    """A head that goes somewhere and turns, and speeds up as heads do."""
    way = [draw.gauss(0, 1) for _ in range(3)]
    metres, seconds = draw.uniform(0.015, 0.04), draw.uniform(0.15, 0.6)
    step = [metres * part / math.hypot(*way) for part in way]
    turn = [draw.uniform(-0.1, 0.1) for _ in range(3)]

    def at(now_us: int) -> Pose:
        s = min(1.0, max(0.0, (now_us - from_us) / 1e6 / seconds))
        share = s**3 * (10 - 15 * s + 6 * s * s)
        return Pose.turned([share * each for each in turn], [share * each for each in step]) @ HEAD

    return at


def outside(room: Room) -> bool:
    """As the world sees it."""
    off = room.on_target()
    return off.distance > CONTINUE_M or off.angle > CONTINUE_RAD


Lost = Callable[[Room], Callable[[Frame], Frame | None]]


def overdue_us(seed: int, lost: Lost | None = None) -> int:
    """How long a train could run on after the coil had left its target; the tracker may be lost on the way."""
    draw, room = random.Random(seed), tracking(seed=seed)
    room.lag_turns = LAG_TURNS
    room.run(0.2)
    from_us = room.now_us
    room.move = shift(draw, from_us)
    lost_us = from_us + draw.randrange(40_000)
    left_us = none_us = None
    while left_us is None or none_us is None:
        assert room.now_us - from_us < MOST_US, "it left its target and kept its lease, or never left it"
        if lost is not None and room.now_us >= lost_us:
            room.spoil, lost = lost(room), None
        said = room.turn()
        left_us = room.now_us if left_us is None and outside(room) else left_us
        none_us = room.now_us if none_us is None and said.lease is Lease.NONE else none_us
    return none_us - left_us


def test_a_coil_that_is_seen_to_leave_its_target_loses_its_lease_within_75_ms() -> None:
    assert max(overdue_us(seed) for seed in SEEDS) <= SEEN_US


def silent(_room: Room) -> Callable[[Frame], Frame | None]:
    return lambda _frame: None


def hidden(_room: Room) -> Callable[[Frame], Frame | None]:
    return lambda frame: without(frame, Tool.HEAD)


@pytest.mark.parametrize("lost", [silent, hidden, frozen])
def test_a_coil_that_leaves_its_target_unseen_loses_its_lease_within_145_ms(lost: Lost) -> None:
    assert 0 < max(overdue_us(seed, lost) for seed in SEEDS) <= UNSEEN_US
