"""The coil hold when all is well, and what a person can order."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from itertools import pairwise

import pytest

from daemon.arm.hold import ArmReason, Command, HoldState, Lease, Verb
from drivers.poses import Pose
from drivers.robots import SafetyMode
from drivers.trackers import Tool
from tests.daemon.arm.hold_room import (
    HEAD,
    PARK,
    SCALP,
    SETUP,
    Room,
    frozen,
    moved_by,
    tracking,
    without,
)


def test_from_its_parking_place_the_coil_comes_to_the_target_and_may_stimulate() -> None:
    room = Room(at=PARK)
    room.run(0.2)

    assert room.order(Verb.TO_TARGET) is None
    output = room.run(30, until=lambda said: said.lease is Lease.BEGIN)

    assert output.state is HoldState.TRACK
    assert room.on_target().distance < 0.0005
    assert room.on_target().angle < math.radians(0.3)


def test_the_way_to_the_target_and_back_never_enters_the_ellipsoid_around_the_head() -> None:
    beside = HEAD @ Pose.turned((0.0, 2.0, 0.0), (0.0, -0.01, -0.35))
    room = Room(at=beside)
    keep_out = SCALP.grown(0.99 * SETUP.limits.clearance_m)
    room.run(0.2)
    room.order(Verb.TO_TARGET)
    inside_at = []
    for _ in range(10_000):
        output = room.turn()
        if keep_out.holds((room.head.inverse() @ room.tcp).translation):
            inside_at.append(room.on_target())
        if output.lease is Lease.BEGIN:
            break

    assert room.said[-1].lease is Lease.BEGIN
    assert inside_at
    assert all(math.hypot(*at.translation[:2]) < 0.012 for at in inside_at)


def test_a_coil_that_is_sent_to_park_comes_off_the_head_first_and_then_rests_there() -> None:
    room = tracking()

    assert room.order(Verb.PARK) is None
    assert room.turn().command is Command.RETRACT
    room.run(30, until=lambda said: said.command is Command.REST and (PARK.inverse() @ room.tcp).distance < 0.002)

    assert room.hold.state is HoldState.PARKED
    assert (PARK.inverse() @ room.tcp).distance < 0.002


def test_it_follows_a_head_that_shifts_thirty_millimetres() -> None:
    room = tracking()
    start_us = room.now_us + 100_000

    def shift(now_us: int) -> Pose:
        s = min(1.0, max(0.0, (now_us - start_us) / 600_000))
        return Pose(translation=(0.03 * s**3 * (10 - 15 * s + 6 * s * s), 0.0, 0.0)) @ HEAD

    room.move = shift
    output = room.run(0.85)

    assert output.state is HoldState.TRACK
    assert room.on_target().distance < 0.002


def test_another_target_nearby_is_approached_again() -> None:
    room = tracking()
    target = Pose.turned((3.14159, 0.0, 0.0), (0.02, 0.0, 0.094))

    room.hold.aim(target, SCALP)
    room.run(6, until=lambda said: said.lease is Lease.BEGIN and room.now_us > said.head_speed_m_s)
    room.run(5)

    assert room.hold.state is HoldState.TRACK
    assert ((room.head @ target).inverse() @ room.tcp).distance < 0.0005


def test_it_goes_nowhere_without_calibration_target_or_sight_of_the_head() -> None:
    uncalibrated = Room(replace(SETUP, robot_from_camera=None))
    uncalibrated.run(0.2)
    blind = Room()
    blind.spoil = lambda frame: without(frame, Tool.HEAD)
    blind.run(0.2)
    aimless = Room()
    aimless.run(0.2)
    aimless.hold._steering.target = None
    cold = Room()

    refusals = [room.order(Verb.TO_TARGET) for room in (uncalibrated, blind, aimless, cold)]

    assert [refusal.reason for refusal in refusals if refusal] == [
        ArmReason.NOT_CALIBRATED, ArmReason.HEAD_LOST, ArmReason.NO_TARGET, ArmReason.ROBOT_UNREACHABLE,
    ]  # fmt: skip


def test_a_target_that_leans_too_far_off_the_scalp_is_refused_with_the_angle() -> None:
    room = Room()
    room.hold.aim(Pose.turned((3.14159 - 0.7, 0.0, 0.0), (0.0, 0.0, 0.095)), SCALP)
    room.run(0.2)

    refusal = room.order(Verb.TO_TARGET)

    assert refusal is not None
    assert refusal.reason is ArmReason.TILT
    assert "40°" in str(refusal)


@pytest.mark.parametrize(
    ("degrees", "ends"), [(34, (HoldState.TRACK, None)), (36, (HoldState.RETRACT, ArmReason.TILT))]
)
def test_a_coil_at_the_head_does_not_lean_further_than_35_degrees_for_another_target(
    degrees: float, ends: tuple[HoldState, ArmReason | None]
) -> None:
    """Step by step, so that no single way to the next target is too far to turn."""
    room = tracking()
    for leans in (18, degrees):
        room.hold.aim(Pose.turned((math.pi - math.radians(leans), 0.0, 0.0), (0.0, 0.0, 0.095)), SCALP)
        room.run(8)

    assert (room.said[-1].state, room.said[-1].why) == ends


def test_hand_guiding_is_refused_at_the_head_and_allowed_away_from_it() -> None:
    room = tracking()
    refusal = room.order(Verb.HAND)
    room.order(Verb.AWAY)
    room.run(2)

    assert refusal is not None
    assert refusal.reason is ArmReason.NOT_NOW
    assert room.order(Verb.HAND) is None
    assert room.turn().command is Command.GUIDE


def reach(state: HoldState) -> Room:
    """A room that came to this state as rooms do."""
    room = tracking()
    if state is HoldState.PARKED:
        room = Room()
        room.run(0.1)
    elif state is HoldState.APPROACH:
        room = Room(at=PARK)
        room.run(0.2)
        room.order(Verb.TO_TARGET)
        room.run(0.5)
    elif state is HoldState.FREEZE:
        room.spoil = lambda frame: without(frame, Tool.HEAD)
        room.run(0.2)
    elif state is HoldState.RETRACT:
        room.spoil = lambda frame: without(frame, Tool.HEAD)
        room.run(1)
    elif state is HoldState.FAULT:
        room.robot_says = lambda robot: replace(robot, safety=SafetyMode.PROTECTIVE_STOP)
        room.run(0.1)
        room.robot_says = lambda robot: robot
        room.turn()
    elif state in (HoldState.AWAY, HoldState.STOPPED, HoldState.HAND):
        room.order(Verb.STOP if state is HoldState.STOPPED else Verb.AWAY)
        room.run(2)
        if state is HoldState.HAND:
            room.order(Verb.HAND)
            room.run(0.1)
    assert room.hold.state is state
    return room


@pytest.mark.parametrize("state", HoldState)
@pytest.mark.parametrize(("verb", "ends"), [(Verb.STOP, HoldState.STOPPED), (Verb.AWAY, HoldState.AWAY)])
def test_stop_and_away_are_taken_in_every_state_and_end_at_rest(state: HoldState, verb: Verb, ends: HoldState) -> None:
    room = reach(state)

    assert room.order(verb) is None
    output = room.run(3)

    assert output.state is ends
    assert output.command is Command.REST
    assert output.lease is Lease.NONE


@pytest.mark.parametrize("state", [HoldState.APPROACH, HoldState.TRACK, HoldState.FREEZE])
def test_stop_takes_a_coil_at_the_head_off_it(state: HoldState) -> None:
    room = reach(state)
    before = room.tcp

    room.order(Verb.STOP)
    first = room.turn()
    room.run(3)

    assert first.command is Command.RETRACT
    assert (before.inverse() @ room.tcp).translation[2] == pytest.approx(-0.06, abs=0.001)


def test_in_a_random_storm_of_troubles_every_limit_of_the_output_holds() -> None:
    limits = SETUP.limits
    for seed in range(2):
        draw = random.Random(seed)
        room = Room(at=PARK if seed % 2 else None, seed=seed)
        room.run(0.2)
        for _ in range(20):
            trouble = draw.choice(["none", "none", "hide", "jump", "shift", "verb", "verb", "freeze"])
            room.spoil = {
                "hide": lambda frame: without(frame, Tool.HEAD),
                "jump": moved_by(Tool.HEAD, Pose(translation=(0.02, 0.0, 0.0))),
                "freeze": frozen(room),
            }.get(trouble, lambda frame: frame)
            if trouble == "shift":
                at, to_m = room.head, [draw.uniform(-0.06, 0.06) for _ in range(3)]
                from_us = room.now_us
                room.move = lambda now_us, at=at, to_m=to_m, from_us=from_us: at.towards(
                    Pose(translation=to_m) @ HEAD, min(1.0, (now_us - from_us) / 4e5)
                )
            if trouble == "verb":
                room.order(draw.choice([Verb.TO_TARGET, Verb.TO_TARGET, Verb.PARK, Verb.AWAY, Verb.STOP]))
            room.run(draw.uniform(0.05, 1.2))
        goals = [(index, said.goal) for index, said in enumerate(room.said) if said.goal is not None]
        steps = [
            ((a.inverse() @ b).distance, (a.inverse() @ b).angle) for (i, a), (j, b) in pairwise(goals) if j == i + 1
        ]

        assert all(limits.box.holds(goal.translation) for _, goal in goals)
        assert max(step for step, _ in steps) <= 1.001 * limits.speed_m_s * 0.004
        assert max(turn for _, turn in steps) <= 1.001 * limits.turn_rad_s * 0.004
        assert all(said.goal is None or said.command is Command.FOLLOW for said in room.said)
        assert all(
            said.lease is Lease.NONE for said in room.said if said.state not in (HoldState.TRACK, HoldState.FREEZE)
        )
