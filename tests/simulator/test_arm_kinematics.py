"""The simulated arm's own limits: a pose that its joints may not turn to is out of its reach."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from simulator.arm.kinematics import Unreachable, joints_for, robot_from_flange
from simulator.arm.profile import HOME, UR5E


def test_a_place_beyond_a_joints_limit_is_refused() -> None:
    flange = robot_from_flange(UR5E, HOME)

    assert joints_for(replace(UR5E, joint_limit=math.radians(91)), flange, HOME) == pytest.approx(HOME)
    with pytest.raises(Unreachable, match="±60°"):
        joints_for(replace(UR5E, joint_limit=math.radians(60)), flange, HOME)
