"""Everything assumed about one arm, by name and with its source: change an option, never the code.

Numbers of the maker are from Universal Robots' public data sheet and support pages (`DATA_SHEET`, `DH_PAGE`); a
number that only describes how a real arm seems to behave is an engineering choice and says so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from drivers.errors import ConfigError
from drivers.robots import Joints
from drivers.ur.kinematics import LENGTHS, TURN, Links

DATA_SHEET = "UR5e data sheet, Universal Robots"
DH_PAGE = "'DH parameters for calculations of kinematics and dynamics', universal-robots.com support"
CHOICE = "engineering choice"


def _option(default: Any, source: str) -> Any:
    return field(default=default, metadata={"source": source})


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmProfile:
    """One arm. Lengths in metres, angles in radians. ConfigError when a number makes no arm."""

    model: str = _option("UR5e", "what is simulated")
    step_us: int = _option(2_000, "e-Series 500 Hz; a CB3 has 8,000 (RTDE guide)")

    links: Links = _option(LENGTHS["UR5e"], DH_PAGE)  # noqa: RUF009  it is a dataclass field

    # Limits
    joint_limit: float = _option(TURN, DATA_SHEET + ": ±360° every joint")
    joint_speed_rad_s: float = _option(math.pi, DATA_SHEET + ": 180°/s every joint")
    joint_acceleration_rad_s2: float = _option(40.0, "the largest that servoj and stopj take (URScript manual)")
    tcp_speed_stop_m_s: float = _option(1.5, "UR's least restricted preset, recalled; checked nowhere else")
    tcp_force_stop_n: float = _option(150.0, "UR's default preset, recalled; checked nowhere else")
    force_stop_ticks: int = _option(3, CHOICE + ": one noisy reading stops no arm")

    # How it follows
    servo_base_lag_s: float = _option(0.040, CHOICE + ": with lookahead 0.03 s and gain 2000 about 80 ms in all")
    servo_gain_lag_s: float = _option(20.0, CHOICE + ": divided by gain, 10 ms at 2000 and 67 ms at 300")
    move_lag_s: float = _option(0.020, CHOICE + ": lag behind the controller's own speedl and speedj")
    stop_rad_s2: float = _option(15.0, CHOICE + ": joints when a program ends or a protective stop begins")

    # What it feels
    force_noise_n: float = _option(0.0, "UR5e data sheet says precision 3.5 N; quiet unless a test asks")
    unlock_after_us: int = _option(5_000_000, "dashboard manual: a protective stop is unlocked after 5 s at the least")

    def __post_init__(self) -> None:
        sizes = (self.step_us, self.joint_limit, self.joint_speed_rad_s, self.joint_acceleration_rad_s2)
        if min(sizes) <= 0:
            raise ConfigError(f"{self.model}: step, joint limit, speed and acceleration are above zero, not {sizes}")

    @property
    def step_s(self) -> float:
        """One tick of the controller, seconds."""
        return self.step_us / 1e6

    @property
    def rate_hz(self) -> float:
        """Ticks a second."""
        return 1e6 / self.step_us


UR5E = ArmProfile()
HOME: Joints = (0.0, -math.pi / 2, -math.pi / 2, -math.pi / 2, math.pi / 2, 0.0)
"""Elbow up, tool down: far from every singularity."""
