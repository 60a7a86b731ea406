"""Joints on command: no goal brings one near the end of its range, nor the arm near a posture that it cannot leave.

The arm is a UR5e. Numbers in degrees and mm, typed here on purpose.
"""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from daemon.arm import limits
from daemon.arm.hold import ArmReason, Command, Hold, HoldState, Lease, Verb
from daemon.arm.limits import ArmLimits
from drivers.poses import Pose, Vector
from drivers.robots import Joints, RobotState
from drivers.ur.kinematics import UrKinematics
from tests.daemon.arm.hold_room import ARM, SETUP, TARGET, Room

TCP = Pose.turned((0.0, 0.0, 0.4), (0.0, 0.02, 0.12))
UR = UrKinematics.of("UR5e", TCP)
UR_ARM = replace(ARM, kinematics=UR, joint_limits=((-2 * math.pi, 2 * math.pi),) * 6)
STILL: Vector = (0.0, 0.0, 0.0)
AT_EASE: Joints = (0.3, -1.5, -1.6, -1.6, 1.4, 0.2)
"""Elbow up, coil down, as over a head."""
ANGLE = st.floats(-6.28, 6.28)
POSTURE = st.tuples(ANGLE, ANGLE, ANGLE, ANGLE, ANGLE, ANGLE)


def clear(joints: Joints, *, degrees: float = 0.0, mm: float = 0.0) -> bool:
    """Whether a posture keeps 7° to every end, 10° to a straight elbow or wrist, 140 mm to the first axis, more."""
    turned = [abs(math.degrees(angle)) for angle in joints]
    bent = min(abs(math.sin(joints[joint])) for joint in (2, 4)) > math.sin(math.radians(10 + degrees))
    return max(turned) < 353 - degrees and bent and off_axis_mm(joints) > 140 + mm


def off_axis_mm(joints: Joints) -> float:
    """From the first axis to the wrist, seen from above, along the plane of the upper arm."""
    elbow, wrist = joints[1] + joints[2], joints[1] + joints[2] + joints[3]
    return abs(-425.0 * math.cos(joints[1]) - 392.2 * math.cos(elbow) + 99.7 * math.sin(wrist))


class JointedRoom(Room):
    """A room whose arm has joints. The coil stands over its target in the posture given."""

    def __init__(self, joints: Joints = AT_EASE) -> None:
        on_target = UR.robot_from_tcp(joints)
        super().__init__(replace(SETUP, robot=UR_ARM), at=on_target @ Pose(translation=(0.0, 0.0, -0.02)))
        self.head = on_target @ TARGET.inverse()
        self.joints = joints

    def state(self) -> RobotState:
        """With the joints that this pose takes; where there are none, the last that there were."""
        self.joints = UR.joints_for(self.tcp, self.joints) or self.joints
        return replace(super().state(), joints=self.joints)

    def tracks(self) -> JointedRoom:
        """Once the coil is on its target."""
        self.run(0.2)
        assert self.order(Verb.TO_TARGET) is None
        assert self.run(4, until=lambda said: said.lease is Lease.BEGIN).lease is Lease.BEGIN
        return self

    def carries_off(self, shift: Vector, turn: Vector, seconds: float) -> None:
        """The head goes evenly, shifted in the robot's frame and turned in its own, until the coil does not follow."""
        start, from_us = self.head, self.now_us

        def at(now_us: int) -> Pose:
            share = min(1.0, (now_us - from_us) / seconds / 1e6)
            turned = start @ Pose.turned([share * part for part in turn])
            return Pose(translation=tuple(share * part for part in shift)) @ turned

        self.move = at
        self.run(seconds, until=lambda said: said.state is not HoldState.TRACK)


@settings(max_examples=300)
@given(joints=POSTURE)
def test_a_pose_is_told_exactly_when_its_joints_are_clear_of_their_ends_and_of_singular_postures(
    joints: Joints,
) -> None:
    assume(clear(joints, degrees=0.01, mm=0.01) or not clear(joints, degrees=-0.01, mm=-0.01))
    box = replace(ArmLimits(), box=limits.Box((-2, -2, -2), (2, 2, 2)))

    over = limits.of_the_command(box, UR_ARM, UR.robot_from_tcp(joints), joints)

    if abs(math.sin(joints[4])) > 1e-3:  # closer to it a turn of the last joint is one of the fourth
        assert (over is None) is clear(joints)


def test_a_pose_out_of_the_arms_reach_or_of_the_box_is_never_told() -> None:
    near = UR.robot_from_tcp(AT_EASE)

    def told(pose: Pose) -> ArmReason | None:
        return limits.of_the_command(ArmLimits(), UR_ARM, pose, AT_EASE)

    assert told(near) is None
    assert told(Pose(near.quaternion, (0.99, 0.3, 0.4))) is ArmReason.OUT_OF_REACH
    assert told(Pose(near.quaternion, (0.3, 0.3, -0.11))) is ArmReason.OUT_OF_REACH


