"""Where the flange of a UR is, and which joints put it there."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.poses import Pose
from drivers.robots import Joints
from drivers.ur.kinematics import LENGTHS, Links, Unreachable, UrKinematics, joints_for, robot_from_flange
from drivers.ur.site import MODELS, UrSite, capabilities

UR5E = LENGTHS["UR5e"]
HOME: Joints = (0.0, -math.pi / 2, -math.pi / 2, -math.pi / 2, math.pi / 2, 0.0)
"""Elbow up, tool down."""
ANGLE = st.floats(-6.2, 6.2)
JOINTS = st.tuples(ANGLE, ANGLE, ANGLE, ANGLE, ANGLE, ANGLE)


def link_by_link(arm: Links, joints: Joints) -> Pose:
    """The textbook's product of six Denavit-Hartenberg links: turn and shift about z, then about x."""
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


@given(model=st.sampled_from(MODELS), joints=JOINTS)
def test_the_closed_form_is_the_product_of_the_links(model: str, joints: Joints) -> None:
    links = LENGTHS[model]
    apart = link_by_link(links, joints).inverse() @ robot_from_flange(links, joints)

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


@given(joints=JOINTS, tool=st.tuples(*[st.floats(-0.2, 0.2)] * 3), turned=st.tuples(*[st.floats(-1, 1)] * 3))
def test_the_tool_comes_back_to_where_its_joints_put_it(
    joints: Joints, tool: tuple[float, float, float], turned: tuple[float, float, float]
) -> None:
    arm = UrKinematics.of("UR10e", Pose.turned(turned, tool))
    there = arm.robot_from_tcp(joints)

    found = arm.joints_for(there, joints)

    assert found is not None
    assert (there.inverse() @ arm.robot_from_tcp(found)).distance < 1e-6
    assert arm.joints_for(Pose(there.quaternion, (2.5, 0.0, 0.3)), joints) is None


@given(JOINTS)
def test_turning_the_first_joint_moves_the_wrist_by_its_distance_from_the_axis(joints: Joints) -> None:
    """The wrist's centre stands off the plane of the upper arm by a fixed length: that part always moves."""
    arm, links = UrKinematics.of("UR5e", Pose()), LENGTHS["UR5e"]
    wrist = robot_from_flange(links, joints) @ Pose(translation=(0.0, 0.0, -links.wrist_3))
    x, y, _ = wrist.translation

    assert arm.off_axis_m(joints) == pytest.approx(math.sqrt(max(0.0, x * x + y * y - links.wrist_1**2)), abs=1e-6)


@pytest.mark.parametrize("model", MODELS)
def test_every_model_is_about_as_long_as_its_reach(model: str) -> None:
    """The data sheets' reach is that of the wrist: both long links, less what the upright wrist takes, and rounded."""
    links = LENGTHS[model]

    assert 0.9 < -(links.upper_arm + links.forearm) / capabilities(UrSite("127.0.0.1", model)).reach_m < 0.97
