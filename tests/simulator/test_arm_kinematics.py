"""Where the flange of a UR is, and which joints put it there."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.poses import Pose
from drivers.robots import Joints
from simulator.arm.kinematics import Unreachable, joints_for, robot_from_flange
from simulator.arm.profile import HOME, UR5E

ANGLE = st.floats(-6.2, 6.2)
JOINTS = st.tuples(ANGLE, ANGLE, ANGLE, ANGLE, ANGLE, ANGLE)


def link_by_link(joints: Joints) -> Pose:
    """The textbook's product of six Denavit-Hartenberg links: turn and shift about z, then about x."""
    arm = UR5E
    links = (
        (0, arm.base_height, math.pi / 2),
        (arm.upper_arm, 0, 0),
        (arm.forearm, 0, 0),
        (0, arm.wrist_1, math.pi / 2),
        (0, arm.wrist_2, -math.pi / 2),
        (0, arm.wrist_3, 0),
    )
    pose = Pose()
    for (a, d, twist), angle in zip(links, joints, strict=True):
        pose = pose @ Pose.turned((0, 0, angle), (0, 0, d)) @ Pose.turned((twist, 0, 0), (a, 0, 0))
    return pose


def test_a_stretched_ur5e_reaches_what_its_data_sheet_lengths_add_up_to() -> None:
    flange = robot_from_flange(UR5E, (0, 0, 0, 0, 0, 0))

    assert flange.translation == pytest.approx((-0.425 - 0.3922, -0.1333 - 0.0996, 0.1625 - 0.0997))


@given(JOINTS)
def test_the_closed_form_is_the_product_of_the_links(joints: Joints) -> None:
    apart = link_by_link(joints).inverse() @ robot_from_flange(UR5E, joints)

    assert apart.distance < 1e-9
    assert apart.angle < 1e-6


@given(JOINTS)
def test_the_joints_found_near_the_present_ones_are_the_present_ones_or_lead_to_the_same_place(joints: Joints) -> None:
    flange = robot_from_flange(UR5E, joints)
    try:
        found = joints_for(UR5E, flange, joints)
    except Unreachable:
        pytest.fail("a place where the arm stands is one it can reach")

    apart = flange.inverse() @ robot_from_flange(UR5E, found)
    assert apart.distance < 1e-6
    assert apart.angle < 1e-5
    if abs(math.sin(joints[4])) > 0.01 and abs(math.sin(joints[2])) > 0.01:
        assert found == pytest.approx(joints, abs=1e-6)


def test_a_step_of_a_millimetre_never_swaps_elbow_wrist_or_shoulder() -> None:
    joints = HOME
    flange = robot_from_flange(UR5E, joints)
    for _ in range(150):
        flange = Pose.turned((0.002, 0.001, 0), (0, 0.001, -0.001)) @ flange
        found = joints_for(UR5E, flange, joints)

        assert max(abs(a - b) for a, b in zip(found, joints, strict=True)) < 0.02
        joints = found


@pytest.mark.parametrize("place", [(1.2, 0, 0.3), (0, 0, 1.6), (0.02, 0.0, 0.3)], ids=["far", "high", "column"])
def test_a_place_out_of_reach_is_refused(place: tuple[float, float, float]) -> None:
    with pytest.raises(Unreachable, match="no joints for this pose"):
        joints_for(UR5E, Pose.turned((math.pi, 0, 0), place), HOME)


def test_a_place_within_reach_is_not_refused() -> None:
    assert joints_for(UR5E, Pose.turned((math.pi, 0, 0), (0.5, 0, 0.3)), HOME)


def test_a_place_beyond_a_joints_limit_is_refused() -> None:
    flange = robot_from_flange(UR5E, HOME)

    with pytest.raises(Unreachable, match="±60°"):
        joints_for(replace(UR5E, joint_limit=math.radians(60)), flange, HOME)
