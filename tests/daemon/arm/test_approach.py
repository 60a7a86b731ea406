"""The way in: when it begins, goes on and is broken off; each limit met from both sides, in mm and degrees."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import pytest

from daemon.arm.approach import Approach, Target, there
from daemon.arm.goals import Error, flat_along, tilt_of
from daemon.arm.hold import HoldState, Verb
from daemon.arm.limits import ArmLimits
from daemon.arm.prediction import Estimate
from daemon.arm.steering import Steering
from drivers.poses import Pose, Vector
from drivers.robots import RobotState
from drivers.trackers import Tool
from simulator.head.skull import Ellipsoid as Skull
from simulator.head.skull import gap
from tests.daemon.arm.hold_room import HEAD, ROBOT_FROM_CAMERA, SCALP, SETUP, TARGET, Room, tracking, without

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
def test_a_coil_that_lies_flat_within_40_mm_of_the_scalp_comes_straight_out(near: Vector, clear: Vector) -> None:
    out, _ = approach().goal(flat(near, leaning=14.9), 0.0)
    on_its_way, _ = approach().goal(flat(clear, leaning=14.9), 0.0)

    assert out.quaternion == flat(near, leaning=14.9).quaternion
    assert not SCALP.grown(0.040).holds(out.translation)
    assert tilt_of(Pose(on_its_way.quaternion, clear), SCALP) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("near", "clear"),
    [
        ((0.1995, 0.0, 0.0), (0.2005, 0.0, 0.0)),
        ((0.0, -0.1795, 0.0), (0.0, -0.1805, 0.0)),
        ((0.0, 0.05, 0.1817), (0.0, 0.05, 0.1830)),
    ],
)
def test_a_coil_that_leans_within_100_mm_of_the_scalp_comes_straight_out_before_it_turns(
    near: Vector, clear: Vector
) -> None:
    out, _ = approach().goal(flat(near, leaning=15.1), 0.0)
    on_its_way, _ = approach().goal(flat(clear, leaning=15.1), 0.0)

    assert out.quaternion == flat(near, leaning=15.1).quaternion
    assert not SCALP.grown(0.100).holds(out.translation)
    assert tilt_of(Pose(on_its_way.quaternion, clear), SCALP) == pytest.approx(0, abs=1e-6)


def test_within_20_mm_of_the_place_before_the_target_the_coil_turns_as_the_target_is() -> None:
    leaning = Pose.turned((math.radians(25), 0.0, 0.0)) @ TARGET
    way = Approach(Target.of(leaning, SCALP, ArmLimits(), SETUP.away_m), ArmLimits())
    place = leaning @ Pose(translation=(0.0, 0.0, -way.target.stand_off_m))
    there, _ = way.goal(place @ Pose.turned((0.3, 0.0, 0.0), (0.0199, 0.0, 0.0)), 0.0)
    beside, _ = way.goal(place @ Pose.turned((0.3, 0.0, 0.0), (0.0201, 0.0, 0.0)), 0.0)

    assert there == place
    assert beside != place


@pytest.mark.parametrize("opposite", [False, True])
def test_a_coil_is_laid_flat_by_no_further_a_turn_than_it_takes(opposite: bool) -> None:
    there = flat((0.05, -0.1, 0.12), leaning=0)
    turned = there @ Pose.turned((math.pi, 0.0, 0.0)) if opposite else there
    laid = flat_along(SCALP, turned)

    assert tilt_of(laid, SCALP) == pytest.approx(0, abs=1e-6)
    assert laid.angle_to(turned) == pytest.approx(math.pi if opposite else 0, abs=1e-6)
    assert laid.translation == turned.translation


def flat(point: Vector, *, leaning: float) -> Pose:
    """A coil at this point of the head's frame that leans by so many degrees against the scalp below it."""
    return flat_along(SCALP, Pose(TARGET.quaternion, point)) @ Pose.turned((math.radians(leaning), 0.0, 0.0))


@pytest.mark.parametrize("seed", [24, 30])
def test_however_a_coil_lies_when_it_is_sent_its_edge_stays_20_mm_off_until_it_closes_in(seed: int) -> None:
    draw, skull = random.Random(seed), Skull(SCALP.centre, SCALP.radii)
    at = anywhere(draw)
    while gap(skull, at) < 0.04:
        at = anywhere(draw)
    room = Room(at=HEAD @ at)
    room.run(0.2)
    assert room.order(Verb.TO_TARGET) is None
    gaps = []
    while room.hold.state is not HoldState.TRACK:
        room.turn()
        if room.on_target().translation[2] < -0.04 or room.on_target().distance > 0.08:
            gaps.append(gap(skull, room.head.inverse() @ room.tcp))
        assert len(gaps) < 10_000
    room.order(Verb.PARK)
    room.run(1)
    home = [(room.turn(), gap(skull, room.head.inverse() @ room.tcp))[1] for _ in range(2_000)]

    assert min(gaps) > 0.020
    assert min(home) > 0.040


def anywhere(draw: random.Random) -> Pose:
    """head_from_tcp of a coil about the head, turned any way."""
    direction = [draw.gauss(0, 1) for _ in range(3)]
    away_m = draw.uniform(0.16, 0.35) / math.hypot(*direction)
    return Pose.turned([draw.uniform(-2, 2) for _ in range(3)], [part * away_m for part in direction])


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
