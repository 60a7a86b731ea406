"""A robot arm that follows a streamed pose: what every arm must state about itself, and how the loop speaks to it.

Nothing here waits: the coil-hold loop calls `read` when the arm's descriptor is readable, and `stream` in every turn.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from drivers.poses import IDENTITY, Pose, Vector

Joints = tuple[float, float, float, float, float, float]
"""Six joint angles in radians, or their speeds in rad/s."""
Wrench = tuple[float, float, float, float, float, float]
"""Force in N and torque in Nm, in the robot's base."""


class RobotMode(Enum):
    """Whether the arm can move at all."""

    UNREACHABLE = "unreachable"
    POWER_OFF = "power-off"
    BRAKES_ON = "brakes-on"
    RUNNING = "running"
    BACKDRIVE = "backdrive"
    UPDATING = "updating"


class SafetyMode(Enum):
    """What the arm's own safety system says. Only the first two let it move; none is ever left by software alone."""

    NORMAL = "normal"
    REDUCED = "reduced"
    PROTECTIVE_STOP = "protective-stop"
    RECOVERY = "recovery"
    SAFEGUARD_STOP = "safeguard-stop"
    EMERGENCY_STOP = "emergency-stop"
    VIOLATION = "violation"
    FAULT = "fault"


class Program(Enum):
    """What our own program in the controller does, which obeys only fresh set-points."""

    ABSENT = "absent"
    IDLE = "idle"
    TRACKING = "tracking"
    TIMED_OUT = "timed-out"
    """No fresh set-point came in time: it stops, then retracts, by itself."""
    RETRACTING = "retracting"
    RETRACTED = "retracted"
    REFUSED = "refused"
    """A set-point lay outside the controller's own box or was too far away."""
    HAND_GUIDED = "hand-guided"


@dataclass(frozen=True, slots=True)
class RobotState:
    """What the arm last said of itself."""

    received_us: int
    """CLOCK_MONOTONIC, µs."""
    robot_from_tcp: Pose
    """Measured; the tool centre point is the coil's face centre, +z into the head."""
    joints: Joints
    joint_speeds: Joints
    force: Wrench
    mode: RobotMode
    safety: SafetyMode
    program: Program
    echoed: int
    """Sequence number of the newest set-point the controller has taken."""
    speed_scaling: float
    """Share of the commanded speed the controller allows, 0 to 1."""
    controller_s: float = 0.0
    """The controller's own clock, seconds: it standing still means that nothing here is new."""


class Kinematics(Protocol):
    """Where an arm's joints are for a pose of its tool, by its model's lengths: as good as those, and no better."""

    def robot_from_tcp(self, joints: Joints) -> Pose:
        """Where the tool is."""
        ...

    def joints_for(self, robot_from_tcp: Pose, near: Joints) -> Joints | None:
        """The joints that bring the tool there, from `near` without a change of sides; None when there are none."""
        ...

    def off_axis_m(self, joints: Joints) -> float:
        """How far the wrist stands from where the first joint would turn without moving it, metres."""
        ...


@dataclass(frozen=True, slots=True)
class RobotCapabilities:
    """What the loop must know of an arm; each number with its source in the vendor folder's NOTES.md."""

    model: str
    primitive: str
    """What streaming a pose is, in the arm's own words: `servoj of the inverse kinematics, every 2 ms`."""
    rate_hz: float
    """Set-points per second it takes."""
    least_rate_hz: float
    """Below this it no longer follows smoothly."""
    dead_man_us: int
    """Silence after which the controller itself acts, while moving."""
    dead_man_idle_us: int
    on_silence: str
    """What it does then, for people."""
    reach_m: float
    latency_us: int
    """From a set-point's departure to the arm having moved by it, typical."""
    joint_limits: tuple[tuple[float, float], ...]
    """Lowest and highest angle of each joint, radians."""
    kinematics: Kinematics | None = None
    """None: only the arm's controller knows which joints a pose takes, and only what is measured can be held against
    their limits."""


class Robot(Protocol):
    """An arm. Raises WireError when the controller is gone, DeviceError when it refuses; then a new one is dialled."""

    capabilities: RobotCapabilities

    def start(self, now_us: int) -> None:
        """Asks for our program to be started once the arm has power; `read` carries it on. Moves nothing."""
        ...

    def fileno(self) -> int:
        """Readable when a state has come."""
        ...

    def read(self, now_us: int) -> RobotState | None:
        """The newest state that has come whole, or None. Never waits."""
        ...

    def stream(self, robot_from_tcp: Pose) -> int:
        """Sends one set-point; its sequence number, which the state echoes. Never waits."""
        ...

    def rest(self) -> int:
        """A set-point without a pose: stand where you are, and know that I am here."""
        ...

    def retract(self) -> int:
        """Away from the head along the coil's normal, by the controller's own program; ends at rest.

        Faster than the program leaves on silence: then nobody looks.
        """
        ...

    def guide(self, *, on: bool) -> int:
        """Lets a person move the arm by hand, or no longer."""
        ...

    def close(self) -> None:
        """Stops the program where it stands still, and hangs up."""
        ...


@dataclass(frozen=True, slots=True)
class ArmPlace:
    """What a room says of its arm, whatever its make."""

    host: str
    """A numeric address: a name would have to be looked up, and that waits."""
    flange_from_tcp: Pose = IDENTITY
    """The coil's face centre as the tool, +z into the head."""
    payload_kg: float = 1.0
    payload_centre_m: Vector = (0.0, 0.0, 0.0)
    """Centre of mass of coil, holder and cable, from the flange."""
    box_low: Vector = (-0.85, -0.85, -0.1)
    box_high: Vector = (0.85, 0.85, 1.2)
    """Where the tool centre point may be sent, corners in the robot's base, metres."""
    slack: float = 1.0
    """Factor on every time-out of the driver and of the controller's program: 1, and more only in a simulation."""


class ArmInRoom(Protocol):
    """An arm before anybody speaks to it."""

    capabilities: RobotCapabilities

    def dial(self, now_us: int, *, start: bool) -> Robot:
        """Begins a connection and does not wait for it; and whether the program is to be started on it."""
        ...

    def switch_on(self) -> None:
        """Powers the arm and opens its brakes; waits, up to half a minute. Raises what a person has to do."""
        ...

    def unlock(self, by: str) -> None:
        """Ends a protective stop, in the name of whoever looked why it came. Raises what a person has to do."""
        ...
