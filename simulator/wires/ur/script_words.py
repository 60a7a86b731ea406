"""The functions of URScript that scripts may call here (URScript manual 5.12), in the controller's own names.

Those that wait are generators: each `yield` is one tick of the controller. `WAITS` names all, and which of them wait.
A pose of the script is a `ScriptPose`: six numbers, metres and a rotation vector.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from drivers.poses import Pose
from drivers.robots import Joints
from simulator.arm.drives import STILL
from simulator.arm.kinematics import Unreachable
from simulator.wires.ur.script_errors import ScriptError

if TYPE_CHECKING:
    from simulator.wires.ur.controller import Controller

Ticks = Iterator[None]
SIX = 6
MOST_TURNS = 10_000
"""Turns of loops in one tick; a real controller stops a program that computes for longer than a tick."""
LOOKAHEAD_S, GAIN = (0.03, 0.2), (100.0, 2000.0)
"""What servoj takes (URScript manual)."""


class ScriptPose(list[float]):
    """Six numbers that mean a pose, and the pose itself once somebody has worked it out: a tick needs it often."""

    __slots__ = ("known",)

    def __init__(self, numbers: Sequence[float], known: Pose | None = None) -> None:
        super().__init__(numbers)
        self.known = known

    def __setitem__(self, index: Any, value: Any) -> None:
        """One number changes: it is another pose."""
        super().__setitem__(index, value)
        self.known = None


def to_pose(numbers: Sequence[float]) -> Pose:
    """A script's pose as ours. ScriptError when it has not six numbers."""
    if isinstance(numbers, ScriptPose) and numbers.known:
        return numbers.known
    x, y, z, rx, ry, rz = _six(numbers)
    pose = Pose.turned((rx, ry, rz), (x, y, z))
    if isinstance(numbers, ScriptPose):
        numbers.known = pose
    return pose


def from_pose(pose: Pose) -> ScriptPose:
    """Our pose as a script's."""
    return ScriptPose([*pose.translation, *pose.rotation_vector], pose)


def _six(numbers: Sequence[float]) -> Joints:
    if not isinstance(numbers, list) or len(numbers) != SIX:
        raise ScriptError(f"six numbers are needed here, not {numbers!r}")
    a, b, c, d, e, f = numbers
    return (a, b, c, d, e, f)


