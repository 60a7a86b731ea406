"""What the coil hold does when the tracker shows nothing, or what cannot be."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest

from daemon.arm.hold import ArmReason, Command, HoldState, Lease, Verb
from drivers.poses import Pose
from drivers.robots import Program, RobotState
from drivers.trackers import Frame, Tool
from simulator.head.events import Shift
from tests.daemon.arm.hold_room import (
    HEAD,
    ROBOT_FROM_CAMERA,
    SETUP,
    TARGET,
    frozen,
    moved_by,
    states,
    tracking,
    without,
)


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
    assert room.now_us - from_us <= 70_000  # 50 ms of the last pose, which comes 14 ms late, and a turn


@pytest.mark.parametrize("stuck", [Tool.HEAD, Tool.COIL])
def test_a_tracker_that_repeats_a_single_tool_stops_a_coil_whose_head_goes_on(stuck: Tool) -> None:
    room = tracking()
    before, from_us, last = room.tcp, room.now_us, room.last_seen
    assert last is not None
    room.move = lambda now_us: Pose(translation=(0.015 * (now_us - from_us) / 1e6, 0.0, 0.0)) @ HEAD
    room.spoil = lambda frame: replace(frame, tools={**frame.tools, stuck: last.tools[stuck]})

    output = room.run(2, until=lambda said: said.lease is Lease.NONE)
    none_ms = (room.now_us - from_us) / 1e3
    room.run(2, until=lambda said: said.state is HoldState.RETRACT)

    assert none_ms <= 104, "a pose of 100 ms ago"
    assert output.state is HoldState.FREEZE
    assert (room.hold.state, room.said[-1].why) == (HoldState.RETRACT, ArmReason.TRACKER_FROZEN)
    assert (before.inverse() @ room.tcp).distance < 0.002


def test_a_pose_that_is_repeated_once_by_chance_stops_nobody() -> None:
    room = tracking()
    since, last = len(room.said), room.last_seen
    from_us = room.now_us
    assert last is not None
    room.spoil = lambda frame: replace(frame, tools=last.tools) if frame.source_us < from_us + 16_667 else frame

    room.run(0.5)

    assert {(said.state, said.lease) for said in room.said[since:]} == {(HoldState.TRACK, Lease.BEGIN)}


def test_a_frozen_tracker_moves_the_coil_less_than_half_a_millimetre_while_the_head_goes_away() -> None:
    room = tracking()
    room.spoil = frozen(room)
    before = room.tcp
    from_us = room.now_us
    room.move = lambda now_us: Pose(translation=(0.02 * min(1.0, (now_us - from_us) / 1e6), 0.0, 0.0)) @ HEAD

    room.run(0.4)  # then it withdraws

    assert (before.inverse() @ room.tcp).distance < 0.0005


@pytest.mark.parametrize("blind", [frozen, lambda _room: lambda frame: without(frame, Tool.HEAD)])
def test_a_coil_that_follows_a_moving_head_blindly_stands_where_the_next_frame_was_due_to_show_it(
    blind: Callable,
) -> None:
    room = tracking(replace(SETUP, robot=replace(SETUP.robot, latency_us=80_000)))
    room.lag_turns, from_us = 20, room.now_us
    room.move = lambda now_us: Pose(translation=(0.0, 0.05 * (now_us - from_us) / 1e6, 0.0)) @ HEAD
    room.run(1.0)
    room.spoil, seen = blind(room), room.last_seen
    assert seen is not None
    due_us = seen.source_us + room.hold.lag_us + SETUP.steady_us

    room.run(0.4)

    expected = room.move(due_us) @ TARGET
    assert states(room.said)[-1] is HoldState.FREEZE
    assert (expected.inverse() @ room.tcp).distance < 0.001  # to brake takes 2 mm more


@pytest.mark.parametrize("after_ms", [300, 60], ids=["on its way", "before the arm is ready"])
def test_a_coil_that_goes_blind_on_its_way_brakes_wherever_it_is(after_ms: int) -> None:
    """Its last place on the target, from before it was taken away, is forgotten."""
    room = tracking()
    assert room.order(Verb.AWAY) is None
    room.run(2)
    assert room.order(Verb.TO_TARGET) is None
    ready_us, blind_us = room.now_us + 200_000, room.now_us + after_ms * 1_000
    room.robot_says = lambda arm: arm if arm.received_us > ready_us else replace(arm, program=Program.RETRACTED)
    room.spoil = lambda frame: without(frame, Tool.HEAD) if frame.source_us > blind_us else frame
    room.run(0.5, until=lambda said: said.state is HoldState.FREEZE)
    before = room.tcp

    room.run(0.3)

    assert room.hold.state is HoldState.FREEZE
    assert room.on_target().distance > 0.03
    assert (before.inverse() @ room.tcp).distance < 0.003


@pytest.mark.parametrize("moving_tool", [Tool.HEAD, Tool.COIL])
def test_once_frozen_nothing_moves_the_goal(moving_tool: Tool) -> None:
    room = tracking()
    from_us = room.now_us
    room.move = lambda now_us: Pose(translation=(0.03 * math.sin((now_us - from_us) / 2e6 * 6.283), 0.0, 0.0)) @ HEAD
    room.run(1.37)
    room.spoil = lambda frame: without(frame, Tool.HEAD)
    room.run(0.3, until=lambda said: said.state is HoldState.FREEZE)
    room.run(0.15)
    goals = {room.turn().goal for _ in range(20)}

    assert room.hold.state is HoldState.FREEZE
    assert len({goal.translation for goal in goals if goal is not None}) == 1


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


@pytest.mark.parametrize("by_m", [0.015, 0.03, 0.06])
def test_a_head_marker_that_was_pushed_aside_takes_the_coil_away_and_only_a_person_sends_it_back(by_m: float) -> None:
    room = tracking()
    before, since = room.tcp, len(room.said)
    room.spoil = moved_by(Tool.HEAD, Pose(translation=(by_m, 0.0, 0.0)))

    room.run(5)

    assert states(room.said[since:])[-2:] == [HoldState.FREEZE, HoldState.RETRACT]
    assert room.said[-1].why is ArmReason.JUMP
    assert {said.lease for said in room.said[since + 20 :]} == {Lease.NONE}
    assert math.hypot(*(before.inverse() @ room.tcp).translation[:2]) < 0.0005, "never towards where it is seen now"
    assert room.order(Verb.TO_TARGET) is None, "a person has looked at the marker"


def test_a_head_that_comes_back_elsewhere_after_three_tenths_of_a_second_is_followed_on() -> None:
    room = tracking()
    from_us, since = room.now_us, len(room.said)
    room.move = lambda now_us: Pose(translation=(0.1 * min(0.25, (now_us - from_us) / 1e6), 0.0, 0.0)) @ HEAD
    room.spoil = lambda frame: without(frame, Tool.HEAD) if frame.source_us < from_us + 300_000 else frame

    room.run(3)

    assert states(room.said[since:])[-1] is HoldState.TRACK
    assert HoldState.RETRACT not in states(room.said)
    assert room.said[-1].lease is Lease.BEGIN


def test_a_quick_head_of_which_every_other_frame_is_lost_is_followed_on() -> None:
    room = tracking()
    from_us, since = room.now_us, len(room.said)
    room.move = lambda now_us: Pose(translation=Shift(from_us, (0.0, 0.03, 0.0), 600_000).at(now_us)[:3]) @ HEAD
    room.spoil = lambda frame: frame if frame.number % 2 else None

    room.run(3)

    assert {HoldState.FREEZE, HoldState.RETRACT}.isdisjoint(states(room.said[since:]))
    assert room.said[-1].lease is Lease.BEGIN


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


def test_slack_lets_a_simulated_room_s_words_grow_older_and_the_coil_stay_no_longer() -> None:
    slack = replace(SETUP, slack=4)
    assert (slack.fresh_us(100_000), slack.heard_us(50_000)) == (4 * SETUP.fresh_us(100_000), 4 * 50_000)
    assert (slack.coast_us, slack.limits, slack.steady_us) == (SETUP.coast_us, SETUP.limits, SETUP.steady_us)


def test_frames_that_come_late_are_told_from_a_head_that_is_hidden() -> None:
    room = tracking()
    from_us = room.now_us
    room.spoil = lambda frame: replace(frame, source_us=frame.source_us - min(60_000, (frame.source_us - from_us) // 3))

    assert room.run(0.5, until=lambda said: said.state is HoldState.FREEZE).why is ArmReason.TRACKER_LATE


def test_what_began_as_a_hidden_head_is_said_as_it_ends() -> None:
    room = tracking()
    from_us = room.now_us
    room.spoil = lambda frame: without(frame, Tool.HEAD) if frame.source_us < from_us + 150_000 else None

    output = room.run(1.0, until=lambda said: said.state is HoldState.RETRACT)

    assert output.state is HoldState.RETRACT
    assert output.why is ArmReason.TRACKER_SILENT
