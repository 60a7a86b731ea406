"""Collecting poses of the arm: what counts as held still, what is frozen, and what a person is told."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from daemon.calibration import calibrate
from daemon.calibration_gather import NEXT_US, Gathering, keep_sighting, read_sightings
from daemon.calibration_plan import shell
from daemon.calibration_source import Sample
from daemon.calibration_still import GAP_US, HOLD_US, LEAST_FRAMES, STILL_M, Still
from drivers.errors import ConfigError, DeviceError, OperatorError, PortLost
from drivers.poses import Pose
from drivers.trackers import Missing, Tool
from tests.daemon.calibration_world import FRAME_US, ORIGIN_US, START, TCP_FROM_COIL, frame, played, resting, sightings


def trembling(rng: np.random.Generator, sigma_m: float) -> Pose:
    return Pose(translation=tuple(rng.normal(0, sigma_m, 3).tolist()))


def fed(still: Still, poses: list[Pose], step_us: int = FRAME_US, start_us: int = ORIGIN_US) -> list[int]:
    """The numbers of the frames that completed a hold."""
    return [n for n, pose in enumerate(poses) if still.feed(start_us + n * step_us, pose) is not None]


def test_a_pose_held_for_a_second_is_taken_and_then_the_wait_begins_anew() -> None:
    rng = np.random.default_rng(1)

    taken = fed(Still(), [trembling(rng, 1e-4) for _ in range(50)])

    assert taken == [HOLD_US // FRAME_US, 2 * HOLD_US // FRAME_US + 1]


def test_the_mean_of_a_hold_is_better_than_its_frames() -> None:
    rng = np.random.default_rng(2)
    still = Still()
    held = [still.feed(ORIGIN_US + n * FRAME_US, trembling(rng, 2e-4)) for n in range(21)][-1]

    assert held is not None
    assert held.frames == 21
    assert held.poses[0].distance < 2e-4
    assert held.spread_m == pytest.approx(2e-4 * math.sqrt(3), rel=0.3)


@pytest.mark.parametrize(("speed_m_s", "taken"), [(STILL_M, True), (4 * STILL_M, False)])
def test_what_moves_is_not_taken_and_what_creeps_less_than_the_limit_is(speed_m_s: float, taken: bool) -> None:
    moving = [Pose(translation=(speed_m_s * n * FRAME_US / 1e6, 0, 0)) for n in range(100)]

    assert bool(fed(Still(), moving)) is taken


def test_a_wiggle_of_more_than_a_millimetre_is_not_still() -> None:
    """What went and came back is not seen from the ends of the second."""
    wiggle = [Pose(translation=(1.5 * STILL_M * (n % 20 == 10), 0, 0)) for n in range(60)]

    assert fed(Still(), wiggle) == []


def test_turning_is_motion_for_an_arm_and_none_for_a_tip() -> None:
    turning = [Pose.turned((0.02 * n, 0, 0)) for n in range(60)]

    assert fed(Still(), turning) == []
    assert fed(Still(turns=False), turning) != []


def test_too_few_frames_make_no_hold() -> None:
    rng = np.random.default_rng(1)
    slow_us = HOLD_US // (LEAST_FRAMES - 2) + 1

    assert fed(Still(), [trembling(rng, 1e-4) for _ in range(40)], slow_us) == []
    assert fed(Still(), [trembling(rng, 1e-4) for _ in range(40)], HOLD_US // (LEAST_FRAMES - 1)) != []


@pytest.mark.parametrize(("gap_us", "taken"), [(GAP_US, 20), (GAP_US + 1, 30)])
def test_a_long_gap_begins_the_wait_anew_and_a_short_one_does_not(gap_us: int, taken: int) -> None:
    rng = np.random.default_rng(1)
    still = Still()
    times = [ORIGIN_US + n * FRAME_US for n in range(10)]
    times += [times[-1] + gap_us + n * FRAME_US for n in range(30)]
    found = [n for n, at_us in enumerate(times) if still.feed(at_us, trembling(rng, 1e-4))]

    assert found[0] == taken - (4 if gap_us == GAP_US else 0)


def test_a_tracker_that_repeats_one_pose_is_frozen_and_not_still() -> None:
    with pytest.raises(DeviceError, match="frozen"):
        fed(Still(), [START] * 40)


def collect(samples: list[Sample]) -> Gathering:
    gathering = Gathering()
    for sample in samples:
        gathering.feed(sample)
    return gathering


def test_every_pose_the_arm_rests_at_is_taken_once_and_calibrates() -> None:
    gathering = collect(resting(shell(START, 14), seconds=2.6))

    found = calibrate(gathering.taken)

    assert len(gathering.taken) == 14
    assert (found.tcp_from_coil.inverse() @ TCP_FROM_COIL).distance < 5e-4
    assert "like pose 14" in gathering.hint


def test_an_arm_that_does_not_rest_gives_no_pose() -> None:
    assert collect(resting(shell(START, 6), seconds=0.8)).taken == []


@pytest.mark.parametrize(
    ("sample", "said"),
    [
        (Sample(frame(0, {Tool.COIL: Missing.PARTLY_SEEN}), START), "partly seen"),
        (Sample(frame(0, {Tool.HEAD: START}), START), "no such tool"),
        (Sample(frame(0, {Tool.COIL: START}), None), "robot does not answer"),
    ],
)
def test_what_is_missing_is_said(sample: Sample, said: str) -> None:
    assert said in collect([sample]).hint


def test_an_arm_that_nobody_moves_ends_the_waiting() -> None:
    hidden = Sample(frame(0, {Tool.COIL: Missing.NOT_SEEN}), START)
    late = Sample(frame(NEXT_US // FRAME_US + 1, {Tool.COIL: Missing.NOT_SEEN}), START)

    with pytest.raises(OperatorError, match="No new pose for 5 minutes; 0 were taken"):
        collect([hidden, late])


def test_poses_kept_in_a_file_are_read_back_without_those_left_out(tmp_path: Path) -> None:
    seen = sightings(13)
    for each in seen:
        keep_sighting(each, tmp_path / "p.jsonl")

    assert read_sightings(tmp_path / "p.jsonl") == seen
    assert read_sightings(tmp_path / "p.jsonl", (1, 13)) == seen[1:-1]
    with pytest.raises(OperatorError, match="no pose 14"):
        read_sightings(tmp_path / "p.jsonl", (14,))


@pytest.mark.parametrize(
    ("line", "said"),
    [("{", "line 2"), ('{"robot_from_tcp": [1,0,0,0,0,0,0]}', "camera_from_coil is missing"), ("[]", "line 2")],
)
def test_a_file_of_poses_that_does_not_hold_is_refused_by_its_line(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "p.jsonl"
    keep_sighting(sightings(1)[0], path)
    path.write_text(path.read_text() + line + "\n")

    with pytest.raises(ConfigError, match="line 2") as refused:
        read_sightings(path)
    assert said in str(refused.value)


async def test_samples_that_end_early_are_an_error_and_no_calibration() -> None:
    from daemon.cli.calibrating import gather  # noqa: PLC0415  the terminal's part

    with pytest.raises(PortLost, match="after 2 poses"):
        await gather(played(resting(shell(START, 2))), 12, lambda *_: None)


def test_a_marker_that_drops_out_now_and_then_costs_no_pose() -> None:
    samples = resting(shell(START, 3), seconds=1.8)
    for number in range(0, len(samples), 7):
        hidden = frame(number, {Tool.COIL: Missing.NOT_SEEN})
        samples[number] = replace(samples[number], frame=hidden)

    assert len(collect(samples).taken) == 3
