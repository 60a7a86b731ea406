"""The UR driver is connected by reading alone, and says why a controller or a site file will not do."""

from __future__ import annotations

import socket

import pytest

from drivers.errors import BadFrame, ConfigError, DeadlinePassed, DeviceRefused, PortLost, PortNotFound
from drivers.robots import Program, RobotMode, SafetyMode
from drivers.ur.arm import UrArm
from drivers.ur.codec import ControllerVersion, SetupOutputs
from drivers.ur.negotiation import InputsTaken
from drivers.ur.site import Box, Ports, UrSite
from tests.drivers.ur_room import START_US, Room

# ── connecting ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_arm_is_connected_by_reading_alone_and_then_tells_its_state(room: Room) -> None:
    arm = room.connected()

    assert arm.last is not None
    assert (arm.last.mode, arm.last.safety, arm.last.program) == (RobotMode.RUNNING, SafetyMode.NORMAL, Program.ABSENT)
    assert arm.last.received_us == room.now_us
    assert arm.fileno() >= 0


def test_it_asks_an_e_series_for_500_hz_and_a_cb3_for_125(room: Room) -> None:
    room.connected()
    assert [each.frequency_hz for each in room.controller.asked if isinstance(each, SetupOutputs)] == [500.0]

    room.controller.settings.version = ControllerVersion(3, 15, 0, 0)
    room.connected()
    assert [each.frequency_hz for each in room.controller.asked if isinstance(each, SetupOutputs)] == [125.0]


def test_set_points_before_the_stream_has_begun_go_nowhere_and_raise_nothing(room: Room) -> None:
    arm = room.dial(first_sequence=5)
    numbers = [arm.rest()]
    room.turn_until(lambda: arm.last is not None, act=lambda: numbers.append(arm.rest()))
    *before, first = numbers
    room.turn_until(lambda: room.controller.set_points != [], act=lambda: None)

    assert len(before) > 3, "one when it was dialled, and one in each turn of the controller's answers"
    assert set(before) == {5}
    assert first == 6
    assert [sequence for sequence, *_ in room.controller.set_points] == [6]


def test_registers_of_another_client_are_refused_with_who_and_what_to_do(room: Room) -> None:
    room.controller.settings.owned = ("input_int_register_24", "input_double_register_30")
    arm = room.dial()

    with pytest.raises(InputsTaken) as refused:
        room.turn(20, act=lambda: None)

    for words in ("input_int_register_24, input_double_register_30", "another program", "Stop that program"):
        assert words in str(refused.value)
    with pytest.raises(PortLost):
        arm.fileno()


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"speaks_version_2": False}, DeviceRefused, "version 2"),
        ({"version": ControllerVersion(5, 9, 4, 0)}, DeviceRefused, "5.9.4.0"),
        ({"version": ControllerVersion(3, 14, 0, 0)}, DeviceRefused, "Update it"),
        ({"unknown": ("speed_scaling",)}, DeviceRefused, "speed_scaling"),
        ({"starts": False}, DeviceRefused, "does not start"),
        ({"other_types": {"speed_scaling": "INT32"}}, BadFrame, "always told otherwise"),
        ({"says_nothing": True}, DeadlinePassed, "does not answer within 3 s"),
    ],
)
def test_a_controller_that_cannot_be_set_up_says_why(
    room: Room, change: dict[str, object], error: type[Exception], words: str
) -> None:
    for name, value in change.items():
        setattr(room.controller.settings, name, value)
    room.dial()

    with pytest.raises(error, match=words):
        room.turn(2000, act=lambda: None)


@pytest.mark.parametrize("version", [ControllerVersion(5, 10, 0, 0), ControllerVersion(3, 15, 0, 0)])
def test_the_oldest_software_that_knows_what_can_be_reached_is_taken(room: Room, version: ControllerVersion) -> None:
    room.controller.settings.version = version

    assert room.connected().last is not None


def test_nobody_listening_is_told_at_the_first_reads(room: Room) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    site = UrSite(host="127.0.0.1", ports=Ports(rtde=port))

    with pytest.raises(PortNotFound, match="ECONNREFUSED"):
        UrArm.dial(site, START_US).read(START_US)


# ── the site ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"host": "robot.local"}, "numeric"),
        ({"model": "UR6"}, "UR5e"),
        ({"payload_kg": -0.1}, "payload_kg"),
        ({"payload_kg": float("nan")}, "payload_kg"),
        ({"speed_m_s": 0.26}, "speed_m_s"),
        ({"slack": 0.5}, "slack"),
        ({"box": Box(low=(0.1, 0, 0), high=(0.1, 1, 1))}, "along x"),
    ],
)
def test_a_site_that_cannot_be_is_refused_by_its_key(change: dict[str, object], words: str) -> None:
    UrSite(host="192.168.1.5")
    with pytest.raises(ConfigError, match=words):
        UrSite(**({"host": "192.168.1.5"} | change))
