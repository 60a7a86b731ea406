"""Where the flange of a UR is for given joints, and the joints for a given flange, near the present ones.

Both in closed form from the arm's nominal Denavit-Hartenberg lengths: the second, third and fourth joint turn about
one horizontal axis, so shoulder, elbow and wrist lie in one upright plane that the first joint turns. Each of the
inverse's three choices (shoulder, wrist, elbow) takes the side nearer to the joints the arm has now, which is what
an arm that moves a little at a time does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from drivers.errors import DeviceError
from drivers.poses import Pose, Quaternion
from drivers.robots import Joints

TURN = 2 * math.pi
HALF_ROOT = math.sqrt(0.5)
SINGULAR = 1e-6
"""Sine of the wrist angle below which joints four and six turn about one axis."""
ROUNDING = 1e-9
"""A stretched arm computes to a cosine a little above one."""


@dataclass(frozen=True, slots=True)
class Links:
    """Of one model, metres: of its Denavit-Hartenberg lengths all others are zero, and its twists are quarter turns."""

    base_height: float
    upper_arm: float
    forearm: float
    wrist_1: float
    wrist_2: float
    wrist_3: float


LENGTHS: Final = {
    "UR3": Links(0.1519, -0.24365, -0.21325, 0.11235, 0.08535, 0.0819),
    "UR5": Links(0.089159, -0.425, -0.39225, 0.10915, 0.09465, 0.0823),
    "UR10": Links(0.1273, -0.612, -0.5723, 0.163941, 0.1157, 0.0922),
    "UR3e": Links(0.15185, -0.24355, -0.2132, 0.13105, 0.08535, 0.0921),
    "UR5e": Links(0.1625, -0.425, -0.3922, 0.1333, 0.0997, 0.0996),
    "UR10e": Links(0.1807, -0.6127, -0.57155, 0.17415, 0.11985, 0.11655),
    "UR16e": Links(0.1807, -0.4784, -0.36, 0.17415, 0.11985, 0.11655),
}
"""Of the newest series of each model (NOTES.md); an arm's own differ by a few millimetres."""


class Unreachable(DeviceError):
    """No joints of this arm put the flange there."""


def robot_from_flange(links: Links, joints: Joints) -> Pose:
    """Where the flange is."""
    one, two, three, four, five, six = joints
    c1, s1 = math.cos(one), math.sin(one)
    forearm, wrist = two + three, two + three + four
    c5, s5 = math.cos(five), math.sin(five)
    cw, sw = math.cos(wrist), math.sin(wrist)
    out = links.upper_arm * math.cos(two) + links.forearm * math.cos(forearm) + links.wrist_2 * sw
    up = links.upper_arm * math.sin(two) + links.forearm * math.sin(forearm) - links.wrist_2 * cw
    # the last axis: -sin(five) along the wrist's direction in the plane, cos(five) across the plane
    out -= links.wrist_3 * s5 * cw
    up -= links.wrist_3 * s5 * sw
    across = links.wrist_1 + links.wrist_3 * c5
    place = (c1 * out + s1 * across, s1 * out - c1 * across, links.base_height + up)
    return Pose(_turn(one, wrist, five, six), place)


def _turn(one: float, wrist: float, five: float, six: float) -> Quaternion:
    """Rz(one) Rx(90°) Rz(wrist) R-y(five) Rz(six), multiplied out."""
    a, b = math.cos(one / 2), math.sin(one / 2)
    # Rz(one) Rx(90°)
    w, x, y, z = a * HALF_ROOT, a * HALF_ROOT, b * HALF_ROOT, b * HALF_ROOT
    # … Rz(wrist)
    c, s = math.cos(wrist / 2), math.sin(wrist / 2)
    w, x, y, z = w * c - z * s, x * c + y * s, y * c - x * s, z * c + w * s
    # … R-y(five)
    c, s = math.cos(five / 2), -math.sin(five / 2)
    w, x, y, z = w * c - y * s, x * c - z * s, y * c + w * s, z * c + x * s
    # … Rz(six)
    c, s = math.cos(six / 2), math.sin(six / 2)
    return (w * c - z * s, x * c + y * s, y * c - x * s, z * c + w * s)


