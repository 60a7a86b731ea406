"""Every RTDE field that is told, and every input that is taken, by name (RTDE guide 5.12).

What a simulated arm has no physics for (currents, temperatures, momenta) is told as a constant or as zero.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drivers.poses import Pose
from simulator.wires.ur.registers import BITS, COUNT

if TYPE_CHECKING:
    from simulator.wires.ur.controller import Controller

FORMATS = {
    "BOOL": "?",
    "UINT8": "B",
    "UINT32": "I",
    "UINT64": "Q",
    "INT32": "i",
    "DOUBLE": "d",
    "VECTOR3D": "3d",
    "VECTOR6D": "6d",
    "VECTOR6INT32": "6i",
    "VECTOR6UINT32": "6I",
}
"""RTDE's type names and how `struct` packs them, big-endian."""

Value = float | tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """A field that clients may have."""

    kind: str
    get: Callable[[Controller], Value]


@dataclass(frozen=True, slots=True)
class Taken:
    """A field that one client may write."""

    kind: str
    set: Callable[[Controller, float], None]


def width(kind: str) -> int:
    """Values that a field of this type has."""
    return len(struct.unpack(">" + FORMATS[kind], bytes(struct.calcsize(">" + FORMATS[kind]))))


def six_of(pose: Pose) -> tuple[float, ...]:
    """A pose as UR tells it: metres and a rotation vector."""
    return (*pose.translation, *pose.rotation_vector)


RUNNING_JOINT = 253
"""Field `joint_mode`."""


def _told() -> dict[str, Told]:
    told = {
        "timestamp": Told("DOUBLE", lambda c: c.uptime_s),
        "target_q": Told("VECTOR6D", lambda c: c.arm.goal),
        "target_qd": Told("VECTOR6D", lambda c: c.arm.body.speeds),
        "actual_q": Told("VECTOR6D", lambda c: c.arm.body.joints),
        "actual_qd": Told("VECTOR6D", lambda c: c.arm.body.speeds),
        "actual_TCP_pose": Told("VECTOR6D", lambda c: six_of(c.arm.robot_from_tcp)),
        "actual_TCP_speed": Told("VECTOR6D", lambda c: c.arm.tcp_speed),
        "actual_TCP_force": Told("VECTOR6D", lambda c: c.arm.force),
        "target_TCP_pose": Told("VECTOR6D", lambda c: six_of(c.arm.goal_pose)),
        "target_TCP_speed": Told("VECTOR6D", lambda c: c.arm.tcp_speed),
        "ft_raw_wrench": Told("VECTOR6D", lambda c: c.arm.touch),
        "robot_mode": Told("INT32", lambda c: c.mode),
        "safety_mode": Told("INT32", lambda c: c.safety),
        "safety_status": Told("INT32", lambda c: c.safety),
        "safety_status_bits": Told("UINT32", lambda c: c.safety_bits),
        "robot_status_bits": Told("UINT32", lambda c: c.status_bits),
        "runtime_state": Told("UINT32", lambda c: c.runtime_state),
        "speed_scaling": Told("DOUBLE", lambda c: c.arm.scaling),
        "target_speed_fraction": Told("DOUBLE", lambda c: c.slider),
        "payload": Told("DOUBLE", lambda c: c.payload_kg),
        "tcp_offset": Told("VECTOR6D", lambda c: six_of(c.arm.body.flange_from_tcp)),
        "joint_mode": Told("VECTOR6INT32", lambda _: (RUNNING_JOINT,) * 6),
        "actual_main_voltage": Told("DOUBLE", lambda _: 48.0),
        "actual_robot_voltage": Told("DOUBLE", lambda _: 48.0),
        "actual_execution_time": Told("DOUBLE", lambda _: 0.2),
        "joint_temperatures": Told("VECTOR6D", lambda _: (30.0,) * 6),
        "actual_joint_voltage": Told("VECTOR6D", lambda _: (48.0,) * 6),
    }
    nothing = {
        "VECTOR6D": "target_qdd target_current target_moment actual_current joint_control_output payload_inertia "
        "joint_position_deviation_ratio",
        "VECTOR3D": "actual_tool_accelerometer payload_cog elbow_position elbow_velocity",
        "UINT64": "actual_digital_input_bits actual_digital_output_bits",
        "UINT32": "analog_io_types tool_analog_input_types output_bit_registers0_to_31 output_bit_registers32_to_63",
        "INT32": "tool_mode tool_output_voltage",
        "DOUBLE": "actual_momentum actual_robot_current io_current tool_output_current tool_analog_input0 "
        "tool_analog_input1 tool_temperature tcp_force_scalar collision_detection_ratio standard_analog_input0 "
        "standard_analog_input1 standard_analog_output0 standard_analog_output1",
    }
    for kind, names in nothing.items():
        zero: Value = 0 if width(kind) == 1 else (0.0,) * width(kind)
        for name in names.split():
            told[name] = Told(kind, lambda _, zero=zero: zero)  # type: ignore[misc]
    for n in range(COUNT):
        told[f"output_int_register_{n}"] = Told("INT32", lambda c, n=n: c.registers.outputs.ints[n])  # type: ignore[misc]
        told[f"output_double_register_{n}"] = Told("DOUBLE", lambda c, n=n: c.registers.outputs.doubles[n])  # type: ignore[misc]
        told[f"input_int_register_{n}"] = Told("INT32", lambda c, n=n: c.registers.inputs.ints[n])  # type: ignore[misc]
        told[f"input_double_register_{n}"] = Told("DOUBLE", lambda c, n=n: c.registers.inputs.doubles[n])  # type: ignore[misc]
    for n in range(64, BITS):
        told[f"output_bit_register_{n}"] = Told("BOOL", lambda c, n=n: c.registers.outputs.bits[n])  # type: ignore[misc]
    return told


