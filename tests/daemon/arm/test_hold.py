"""The coil hold as a whole: what it does when all is well, and what it does about each thing that is not."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest

from daemon.arm.hold import ArmReason, Command, HoldState, Lease, Output, Verb
from daemon.arm.lease import FRESH_US
from drivers.poses import Pose
from drivers.robots import Program, RobotMode, RobotState, SafetyMode
from drivers.trackers import Frame, Sight, Tool
from tests.daemon.arm.hold_room import HEAD, PARK, ROBOT_FROM_CAMERA, SCALP, SETUP, Room, tracking, without


def frozen(room: Room) -> Callable[[Frame], Frame | None]:
    """Frame numbers run on, the poses are the last ones."""
    last = room.last_seen
    return lambda frame: frame if last is None else replace(frame, tools=last.tools)


def states(outputs: list[Output]) -> list[HoldState]:
    """Each state once, in the order in which they came."""
    seen: list[HoldState] = []
    for output in outputs:
        if not seen or seen[-1] is not output.state:
            seen.append(output.state)
    return seen


# --- when all is well ---------------------------------------------------------------------------------------------


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


# --- when data are missing ----------------------------------------------------------------------------------------


def test_an_occlusion_of_three_tenths_of_a_second_freezes_the_coil_and_it_goes_on_by_itself() -> None:
    room = tracking()
    from_us = room.now_us
    room.spoil = lambda frame: without(frame, Tool.HEAD) if frame.source_us < from_us + 300_000 else frame

    room.run(2)

    assert states(room.said)[-3:] == [HoldState.TRACK, HoldState.FREEZE, HoldState.TRACK]
    assert room.said[-1].lease is Lease.BEGIN


def test_an_occlusion_of_three_seconds_retracts_the_coil_and_only_a_person_sends_it_back() -> None:
    room = tracking()
    from_us = room.now_us
    room.spoil = lambda frame: without(frame, Tool.HEAD) if frame.source_us < from_us + 3_000_000 else frame

    room.run(8)

    assert states(room.said)[-2:] == [HoldState.FREEZE, HoldState.RETRACT]
    assert room.said[-1].why is ArmReason.HEAD_LOST
    assert room.on_target().translation[2] == pytest.approx(-0.06, abs=0.001)
    assert room.said[-1].command is Command.REST
    assert room.order(Verb.TO_TARGET) is None
    assert room.run(10, until=lambda said: said.lease is Lease.BEGIN).lease is Lease.BEGIN


def test_far_from_the_head_it_waits_up_to_ten_seconds_and_goes_on_by_itself() -> None:
    room = Room(at=PARK)
    room.run(0.2)
    room.order(Verb.TO_TARGET)
    room.run(0.5)
    from_us = room.now_us
    room.spoil = lambda frame: without(frame, Tool.HEAD) if frame.source_us < from_us + 9_000_000 else frame

    room.run(20)

    assert HoldState.RETRACT not in states(room.said)
    assert room.hold.state is not HoldState.FREEZE


def test_far_from_the_head_it_no_longer_goes_on_by_itself_after_ten_seconds() -> None:
    room = Room(at=PARK)
    room.run(0.2)
    room.order(Verb.TO_TARGET)
    room.run(0.5)
    from_us = room.now_us
    room.spoil = lambda frame: without(frame, Tool.HEAD) if frame.source_us < from_us + 11_000_000 else frame

    room.run(20)

    assert states(room.said)[-2:] == [HoldState.FREEZE, HoldState.AWAY]


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda _room: lambda frame: without(frame, Tool.HEAD), ArmReason.HEAD_LOST),
        (lambda _room: lambda _frame: None, ArmReason.TRACKER_SILENT),
        (frozen, ArmReason.TRACKER_FROZEN),
    ],
)
def test_what_is_not_seen_freezes_within_the_coasting_time_and_says_why(spoil: Callable, reason: ArmReason) -> None:
    room = tracking()
    from_us = room.now_us
    room.spoil = spoil(room)

    output = room.run(0.5, until=lambda said: said.state is HoldState.FREEZE)

    assert output.state is HoldState.FREEZE
    assert output.why is reason
    assert room.now_us - from_us <= SETUP.coast_us + 20_000


def test_the_lease_ends_with_the_last_pose_older_than_a_tenth_of_a_second() -> None:
    room = tracking()
    room.spoil = lambda _frame: None
    last_us = room.now_us - 14_000 - 16_667

    room.run(0.5, until=lambda said: said.lease is Lease.NONE)

    assert room.now_us - last_us <= FRESH_US + 2 * 16_667


def test_a_frozen_tracker_moves_the_coil_less_than_half_a_millimetre_while_the_head_goes_away() -> None:
    room = tracking()
    room.spoil = frozen(room)
    before = room.tcp
    from_us = room.now_us
    room.move = lambda now_us: Pose(translation=(0.02 * min(1.0, (now_us - from_us) / 1e6), 0.0, 0.0)) @ HEAD

    room.run(0.5)

    assert (before.inverse() @ room.tcp).distance < 0.0005


@pytest.mark.parametrize("moving_tool", [Tool.HEAD, Tool.COIL])
def test_once_frozen_nothing_moves_the_goal(moving_tool: Tool) -> None:
    room = tracking()
    room.move = lambda now_us: Pose(translation=(0.03 * math.sin((now_us % 2_000_000) / 2e6 * 6.283), 0.0, 0.0)) @ HEAD
    room.run(1.37)
    room.spoil = lambda frame: without(frame, Tool.HEAD)
    room.run(0.3, until=lambda said: said.state is HoldState.FREEZE)
    room.run(0.15)
    goals = {room.turn().goal for _ in range(20)}

    assert room.hold.state is HoldState.FREEZE
    assert len({goal.translation for goal in goals if goal is not None}) == 1


# --- when data are wrong ------------------------------------------------------------------------------------------


def moved_by(tool: Tool, by: Pose) -> Callable[[Frame], Frame]:
    """One tool is seen elsewhere."""

    def spoil(frame: Frame) -> Frame:
        pose = frame.tools[tool].pose
        assert pose is not None
        return replace(frame, tools={**frame.tools, tool: Sight(by @ pose)})

    return spoil


def swapped(frame: Frame) -> Frame:
    """Head and coil taken for each other."""
    return replace(frame, tools={Tool.HEAD: frame.tools[Tool.COIL], Tool.COIL: frame.tools[Tool.HEAD]})


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (moved_by(Tool.HEAD, Pose(translation=(0.02, 0.0, 0.0))), ArmReason.JUMP),
        (swapped, ArmReason.MARKER_SWAP),
        (moved_by(Tool.COIL, Pose(translation=(0.0, 0.006, 0.0))), ArmReason.COIL_MARKER_DISAGREES),
    ],
)
def test_what_cannot_be_stops_the_coil_and_the_lease_with_the_first_frame(spoil: Callable, reason: ArmReason) -> None:
    room = tracking()
    before = room.tcp
    room.spoil = spoil

    output = room.run(0.1, until=lambda said: said.state is HoldState.FREEZE)

    assert output.why is reason
    assert output.lease is Lease.NONE
    assert (before.inverse() @ room.tcp).distance < 0.0005


def test_a_single_wrong_frame_lets_it_go_on_by_itself() -> None:
    room = tracking()
    from_us = room.now_us
    wrong = moved_by(Tool.HEAD, Pose(translation=(0.02, 0.0, 0.0)))
    room.spoil = lambda frame: wrong(frame) if frame.source_us < from_us + 16_667 else frame

    room.run(1.5)

    assert HoldState.FREEZE in states(room.said)
    assert room.said[-1].lease is Lease.BEGIN


@pytest.mark.parametrize("by_m", [0.006, 0.05])
def test_a_bumped_camera_takes_the_coil_away_and_is_named(by_m: float) -> None:
    room = tracking()
    before = room.tcp
    room.camera = ROBOT_FROM_CAMERA @ Pose.turned((0.0, 0.01, 0.0), (by_m, 0.0, 0.0))

    output = room.run(0.5, until=lambda said: said.state is HoldState.RETRACT)

    assert output.why is ArmReason.CAMERA_MOVED
    assert output.lease is Lease.NONE
    lateral = before.inverse() @ room.tcp
    assert math.hypot(*lateral.translation[:2]) < 0.0005
    room.run(2)
    refusal = room.order(Verb.TO_TARGET)
    assert refusal is not None
    assert refusal.reason is ArmReason.CAMERA_MOVED


def test_a_camera_that_is_put_back_is_believed_again() -> None:
    room = tracking()
    room.camera = ROBOT_FROM_CAMERA @ Pose(translation=(0.05, 0.0, 0.0))
    room.run(2)
    room.camera = ROBOT_FROM_CAMERA
    room.run(0.5)

    assert room.order(Verb.TO_TARGET) is None


def test_late_stamps_of_a_moving_arm_are_no_shift() -> None:
    room = tracking()
    from_us = room.now_us
    room.move = lambda now_us: Pose(translation=(0.0, 0.03 * math.sin((now_us - from_us) / 1e6 * 4), 0.0)) @ HEAD
    late: list[RobotState] = []

    def stale(robot: RobotState) -> RobotState:
        late.append(robot)
        return replace(robot, robot_from_tcp=late[max(0, len(late) - 6)].robot_from_tcp)

    room.robot_says = stale
    room.run(3)

    assert HoldState.FREEZE not in states(room.said)
    assert HoldState.RETRACT not in states(room.said)


def test_a_head_that_moves_fast_is_no_wrong_data() -> None:
    room = tracking()
    from_us = room.now_us
    room.move = lambda now_us: Pose(translation=(0.0, 0.04 * math.sin((now_us - from_us) / 1e6 * 4), 0.0)) @ HEAD

    room.run(3)

    assert states(room.said)[-1] is HoldState.TRACK
    assert HoldState.FREEZE not in states(room.said)
    assert room.said[-1].lease is not Lease.BEGIN


# --- when the arm is not well --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("says", "state", "reason"),
    [
        ({"safety": SafetyMode.PROTECTIVE_STOP}, HoldState.FAULT, ArmReason.ROBOT_STOPPED),
        ({"safety": SafetyMode.EMERGENCY_STOP}, HoldState.FAULT, ArmReason.ROBOT_STOPPED),
        ({"mode": RobotMode.POWER_OFF}, HoldState.FAULT, ArmReason.ROBOT_STOPPED),
        ({"program": Program.ABSENT}, HoldState.FAULT, ArmReason.ROBOT_STOPPED),
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


# --- orders -------------------------------------------------------------------------------------------------------


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
