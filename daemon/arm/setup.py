"""What the coil hold is told before it begins, and again with another calibration."""

from __future__ import annotations

from dataclasses import dataclass, field

from daemon.arm.limits import ArmLimits
from daemon.arm.prediction import USUAL, HeadModel
from drivers.poses import Pose
from drivers.robots import RobotCapabilities
from drivers.trackers import TrackerCapabilities

COAST_US = 50_000
"""Oldest head pose that the coil is still moved by (design)."""
FREEZE_US = 400_000
"""How long the coil stands at the head without trustworthy data. The design allows 0.5 s; less leaves the retract more
of the second in which the coil has to be 20 mm off, and a view hidden for 0.3 s must still be ridden out."""
ABSENCE_US = 10_000_000
"""Longest absence after which it goes on by itself; only where it stands clear of the head (design)."""
PERIODS = 1.5
"""No age is stricter than this many frame periods (design)."""


@dataclass(frozen=True, slots=True)
class Setup:
    """One room: where the camera stands, what tracker and arm can do, what they may do."""

    robot_from_camera: Pose | None
    """None: not calibrated yet; the arm then goes to no target."""
    park: Pose
    """robot_from_tcp of the parking place."""
    tracker: TrackerCapabilities
    robot: RobotCapabilities
    limits: ArmLimits = field(default_factory=ArmLimits)
    away_m: float = 0.06
    """How far off the target the coil stands before it closes in, and how far it retracts (design)."""
    rate_hz: float = 500.0
    """Turns of the loop per second."""
    tcp_from_coil: Pose | None = None
    """Where the coil's marker sits on the tool; None: as at its first sight, and only changes are noticed."""
    unsure_m: float = 0.0
    unsure_rad: float = 0.0
    """Standard deviation, along and about one axis, of the coil's face as its marker shows it: what the calibration
    leaves unknown."""
    calibration: str = ""
    """The hash of the calibration all this is from, for the session's; empty without one."""
    slack: float = 1.0
    """Factor on the ages the lease and the arm's word may have; above 1 in simulations only, because shared machines
    stall. Never on how long the coil stays at a head that is not seen: the force on the head grows with it."""
    head: HeadModel = USUAL
    """How a head moves, for the filter."""
    predicts: bool = True
    """False only in benchmarks, to show what prediction is worth."""

    @property
    def coast_us(self) -> int:
        """Oldest head pose the coil is moved by, in this room."""
        return self._at_least(COAST_US)

    @property
    def steady_us(self) -> int:
        """How old the newest head pose may be while no frame is missing: no prediction reaches further from it."""
        return round(1e6 / self.tracker.rate_hz) + self.tracker.latency_us + 2 * self.tracker.latency_sd_us

    def fresh_us(self, figure_us: int) -> int:
        """An age limit of the lease, widened to what this tracker can keep."""
        return round(self._at_least(figure_us) * self.slack)

    def heard_us(self, figure_us: int) -> int:
        """An age limit of the arm's word."""
        return round(figure_us * self.slack)

    def _at_least(self, figure_us: int) -> int:
        periods_us = PERIODS * 1e6 / self.tracker.rate_hz
        return max(figure_us, round(periods_us + self.tracker.latency_us + 2 * self.tracker.latency_sd_us))
