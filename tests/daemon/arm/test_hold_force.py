"""What a head feels when somebody fails while it moves: the arm's loop and the simulated arm, in virtual time.

The head goes 20 mm within a second in any direction, over a neck of 5 N/mm and a skull of 150 N/mm.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from daemon.arm.limits import ArmLimits
from tests.daemon.arm.simulated_room import SimulatedRoom, on_target, shifting
from tests.simulator.rooms import MS, S

PRESSED_N, OFF_MM = 20.0, 20.0
"""interlocks.md H34."""
STOOD_N = 25.0
"""Nobody moves an arm whose program has ended: a head comes up to 7 mm nearer until it runs again."""
TOUCHED_N = ArmLimits().touch_n
OFF_US = 1 * S
"""Off by 20 mm within a second, the wait included in which a view that is hidden for 0.3 s is ridden out."""
SEEDS = (0, 37, 52, 55)
"""Heads that come towards the coil, but for the first: up to 31 N where the coil waits without feeling for them."""
Fails = Callable[[SimulatedRoom], object]


def controller_freezes(room: SimulatedRoom) -> None:
    room.arm.frozen = True


def cable_is_pulled(room: SimulatedRoom) -> None:
    room.arm.pulled = True


def comes_off(room: SimulatedRoom) -> float:
    """The coil is 20 mm off in time, as the world saw it; the highest force on the head, newtons."""
    end_us = room.talk.now_us + OFF_US
    while room.gap_mm < OFF_MM:
        assert room.talk.now_us < end_us, f"{room.gap_mm:.1f} mm off, {room.said}"
        room.turn()
    return float(room.talk.say("room")["peak_force_n"])


@pytest.mark.parametrize("how", ["silent", "numbers", "poses"])
def test_a_tracker_that_fails_while_the_head_moves_presses_nobody(how: str) -> None:
    peaks = []
    for seed in SEEDS:
        with shifting(seed) as room:
            room.talk.say("freeze-tracker", how=how)
            peaks.append(comes_off(room))
            assert room.said["state"] == "retract"

    assert max(peaks) < PRESSED_N, peaks
    assert max(peaks) > TOUCHED_N, "some head has to meet the coil: else this shows nothing"


@pytest.mark.parametrize(
    ("fails", "state", "why"),
    [
        (SimulatedRoom.daemon_dies, "parked", None),
        (controller_freezes, "fault", "robot-unreachable"),
        (cable_is_pulled, "fault", "robot-unreachable"),
    ],
)
def test_a_daemon_or_a_controller_that_is_gone_while_the_head_moves_leaves_a_coil_that_comes_off(
    fails: Fails, state: str, why: str | None
) -> None:
    for seed in SEEDS:
        with shifting(seed) as room:
            fails(room)

            assert comes_off(room) < PRESSED_N
            assert (room.said["state"], room.said["why"], room.said["lease"]) == (state, why, "none")


def test_an_arm_that_is_told_nothing_any_more_takes_the_coil_off_by_its_own_program() -> None:
    for seed in SEEDS:
        with shifting(seed) as room:
            room.runs = False

            assert comes_off(room) < PRESSED_N


def test_a_program_that_ends_while_the_head_moves_is_started_again_and_takes_the_coil_off_in_time() -> None:
    for seed in SEEDS:
        with shifting(seed) as room:
            room.talk.say("kill-program")

            assert comes_off(room) < STOOD_N
            assert room.said["why"] == "program-ended"


def test_a_sensor_s_own_noise_is_no_touch_and_a_short_gap_is_ridden_out() -> None:
    with on_target(1) as room:
        room.talk.room.arm.profile = replace(room.talk.room.arm.profile, force_noise_n=1.5)
        room.talk.say("hide", tool="head", s=0.3)
        assert room.run(200 * MS)["state"] == "freeze"

        assert room.run(1 * S, lambda said: said["lease"] == "begin")["state"] == "track"