def joints_for(links: Links, flange: Pose, near: Joints) -> Joints:
    """The joints that put the flange there, on the side of `near`. Unreachable when there are none."""
    (x6x, y6x, z6x, px), (x6y, y6y, z6y, py), (x6z, y6z, z6z, pz), _ = flange.rows
    wx, wy, wz = px - links.wrist_3 * z6x, py - links.wrist_3 * z6y, pz - links.wrist_3 * z6z
    one = _nearest(_shoulders(links, wx, wy), near[0])
    c1, s1 = math.cos(one), math.sin(one)

    five_cosine = z6x * s1 - z6y * c1
    angle = math.acos(max(-1.0, min(1.0, five_cosine)))
    five = _nearest((angle, -angle), near[4])
    s5 = math.sin(five)
    if abs(s5) > SINGULAR:
        six = _unwound(math.atan2((y6y * c1 - y6x * s1) / s5, (x6x * s1 - x6y * c1) / s5), near[5])
    else:
        six = near[5]
    c5, c6, s6 = math.cos(five), math.cos(six), math.sin(six)

    # direction of wrist and of its second axis, in the upright plane: `out` along it, `up` against gravity
    x4x, x4y, x4z = (c5 * (c6 * x - s6 * y) - s5 * z for x, y, z in ((x6x, y6x, z6x), (x6y, y6y, z6y), (x6z, y6z, z6z)))
    wrist = math.atan2(x4z, x4x * c1 + x4y * s1)
    out = wx * c1 + wy * s1 - links.wrist_2 * math.sin(wrist)
    up = wz - links.base_height + links.wrist_2 * math.cos(wrist)
    two, three = _elbow(links, out, up, near)
    four = _unwound(wrist - two - three, near[3])
    return (one, two, three, four, five, six)


def _shoulders(links: Links, x: float, y: float) -> tuple[float, float]:
    reach = math.hypot(x, y)
    if reach <= links.wrist_1:
        raise Unreachable("no joints for this pose: the wrist would stand inside the arm's own column")
    bearing, offset = math.atan2(y, x), math.asin(links.wrist_1 / reach)
    return (bearing + offset, bearing + math.pi - offset)


def _elbow(links: Links, out: float, up: float, near: Joints) -> tuple[float, float]:
    a, b = links.upper_arm, links.forearm
    cosine = (out * out + up * up - a * a - b * b) / (2 * a * b)
    if abs(cosine) > 1 + ROUNDING:
        raise Unreachable("no joints for this pose: the wrist would be further from the shoulder than the arm is long")
    bend = math.acos(max(-1.0, min(1.0, cosine)))
    three = _nearest((bend, -bend), near[2])
    two = math.atan2(up, out) - math.atan2(b * math.sin(three), a + b * math.cos(three))
    return _unwound(two, near[1]), three


def _unwound(angle: float, to: float) -> float:
    """The angle, whole turns added, that is nearest."""
    return angle + TURN * round((to - angle) / TURN)


def _nearest(angles: tuple[float, float], to: float) -> float:
    """The one of the two, whole turns added, that is nearest."""
    one, other = _unwound(angles[0], to), _unwound(angles[1], to)
    return one if abs(one - to) <= abs(other - to) else other


@dataclass(frozen=True, slots=True)
class UrKinematics:
    """One arm with its tool, as `drivers.robots.Kinematics`."""

    links: Links
    flange_from_tcp: Pose
    tcp_from_flange: Pose

    @classmethod
    def of(cls, model: str, flange_from_tcp: Pose) -> UrKinematics:
        """Of a model by its name."""
        return cls(LENGTHS[model], flange_from_tcp, flange_from_tcp.inverse())

    def robot_from_tcp(self, joints: Joints) -> Pose:
        """As `Kinematics.robot_from_tcp`."""
        return robot_from_flange(self.links, joints) @ self.flange_from_tcp

    def joints_for(self, robot_from_tcp: Pose, near: Joints) -> Joints | None:
        """As `Kinematics.joints_for`."""
        try:
            return joints_for(self.links, robot_from_tcp @ self.tcp_from_flange, near)
        except Unreachable:
            return None

    def off_axis_m(self, joints: Joints) -> float:
        """As `Kinematics.off_axis_m`: of the wrist, in the upright plane of shoulder and elbow."""
        _, two, three, four, _, _ = joints
        links, forearm = self.links, two + three
        out = links.upper_arm * math.cos(two) + links.forearm * math.cos(forearm)
        return abs(out + links.wrist_2 * math.sin(forearm + four))
