"""The arithmetic of A X = Z B: robot-world and hand-eye at once, from pairs of poses.

A is `robot_from_tcp`, B is `camera_from_coil`, X is `tcp_from_coil`, Z is `robot_from_camera`; matrices are stacked,
(n, 4, 4). First the closed form of Shah (2013, "Solving the robot-world/hand-eye calibration problem using the
Kronecker product", J. Mechanisms Robotics 5:031007): rotations by one singular value decomposition, translations by
least squares. Its translations inherit the errors of its rotations, so Gauss-Newton refines all twelve unknowns.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from drivers.errors import OperatorError
from drivers.poses import Pose

Array = NDArray[np.float64]

MOST_STEPS = 30
"""Gauss-Newton from the closed form takes three to six."""
SMALL_STEP = 1e-12
"""Metres and radians: rounding."""
LEVER_M = 0.05
"""Metres of misfit worth one radian: half a marker's width, over which a tracker's error of position becomes one of
angle. Weights taken from the residuals instead gained nothing in trials up to ten times that (engineering choice)."""


def stacked(poses: Iterable[Pose]) -> Array:
    """Poses as (n, 4, 4)."""
    return np.array([pose.rows for pose in poses], dtype=np.float64).reshape(-1, 4, 4)


def solve(a: Array, b: Array) -> tuple[Array, Array, float]:
    """X, Z, and the condition of the last step. Raises OperatorError when it does not settle."""
    x, z = closed_form(a, b)
    weights = np.repeat([1.0, LEVER_M], 3)
    for _ in range(MOST_STEPS):
        shifts, turns = misfits(a, b, x, z)
        sides = _derivatives(a, b, x, z, turns) * weights[:, None]
        wrong = np.concatenate([shifts, turns], axis=1) * weights
        step, _, _, singular = np.linalg.lstsq(sides.reshape(-1, 12), -wrong.reshape(-1), rcond=None)
        x[:3, 3] += step[0:3]
        x[:3, :3] = x[:3, :3] @ _exponential(step[3:6])
        z[:3, 3] += step[6:9]
        z[:3, :3] = _exponential(step[9:12]) @ z[:3, :3]
        if np.abs(step).max() < SMALL_STEP:
            return x, z, float(singular[0] / singular[-1])
    raise OperatorError(
        "No calibration fits these poses. Robot and camera do not tell of the same motion. "
        "Check that the coil's marker is tight and its tool file the right one, then take the poses again."
    )


def closed_form(a: Array, b: Array) -> tuple[Array, Array]:
    """Shah's solution. The rotations must turn about two axes at least; the caller has checked."""
    turned_a, turned_b = a[:, :3, :3], b[:, :3, :3]
    kron = np.einsum("nij,nkl->ikjl", turned_b, turned_a).reshape(9, 9)
    left, _, right = np.linalg.svd(kron)
    x, z = np.eye(4), np.eye(4)
    x[:3, :3] = _rotation(right[0].reshape(3, 3, order="F"))
    z[:3, :3] = _rotation(left[:, 0].reshape(3, 3, order="F"))
    count = len(a)
    sides = np.concatenate([turned_a, np.broadcast_to(-np.eye(3), (count, 3, 3))], axis=2).reshape(-1, 6)
    known = (b[:, :3, 3] @ z[:3, :3].T - a[:, :3, 3]).reshape(-1)
    found = np.linalg.lstsq(sides, known, rcond=None)[0]
    x[:3, 3], z[:3, 3] = found[:3], found[3:]
    return x, z


def misfits(a: Array, b: Array, x: Array, z: Array) -> tuple[Array, Array]:
    """By how much A X and Z B disagree: shifts in metres and rotation vectors in radians, (n, 3) each."""
    one, other = a @ x, z @ b
    shifts = one[:, :3, 3] - other[:, :3, 3]
    return shifts, _logarithm(np.swapaxes(other[:, :3, :3], 1, 2) @ one[:, :3, :3])


def _derivatives(a: Array, b: Array, x: Array, z: Array, turns: Array) -> Array:
    """Of shifts and turns, by shift and turn of X (from the right) and of Z (from the left); (n, 6, 12)."""
    count = len(a)
    turned_a = a[:, :3, :3]
    sides = np.zeros((count, 6, 12))
    sides[:, 0:3, 0:3] = turned_a
    sides[:, 0:3, 6:9] = -np.eye(3)
    sides[:, 0:3, 9:12] = _cross(b[:, :3, 3] @ z[:3, :3].T)
    near = np.eye(3) + _cross(turns) / 2
    sides[:, 3:6, 3:6] = near
    sides[:, 3:6, 9:12] = -near @ np.swapaxes(turned_a @ x[:3, :3], 1, 2)
    return sides


def _rotation(matrix: Array) -> Array:
    """The rotation nearest to a matrix, up to a positive or negative scale."""
    left, _, right = np.linalg.svd(matrix if np.linalg.det(matrix) > 0 else -matrix)
    turned: Array = left @ np.diag([1.0, 1.0, np.linalg.det(left @ right)]) @ right
    return turned


def _cross(vectors: Array) -> Array:
    """The matrices that take v to w x v."""
    found = np.zeros((len(vectors), 3, 3))
    found[:, 0, 1], found[:, 0, 2], found[:, 1, 2] = -vectors[:, 2], vectors[:, 1], -vectors[:, 0]
    return found - np.swapaxes(found, 1, 2)


def _exponential(vector: Array) -> Array:
    return stacked([Pose.turned(vector.tolist())])[0, :3, :3]


def _logarithm(rotations: Array) -> Array:
    """Rotation vectors; of half a turn only the angle is to be trusted."""
    twice = np.stack(
        [
            rotations[:, 2, 1] - rotations[:, 1, 2],
            rotations[:, 0, 2] - rotations[:, 2, 0],
            rotations[:, 1, 0] - rotations[:, 0, 1],
        ],
        axis=1,
    )
    sine = np.linalg.norm(twice, axis=1) / 2
    angle = np.arctan2(sine, (np.trace(rotations, axis1=1, axis2=2) - 1) / 2)
    scale = np.where(sine < SMALL_STEP, 0.5, angle / np.maximum(2 * sine, SMALL_STEP))
    found: Array = twice * scale[:, None]
    return found
