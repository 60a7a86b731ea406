"""What the controller's numbers mean: one data packet as a `RobotState`. The enums' sources are in NOTES.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

from drivers.errors import BadFrame
from drivers.poses import Pose
from drivers.robots import Joints, Program, RobotMode, RobotState, SafetyMode, Wrench
from drivers.ur.fields import Value
from drivers.ur.registers import PROGRAMS

PLAYING: Final = 2
"""runtime_state while a program runs; with every other (stopping, stopped, pausing, paused, resuming) nothing obeys."""

ROBOT_MODES: Final = {
    -1: RobotMode.UNREACHABLE,  # no controller
    0: RobotMode.UNREACHABLE,  # disconnected
    1: RobotMode.POWER_OFF,  # confirm safety
    2: RobotMode.POWER_OFF,  # booting
    3: RobotMode.POWER_OFF,
    4: RobotMode.BRAKES_ON,  # power on
    5: RobotMode.BRAKES_ON,  # idle
    6: RobotMode.BACKDRIVE,
    7: RobotMode.RUNNING,
    8: RobotMode.UPDATING,
}

SAFETY_MODES: Final = {
    1: SafetyMode.NORMAL,
    2: SafetyMode.REDUCED,
    3: SafetyMode.PROTECTIVE_STOP,
    4: SafetyMode.RECOVERY,
    5: SafetyMode.SAFEGUARD_STOP,
    6: SafetyMode.EMERGENCY_STOP,  # of the system
    7: SafetyMode.EMERGENCY_STOP,  # of the robot
    8: SafetyMode.VIOLATION,
    9: SafetyMode.FAULT,
    12: SafetyMode.SAFEGUARD_STOP,  # of the automatic mode
    13: SafetyMode.SAFEGUARD_STOP,  # of the three-position enabling device
}
"""A number that is not here is a mode newer than this table: taken for a fault."""

SAFETY_BITS: Final = (
    (9, SafetyMode.FAULT),
    (8, SafetyMode.VIOLATION),
    (7, SafetyMode.EMERGENCY_STOP),
    (6, SafetyMode.EMERGENCY_STOP),
    (5, SafetyMode.EMERGENCY_STOP),
    (4, SafetyMode.SAFEGUARD_STOP),
    (2, SafetyMode.PROTECTIVE_STOP),
    (3, SafetyMode.RECOVERY),
    (10, SafetyMode.PROTECTIVE_STOP),  # stopped due to safety, for a reason no other bit names
)
"""safety_status_bits, the gravest first."""

Values = Mapping[str, Value]


def safety_of(mode: int, bits: int) -> SafetyMode:
    """The safety mode; a stop that only the bits show counts too."""
    known = SAFETY_MODES.get(mode, SafetyMode.FAULT)
    if known in (SafetyMode.NORMAL, SafetyMode.REDUCED):
        return next((stop for bit, stop in SAFETY_BITS if bits >> bit & 1), known)
    return known


def plays(values: Values) -> bool:
    """Whether a program runs, ours or another."""
    return values["runtime_state"] == PLAYING


def program_of(values: Values, version: int) -> Program:
    """What our program does; ABSENT when none runs or when the one that runs wrote another checksum."""
    if not plays(values) or values["output_int_register_27"] != version:
        return Program.ABSENT
    return PROGRAMS.get(cast(int, values["output_int_register_25"]), Program.ABSENT)


def state_of(values: Values, program: Program, received_us: int) -> RobotState:
    """One data packet in the words of `drivers.robots`. BadFrame when its pose is none."""
    pose = cast(tuple[float, ...], values["actual_TCP_pose"])
    try:
        robot_from_tcp = Pose.turned(pose[3:], pose[:3])
    except ValueError as error:
        raise BadFrame(f"the robot's controller tells a pose that is none: {error}. Reconnect.") from error
    return RobotState(
        received_us=received_us,
        robot_from_tcp=robot_from_tcp,
        joints=cast(Joints, values["actual_q"]),
        joint_speeds=cast(Joints, values["actual_qd"]),
        force=cast(Wrench, values["actual_TCP_force"]),
        mode=ROBOT_MODES.get(cast(int, values["robot_mode"]), RobotMode.UNREACHABLE),
        safety=safety_of(cast(int, values["safety_mode"]), cast(int, values["safety_status_bits"])),
        program=program,
        echoed=cast(int, values["output_int_register_24"]),
        speed_scaling=cast(float, values["speed_scaling"]),
        controller_s=cast(float, values["timestamp"]),
    )
