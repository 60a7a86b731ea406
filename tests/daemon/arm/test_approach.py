"""The way in: when it begins, goes on and is broken off; each limit met from both sides, in mm and degrees."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from daemon.arm.approach import Approach, Target, there
from daemon.arm.goals import Error
from daemon.arm.hold import HoldState
from daemon.arm.limits import ArmLimits
from daemon.arm.prediction import Estimate
from daemon.arm.steering import Steering
from drivers.poses import Pose, Vector
from drivers.robots import RobotState
from drivers.trackers import Tool
from tests.daemon.arm.hold_room import HEAD, ROBOT_FROM_CAMERA, SCALP, SETUP, TARGET, tracking, without

STILL: Vector = (0.0, 0.0, 0.0)


def standing(off_mm: float, *, aside_mm: float = 0.0, turned: float = 0.0) -> Pose:
    """head_from_tcp of a coil so far off its target, beside its normal, and turned by so many degrees."""
    return TARGET @ Pose.turned((0.0, 0.0, math.radians(turned)), (aside_mm / 1e3, 0.0, -off_mm / 1e3))


def approach() -> Approach:
    return Approach(Target.of(TARGET, SCALP, ArmLimits(), SETUP.away_m), ArmLimits())


def closes_in(at: Pose, way: Approach | None = None) -> bool:
    """Whether a coil that stands there closes in, or goes around the head."""
    way = way or approach()
    way.goal(at, 0.0)
    return way.gap_m is not None


def closing_in() -> Approach:
    """A coil 30 mm off its target, on the way in."""
    way = approach()
    assert closes_in(standing(30), way)
    return way


# --- where it begins


def test_it_closes_in_from_10_mm_beside_the_targets_normal_and_8_degrees_off_it() -> None:
    assert (closes_in(standing(30, aside_mm=9.9)), closes_in(standing(30, aside_mm=10.1))) == (True, False)
    assert (closes_in(standing(30, turned=7.9)), closes_in(standing(30, turned=8.1))) == (True, False)


def test_the_place_it_closes_in_from_is_60_mm_off_the_target() -> None:
    goal, closing = approach().goal(standing(100, aside_mm=30), 0.0)

    assert (goal.translation, closing) == (pytest.approx((0.0, 0.0, 0.155), abs=1e-6), 0.0)
    assert (closes_in(standing(69.9)), closes_in(standing(70.1))) == (True, False), "not from further than 10 mm before"


FORTY_MM_OFF = pytest.mark.parametrize(
    ("near", "clear"),
    [
        ((0.1395, 0.0, 0.0), (0.1405, 0.0, 0.0)),
        ((0.0, -0.1195, 0.0), (0.0, -0.1205, 0.0)),
        ((0.0, 0.0, 0.1295), (0.0, 0.0, 0.1305)),
    ],
)
"""39.5 and 40.5 mm off a scalp whose radii are 100, 80 and 90 mm, in the head's frame."""


@FORTY_MM_OFF
def test_a_coil_within_40_mm_of_the_scalp_comes_straight_out_before_it_turns(near: Vector, clear: Vector) -> None:
    leaning = Pose.turned((0.5, 0.2, 0.0)).quaternion
    out, _ = approach().goal(Pose(leaning, near), 0.0)
    on_its_way, _ = approach().goal(Pose(leaning, clear), 0.0)

    assert (out.quaternion, on_its_way.quaternion) == (leaning, TARGET.quaternion)
    assert not SCALP.grown(0.040).holds(out.translation)


@FORTY_MM_OFF
def test_a_coil_within_40_mm_of_the_scalp_must_not_stay_there_unseeing(near: Vector, clear: Vector) -> None:
    steering = Steering(SETUP)
    steering.target = Target.of(TARGET, SCALP, SETUP.limits, SETUP.away_m)
    head = Estimate(ROBOT_FROM_CAMERA.inverse() @ HEAD, STILL, STILL, moving=0.0)

    assert steering.is_near(head, HEAD @ Pose(translation=near))
    assert not steering.is_near(head, HEAD @ Pose(translation=clear))


# --- where it goes on, and no further


def test_closing_in_it_is_led_to_the_target_at_50_mm_s() -> None:
    goal, closing = closing_in().goal(standing(30), 0.1)

    assert closing == pytest.approx(0.05)
    assert (standing(25).inverse() @ goal).distance < 1e-9


@pytest.mark.parametrize(
    ("goes_on", "waits"),
    [
        (standing(30, aside_mm=3.9), standing(30, aside_mm=4.1)),
        (standing(33.9), standing(34.1)),
        (standing(26.1), standing(25.8)),
    ],
    ids=["aside", "behind", "ahead"],
)
def test_it_closes_in_no_further_while_the_arm_is_4_mm_behind(goes_on: Pose, waits: Pose) -> None:
    def closing(at: Pose) -> float:
        _, speed = closing_in().goal(at, 0.0)
        return speed

    assert (closing(goes_on), closing(waits)) == (0.05, 0.0)


def test_closing_in_it_comes_up_again_25_mm_beside_the_normal_or_20_degrees_off_it() -> None:
    def stays(at: Pose) -> bool:
        return closes_in(at, closing_in())

    assert (stays(standing(30, aside_mm=24.9)), stays(standing(30, aside_mm=25.1))) == (True, False)
    assert (stays(standing(30, turned=19.9)), stays(standing(30, turned=20.1))) == (True, False)


@pytest.mark.parametrize(("aside_mm", "state"), [(24.5, HoldState.TRACK), (25.5, HoldState.APPROACH)])
def test_a_coil_25_mm_beside_its_target_comes_up_and_approaches_again(aside_mm: float, state: HoldState) -> None:
    room = tracking()
    from_us = room.now_us

    def beside(robot: RobotState) -> RobotState:
        aside_m = min(aside_mm / 1e3, 0.05 * (robot.received_us - from_us) / 1e6)
        return replace(robot, robot_from_tcp=robot.robot_from_tcp @ Pose(translation=(aside_m, 0.0, 0.0)))

    room.robot_says = beside
    room.spoil = lambda frame: without(frame, Tool.COIL)  # which would say that the arm is wrong

    assert room.run(0.6, until=lambda said: said.state is not HoldState.TRACK).state is state


# --- where it ends


def test_it_is_there_within_3_mm_and_3_degrees() -> None:
    def arrives(mm: float, degrees: float) -> bool:
        return there(Error(mm * 0.6e-3, -mm * 0.8e-3, 0.0, 0.0), math.radians(degrees))

    assert (arrives(2.95, 0), arrives(3.05, 0)) == (True, False)
    assert (arrives(0, 2.95), arrives(0, 3.05)) == (True, False)
