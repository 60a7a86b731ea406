"""The arms by the names of the site file."""

from __future__ import annotations

from typing import get_args

import pytest

from daemon.config_robot import RobotModel
from drivers.arms import ARMS, arm
from drivers.errors import ConfigError
from drivers.robots import ArmPlace

PLACE = ArmPlace("192.168.0.10")


def test_every_arm_that_a_site_file_may_name_can_be_made_and_no_other() -> None:
    assert set(get_args(RobotModel)) == set(ARMS)
    with pytest.raises(ConfigError, match=r"kuka-med7.*choose one of ur3, "):
        arm("kuka-med7", PLACE)


@pytest.mark.parametrize("model", ARMS)
def test_every_arm_states_how_it_is_streamed_to_and_what_it_does_on_silence(model: str) -> None:
    states = arm(model, PLACE).capabilities

    assert states.model.lower().endswith(model)
    assert states.primitive
    assert states.on_silence
    assert 0 < states.least_rate_hz <= states.rate_hz
    assert 1e6 / states.least_rate_hz <= states.dead_man_us <= states.dead_man_idle_us


def test_what_an_arm_cannot_be_is_refused_when_it_is_made() -> None:
    with pytest.raises(ConfigError, match="no numeric address"):
        arm("ur5e", ArmPlace("robot.local"))
