"""What a head does at a moment: shifts, nods, coughs, startles, twitches, leaving the chair. Each a function of time.

Every event gives a shift in metres and a rotation vector in radians about the head's centre, both along the axes of the
room: x the way the patient looks, y to the left, z up. Before it starts it gives nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from drivers.poses import Pose, Vector
from simulator.head.shapes import PEAK, minimum_jerk, there_and_back
from simulator.head.wander import NOWHERE, Six

CENTRE_OVER_NECK_M = 0.15
"""From the joint that a nod turns about up to the head's centre; an engineering choice."""
TWITCH_AFTER_US = 20_000
"""About as long as a nerve takes from the cortex to the muscles of face and neck."""


class Event(Protocol):
    """Something a head does."""

    @property
    def rests_us(self) -> int | None:
        """From when on it gives nothing any more; None: it leaves the head elsewhere."""
        ...

    def at(self, time_us: int) -> Six:
        """What it adds at `time_us`."""
        ...


@dataclass(frozen=True, slots=True)
class Shift:
    """To another place, and staying there."""

    start_us: int
    by_m: Vector
    lasts_us: int
    turn_rad: Vector = (0.0, 0.0, 0.0)
    rests_us: None = None

    def at(self, time_us: int) -> Six:
        """Minimum jerk from start to end."""
        share = minimum_jerk((time_us - self.start_us) / self.lasts_us)
        return _scaled(share, self.by_m, self.turn_rad)


@dataclass(frozen=True, slots=True)
class Nod:
    """Forward about the neck and back, as often as `times`; a cough is some small quick ones."""

    start_us: int
    angle_rad: float
    lasts_us: int
    times: int = 1

    @property
    def rests_us(self) -> int:
        """The end of the last one."""
        return self.start_us + self.times * self.lasts_us

    def at(self, time_us: int) -> Six:
        """The head turns about the neck, so its centre goes forward and down."""
        if not self.start_us < time_us < self.rests_us:
            return NOWHERE
        angle = self.angle_rad * there_and_back((time_us - self.start_us) % self.lasts_us / self.lasts_us)
        forward, down = math.sin(angle) * CENTRE_OVER_NECK_M, (1 - math.cos(angle)) * CENTRE_OVER_NECK_M
        return (forward, 0.0, -down, 0.0, angle, 0.0)


@dataclass(frozen=True, slots=True)
class Breath:
    """Deep breathing for a time, swelling up and dying away over its first and last second."""

    start_us: int
    rate_hz: float
    amplitude_m: float
    lasts_us: int

    @property
    def rests_us(self) -> int:
        """When it has died away."""
        return self.start_us + self.lasts_us

    def at(self, time_us: int) -> Six:
        """Up and a little forward with each breath."""
        since_s, left_s = (time_us - self.start_us) / 1e6, (self.rests_us - time_us) / 1e6
        if since_s <= 0 or left_s <= 0:
            return NOWHERE
        swell = min(minimum_jerk(since_s), minimum_jerk(left_s))
        size = self.amplitude_m * swell * math.sin(2 * math.pi * self.rate_hz * since_s)
        return (0.6 * size, 0.0, 0.8 * size, 0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Jerk:
    """Out quickly and back at leisure: a startle, or a twitch."""

    start_us: int
    by_m: Vector
    out_us: int
    back_us: int

    @property
    def rests_us(self) -> int:
        """When it is back."""
        return self.start_us + self.out_us + self.back_us

    def at(self, time_us: int) -> Six:
        """Two minimum-jerk moves of different pace."""
        lasts_us = self.out_us + self.back_us
        share = there_and_back((time_us - self.start_us) / lasts_us, self.out_us / lasts_us)
        return _scaled(share, self.by_m, (0.0, 0.0, 0.0))


@dataclass(frozen=True, slots=True)
class Leave:
    """Out of the chair: ducking forward from under the coil, then up; gone for a time, and back a little elsewhere."""

    start_us: int
    goes_us: int
    gone_us: int
    back_at_m: Vector
    rests_us: None = None

    def at(self, time_us: int) -> Six:
        """Forward and a little down first, up when clear of the coil; the way back is the same."""
        away = self._away((time_us - self.start_us) / self.goes_us)
        back_us = self.start_us + self.goes_us + self.gone_us
        if time_us <= back_us:
            return away
        share = (time_us - back_us) / self.goes_us
        there, missed = self._away(1 - share), minimum_jerk(share)
        x, y, z = (there[axis] + self.back_at_m[axis] * missed for axis in range(3))
        return (x, y, z, 0.0, 0.0, 0.0)

    @staticmethod
    def _away(share: float) -> Six:
        forward, duck = minimum_jerk(share / 0.6), there_and_back(share / 0.6)
        return (0.5 * forward, 0.0, 0.4 * minimum_jerk((share - 0.4) / 0.6) - 0.03 * duck, 0.0, 0.0, 0.0)


def cough(start_us: int, angle_rad: float = math.radians(3), times: int = 3) -> Nod:
    """Three small nods of 0.3 s: the head's centre goes forward by 8 mm at up to 100 mm/s."""
    return Nod(start_us, angle_rad, 300_000, times)


def startle(start_us: int, direction: Vector, speed_m_s: float = 0.15) -> Jerk:
    """Away within 0.25 s, with this peak speed, and back within a second."""
    out_us = 250_000
    reach_m = speed_m_s * out_us / 1e6 / PEAK
    x, y, z = (part * reach_m for part in direction)
    return Jerk(start_us, (x, y, z), out_us, 1_000_000)


def twitch(pulse_us: int, size_m: float = 0.001) -> Jerk:
    """The jerk that a pulse gives to face and neck: 1 mm to the side, over in 0.15 s, at up to 47 mm/s. Nobody seems to
    have published how far heads really twitch, so these are engineering choices, meant to be more than is usual.
    """
    return Jerk(pulse_us + TWITCH_AFTER_US, (0.0, size_m, 0.0), 40_000, 110_000)


def turned_about_centre(centre: Vector, six: Six) -> Pose:
    """What a shift and a rotation vector about `centre` do to a body, as a pose in the same frame."""
    turn = Pose.turned(six[3:])
    x, y, z = turn.rotate(centre)
    return Pose(turn.quaternion, (centre[0] - x + six[0], centre[1] - y + six[1], centre[2] - z + six[2]))


def _scaled(share: float, shift: Vector, turn: Vector) -> Six:
    (x, y, z), (u, v, w) = shift, turn
    return (x * share, y * share, z * share, u * share, v * share, w * share)
