"""How the arm does: each limit of it met from both sides; numbers in mm, newtons and ms, typed here on purpose."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import pytest

from daemon.arm.health import Health
from daemon.arm.hold import ArmReason, Command, HoldState
from daemon.arm.limits import ArmLimits
from drivers.poses import Pose
from drivers.robots import Program, RobotMode, RobotState, SafetyMode
from drivers.trackers import Tool
from tests.daemon.arm.hold_room import JOINTS, tracking, without

MS = 1_000
NOTHING = (0.0,) * 6


class Felt:
    """Health that is told states at times of the test's, in ms from a random origin."""

    def __init__(self) -> None:
        self.health = Health(ArmLimits())
        self._start_us = random.randrange(10**6, 10**12)

    def at(self, ms: float) -> int:
        return self._start_us + round(ms * MS)

    def told(self, ms: float, *, mm: float = 0.0, newtons: float = 0.0, clock_ms: float | None = None) -> None:
        """The arm so far along its x, pressed so hard; its clock goes along unless it is said to stand."""
        force = (0.0, newtons * 0.6, -newtons * 0.8, 0.0, 0.0, 0.0)
        self.health.take(
            RobotState(
                self.at(ms), Pose(translation=(mm / 1e3, 0.0, 0.0)), JOINTS, NOTHING, force, RobotMode.RUNNING,
                SafetyMode.NORMAL, Program.TRACKING, 0, 1.0, 100.0 + (ms if clock_ms is None else clock_ms) / 1e3,
            )
        )  # fmt: skip

    @property
    def mm_s(self) -> float:
        return math.hypot(*self.health.velocity) * 1e3


# --- whether it is heard


def test_an_arm_is_unreachable_after_100_ms_of_silence() -> None:
    felt = Felt()
    felt.told(0)

    assert felt.health.trouble(felt.at(100)) is None
    assert felt.health.trouble(felt.at(100) + 1) is ArmReason.ROBOT_UNREACHABLE


def test_an_arm_is_unreachable_after_100_ms_in_which_its_clock_stood() -> None:
    felt = Felt()
    for ms in range(0, 120, 2):
        felt.told(ms, clock_ms=0)

    assert felt.health.trouble(felt.at(100)) is None
    assert felt.health.trouble(felt.at(100) + 1) is ArmReason.ROBOT_UNREACHABLE


def test_a_hold_whose_arm_is_silent_knows_it_after_100_ms() -> None:
    room = tracking()
    last_us = room.now_us
    room.robot_says = lambda _: None

    room.run(0.5, until=lambda said: said.state is HoldState.FAULT)

    assert room.now_us - last_us == 104 * MS  # in the first turn after


# --- how fast it is


def test_speed_is_measured_over_20_ms() -> None:
    """A jerk of 3 mm between two states is seen as speed until the state after it is 20 ms old."""

    def jerked(ms_ago: float) -> float:
        felt = Felt()
        felt.told(0)
        felt.told(1, mm=3)
        felt.told(10, mm=3)
        felt.told(1 + ms_ago, mm=3)
        return felt.mm_s

    assert jerked(19.9) == pytest.approx(3 / 0.0209)
    assert jerked(20.1) == 0


def test_less_than_10_ms_make_no_speed() -> None:
    def measured(over_ms: float) -> float:
        felt = Felt()
        felt.told(0)
        felt.told(over_ms, mm=0.3 * over_ms)
        return felt.mm_s

    assert measured(9.9) == 0
    assert measured(10.1) == pytest.approx(300)


def test_states_200_ms_apart_make_no_speed() -> None:
    def measured(apart_ms: float) -> float:
        felt = Felt()
        felt.told(0)
        felt.told(apart_ms, mm=0.1 * apart_ms)
        return felt.mm_s

    assert measured(199) == pytest.approx(100)
    assert measured(201) == 0


def test_an_arm_below_95_percent_of_its_speed_is_slow() -> None:
    felt = Felt()
    felt.told(0)
    state = felt.health.state
    assert state is not None

    felt.health.take(replace(state, received_us=felt.at(2), speed_scaling=0.951))
    assert not felt.health.slow
    felt.health.take(replace(state, received_us=felt.at(4), speed_scaling=0.949))
    assert felt.health.slow


# --- what it feels


def test_more_than_8_newtons_for_8_ms_are_a_touch() -> None:
    def touched(newtons: float, ms: float) -> bool:
        felt = Felt()
        felt.told(0)
        felt.told(2, newtons=newtons)
        felt.told(6, newtons=newtons)
        return felt.health.touched(felt.at(2 + ms))

    assert (touched(8.1, 7.999), touched(8.1, 8)) == (False, True)
    assert (touched(7.9, 100), touched(8.1, 100)) == (False, True)


def test_a_touch_that_ends_for_one_state_begins_anew() -> None:
    felt = Felt()
    for ms, newtons in ((0, 9), (6, 9), (7, 0), (8, 9), (14, 9)):
        felt.told(ms, newtons=newtons)

    assert not felt.health.touched(felt.at(15.999))
    assert felt.health.touched(felt.at(16))


@pytest.mark.parametrize(("newtons", "ends"), [(7.9, HoldState.FREEZE), (8.1, HoldState.RETRACT)])
def test_a_coil_that_cannot_see_goes_off_a_head_that_comes_against_it(newtons: float, ends: HoldState) -> None:
    room = tracking()
    room.robot_says = lambda robot: replace(robot, force=(0.0, 0.0, -newtons, 0.0, 0.0, 0.0))
    assert room.run(0.3).state is HoldState.TRACK, "while it is seen, as much is its own tool's inertia"
    room.spoil = lambda frame: without(frame, Tool.HEAD)
    room.run(0.5, until=lambda said: said.state is HoldState.FREEZE)
    output = room.run(0.3, until=lambda said: said.state is HoldState.RETRACT)

    assert output.state is ends
    assert (output.why, output.command) == (
        (ArmReason.FORCE, Command.RETRACT) if ends is HoldState.RETRACT else (ArmReason.HEAD_LOST, Command.FOLLOW)
    )
