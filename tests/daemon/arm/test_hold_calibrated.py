"""Another calibration while the hold runs: when it is taken, and that what comes after goes by it alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from daemon.arm.hold import Command, HoldState, Setup, Verb
from daemon.arm.reasons import ArmReason, Refusal
from drivers.poses import Pose
from tests.daemon.arm.hold_room import ROBOT_FROM_CAMERA, SETUP, TCP_FROM_COIL, Room, tracking

BUMPED = Pose.turned((0.0, 0.05, 0.02), (0.03, -0.02, 0.01)) @ ROBOT_FROM_CAMERA
"""Where the camera stands after somebody pushed it."""


def by(camera: Pose, name: str) -> Setup:
    return replace(SETUP, robot_from_camera=camera, tcp_from_coil=TCP_FROM_COIL, calibration=name)


BEFORE, AFTER = by(ROBOT_FROM_CAMERA, "before"), by(BUMPED, "after")


def bumped() -> Room:
    """The coil was taken off the head because the camera moved, and is at rest."""
    room = tracking(BEFORE)
    room.camera = BUMPED
    output = room.run(3.0)
    assert (output.state, output.why) == (HoldState.RETRACT, ArmReason.CAMERA_MOVED)
    assert room.order(Verb.TO_TARGET) == Refusal(ArmReason.CAMERA_MOVED)
    return room


def test_after_the_camera_moved_a_new_calibration_brings_the_coil_back_to_the_same_target() -> None:
    room = bumped()

    assert room.hold.calibrate(AFTER) is None
    assert room.run(0.2).why is None
    assert room.order(Verb.TO_TARGET) is None
    output = room.run(5.0, until=lambda said: said.lease.value == "begin")

    assert (output.state, output.lease.value, room.hold.calibration) == (HoldState.TRACK, "begin", "after")
    assert room.on_target().distance < 0.001


def test_a_calibration_that_is_as_wrong_as_the_one_before_mends_nothing() -> None:
    room = bumped()

    assert room.hold.calibrate(by(ROBOT_FROM_CAMERA, "of the old place")) is None
    room.run(0.2)

    assert room.order(Verb.TO_TARGET) == Refusal(ArmReason.COIL_MARKER_DISAGREES)


def test_a_hand_that_leads_the_arm_from_pose_to_pose_is_not_interrupted_by_the_calibration_it_brought() -> None:
    room = Room(replace(SETUP, robot_from_camera=None))
    room.run(0.2)
    assert room.order(Verb.TO_TARGET) == Refusal(ArmReason.NOT_CALIBRATED)
    assert room.order(Verb.HAND) is None
    room.turn()

    assert room.hold.calibrate(BEFORE) is None
    guided = room.run(0.2)

    assert (guided.state, guided.command) == (HoldState.HAND, Command.GUIDE)
    assert room.order(Verb.TO_TARGET) is None


def retracting() -> Room:
    room = tracking(BEFORE)
    assert room.order(Verb.AWAY) is None
    room.run(0.1)
    return room


def parking() -> Room:
    room = Room(BEFORE)
    room.run(0.2)
    assert room.order(Verb.PARK) is None
    room.run(0.3)
    return room


def approaching() -> Room:
    room = Room(BEFORE)
    room.run(0.2)
    assert room.order(Verb.TO_TARGET) is None
    room.run(0.1)
    return room


def standing() -> Room:
    room = tracking(BEFORE)
    room.spoil = lambda _: None
    output = room.run(0.2)
    assert output.state is HoldState.FREEZE
    return room


@pytest.mark.parametrize("moving", [approaching, tracking, standing, retracting, parking])
def test_a_coil_that_is_at_the_head_or_moves_takes_none_and_takes_it_once_it_is_at_rest(moving: object) -> None:
    room = moving() if moving is not tracking else tracking(BEFORE)  # type: ignore[operator]
    refused = room.hold.calibrate(AFTER)

    assert refused is not None
    assert refused.reason is ArmReason.NOT_NOW
    assert room.hold.calibration == "before"
    assert room.hold.calibrate(BEFORE) is None, "it goes by that one already"

    room.spoil = lambda frame: frame
    if room.hold.state is not HoldState.PARKED:
        assert room.order(Verb.AWAY) is None
    room.run(15.0)
    assert room.hold.calibrate(AFTER) is None
    assert room.hold.calibration == "after"
