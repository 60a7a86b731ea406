"""What our program in the controller and this driver say to each other: registers 24 to 30, both ways (NOTES.md).

The external range 24 to 47, so that a fieldbus may keep 0 to 23. `coil_hold.script` reads and writes the same numbers.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import Final

from drivers.poses import Pose
from drivers.robots import Program
from drivers.ur.fields import FieldType
from drivers.ur.packets import Data

SEQUENCES: Final = 2**31
"""Sequence numbers count up to here and begin again at 0: the register is a signed 32-bit integer."""


class Command(IntEnum):
    """Input register 25: what a set-point asks of the program."""

    REST = 0
    FOLLOW = 1
    RETRACT = 2
    GUIDE = 3
    STOP = 4


PROGRAMS: Final = {
    0: Program.ABSENT,
    1: Program.IDLE,
    2: Program.TRACKING,
    3: Program.TIMED_OUT,
    4: Program.RETRACTING,
    5: Program.RETRACTED,
    6: Program.REFUSED,
    7: Program.HAND_GUIDED,
}
"""Output register 25. At 0 it has started and waits for the first `REST`: it obeys nothing yet."""

INPUTS: Final = (
    ("input_int_register_24", FieldType.INT32),
    ("input_int_register_25", FieldType.INT32),
    *((f"input_double_register_{n}", FieldType.DOUBLE) for n in range(24, 31)),
)
"""Sequence, command, the goal (m and rotation vector, robot_from_tcp), the speed limit of the tool in m/s."""

OUTPUTS: Final = (
    ("timestamp", FieldType.DOUBLE),
    ("actual_q", FieldType.VECTOR6D),
    ("actual_qd", FieldType.VECTOR6D),
    ("actual_TCP_pose", FieldType.VECTOR6D),
    ("actual_TCP_force", FieldType.VECTOR6D),
    ("robot_mode", FieldType.INT32),
    ("safety_mode", FieldType.INT32),
    ("safety_status_bits", FieldType.UINT32),
    ("runtime_state", FieldType.UINT32),
    ("speed_scaling", FieldType.DOUBLE),
    ("output_int_register_24", FieldType.INT32),
    ("output_int_register_25", FieldType.INT32),
    ("output_int_register_27", FieldType.INT32),
)
"""What a state is made of; the registers: sequence taken, state of the program, checksum of its text."""

_SET_POINT: Final = struct.Struct(">ii7d")


def set_point(recipe_id: int, sequence: int, command: Command, robot_from_tcp: Pose, speed_m_s: float) -> bytes:
    """One packet that sets all inputs at once."""
    values = _SET_POINT.pack(sequence, command, *robot_from_tcp.translation, *robot_from_tcp.rotation_vector, speed_m_s)
    return Data(recipe_id, values).to_bytes()
