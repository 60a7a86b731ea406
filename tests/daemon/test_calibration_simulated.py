"""Registration and calibration by the simulator's tracker: its noise, dropouts, failures, and a head that moves."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator

import pytest

from daemon.calibration import calibrate
from daemon.calibration_check import Bumped, compare
from daemon.calibration_gather import Gathering
from daemon.calibration_plan import shell
from daemon.calibration_source import Sample
from daemon.registration import register
from daemon.registration_file import Fiducial
from daemon.registration_touching import Touching
from drivers.errors import DeviceError
from drivers.poses import Pose, Vector
from drivers.trackers import Tool
from simulator.head.motion import Head
from simulator.head.statistics import Motion
from simulator.placement import Placement, held_at
from simulator.tracking import Freeze, SimulatedTracker, TrackerProfile

START_US = 5_000_000_000
PLACE = Placement()
START = PLACE.room_from_skull @ PLACE.skull_from_target
"""`robot_from_tcp` on the target: robot and room are one here."""
DWELL_S, WAY_S = 1.5, 0.5
NOISY = TrackerProfile(dropout=0.05)


def carried(poses: list[Pose]) -> Callable[[int], Pose]:
    """An arm that rests at each pose in turn, and moves evenly between them: time in µs → `robot_from_tcp`."""

    def at(now_us: int) -> Pose:
        turn, rest_s = divmod((now_us - START_US) / 1e6, DWELL_S + WAY_S)
        here = min(max(int(turn), 0), len(poses) - 1)
        there = min(here + 1, len(poses) - 1)
        return poses[here].towards(poses[there], max(0.0, rest_s - DWELL_S) / WAY_S)

    return at


def watched(
    poses: list[Pose], profile: TrackerProfile = NOISY, camera: Pose = PLACE.room_from_camera
) -> tuple[SimulatedTracker, Iterator[Sample]]:
    """The tracker that sees the arm's coil, and samples of both until the arm has been everywhere."""
    arm = carried(poses)
    tracker = SimulatedTracker(
        profile, lambda at_us: {Tool.COIL: camera.inverse() @ arm(at_us) @ PLACE.tcp_from_coil}, 11, START_US
    )

    def samples() -> Iterator[Sample]:
        for step in range(round(len(poses) * (DWELL_S + WAY_S) * 60)):
            tracker.step_to(START_US + step * 16_667)
            for frame in tracker.take():
                yield Sample(frame, arm(frame.source_us))

    return tracker, samples()


def gathered(samples: Iterator[Sample]) -> Gathering:
    gathering = Gathering()
    for sample in samples:
        gathering.feed(sample)
    return gathering


def test_the_simulated_camera_is_found_to_a_tenth_of_a_millimetre_where_the_head_is() -> None:
    _, samples = watched(shell(START, 16))

    found = calibrate(gathered(samples).taken)

    camera_from_head = PLACE.room_from_camera.inverse() @ START
    off = (PLACE.room_from_camera @ camera_from_head).inverse() @ found.robot_from_camera @ camera_from_head
    assert found.poses == 16
    assert off.distance < 1e-4
    assert math.degrees(off.angle) < 0.05
    assert (found.tcp_from_coil.inverse() @ PLACE.tcp_from_coil).distance < 1e-4
    assert found.held_out.rms_mm < 0.1


def test_a_simulated_camera_that_was_bumped_is_refused_before_the_session() -> None:
    _, samples = watched(shell(START, 16))
    calibration = calibrate(gathered(samples).taken)
    _, same = watched([START])
    _, bumped = watched([START], camera=Pose(translation=(0.0, 0.003, 0.0)) @ PLACE.room_from_camera)

    assert compare(calibration, gathered(same).taken).shift_mm < 0.5
    told = str(Bumped(compare(calibration, gathered(bumped).taken)))
    assert re.search(r"disagree about the coil by [23]\.\d mm", told)


def test_a_simulated_tracker_that_froze_gives_no_pose() -> None:
    tracker, samples = watched([START, START @ Pose(translation=(0.05, 0.0, 0.0))])
    tracker.faults.frozen = (Freeze.POSES, START_US + 60_000_000)

    for _ in range(2):  # one good frame, which it then repeats
        next(samples, None)
    with pytest.raises(DeviceError, match="frozen"):
        gathered(samples)


@pytest.mark.parametrize("motion", [Motion.STILL, Motion.REST, Motion.FREE])
def test_a_head_that_moves_is_registered_as_well_as_one_that_does_not(motion: Motion) -> None:
    head = Head(PLACE.room_from_skull, PLACE.scalp.centre, motion, 4, START_US)
    points: list[Vector] = [PLACE.fiducials[each.name] for _ in range(2) for each in Fiducial]
    tip = carried([held_at(point) for point in points])

    def scene(at_us: int) -> dict[Tool, Pose]:
        camera_from_skull = PLACE.room_from_camera.inverse() @ head.pose(at_us)
        return {Tool.HEAD: camera_from_skull @ PLACE.skull_from_head, Tool.POINTER: camera_from_skull @ tip(at_us)}

    tracker = SimulatedTracker(NOISY, scene, 12, START_US)
    touching = Touching(2, hands_free=True)
    for step in range(round(len(points) * (DWELL_S + WAY_S) * 60)):
        tracker.step_to(START_US + step * 16_667)
        for frame in tracker.take():
            touching.feed(frame)
    found = register(touching.touches)

    off = found.head_from_skull.inverse() @ PLACE.skull_from_head.inverse()
    assert off.distance < 2e-4
    assert math.degrees(off.angle) < 0.15
    assert found.residual_mm < 0.2
