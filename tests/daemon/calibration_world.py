"""A camera and an arm that see each other exactly, or with noise, for tests of calibration and registration."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Iterable, Mapping
from typing import Any

import numpy as np

from daemon.calibration_file import Calibration, Misfit, Spread
from daemon.calibration_plan import shell
from daemon.calibration_source import Sample
from daemon.calibration_spread import Sighting
from daemon.registration_file import Fiducial
from drivers.poses import Pose, Vector
from drivers.trackers import Frame, Missing, Sight, Tool

START = Pose.turned((2.2, 0.4, 0.9), (0.45, -0.15, 0.55))
"""`robot_from_tcp`: the coil's face where the scalp will be."""
TCP_FROM_COIL = Pose.turned((0.2, -1.1, 0.4), (0.03, 0.09, -0.06))
ROBOT_FROM_CAMERA = Pose.turned((1.0, 1.6, -0.4), (1.7, 0.4, 1.2))
MARKER_M = 0.04
"""Half a marker's width: what turns noise of its spheres into noise of its angles."""
FRAME_US = 50_000
HEAD: dict[Fiducial, Vector] = {
    Fiducial.NAS: (0.0, 0.103, 0.0),
    Fiducial.LPA: (-0.071, 0.0, 0.0),
    Fiducial.RPA: (0.075, 0.0, 0.0),
}
"""In the skull's own frame: MNE's sample subject, to the millimetre."""
MARKER_FROM_SKULL = Pose.turned((0.4, -0.3, 2.0), (0.02, 0.1, -0.09))
"""The marker sits on the forehead: its origin has a positive z in the skull's frame."""
ORIGIN_US = 7_000_000_000


def on_marker(skull: Mapping[Fiducial, Vector] = HEAD, pose: Pose = MARKER_FROM_SKULL) -> dict[Fiducial, Vector]:
    """Points of the skull in the frame of the marker on the head."""
    return {each: pose.apply(point) for each, point in skull.items()}


def seen_by(robot_from_tcp: Pose, camera: Pose = ROBOT_FROM_CAMERA, marker: Pose = TCP_FROM_COIL) -> Pose:
    """`camera_from_coil`, without noise."""
    return camera.inverse() @ robot_from_tcp @ marker


def noise(rng: np.random.Generator, sigma_m: float) -> Pose:
    """What a tracker adds to a pose."""
    return Pose.turned(rng.normal(0, sigma_m / MARKER_M, 3).tolist(), rng.normal(0, sigma_m, 3).tolist())


def sightings(count: int = 24, sigma_m: float = 0.0, seed: int = 1) -> list[Sighting]:
    """The planned shell, as robot and camera see it."""
    rng = np.random.default_rng(seed)
    return [Sighting(pose, seen_by(pose) @ noise(rng, sigma_m)) for pose in shell(START, count)]


def frame(number: int, tools: Mapping[Tool, Pose | Missing]) -> Frame:
    """A frame of a tracker of 20 Hz, with one sight a tool."""
    at_us = ORIGIN_US + number * FRAME_US
    sights = {
        tool: Sight(None, missing=seen) if isinstance(seen, Missing) else Sight(seen) for tool, seen in tools.items()
    }
    return Frame(number, at_us, at_us + 15_000, sights)


def resting(poses: Iterable[Pose], seconds: float = 1.4, sigma_m: float = 1e-4, seed: int = 3) -> list[Sample]:
    """The arm rests at each pose in turn, and needs half a second between them."""
    rng = np.random.default_rng(seed)
    samples: list[Sample] = []
    here = START
    for pose in poses:
        steps = [here.towards(pose, share / 10) for share in range(1, 11)] + [pose] * round(seconds * 1e6 / FRAME_US)
        for each in steps:
            coil = seen_by(each) @ noise(rng, sigma_m)
            samples.append(Sample(frame(len(samples), {Tool.COIL: coil}), each))
        here = pose
    return samples


def held_at(points: Iterable[Vector], seconds: float = 1.4, sigma_m: float = 1e-4, seed: int = 5) -> list[Sample]:
    """The pointer's tip rests at each point of the head marker's frame in turn, while the head moves; 0.5 s between."""
    rng = np.random.default_rng(seed)
    samples: list[Sample] = []
    here: Vector = (0.2, 0.0, 0.0)
    for point in points:
        way = [Pose(translation=here).towards(Pose(translation=point), share / 10) for share in range(1, 11)]
        for each in [*way, *[Pose(translation=point)] * round(seconds * 1e6 / FRAME_US)]:
            t = len(samples) * FRAME_US / 1e6
            head = Pose.turned((0.3, 0.1 * math.sin(t), 0.2), (0.01 * math.sin(0.7 * t), 0.1, 1.5))
            tip = Pose.turned((0.4 * math.sin(3 * t), 0.3 * math.cos(2 * t), 1.0), each.translation)
            tools = {Tool.HEAD: head @ noise(rng, sigma_m / 10), Tool.POINTER: head @ tip @ noise(rng, sigma_m)}
            samples.append(Sample(frame(len(samples), tools)))
        here = point
    return samples


async def played(samples: Iterable[Sample]) -> AsyncGenerator[Sample, None]:
    """Samples that were taken before."""
    for sample in samples:
        yield sample


def calibrated(**changes: Any) -> Calibration:
    """What a calibration of this world finds, without error, with changes."""
    none = Misfit(rms_mm=0.0, rms_deg=0.0, worst_mm=0.0, worst_deg=0.0)
    found = Calibration(
        made="2026-01-01T00:00:00+00:00", by="tests", simulated=True, robot_from_camera=ROBOT_FROM_CAMERA,
        tcp_from_coil=TCP_FROM_COIL, poses=12, residual=none, held_out=none, condition=3.0,
        spread=Spread(turns_deg=(20, 20, 20), shifts_mm=(40, 40, 40)),
    )  # fmt: skip
    return found.model_copy(update=changes)
