"""Robot-world and hand-eye calibration: where the camera stands, and how the marker sits on the coil.

`robot_from_tcp @ tcp_from_coil = robot_from_camera @ camera_from_coil` holds at every pose of the coil; the robot tells
the first, the camera the last, and the two between are found from many poses. A result is believed only as far as it
predicts poses that it was not made from.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from daemon.arm.lease import AGREES_M, AGREES_RAD
from daemon.calibration_file import Calibration, Misfit, misfit
from daemon.calibration_seal import now
from daemon.calibration_solve import Array, misfits, solve, stacked
from daemon.calibration_spread import Sighting, demand
from drivers.errors import OperatorError
from drivers.poses import Pose

FOLDS: Final = 5
"""Each fifth of the poses is predicted once from the other four."""
OUTLIER: Final = 3.5
"""A pose this many times worse than the median one is no noise: of three Gaussian axes one in 400,000 is."""
LEAST_OUTLIER_MM: Final = 1.0
LEAST_OUTLIER_DEG: Final = 0.75
"""Poses that fit this well are left in peace, however well the others fit (engineering choice)."""


class DoesNotFit(OperatorError):
    """The poses contradict each other by more than noise."""


@dataclass(frozen=True, slots=True)
class Solution:
    """What a set of poses says, without a judgement."""

    robot_from_camera: Pose
    tcp_from_coil: Pose
    shifts_m: tuple[float, ...]
    turns_rad: tuple[float, ...]
    """The misfit of each pose, in the order given."""
    condition: float


def calibrate(sightings: Sequence[Sighting], *, by: str = "", simulated: bool = False, made: str = "") -> Calibration:
    """The calibration that these poses give, `made` now unless a time is given.

    Raises TooFew, TooAlike, or DoesNotFit with the pose or the cause to look at.
    """
    spread = demand(sightings)
    found = solution(sightings)
    _no_outlier(found)
    calibration = Calibration(
        made=made or now(),
        by=by,
        simulated=simulated,
        robot_from_camera=found.robot_from_camera,
        tcp_from_coil=found.tcp_from_coil,
        poses=len(sightings),
        residual=misfit(list(found.shifts_m), list(found.turns_rad)),
        held_out=held_out(sightings),
        spread=spread,
        condition=found.condition,
    )
    _good_enough(calibration)
    return calibration


def solution(sightings: Sequence[Sighting]) -> Solution:
    """The best X and Z for these poses. Raises OperatorError when none settles."""
    a, b = _stacks(sightings)
    x, z, condition = solve(a, b)
    shifts, turns = misfits(a, b, x, z)
    return Solution(
        robot_from_camera=Pose.from_rows(z.tolist()),
        tcp_from_coil=Pose.from_rows(x.tolist()),
        shifts_m=tuple(np.linalg.norm(shifts, axis=1).tolist()),
        turns_rad=tuple(np.linalg.norm(turns, axis=1).tolist()),
        condition=condition,
    )


def held_out(sightings: Sequence[Sighting], folds: int = FOLDS) -> Misfit:
    """The misfit of every pose under the solution of those in the other folds."""
    a, b = _stacks(sightings)
    fold = np.arange(len(a)) % folds
    shifts: list[float] = []
    turns: list[float] = []
    for each in range(folds):
        left_out = fold == each
        x, z, _ = solve(a[~left_out], b[~left_out])
        shifted, turned = misfits(a[left_out], b[left_out], x, z)
        shifts += np.linalg.norm(shifted, axis=1).tolist()
        turns += np.linalg.norm(turned, axis=1).tolist()
    return misfit(shifts, turns)


def _good_enough(calibration: Calibration) -> None:
    """A train could begin with it: the lease counts what it misses by and what it leaves unknown against the target."""
    leaves_m, leaves_rad = calibration.leaves
    if leaves_m <= AGREES_M and leaves_rad <= AGREES_RAD:
        return
    held = calibration.held_out
    raise DoesNotFit(
        f"The calibration misses poses it was not made from by {held.rms_mm:.2f} mm and {held.rms_deg:.2f}°, so the "
        f"coil may be {leaves_m * 1000:.1f} mm and {math.degrees(leaves_rad):.2f}° off; {AGREES_M * 1000:g} mm and "
        f"{math.degrees(AGREES_RAD):g}° are allowed, or no train could begin. The marker is loose or far from the "
        "coil's face, its tool file is wrong, the robot's tool setting changed, or the camera moved meanwhile. "
        "Check these, then take the poses again."
    )


def _no_outlier(found: Solution) -> None:
    shifts, turns = np.array(found.shifts_m), np.array(found.turns_rad)
    most_mm = max(LEAST_OUTLIER_MM, OUTLIER * float(np.median(shifts)) * 1000)
    most_deg = max(LEAST_OUTLIER_DEG, OUTLIER * float(np.degrees(np.median(turns))))
    excess = np.maximum(shifts * 1000 / most_mm, np.degrees(turns) / most_deg)
    worst = int(excess.argmax())
    if excess[worst] > 1:
        raise DoesNotFit(
            f"Pose {worst + 1} does not fit the others: it is off by {shifts[worst] * 1000:.1f} mm and "
            f"{np.degrees(turns[worst]):.1f}°, {_times(excess[worst])} what is allowed. A sphere of the marker was "
            f"hidden or reflected, or something moved. Leave it out (--leave-out {worst + 1}) or take it again."
        )


def _times(ratio: float) -> str:
    return f"{ratio:.1f} times"


def _stacks(sightings: Sequence[Sighting]) -> tuple[Array, Array]:
    return (
        stacked(sighting.robot_from_tcp for sighting in sightings),
        stacked(sighting.camera_from_coil for sighting in sightings),
    )
