"""What the coil hold does when the arm is not well, or a limit is exceeded."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from daemon.arm.hold import ArmReason, Command, HoldState, Lease, Verb
from drivers.poses import Pose
from drivers.robots import Program, RobotMode, RobotState, SafetyMode
from drivers.trackers import Tool
from tests.daemon.arm.hold_room import (
    HEAD,
    PARK,
    SETUP,
    tracking,
    without,
)

ENDS = {Verb.STOP: "stopped", Verb.AWAY: "away", Verb.PARK: "parked"}


@pytest.mark.parametrize(
    ("says", "state", "reason"),
    [
        ({"safety": SafetyMode.PROTECTIVE_STOP}, HoldState.FAULT, ArmReason.ROBOT_STOPPED),
        ({"safety": SafetyMode.EMERGENCY_STOP}, HoldState.FAULT, ArmReason.ROBOT_STOPPED),
        ({"mode": RobotMode.POWER_OFF}, HoldState.FAULT, ArmReason.ROBOT_OFF),
        ({"mode": RobotMode.BRAKES_ON}, HoldState.FAULT, ArmReason.ROBOT_OFF),
        ({"mode": RobotMode.POWER_OFF, "safety": SafetyMode.EMERGENCY_STOP}, HoldState.FAULT, ArmReason.ROBOT_STOPPED),
        ({"program": Program.REFUSED}, HoldState.RETRACT, ArmReason.REFUSED_GOAL),
        ({"program": Program.TIMED_OUT}, HoldState.RETRACT, ArmReason.ROBOT_TIMED_OUT),
        ({"force": (0.0, 15.0, 15.0, 0.0, 0.0, 0.0)}, HoldState.RETRACT, ArmReason.FORCE),
        ({"joints": (6.19, -1.2, 1.4, -1.0, -1.5, 0.3)}, HoldState.RETRACT, ArmReason.JOINT_RANGE),
        ({"joints": (0.5, -1.2, 0.02, -1.0, -1.5, 0.3)}, HoldState.RETRACT, ArmReason.NEAR_SINGULARITY),
        ({"joints": (0.5, -1.2, 1.4, -1.0, 3.13, 0.3)}, HoldState.RETRACT, ArmReason.NEAR_SINGULARITY),
    ],
)
def test_what_the_arm_says_is_acted_upon(says: dict, state: HoldState, reason: ArmReason) -> None:
    room = tracking()
    room.robot_says = lambda robot: replace(robot, **says)

    output = room.run(0.3, until=lambda said: said.state is state)

    assert (output.state, output.why, output.lease) == (state, reason, Lease.NONE)
    assert output.command is (Command.REST if state is HoldState.FAULT else Command.RETRACT)


def test_a_force_of_a_moment_is_no_reason() -> None:
    room = tracking()
    from_us = room.now_us
    room.robot_says = lambda robot: replace(
        robot, force=(0.0, 0.0, 25.0 if robot.received_us < from_us + 40_000 else 5.0, 0.0, 0.0, 0.0)
    )

    assert room.run(0.3).state is HoldState.TRACK


def test_an_arm_that_falls_silent_is_a_fault_and_one_that_is_back_waits_for_an_order() -> None:
    room = tracking()
    room.robot_says = lambda _robot: None
    output = room.run(0.2)

    assert (output.state, output.why, output.lease) == (HoldState.FAULT, ArmReason.ROBOT_UNREACHABLE, Lease.NONE)
    assert room.order(Verb.TO_TARGET) is not None

    room.robot_says = lambda robot: robot
    assert room.run(0.2).state is HoldState.FAULT
    assert room.order(Verb.TO_TARGET) is None
    assert room.run(5, until=lambda said: said.lease is Lease.BEGIN).lease is Lease.BEGIN


def test_an_arm_whose_clock_stands_is_silent_however_often_it_speaks() -> None:
    room = tracking()
    room.robot_says = lambda robot: replace(robot, controller_s=77.0)

    assert room.run(0.3).why is ArmReason.ROBOT_UNREACHABLE


@pytest.mark.parametrize("verb", [Verb.STOP, Verb.AWAY])
@pytest.mark.parametrize(
    ("says", "reason"),
    [
        ({"safety": SafetyMode.PROTECTIVE_STOP, "program": Program.ABSENT}, ArmReason.ROBOT_STOPPED),
        ({"mode": RobotMode.POWER_OFF, "program": Program.ABSENT}, ArmReason.ROBOT_OFF),
        ({"mode": RobotMode.UNREACHABLE}, ArmReason.ROBOT_UNREACHABLE),
    ],
)
def test_whoever_sends_a_coil_off_that_cannot_move_is_told_so(verb: Verb, says: dict, reason: ArmReason) -> None:
    room = tracking()
    room.robot_says = lambda robot: replace(robot, **says)
    room.run(0.3)

    refusal = room.order(verb)

    assert refusal is not None
    assert refusal.reason is reason


def held(state: RobotState) -> RobotState:
    """An arm that its own safety has stopped, with our program ended."""
    return replace(state, safety=SafetyMode.SAFEGUARD_STOP, program=Program.ABSENT)


@pytest.mark.parametrize("verb", [Verb.STOP, Verb.AWAY])
def test_whoever_sends_a_stopped_arm_off_has_to_say_it_again_when_it_can_move(verb: Verb) -> None:
    room = tracking()
    room.robot_says = held
    room.run(0.3)
    room.order(verb)
    stayed = room.run(0.1)
    room.robot_says = lambda robot: robot
    room.run(3)

    assert (stayed.state, stayed.why) == (HoldState.FAULT, ArmReason.ROBOT_STOPPED)
    assert (room.hold.state, room.said[-1].command) == (HoldState.FAULT, Command.REST)
    assert room.on_target().distance < 0.001
    assert room.order(verb) is None
    assert room.run(3).state.value == ENDS[verb]
    assert -room.on_target().translation[2] == pytest.approx(0.06, abs=0.001)


@pytest.mark.parametrize("after_s", [0.0, 0.05, 0.5, 1.5], ids=lambda s: f"after {s} s")
@pytest.mark.parametrize("program", [Program.ABSENT, Program.TRACKING])
def test_an_arm_that_is_stopped_on_its_way_to_the_parking_place_goes_no_further_unless_it_is_told(
    after_s: float, program: Program
) -> None:
    """First it comes off the head, in 0.6 s; then it goes there."""
    room = tracking()
    assert room.order(Verb.PARK) is None
    room.run(after_s)
    before, since = room.tcp, len(room.said)
    room.robot_says = lambda robot: replace(held(robot), program=program)
    stopped = room.turn()
    room.run(5)
    room.robot_says = lambda robot: robot
    room.run(5)

    assert (stopped.state, stopped.why, stopped.command) == (HoldState.FAULT, ArmReason.ROBOT_STOPPED, Command.REST)
    assert {said.command for said in room.said[since:]} == {Command.REST}
    assert (room.hold.state, room.tcp) == (HoldState.FAULT, before)
    assert room.order(Verb.PARK) is None
    assert room.run(20, until=lambda _said: (PARK.inverse() @ room.tcp).distance < 0.001).state is HoldState.PARKED
    assert (PARK.inverse() @ room.tcp).distance < 0.001


@pytest.mark.parametrize("verb", [Verb.STOP, Verb.AWAY])
def test_an_arm_that_is_stopped_on_its_way_off_the_head_is_not_said_to_be_off_it(verb: Verb) -> None:
    room = tracking()
    assert room.order(verb) is None
    room.run(0.1)
    room.robot_says = held

    assert room.run(0.1).state is HoldState.FAULT


@pytest.mark.parametrize("verb", [Verb.STOP, Verb.PARK])
def test_an_arm_that_is_stopped_where_it_rests_is_no_fault_and_stays(verb: Verb) -> None:
    room = tracking()
    assert room.order(verb) is None
    rested = room.run(15)
    before = room.tcp
    room.robot_says = held
    stopped = room.run(1)
    room.robot_says = lambda robot: robot
    room.run(1)

    assert rested.command is Command.REST
    assert (stopped.state.value, stopped.why) == (ENDS[verb], ArmReason.ROBOT_STOPPED)
    assert (room.hold.state.value, room.said[-1].why, room.tcp) == (ENDS[verb], None, before)


def test_an_arm_slowed_at_its_pendant_gives_no_lease() -> None:
    room = tracking()
    room.robot_says = lambda robot: replace(robot, speed_scaling=0.5)

    output = room.run(0.1)

    assert (output.lease, output.why) == (Lease.NONE, ArmReason.ROBOT_SLOW)


def test_an_arm_that_stays_behind_is_noticed() -> None:
    room = tracking()
    stuck = room.tcp
    from_us = room.now_us
    room.move = lambda now_us: Pose(translation=(0.06 * min(1.0, (now_us - from_us) / 1e6), 0.0, 0.0)) @ HEAD
    room.robot_says = lambda robot: replace(robot, robot_from_tcp=stuck)

    output = room.run(1.5, until=lambda said: said.state is HoldState.RETRACT)

    assert output.why in (ArmReason.ROBOT_SLOW, ArmReason.COIL_MARKER_DISAGREES)


def test_an_arm_measured_too_fast_is_taken_away() -> None:
    room = tracking()
    runs = iter(range(10_000))

    def races(robot: RobotState) -> RobotState:
        return replace(robot, robot_from_tcp=Pose(translation=(0.002 * next(runs), 0.0, 0.0)) @ robot.robot_from_tcp)

    room.robot_says = races
    room.spoil = lambda frame: without(frame, Tool.COIL)

    assert room.run(0.2, until=lambda said: said.state is HoldState.RETRACT).why is ArmReason.TOO_FAST


def test_an_arm_that_brings_the_coil_to_the_head_too_fast_is_taken_away() -> None:
    room = tracking()
    room.spoil = lambda frame: without(frame, Tool.COIL)
    steps = iter(range(10_000))

    def dives(robot: RobotState) -> RobotState:
        inwards = Pose(translation=(0.0, 0.0, 0.0008 * next(steps)))
        return replace(robot, robot_from_tcp=robot.robot_from_tcp @ inwards)

    room.robot_says = dives

    assert room.run(0.2, until=lambda said: said.state is HoldState.RETRACT).why is ArmReason.CLOSING_FAST


def test_an_arm_as_fast_away_from_the_head_is_let_be() -> None:
    room = tracking()
    room.spoil = lambda frame: without(frame, Tool.COIL)
    steps = iter(range(10_000))

    def rises(robot: RobotState) -> RobotState:
        outwards = Pose(translation=(0.0, 0.0, -0.0008 * next(steps)))
        return replace(robot, robot_from_tcp=robot.robot_from_tcp @ outwards)

    room.robot_says = rises

    assert room.run(0.15).state is HoldState.TRACK


@pytest.mark.parametrize("stated_us", [50_000, 80_000, 110_000])
def test_how_long_the_arm_takes_to_follow_is_measured_and_predicted_over(stated_us: int) -> None:
    room = tracking(replace(SETUP, robot=replace(SETUP.robot, latency_us=stated_us)))
    room.lag_turns, from_us = 20, room.now_us
    room.move = lambda now_us: Pose(translation=(0.0, 0.03 * math.sin((now_us - from_us) / 1e6 * 1.5), 0.0)) @ HEAD
    room.run(4)
    errors = [(room.turn(), room.on_target().distance)[1] for _ in range(500)]

    assert room.hold.lag_us == pytest.approx(80_000, rel=0.1)
    assert max(errors) < 0.0015  # 80 ms of 45 mm/s are 3.6 mm


def test_a_head_that_turns_too_far_is_not_followed() -> None:
    room = tracking()
    from_us = room.now_us
    room.move = lambda now_us: HEAD @ Pose.turned((0.0, 0.0, 0.4 * (now_us - from_us) / 1e6))

    assert room.run(3, until=lambda said: said.state is HoldState.RETRACT).why is ArmReason.TILT


def test_a_goal_that_leaves_the_workspace_is_not_followed() -> None:
    low = SETUP.limits.box.low
    x = (HEAD @ Pose(translation=(0.0, 0.0, 0.095))).translation[0]
    limits = replace(SETUP.limits, box=replace(SETUP.limits.box, low=(x - 0.02, low[1], low[2])))
    room = tracking(replace(SETUP, limits=limits))
    from_us = room.now_us
    room.move = lambda now_us: Pose(translation=(-0.03 * min(1.0, (now_us - from_us) / 1e6), 0.0, 0.0)) @ HEAD

    output = room.run(2, until=lambda said: said.state is HoldState.RETRACT)

    assert output.why is ArmReason.OUT_OF_REACH
    assert all(said.goal is None or limits.box.holds(said.goal.translation) for said in room.said)
