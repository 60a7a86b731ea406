"""How much a seated head moves by itself: the published figures, and the figures of the model that meets them.

Source: Richter, Robotized TMS (Springer 2013), ch. 2: markers of subjects watched for 30 minutes, asked to be still
(`restrained`), with a head rest, and free. Two of his columns are no motion of a head and are left out on purpose:

* the mean turning speeds of 1.9 to 3.3 °/s. They do not follow the drift (5.3, 5.4, 15.8°), and on any lever of 0.1 m
  they would move the scalp three times as fast as its measured 1.2 mm/s. They are what 0.05° of tracker noise looks
  like from one frame to the next; a simulated tracker shows them again.
* the 347.7 °/s of a free head, an artefact. `FREE_TURN_MAX_RAD_S` stands in its place.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

FREE_TURN_MAX_RAD_S = math.radians(60)
"""A quick glance aside. An engineering choice, see above."""


class Motion(Enum):
    """How the head is kept."""

    STILL = "still"
    """Clamped: no motion of its own. Only scripted events move it."""
    RESTRAINED = "restrained"
    REST = "rest"
    FREE = "free"


@dataclass(frozen=True, slots=True)
class Statistics:
    """One row of the study, and what the model needs to give it back."""

    speed_mean_m_s: float
    speed_sd_m_s: float
    speed_max_m_s: float
    drift_mean_m: float
    """Mean distance from the start after 30 minutes."""
    drift_max_m: float
    turned_mean_rad: float
    """Mean angle from the start after 30 minutes."""
    turned_max_rad: float
    turn_speed_max_rad_s: float
    sway_m: float
    """Fitted: standard deviation of the points it sways between, along one axis."""
    gestures_hz: float
    """Fitted: quick moves out and back, per second."""


DRIFT_TIME_S = 1800.0
"""When the study's drift was read."""

STATISTICS = {
    Motion.RESTRAINED: Statistics(
        0.00118,
        0.00119,
        0.0323,
        0.0185,
        0.0313,
        math.radians(5.3),
        math.radians(10.1),
        math.radians(34.6),
        sway_m=0.00078,
        gestures_hz=1 / 160,
    ),
    Motion.REST: Statistics(
        0.00116,
        0.00120,
        0.0862,
        0.0164,
        0.0459,
        math.radians(5.4),
        math.radians(11.6),
        math.radians(28.3),
        sway_m=0.00080,
        gestures_hz=1 / 420,
    ),
    Motion.FREE: Statistics(
        0.00171,
        0.00225,
        0.0779,
        0.0627,
        0.1022,
        math.radians(15.8),
        math.radians(23.9),
        FREE_TURN_MAX_RAD_S,
        sway_m=0.0009,
        gestures_hz=1 / 90,
    ),
}
