"""What a room says about its arm: address, model, tool, payload, the box it may work in; and what each model can do."""

from __future__ import annotations

import ipaddress
import math
from dataclasses import dataclass, field
from typing import Final

from drivers.errors import ConfigError
from drivers.poses import IDENTITY, Pose, Vector
from drivers.robots import RobotCapabilities
from drivers.ur.kinematics import UrKinematics
from drivers.ur.negotiation import CB3_HZ, E_SERIES_HZ

MOST_SPEED_M_S: Final = 0.25
"""The script's own limit of the tool's speed (engineering choice: what robots are held to in their manual mode)."""
MOST_SLACK: Final = 10.0
"""Engineering choice: a shared machine that stalls longer is no room to simulate in."""
MOST_PAYLOAD_KG: Final = 16.0
"""The strongest model's."""

_REACH_M: Final = {"UR3": 0.5, "UR5": 0.85, "UR10": 1.3}
_REACH_E_M: Final = {"UR3e": 0.5, "UR5e": 0.85, "UR10e": 1.3, "UR16e": 0.9}
MODELS: Final = (*_REACH_M, *_REACH_E_M)


@dataclass(frozen=True, slots=True)
class Ports:
    """TCP ports of a controller; another set only for tests."""

    rtde: int = 30004
    script: int = 30002
    dashboard: int = 29999


@dataclass(frozen=True, slots=True)
class Box:
    """Where the tool centre point may be sent, corners in the robot's base, metres."""

    low: Vector = (-0.85, -0.85, -0.1)
    high: Vector = (0.85, 0.85, 1.2)


@dataclass(frozen=True, slots=True)
class UrSite:
    """One arm of one room. ConfigError when a value cannot be."""

    host: str
    """A numeric address: a name would have to be looked up, and that waits."""
    model: str = "UR5e"
    flange_from_tcp: Pose = IDENTITY
    """The coil's face centre as the tool, +z into the head."""
    payload_kg: float = 1.0
    payload_centre_m: Vector = (0.0, 0.0, 0.0)
    """Centre of mass of coil, holder and cable, from the flange."""
    box: Box = field(default_factory=Box)
    speed_m_s: float = MOST_SPEED_M_S
    """Most speed of the tool that the controller's program lets pass."""
    slack: float = 1.0
    """Factor on every time-out of the driver and of the controller's program: 1, and more only in a simulation."""
    ports: Ports = field(default_factory=Ports)

    def __post_init__(self) -> None:
        _numeric(self.host)
        if self.model not in MODELS:
            raise ConfigError(f"There is no robot model {self.model!r}. Choose one of {', '.join(MODELS)}.")
        _within("payload_kg", self.payload_kg, 0.0, MOST_PAYLOAD_KG)
        _within("speed_m_s", self.speed_m_s, 0.001, MOST_SPEED_M_S)
        _within("slack", self.slack, 1.0, MOST_SLACK)
        for axis, low, high in zip("xyz", self.box.low, self.box.high, strict=True):
            if not low < high:
                raise ConfigError(f"The robot's box is empty along {axis}: {low} to {high} m. Swap or widen it.")


def capabilities(site: UrSite) -> RobotCapabilities:
    """What the loop must know of this arm."""
    e_series = site.model in _REACH_E_M
    rate_hz = E_SERIES_HZ if e_series else CB3_HZ
    return RobotCapabilities(
        model=f"Universal Robots {site.model}",
        primitive=f"servoj of the inverse kinematics, every {1000 / rate_hz:g} ms, look-ahead 30 ms, gain 2000",
        rate_hz=rate_hz,
        least_rate_hz=100.0,
        dead_man_us=round(20_000 * site.slack),
        dead_man_idle_us=round(200_000 * site.slack),
        on_silence="stops, then goes 60 mm back along the coil's normal at 50 mm/s unless something is in its way",
        reach_m=(_REACH_M | _REACH_E_M)[site.model],
        latency_us=80_000 if e_series else 92_000,
        joint_limits=((-2 * math.pi, 2 * math.pi),) * 6,
        kinematics=UrKinematics.of(site.model, site.flange_from_tcp),
    )


def _numeric(host: str) -> None:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        raise ConfigError(
            f"The robot's host {host!r} is no numeric address. Give the one shown on the pendant under Settings,"
            " System, Network."
        ) from None


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ConfigError(f"The robot's {name} is {value:g}; it must lie from {low:g} to {high:g}.")