def _set_slider(controller: Controller, share: float) -> None:
    controller.slider = max(0.0, min(1.0, share))


def _ignore(_controller: Controller, _value: float) -> None:
    """An output that nothing is wired to."""


def _taken() -> dict[str, Taken]:
    taken = {
        "speed_slider_mask": Taken("UINT32", _ignore),
        "speed_slider_fraction": Taken("DOUBLE", _set_slider),
    }
    unwired = {
        "UINT8": "standard_digital_output_mask configurable_digital_output_mask standard_digital_output "
        "configurable_digital_output standard_analog_output_mask standard_analog_output_type tool_digital_output_mask "
        "tool_digital_output",
        "DOUBLE": "standard_analog_output_0 standard_analog_output_1",
        "UINT32": "input_bit_registers0_to_31 input_bit_registers32_to_63",
    }
    for kind, names in unwired.items():
        taken |= {name: Taken(kind, _ignore) for name in names.split()}
    for n in range(COUNT):
        taken[f"input_int_register_{n}"] = Taken("INT32", _int_setter(n))
        taken[f"input_double_register_{n}"] = Taken("DOUBLE", _double_setter(n))
    for n in range(64, BITS):
        taken[f"input_bit_register_{n}"] = Taken("BOOL", _bit_setter(n))
    return taken


def _int_setter(n: int) -> Callable[[Controller, float], None]:
    def put(controller: Controller, value: float) -> None:
        inputs = controller.registers.inputs
        inputs.ints[n] = int(value)
        inputs.int_writes[n] += 1

    return put


def _double_setter(n: int) -> Callable[[Controller, float], None]:
    def put(controller: Controller, value: float) -> None:
        controller.registers.inputs.doubles[n] = value

    return put


def _bit_setter(n: int) -> Callable[[Controller, float], None]:
    def put(controller: Controller, value: float) -> None:
        controller.registers.inputs.bits[n] = bool(value)

    return put


TOLD: dict[str, Told] = _told()
TAKEN: dict[str, Taken] = _taken()