class Words:
    """What one running script can say to its controller."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._arm = controller.arm
        self._step_s = controller.arm.profile.step_s
        self.turns = 0

    # ── of the language ─────────────────────────────────────────────────────────────────────────────────────────────

    def turn(self) -> None:
        """One turn of a loop."""
        self.turns += 1
        if self.turns > MOST_TURNS:
            raise ScriptError("a loop runs without sync: the controller would stop the program")

    @staticmethod
    def truth(value: object) -> bool:
        """A condition; a number is none, as on the controller."""
        if not isinstance(value, bool):
            raise ScriptError(f"True or False is needed here, not {value!r}")
        return value

    @staticmethod
    def copied(value: object) -> object:
        """A list of its own."""
        return type(value)(value) if isinstance(value, list) else value

    @staticmethod
    def pose(  # noqa: PLR0917  six numbers
        x: float, y: float, z: float, rx: float, ry: float, rz: float
    ) -> ScriptPose:
        """p[x, y, z, rx, ry, rz]"""
        return ScriptPose([x, y, z, rx, ry, rz])

    # ── looking ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def get_actual_tcp_pose(self) -> ScriptPose:
        return from_pose(self._arm.robot_from_tcp)

    def get_actual_joint_positions(self) -> list[float]:
        return list(self._arm.body.joints)

    def get_tcp_force(self) -> list[float]:
        return list(self._arm.force)

    def get_steptime(self) -> float:
        return self._step_s

    def get_inverse_kin(self, x: list[float], qnear: list[float] | None = None) -> list[float]:
        near = None if qnear is None else _six(qnear)
        try:
            return list(self._arm.body.joints_for(to_pose(x), near))
        except Unreachable as error:
            raise ScriptError(f"get_inverse_kin: {error}") from error

    def get_inverse_kin_has_solution(self, pose: list[float], qnear: list[float] | None = None) -> bool:
        try:
            self.get_inverse_kin(pose, qnear)
        except ScriptError:
            return False
        return True

    # ── registers ───────────────────────────────────────────────────────────────────────────────────────────────────

    def read_input_integer_register(self, address: int) -> int:
        return self._controller.registers.inputs.ints[address]

    def read_input_float_register(self, address: int) -> float:
        return self._controller.registers.inputs.doubles[address]

    def write_output_integer_register(self, address: int, value: int) -> None:
        if isinstance(value, bool) or not isinstance(value, int):
            raise ScriptError(f"an integer register takes a whole number, not {value!r}")
        self._controller.registers.outputs.ints[address] = value

    def write_output_float_register(self, address: int, value: float) -> None:
        self._controller.registers.outputs.doubles[address] = float(value)

    # ── moving ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def servoj(  # noqa: PLR0917  the controller's own order
        self,
        q: list[float],
        a: float = 0,  # noqa: ARG002  the controller ignores it as well
        v: float = 0,  # noqa: ARG002
        t: float = 0.002,
        lookahead_time: float = 0.1,
        gain: float = 300,
    ) -> Ticks:
        _between("lookahead_time", lookahead_time, LOOKAHEAD_S)
        _between("gain", gain, GAIN)
        self._arm.servo(_six(q), lookahead_time, gain)
        yield from self._wait(t)

    def speedl(self, xd: list[float], a: float = 1.2, t: float = 0) -> Ticks:
        self._arm.line(_six(xd), a)
        yield from self._wait(t)
        while t <= 0 and not self._arm.reached:
            yield

    def stopl(self, a: float) -> Ticks:
        self._arm.line(STILL, a)
        yield
        while not (self._arm.reached and self._arm.stands):
            yield

    def stopj(self, a: float) -> Ticks:
        self._arm.halt(a)
        yield
        while not self._arm.stands:
            yield

    def freedrive_mode(self) -> None:
        self._arm.guide()

    def end_freedrive_mode(self) -> None:
        self._arm.halt()

    def sync(self) -> Ticks:
        yield

    def sleep(self, t: float) -> Ticks:
        yield from self._wait(t)

    def _wait(self, t: float) -> Ticks:
        for _ in range(max(1, round(t / self._step_s))):
            yield

    # ── setting ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def set_tcp(self, pose: list[float]) -> None:
        self._controller.set_tool(to_pose(pose))

    def set_payload(self, m: float, cog: list[float] | None = None) -> None:  # noqa: ARG002  weighs nothing here
        self._controller.payload_kg = m

    def zero_ftsensor(self) -> None:
        self._arm.zero_force()

    def textmsg(self, s1: object, s2: object = "") -> None:
        self._controller.note(f"textmsg: {s1}{s2}")

    # ── computing ───────────────────────────────────────────────────────────────────────────────────────────────────

    @staticmethod
    def pose_trans(p_from: list[float], p_from_to: list[float]) -> ScriptPose:
        return from_pose(to_pose(p_from) @ to_pose(p_from_to))

    @staticmethod
    def pose_inv(p_from: list[float]) -> ScriptPose:
        return from_pose(to_pose(p_from).inverse())

    @staticmethod
    def pose_sub(p_to: list[float], p_from: list[float]) -> ScriptPose:
        """Places are subtracted; the turn is the one that leads from `p_from` to `p_to`, seen from the base."""
        to, start = to_pose(p_to), to_pose(p_from)
        turn = Pose(to.quaternion) @ Pose(start.quaternion).inverse()
        shift = [a - b for a, b in zip(to.translation, start.translation, strict=True)]
        return ScriptPose([*shift, *turn.rotation_vector])

    @staticmethod
    def point_dist(p_from: list[float], p_to: list[float]) -> float:
        return math.dist(p_from[:3], p_to[:3])

    @staticmethod
    def norm(a: list[float] | float) -> float:
        return math.hypot(*a) if isinstance(a, list) else abs(a)

    @staticmethod
    def sqrt(f: float) -> float:
        return math.sqrt(f)

    @staticmethod
    def floor(f: float) -> int:
        return math.floor(f)


def _between(name: str, value: float, bounds: tuple[float, float]) -> None:
    if not bounds[0] <= value <= bounds[1]:
        raise ScriptError(f"servoj: {name} is {bounds[0]} to {bounds[1]}, not {value}")


OF_THE_LANGUAGE = {"turn", "truth", "copied", "pose"}
WAITS = {
    name: inspect.isgeneratorfunction(function)
    for name, function in inspect.getmembers(Words, inspect.isfunction)
    if not name.startswith("_") and name not in OF_THE_LANGUAGE
}
