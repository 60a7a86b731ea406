"""The numbers a UR controller gives to its states (RTDE guide; the clients ur_rtde and ur_client_library)."""

from __future__ import annotations

from enum import IntEnum


class RobotMode(IntEnum):
    """Field `robot_mode`."""

    POWER_OFF = 3
    IDLE = 5
    BACKDRIVE = 6
    RUNNING = 7


class SafetyMode(IntEnum):
    """Field `safety_mode`."""

    NORMAL = 1
    REDUCED = 2
    PROTECTIVE_STOP = 3
    SAFEGUARD_STOP = 5
    ROBOT_EMERGENCY_STOP = 7
    FAULT = 9


class RuntimeState(IntEnum):
    """Field `runtime_state`."""

    STOPPING = 0
    STOPPED = 1
    PLAYING = 2
    PAUSED = 4


SAFETY_BITS = {
    SafetyMode.NORMAL: 1 << 0,
    SafetyMode.REDUCED: 1 << 1,
    SafetyMode.PROTECTIVE_STOP: 1 << 2 | 1 << 10,
    SafetyMode.SAFEGUARD_STOP: 1 << 4 | 1 << 10,
    SafetyMode.ROBOT_EMERGENCY_STOP: 1 << 6 | 1 << 7 | 1 << 10,
    SafetyMode.FAULT: 1 << 9 | 1 << 10,
}
"""Field `safety_status_bits`: 2 protective, 4 safeguard, 6 robot emergency, 7 any emergency, 9 fault, 10 stopped."""

POWER_ON, PROGRAM_RUNNING = 1 << 0, 1 << 1
"""Field `robot_status_bits`."""
