"""Where a rigid body stands and how it is turned: unit quaternion and translation, in metres and radians.

A pose is named `to_from` after what it does to a point: `camera_from_head` takes a point of the head to the camera,
so a chain reads by matching neighbours: `robot_from_camera @ camera_from_head`. Plain floats instead of arrays,
because the coil-hold loop composes a few poses in every one of its 2 ms. No Euler angles anywhere.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

Vector = tuple[float, float, float]
Quaternion = tuple[float, float, float, float]
"""w, x, y, z; of length 1."""

SMALL_ANGLE = 1e-8
"""Below this, in radians, series replace quotients: its square vanishes beside 1 in double precision."""


@dataclass(frozen=True, slots=True)
class Pose:
    """A rotation, then a translation in metres."""

    quaternion: Quaternion = (1.0, 0.0, 0.0, 0.0)
    translation: Vector = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        w, x, y, z = self.quaternion
        u, v, t = self.translation
        length = math.sqrt(w * w + x * x + y * y + z * z)
        if not math.isfinite(length + u + v + t) or abs(length - 1) > 1e-6:  # noqa: PLR2004  drift of rounding
            raise ValueError(f"no pose: quaternion of length {length}, translation {self.translation}")

    @classmethod
    def of(cls, quaternion: Sequence[float], translation: Sequence[float]) -> Self:
        """From numbers that are nearly a pose, as a device rounds them. ValueError when they are far from it."""
        w, x, y, z = map(float, quaternion)
        length = math.sqrt(w * w + x * x + y * y + z * z)
        if not 0.9 < length < 1.1:  # noqa: PLR2004  no rounding explains more
            raise ValueError(f"a quaternion of length {length:.3f}")
        u, v, t = map(float, translation)
        return cls((w / length, x / length, y / length, z / length), (u, v, t))

    @classmethod
    def turned(cls, rotation_vector: Sequence[float], translation: Sequence[float] = (0, 0, 0)) -> Self:
        """From a rotation vector (axis times angle, radians) and a translation."""
        x, y, z = map(float, rotation_vector)
        angle = math.sqrt(x * x + y * y + z * z)
        scale = 0.5 if angle < SMALL_ANGLE else math.sin(angle / 2) / angle
        return cls.of((math.cos(angle / 2), x * scale, y * scale, z * scale), translation)

    @classmethod
    def from_rows(cls, rows: Sequence[Sequence[float]]) -> Self:
        """From a 4x4 (or 3x4) matrix by rows. ValueError when its upper left is no rotation."""
        m = [[float(each) for each in row[:3]] for row in rows[:3]]
        for i in range(3):
            for j in range(i, 3):
                dot = sum(m[k][i] * m[k][j] for k in range(3))
                if abs(dot - (i == j)) > 1e-4:  # noqa: PLR2004  more than the rounding of files with five digits
                    raise ValueError("the matrix is sheared or scaled: its columns are no rotation")
        if _determinant(m) < 0:
            raise ValueError("the matrix mirrors: its determinant is -1")
        return cls.of(_quaternion(m), [float(row[3]) for row in rows[:3]])

    @property
    def rows(self) -> tuple[tuple[float, float, float, float], ...]:
        """The 4x4 matrix by rows."""
        (a, b, c), (d, e, f), (g, h, i) = self._rotation()
        x, y, z = self.translation
        return ((a, b, c, x), (d, e, f, y), (g, h, i, z), (0.0, 0.0, 0.0, 1.0))

    @property
    def rotation_vector(self) -> Vector:
        """Axis times angle, the angle in [0, π] radians."""
        w, x, y, z = self.quaternion
        if w < 0:
            w, x, y, z = -w, -x, -y, -z
        length = math.sqrt(x * x + y * y + z * z)
        scale = 2.0 if length < SMALL_ANGLE else 2 * math.atan2(length, w) / length
        return (x * scale, y * scale, z * scale)

    @property
    def angle(self) -> float:
        """How far it turns, in radians, in [0, π]."""
        w, x, y, z = self.quaternion
        return 2 * math.atan2(math.sqrt(x * x + y * y + z * z), abs(w))

    @property
    def distance(self) -> float:
        """How far it shifts, in metres."""
        return math.hypot(*self.translation)

    def __matmul__(self, other: Pose) -> Pose:
        """First `other`, then this one."""
        # Written out, as `_times` and `_rotated` have it: a turn of the coil-hold loop composes dozens of poses.
        (aw, ax, ay, az), (u, v, w) = self.quaternion, self.translation
        (bw, bx, by, bz), (a, b, c) = other.quaternion, other.translation
        qw, qx = aw * bw - ax * bx - ay * by - az * bz, aw * bx + ax * bw + ay * bz - az * by
        qy, qz = aw * by - ax * bz + ay * bw + az * bx, aw * bz + ax * by - ay * bx + az * bw
        length = math.sqrt(qw * qw + qx * qx + qy * qy + qz * qz)
        r, s, t = ay * c - az * b, az * a - ax * c, ax * b - ay * a
        return _trusted(
            (qw / length, qx / length, qy / length, qz / length),
            (
                u + a + 2 * (aw * r + ay * t - az * s),
                v + b + 2 * (aw * s + az * r - ax * t),
                w + c + 2 * (aw * t + ax * s - ay * r),
            ),
        )

    def inverse(self) -> Pose:
        """What undoes it: `b_from_a` becomes `a_from_b`."""
        back = _conjugate(self.quaternion)
        u, v, t = _rotated(back, self.translation)
        return _trusted(back, (-u, -v, -t))

    def rotate(self, vector: Sequence[float]) -> Vector:
        """The vector turned, not shifted."""
        return _rotated(self.quaternion, vector)

    def apply(self, point: Sequence[float]) -> Vector:
        """The point turned and shifted."""
        x, y, z = self.rotate(point)
        u, v, w = self.translation
        return (x + u, y + v, z + w)

    def angle_to(self, other: Pose) -> float:
        """How far the other is turned against this one, in radians, in [0, π]; cheaper than composing the two."""
        (a, b, c, d), (w, x, y, z) = self.quaternion, other.quaternion
        sine = math.hypot(a * x - b * w - c * z + d * y, a * y - c * w - d * x + b * z, a * z - d * w - b * y + c * x)
        return 2 * math.atan2(sine, abs(a * w + b * x + c * y + d * z))

    def towards(self, other: Pose, share: float) -> Pose:
        """The pose this share of the way to `other`: translation on a line, rotation about one axis."""
        (a, b, c), (x, y, z) = self.translation, other.translation
        step = Pose(_normed(_times(_conjugate(self.quaternion), other.quaternion))).rotation_vector
        turned = Pose.turned([part * share for part in step])
        quaternion = _normed(_times(self.quaternion, turned.quaternion))
        return Pose(quaternion, (a + (x - a) * share, b + (y - b) * share, c + (z - c) * share))

    def _rotation(self) -> tuple[Vector, Vector, Vector]:
        w, x, y, z = self.quaternion
        return (
            (1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
            (2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
            (2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
        )


_new = Pose.__new__
_set_quaternion, _set_translation = (vars(Pose)[name].__set__ for name in ("quaternion", "translation"))


def _trusted(quaternion: Quaternion, translation: Vector) -> Pose:
    """What is computed from poses is a pose: to look at it again would take as long as to compute it."""
    made = _new(Pose)
    _set_quaternion(made, quaternion)
    _set_translation(made, translation)
    return made


IDENTITY = Pose()


def mean(poses: Iterable[Pose]) -> Pose:
    """The mean of poses that lie close together. ValueError when there are none."""
    listed = list(poses)
    if not listed:
        raise ValueError("no poses to take the mean of")
    first = listed[0].quaternion
    sums = [0.0, 0.0, 0.0, 0.0]
    for pose in listed:
        sign = 1 if sum(a * b for a, b in zip(first, pose.quaternion, strict=True)) >= 0 else -1
        sums = [total + sign * part for total, part in zip(sums, pose.quaternion, strict=True)]
    w, x, y, z = sums
    shift = [sum(pose.translation[axis] for pose in listed) / len(listed) for axis in range(3)]
    return Pose(_normed((w, x, y, z)), (shift[0], shift[1], shift[2]))


def _rotated(q: Quaternion, vector: Sequence[float]) -> Vector:
    w, x, y, z = q
    a, b, c = vector
    # v + 2 w (q x v) + 2 q x (q x v)
    s, t, u = y * c - z * b, z * a - x * c, x * b - y * a
    return (
        a + 2 * (w * s + y * u - z * t),
        b + 2 * (w * t + z * s - x * u),
        c + 2 * (w * u + x * t - y * s),
    )


def _times(a: Quaternion, b: Quaternion) -> Quaternion:
    aw, ax, ay, az = a
    bw, bx, by, bz = b
    return (
        aw * bw - ax * bx - ay * by - az * bz,
        aw * bx + ax * bw + ay * bz - az * by,
        aw * by - ax * bz + ay * bw + az * bx,
        aw * bz + ax * by - ay * bx + az * bw,
    )


def _conjugate(q: Quaternion) -> Quaternion:
    w, x, y, z = q
    return (w, -x, -y, -z)


def _normed(q: Quaternion) -> Quaternion:
    w, x, y, z = q
    length = math.sqrt(w * w + x * x + y * y + z * z)
    return (w / length, x / length, y / length, z / length)


def _determinant(m: Sequence[Sequence[float]]) -> float:
    (a, b, c), (d, e, f), (g, h, i) = m
    return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)


def _quaternion(m: Sequence[Sequence[float]]) -> Quaternion:
    """By the largest of the four parts, so that nothing small is divided by (Shepperd 1978)."""
    (a, b, c), (d, e, f), (g, h, i) = m
    squares = (1 + a + e + i, 1 + a - e - i, 1 - a + e - i, 1 - a - e + i)
    largest = max(range(4), key=lambda part: squares[part])
    s = 2 * math.sqrt(squares[largest])
    return (
        (s / 4, (h - f) / s, (c - g) / s, (d - b) / s),
        ((h - f) / s, s / 4, (b + d) / s, (c + g) / s),
        ((c - g) / s, (b + d) / s, s / 4, (f + h) / s),
        ((d - b) / s, (c + g) / s, (f + h) / s, s / 4),
    )[largest]
