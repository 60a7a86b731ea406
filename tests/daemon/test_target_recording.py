"""Recording a target: what counts as standing still at a head, and what a person is told until it does."""

from __future__ import annotations

import math

import numpy as np
import pytest

from daemon.arm.lease import AGREES_M, AGREES_RAD
from daemon.calibration_file import Calibration, Misfit, Spread
from daemon.calibration_source import Sample
from daemon.target_recording import Recording, Stand
from drivers.errors import DeviceError, OperatorError
from drivers.poses import IDENTITY, Pose
from drivers.trackers import Missing, Tool
from tests.daemon.calibration_world import ROBOT_FROM_CAMERA, START, TCP_FROM_COIL, frame, noise, seen_by

NO_MISFIT = Misfit(rms_mm=0, rms_deg=0, worst_mm=0, worst_deg=0)
CALIBRATION = Calibration(
    made="2026-01-01T00:00:00+00:00", by="test", simulated=True, robot_from_camera=ROBOT_FROM_CAMERA,
    tcp_from_coil=TCP_FROM_COIL, poses=12, condition=3, residual=NO_MISFIT, held_out=NO_MISFIT,
    spread=Spread(turns_deg=(0, 0, 0), shifts_mm=(0, 0, 0)),
)  # fmt: skip
HEAD_FROM_TCP = Pose.turned((2.8, 0.4, 0.1), (0.04, 0.02, 0.13))
FRAMES = 30
"""1.5 s of the tracker."""


def seen(
    shift_m: float = 0.0,
    *,
    turn_rad: float = 0.0,
    coil: Pose = IDENTITY,
    head_from_tcp: Pose = HEAD_FROM_TCP,
    sigma_m: float = 1e-4,
) -> list[Sample]:
    """A coil at a head that sways by `shift_m` and turns by `turn_rad`; `coil` is how far its marker is off."""
    rng = np.random.default_rng(4)
    samples = []
    for number in range(FRAMES):
        sway = Pose(translation=(shift_m * math.sin(number), 0.0, 0.0))
        turn = Pose.turned((0.0, 0.0, turn_rad * math.sin(number)))
        robot_from_head = sway @ START @ turn @ head_from_tcp.inverse()
        tools = {
            Tool.HEAD: ROBOT_FROM_CAMERA.inverse() @ robot_from_head @ noise(rng, sigma_m / 10),
            Tool.COIL: seen_by(START @ coil) @ noise(rng, sigma_m / 10),
        }
        samples.append(Sample(frame(number, tools), START))
    return samples


def taken(samples: list[Sample]) -> Stand | None:
    recording = Recording(CALIBRATION)
    return next((stand for stand in map(recording.feed, samples) if stand is not None), None)


def test_where_the_coil_stands_on_a_still_head_is_found_with_its_spread() -> None:
    stand = taken(seen(0.0003))

    assert stand is not None
    apart = HEAD_FROM_TCP.inverse() @ stand.head_from_tcp
    assert (apart.distance < 2e-4, math.degrees(apart.angle) < 0.05) == (True, True)
    assert stand.spread_mm == pytest.approx(0.3 / math.sqrt(2), abs=0.08), "RMS of a sine"
    assert stand.apart_mm < 0.1
    assert stand.frames >= 15


def test_a_head_that_sways_is_waited_for() -> None:
    recording = Recording(CALIBRATION)

    assert all(recording.feed(sample) is None for sample in seen(0.0009))
    assert recording.hint == "Coil and head moved by 0.6 mm against each other. Hold still."


@pytest.mark.parametrize(("turn_deg", "holds"), [(0.4, True), (0.9, False)])
def test_a_head_that_turns_under_the_coil_is_waited_for(*, turn_deg: float, holds: bool) -> None:
    assert (taken(seen(turn_rad=math.radians(turn_deg))) is not None) is holds


def test_a_coil_that_is_not_at_the_head_is_not_recorded() -> None:
    recording = Recording(CALIBRATION)
    far = seen(head_from_tcp=Pose(translation=(0.2, 0.2, 0.2)))

    assert all(recording.feed(sample) is None for sample in far)
    assert "coilward coil guide" in recording.hint


@pytest.mark.parametrize(
    "off",
    [Pose(translation=(0.0, AGREES_M, 0.0)), Pose.turned((0.0, 0.0, AGREES_RAD))],
)
def test_a_camera_that_sees_the_coil_elsewhere_than_the_robot_says_ends_it(off: Pose) -> None:
    less, more = IDENTITY.towards(off, 0.9), IDENTITY.towards(off, 1.1)

    with pytest.raises(OperatorError, match="Robot and camera disagree about the coil by"):
        taken(seen(coil=more, sigma_m=1e-5))
    assert taken(seen(coil=less, sigma_m=1e-5)) is not None


@pytest.mark.parametrize(
    ("tool", "said"),
    [(Tool.HEAD, "does not see the marker on the head"), (Tool.COIL, "does not see the coil's marker")],
)
def test_a_marker_that_is_not_seen_is_named(tool: Tool, said: str) -> None:
    recording = Recording(CALIBRATION)
    tools: dict[Tool, Pose | Missing] = {Tool.HEAD: START, Tool.COIL: START} | {tool: Missing.NOT_SEEN}

    assert recording.feed(Sample(frame(0, tools), START)) is None
    assert said in recording.hint


def test_a_robot_that_does_not_answer_is_named() -> None:
    recording = Recording(CALIBRATION)

    assert recording.feed(Sample(frame(0, {Tool.HEAD: START, Tool.COIL: START}))) is None
    assert "robot does not answer" in recording.hint


def test_a_frozen_tracker_records_nothing() -> None:
    samples = seen()
    frozen = [
        Sample(frame(n, {t: s.pose for t, s in samples[0].frame.tools.items() if s.pose}), START) for n in range(30)
    ]

    with pytest.raises(DeviceError, match="frozen"):
        taken(frozen)


def test_nobody_waits_for_stillness_longer_than_a_minute() -> None:
    recording = Recording(CALIBRATION)
    tools: dict[Tool, Pose | Missing] = {Tool.HEAD: Missing.NOT_SEEN, Tool.COIL: START}
    assert recording.feed(Sample(frame(0, tools), START)) is None
    assert recording.feed(Sample(frame(1200, tools), START)) is None

    with pytest.raises(OperatorError, match=r"not still together within 60 s\. Last seen: The camera does not see"):
        recording.feed(Sample(frame(1201, tools), START))
