"""The laws that are compared: each sees frames and the arm, and says where the arm is to go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from benchmarks.hold_plant import ARM, HEAD_FROM_TARGET, ROBOT_FROM_CAMERA, SCALP, TRACKER
from daemon.arm.hold import Hold
from daemon.arm.lease import Lease
from daemon.arm.outputs import Command
from daemon.arm.prediction import USUAL, HeadModel
from daemon.arm.setup import Setup
from daemon.arm.table import HoldState, Verb
from drivers.poses import Pose
from drivers.robots import RobotState
from drivers.trackers import Frame, Tool

Said = tuple[Command, Pose | None, Lease | None, HoldState | None]
"""Command, goal, lease (None: there is no gate, every pulse goes out), state."""


class Law(Protocol):
    """One way to keep a coil on its target."""

    def saw(self, frame: Frame) -> None:
        """A frame that has just come."""
        ...

    def step(self, now_us: int, robot: RobotState) -> Said:
        """One turn."""
        ...


class Static:
    """A holder: the coil stays where it was put."""

    def saw(self, frame: Frame) -> None:
        """Nothing comes of it."""

    def step(self, _now_us: int, _robot: RobotState) -> Said:
        """Stays."""
        return Command.REST, None, None, None


class Naive:
    """Sends the arm to where the head was in the newest frame, as soon as the frame comes."""

    def __init__(self) -> None:
        self._goal: Pose | None = None

    def saw(self, frame: Frame) -> None:
        """The newest head there is."""
        pose = frame.tools[Tool.HEAD].pose
        if pose is not None:
            self._goal = ROBOT_FROM_CAMERA @ pose @ HEAD_FROM_TARGET

    def step(self, _now_us: int, _robot: RobotState) -> Said:
        """Streams it."""
        return Command.FOLLOW, self._goal, None, None


class Ours:
    """The coil hold itself, sent to its target."""

    def __init__(self, setup: Setup) -> None:
        self.hold = Hold(setup)
        self.hold.aim(HEAD_FROM_TARGET, SCALP)
        self._sent = False

    def saw(self, frame: Frame) -> None:
        """Passed on."""
        self.hold.saw(frame)

    def step(self, now_us: int, robot: RobotState) -> Said:
        """Passed on; the first order goes out once the head is seen."""
        if not self._sent:
            self._sent = self.hold.order(Verb.TO_TARGET, now_us) is None
        said = self.hold.step(now_us, robot)
        return said.command, said.goal, said.lease, said.state


def setup(rate_hz: float, head: HeadModel = USUAL) -> Setup:
    """Ours, as it is used."""
    park = Pose.turned((2.0, 0.0, 0.0), (0.3, -0.4, 0.9))
    return Setup(ROBOT_FROM_CAMERA, park, TRACKER, ARM, rate_hz=rate_hz, head=head)


def oracle(setup: Setup, lag_us: int) -> Ours:
    """The same frames without latency, and the arm's true lag known."""
    tracker, arm = replace(TRACKER, latency_us=0, latency_sd_us=0), replace(ARM, latency_us=lag_us)
    return Ours(replace(setup, tracker=tracker, robot=arm))


LAWS: dict[str, Callable[[Setup], Law]] = {
    "static holder": lambda _setup: Static(),
    "naive follow": lambda _setup: Naive(),
    "ours, no prediction": lambda setup: Ours(replace(setup, predicts=False)),
    "ours": Ours,
}
