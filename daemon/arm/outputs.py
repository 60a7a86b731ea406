"""What the coil hold says in every turn: to the arm, to the watchdog, and to whoever watches."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from daemon.arm.goals import Error
from daemon.arm.lease import Lease
from daemon.arm.reasons import ArmReason
from daemon.arm.table import HoldState
from drivers.poses import Pose


class Command(Enum):
    """What the arm is told."""

    REST = "rest"
    FOLLOW = "follow"
    RETRACT = "retract"
    GUIDE = "guide"
    START = "start"
    """Rest, and have the program started that has ended."""


@dataclass(frozen=True, slots=True)
class Output:
    """One turn."""

    command: Command
    goal: Pose | None
    """robot_from_tcp to stream; with FOLLOW only."""
    state: HoldState
    why: ArmReason | None
    """Why it stands, retracts, or holds back the lease."""
    lease: Lease
    error: Error | None
    """Coil against target, both at this instant; None while either is unknown."""
    head_speed_m_s: float
