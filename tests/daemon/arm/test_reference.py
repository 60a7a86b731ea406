"""The reference: no goal, however wild, makes it break a limit."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.arm.limits import ArmLimits, Box
from daemon.arm.reference import Reference
from drivers.poses import Pose

STILL = (0.0, 0.0, 0.0)
LIMITS = ArmLimits(box=Box((-0.08, -0.08, -0.08), (0.08, 0.08, 0.08)))
PLACES = st.tuples(*[st.floats(-0.5, 0.5)] * 3)
SPEEDS = st.tuples(*[st.floats(-0.6, 0.6)] * 3)
TURNS = st.tuples(*[st.floats(-1.8, 1.8)] * 3)
STEPS = st.lists(st.tuples(PLACES, TURNS, SPEEDS, SPEEDS, st.booleans(), st.integers(1, 60)), min_size=1, max_size=8)


def differences(points: list[tuple[float, ...]], dt_s: float) -> list[tuple[float, ...]]:
    """What changes from point to point, per second."""
    return [tuple((b - a) / dt_s for a, b in zip(p, q, strict=True)) for p, q in pairwise(points)]


def largest(vectors: list[tuple[float, ...]]) -> float:
    """The length of the longest; 0 when there are none."""
    return max((math.hypot(*vector) for vector in vectors), default=0.0)


@settings(max_examples=60, deadline=None)
@given(steps=STEPS, dt_s=st.sampled_from([0.002, 0.008]))
def test_no_goal_breaks_speed_acceleration_jerk_or_box(steps: list, dt_s: float) -> None:
    reference = Reference(LIMITS)
    poses = [reference.pose]
    for place, turn, velocity, turning, brakes, times in steps:
        goal = Pose.turned(turn, place)
        for _ in range(times):
            if brakes:
                poses.append(reference.brake(dt_s))
            else:
                towards = reference.towards(goal, velocity, turning, dt_s, speed_m_s=LIMITS.speed_m_s, together=False)
                poses.append(towards)
    speeds = differences([pose.translation for pose in poses], dt_s)
    accelerations = differences(speeds, dt_s)
    jerks = differences(accelerations, dt_s)
    turns = [a.angle_to(b) / dt_s for a, b in pairwise(poses)]

    assert all(LIMITS.box.holds(pose.translation) for pose in poses)
    assert largest(speeds) <= 1.0001 * LIMITS.speed_m_s
    assert largest(accelerations) <= 1.0001 * LIMITS.acceleration_m_s2
    assert largest(jerks) <= 1.001 * LIMITS.jerk_m_s3
    assert max(turns) <= 1.001 * LIMITS.turn_rad_s


@settings(max_examples=60, deadline=None)
@given(
    off=st.tuples(*[st.floats(-0.06, 0.06)] * 3),
    inward=st.tuples(*[st.floats(-3, 3)] * 3),
    velocity=st.tuples(*[st.floats(-0.06, 0.06)] * 3),
)
def test_after_a_head_that_goes_away_it_closes_in_at_125_mm_s_at_most(
    off: tuple[float, float, float], inward: tuple[float, float, float], velocity: tuple[float, float, float]
) -> None:
    """A goal that goes anywhere at up to 104 mm/s, from up to 104 mm away, its normal in any direction."""
    reference, turned = Reference(ArmLimits()), Pose.turned(inward)
    reference.reset(Pose(turned.quaternion))
    normal = turned.rotate((0.0, 0.0, 1.0))
    closing = []
    for turn in range(300):
        at = [start + speed * turn * 0.002 for start, speed in zip(off, velocity, strict=True)]
        goal = Pose(turned.quaternion, (at[0], at[1], at[2]))
        reference.towards(goal, velocity, STILL, 0.002, speed_m_s=0.25, together=False)
        own = zip(reference.velocity, velocity, normal, strict=True)
        closing.append(sum((arm - head) * along for arm, head, along in own))

    assert max(closing) <= 0.1251


def test_a_goal_that_lies_further_in_is_closed_in_on_at_125_mm_s_and_one_beside_or_further_out_at_full_speed() -> None:
    def fastest_mm_s(x_mm: float, z_mm: float) -> float:
        reference, goal = Reference(ArmLimits()), Pose(translation=(x_mm / 1e3, 0.0, z_mm / 1e3))
        speeds = []
        for _ in range(200):
            reference.towards(goal, STILL, STILL, 0.002, speed_m_s=0.25, together=False)
            speeds.append(math.hypot(*reference.velocity) * 1e3)
        return max(speeds)

    assert fastest_mm_s(0, 60) == pytest.approx(125 / math.sqrt(3), rel=0.01)
    assert fastest_mm_s(60, 0) == fastest_mm_s(0, -60) == pytest.approx(250 / math.sqrt(3), rel=0.01)


def test_at_full_speed_towards_the_border_it_stops_inside() -> None:
    reference = Reference(LIMITS)
    for _ in range(1000):
        reference.towards(Pose(translation=(0.5, 0.5, 0)), STILL, STILL, 0.002, speed_m_s=0.25, together=False)

    assert LIMITS.box.holds(reference.pose.translation)
    assert reference.pose.translation[0] > 0.07


def test_it_arrives_where_it_is_told() -> None:
    reference, goal = Reference(ArmLimits()), Pose.turned((0.4, -1.0, 0.7), (0.1, -0.2, 0.15))
    for _ in range(3000):
        reference.towards(goal, STILL, STILL, 0.002, speed_m_s=0.1, together=True)

    assert (goal.inverse() @ reference.pose).distance < 1e-9
    assert (goal.inverse() @ reference.pose).angle < 1e-7
    assert reference.stands


def test_it_keeps_up_with_a_goal_that_moves_and_turns() -> None:
    reference = Reference(ArmLimits())
    for turn in range(1000):
        at_s = turn * 0.002
        goal = Pose.turned((0.0, 0.0, 0.3 * at_s), (0.08 * at_s, 0.0, 0.0))
        reference.towards(goal, (0.08, 0.0, 0.0), (0.0, 0.0, 0.3), 0.002, speed_m_s=0.25, together=False)

    assert (goal.inverse() @ reference.pose).distance < 0.0002
    assert (goal.inverse() @ reference.pose).angle < 0.001


def test_a_lower_speed_limit_is_come_down_to_and_kept() -> None:
    reference, far = Reference(replace(LIMITS, box=Box((-9, -9, -9), (9, 9, 9)))), Pose(translation=(2.0, 0.0, 0.0))
    for _ in range(300):
        reference.towards(far, STILL, STILL, 0.002, speed_m_s=0.25, together=False)
    fast = math.hypot(*reference.velocity)
    for _ in range(300):
        reference.towards(far, STILL, STILL, 0.002, speed_m_s=0.05, together=False)

    assert fast == pytest.approx(0.25 / math.sqrt(3))
    assert math.hypot(*reference.velocity) == pytest.approx(0.05 / math.sqrt(3))


def test_a_late_turn_is_no_leap() -> None:
    reference = Reference(ArmLimits())
    for _ in range(100):
        reference.towards(Pose(translation=(0.2, 0, 0)), STILL, STILL, 0.002, speed_m_s=0.25, together=False)
    before = reference.pose
    reference.towards(Pose(translation=(0.2, 0, 0)), STILL, STILL, 3.0, speed_m_s=0.25, together=False)

    assert (before.inverse() @ reference.pose).distance <= 0.25 * 0.02
