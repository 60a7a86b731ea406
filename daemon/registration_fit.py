"""The geometry of registration: a frame from three points, the rigid fit of three to three, the shape of a triangle."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from daemon.registration_file import Fiducial
from drivers.poses import Pose, Vector

Points = Mapping[Fiducial, Vector]
"""All three, in metres, in one frame."""


def skull_frame(points: Points) -> Pose:
    """The pose that takes the skull's frame to the frame of `points`. They must not lie on a line."""
    nas, lpa, rpa = (np.array(points[each]) for each in Fiducial)
    x = (rpa - lpa) / np.linalg.norm(rpa - lpa)
    origin = lpa + x * ((nas - lpa) @ x)
    y = (nas - origin) / np.linalg.norm(nas - origin)
    return Pose.from_rows(np.column_stack([x, y, np.cross(x, y), origin]).tolist())


def fit(points: Points, planned: Points) -> Pose:
    """The pose that takes planned fiducials nearest to those found, by least squares (Arun 1987; Umeyama 1991)."""
    to = np.array([points[each] for each in Fiducial])
    of = np.array([planned[each] for each in Fiducial])
    left, _, right = np.linalg.svd((to - to.mean(axis=0)).T @ (of - of.mean(axis=0)))
    turned = left @ np.diag([1.0, 1.0, np.linalg.det(left @ right)]) @ right
    shift = to.mean(axis=0) - turned @ of.mean(axis=0)
    return Pose.from_rows(np.column_stack([turned, shift]).tolist())


def residual(points: Points, planned: Points) -> float:
    """RMS distance in metres that the best fit leaves."""
    pose = fit(points, planned)
    total = sum(math.dist(points[each], pose.apply(planned[each])) ** 2 for each in Fiducial)
    return math.sqrt(total / len(Fiducial))


def height(points: Points) -> float:
    """How far NAS stands off the line of the ears, metres."""
    nas, lpa, rpa = (np.array(points[each]) for each in Fiducial)
    return float(np.linalg.norm(np.cross(rpa - lpa, nas - lpa)) / np.linalg.norm(rpa - lpa))


def unevenness(points: Points, one: Fiducial) -> float:
    """By how much `one` is nearer to one of the others than to the other, metres."""
    a, b = (other for other in Fiducial if other is not one)
    return abs(math.dist(points[one], points[a]) - math.dist(points[one], points[b]))