@settings(max_examples=8, deadline=None, phases=[Phase.generate])  # each is a room that runs: nobody waits for smaller
@given(toward=st.tuples(*[st.floats(-1, 1)] * 3), turns=st.tuples(*[st.floats(-0.4, 0.4)] * 3))
def test_wherever_a_head_carries_the_coil_no_goal_breaks_a_limit_of_the_joints(
    toward: tuple[float, float, float], turns: tuple[float, float, float]
) -> None:
    """0.6 m, further than the arm reaches in any direction; a head turns meanwhile."""
    assume(math.hypot(*toward) > 0.2)
    room = JointedRoom().tracks()
    x, y, z = (0.6 * part / math.hypot(*toward) for part in toward)
    near = room.joints

    room.carries_off((x, y, z), turns, 6.0)

    for said in room.said:
        if said.goal is not None:
            found = UR.joints_for(said.goal, near)
            assert found is not None
            assert clear(found)
            near = found


def posture(joint: int, degrees: float) -> Joints:
    """At ease, with one joint elsewhere."""
    a, b, c, d, e, f = (math.radians(degrees) if at == joint else angle for at, angle in enumerate(AT_EASE))
    return (a, b, c, d, e, f)


QUARTER = math.radians(25)


@pytest.mark.parametrize(
    ("joints", "shift", "turn", "reason"),
    [
        (AT_EASE, (0.4, 0.0, 0.0), STILL, ArmReason.NEAR_SINGULARITY),
        (AT_EASE, (-0.4, 0.0, 0.1), STILL, ArmReason.NEAR_SINGULARITY),
        (posture(5, 345), STILL, (0.0, 0.0, -QUARTER), ArmReason.JOINT_RANGE),
        (posture(5, -345), STILL, (0.0, 0.0, QUARTER), ArmReason.JOINT_RANGE),
        (posture(4, 14), STILL, (0.0, -QUARTER, 0.0), ArmReason.NEAR_SINGULARITY),
        (AT_EASE, (0.0, -0.0, -0.5), STILL, ArmReason.OUT_OF_REACH),
    ],
    ids=["stretched", "overhead", "end", "other end", "wrist", "box"],
)
def test_a_head_that_carries_the_coil_to_a_limit_has_it_taken_off_and_is_told_which(
    joints: Joints, shift: Vector, turn: Vector, reason: ArmReason
) -> None:
    further, less = JointedRoom(joints).tracks(), JointedRoom(joints).tracks()
    further.carries_off(shift, turn, 4.0)
    less.carries_off(tuple(part / 10 for part in shift), tuple(part / 10 for part in turn), 4.0)

    assert (further.said[-1].state, further.said[-1].why) == (HoldState.RETRACT, reason)
    assert (further.said[-1].command, further.said[-1].goal) == (Command.RETRACT, None)
    assert less.said[-1].state is HoldState.TRACK


# --- an order


def standing(joints: Joints) -> JointedRoom:
    """A room whose arm stands so, with a head within its reach."""
    room = JointedRoom()
    room.tcp, room.joints = UR.robot_from_tcp(joints), joints
    return room


def reaching(degrees: float) -> Joints:
    """Far out, with the elbow bent by so much."""
    return (0.3, -2.5, math.radians(degrees), -2.0, 1.4, 0.2)


def refused(room: JointedRoom, verb: Verb = Verb.TO_TARGET) -> ArmReason | None:
    """What becomes of an order."""
    room.run(0.2)
    refusal = room.order(verb)
    return None if refusal is None else refusal.reason


@pytest.mark.parametrize(
    ("good", "bad", "reason"),
    [
        (posture(5, 352), posture(5, 354), ArmReason.JOINT_RANGE),
        (posture(4, 11), posture(4, 9), ArmReason.NEAR_SINGULARITY),
        (reaching(-11), reaching(-9), ArmReason.NEAR_SINGULARITY),
    ],
)
def test_an_arm_that_stands_where_it_would_not_be_told_to_go_is_sent_to_no_target(
    good: Joints, bad: Joints, reason: ArmReason
) -> None:
    assert (refused(standing(good)), refused(standing(bad))) == (None, reason)


def test_it_goes_home_from_there_all_the_same() -> None:
    room = standing(posture(5, 354))
    assert refused(room, Verb.PARK) is None

    assert room.run(0.1).command is Command.FOLLOW


def test_on_its_way_home_it_stops_where_it_would_come_to_a_limit() -> None:
    room = JointedRoom()
    room.hold = Hold(replace(SETUP, robot=UR_ARM, park=Pose(UR.robot_from_tcp(AT_EASE).quaternion, (0.95, 0.0, 0.4))))
    assert refused(room, Verb.PARK) is None
    room.run(12)

    assert (room.said[-1].command, room.said[-1].why) == (Command.REST, ArmReason.NEAR_SINGULARITY)
    assert clear(room.joints)


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        (Pose(translation=(0.019, 0.0, 0.0)), Pose(translation=(0.021, 0.0, 0.0))),
        (Pose.turned((0.0, 0.0, math.radians(1.9))), Pose.turned((0.0, 0.0, math.radians(2.1)))),
    ],
    ids=["shift", "turn"],
)
def test_an_arm_whose_joints_put_its_tool_elsewhere_is_another_model_and_goes_to_no_target(
    good: Pose, bad: Pose
) -> None:
    def says(off: Pose) -> JointedRoom:
        room = JointedRoom()
        room.robot_says = lambda robot: replace(robot, robot_from_tcp=robot.robot_from_tcp @ off)
        return room

    assert (refused(says(good)), refused(says(bad))) == (None, ArmReason.OTHER_MODEL)
