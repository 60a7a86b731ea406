"""A room in memory for the coil hold: a head that is put anywhere, a tracker without noise of its own, an ideal arm."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

from daemon.arm.goals import Ellipsoid
from daemon.arm.hold import Command, Hold, HoldState, Output, Refusal, Setup, Verb
from drivers.poses import Pose
from drivers.robots import Program, RobotCapabilities, RobotMode, RobotState, SafetyMode
from drivers.trackers import Frame, Missing, Sight, Tool, TrackerCapabilities

START_US = 1_234_567_890
TURN_US = 4_000
FRAME_US = 16_667
LATENCY_US = 14_000
TRACKER = TrackerCapabilities("test", 60.0, LATENCY_US, 1_000, 0.00005)
ARM = RobotCapabilities(
    model="test", primitive="pose", rate_hz=250.0, least_rate_hz=125.0, dead_man_us=20_000, dead_man_idle_us=200_000,
    on_silence="stands", reach_m=1.2, latency_us=8_000, joint_limits=((-6.2, 6.2),) * 6,
)  # fmt: skip
JOINTS = (0.5, -1.2, 1.4, -1.0, -1.5, 0.3)
ROBOT_FROM_CAMERA = Pose.turned((0.3, 1.4, -0.2), (1.5, 0.4, 1.1))
HEAD = Pose.turned((0.1, 0.2, -0.1), (0.5, 0.1, 0.4))
"""robot_from_head at the beginning."""
SCALP = Ellipsoid((0.0, 0.0, 0.0), (0.10, 0.08, 0.09))
TARGET = Pose.turned((3.14159, 0.0, 0.0), (0.0, 0.0, 0.095))
"""On top of the head, looking down into it, 5 mm off."""
TCP_FROM_COIL = Pose.turned((0.0, 0.5, 0.0), (0.0, 0.1, -0.02))
PARK = Pose.turned((2.0, 0.0, 0.0), (0.3, -0.5, 0.7))
SETUP = Setup(ROBOT_FROM_CAMERA, PARK, TRACKER, ARM, rate_hz=1e6 / TURN_US)
NOT_SEEN = Sight(None, missing=Missing.NOT_SEEN)


class Room:
    """Steps the hold turn by turn. Change `head`, `camera`, `spoil` and `robot_says` to make things go wrong."""

    def __init__(self, setup: Setup = SETUP, *, at: Pose | None = None, seed: int = 1) -> None:
        self.hold = Hold(setup)
        self.hold.aim(TARGET, SCALP)
        self.now_us = START_US
        self.head = HEAD
        self.move: Callable[[int], Pose] | None = None
        """robot_from_head by the time in µs; None: stays where `head` is."""
        self.camera = ROBOT_FROM_CAMERA
        self.base = Pose()
        """Where the arm's base stands now, seen from where it stood; `shift_base` bumps it."""
        self.tcp = at or HEAD @ TARGET @ Pose(translation=(0.0, 0.0, -0.02))
        self.program = Program.IDLE
        self.lag_turns = 0
        """How many turns the arm is behind its set-points."""
        self._goals: list[Pose] = []
        self.spoil: Callable[[Frame], Frame | None] = lambda frame: frame
        self.robot_says: Callable[[RobotState], RobotState | None] = lambda state: state
        self.said: list[Output] = []
        self._draw = random.Random(seed)
        self._number = 100
        self._next_frame_us = START_US
        self._coming: list[Frame] = []
        self.last_seen: Frame | None = None
        """The newest frame, before it was spoiled."""

    def run(self, seconds: float, until: Callable[[Output], bool] | None = None) -> Output:
        """Turns for so long, or until the output is as wished; the last output."""
        for _ in range(round(seconds * 1e6 / TURN_US)):
            output = self.turn()
            if until is not None and until(output):
                break
        return self.said[-1]

    def turn(self) -> Output:
        """One turn of the loop."""
        self.now_us += TURN_US
        if self.move is not None:
            self.head = self.move(self.now_us)
        while self._next_frame_us <= self.now_us:
            self._see()
        while self._coming and self._coming[0].received_us <= self.now_us:
            self.hold.saw(self._coming.pop(0))
        output = self.hold.step(self.now_us, self.robot_says(self.state()))
        self._obey(output)
        self.said.append(output)
        return output

    def order(self, verb: Verb) -> Refusal | None:
        """What a person orders now."""
        return self.hold.order(verb, self.now_us)

    def state(self) -> RobotState:
        """What the arm says."""
        still = (0.0,) * 6
        return RobotState(
            self.now_us, self.base.inverse() @ self.tcp, JOINTS, still, still, RobotMode.RUNNING, SafetyMode.NORMAL,
            self.program, 0, 1.0, self.now_us / 1e6,
        )  # fmt: skip

    def shift_base(self, by: Pose) -> None:
        """The base, and with it the coil, is moved; the arm knows nothing of it."""
        self.base, self.tcp = by @ self.base, by @ self.tcp

    def on_target(self) -> Pose:
        """target_from_tcp as it really is."""
        return (self.head @ TARGET).inverse() @ self.tcp

    def _see(self) -> None:
        back = self.camera.inverse()
        tools = {
            Tool.HEAD: Sight(back @ self.head @ self._noise()),
            Tool.COIL: Sight(back @ self.tcp @ TCP_FROM_COIL @ self._noise()),
        }
        at_us = self._next_frame_us
        seen = Frame(self._number, at_us, at_us + LATENCY_US, tools)
        frame = self.spoil(seen)
        self.last_seen = seen
        if frame is not None:
            self._coming.append(frame)
        self._number += 1
        self._next_frame_us += FRAME_US

    def _noise(self) -> Pose:
        turn = [self._draw.gauss(0, 0.0008) for _ in range(3)]
        return Pose.turned(turn, [self._draw.gauss(0, 0.00005) for _ in range(3)])

    def _obey(self, output: Output) -> None:
        if output.command is Command.FOLLOW:
            assert output.goal is not None
            self._goals.append(output.goal)
            self.tcp = self.base @ self._goals[-min(len(self._goals), self.lag_turns + 1)]
            self.program = Program.TRACKING
        elif output.command is Command.RETRACT:
            if self.program is not Program.RETRACTED:
                self._retract()
        else:
            self.program = Program.HAND_GUIDED if output.command is Command.GUIDE else Program.IDLE

    def _retract(self) -> None:
        if self.program is not Program.RETRACTING:
            self.program, self._left_m = Program.RETRACTING, 0.06
        step_m = min(self._left_m, 0.1 * TURN_US / 1e6)
        self.tcp, self._left_m = self.tcp @ Pose(translation=(0.0, 0.0, -step_m)), self._left_m - step_m
        if self._left_m <= 0:
            self.program = Program.RETRACTED


def tracking(setup: Setup = SETUP, seed: int = 1) -> Room:
    """A room whose coil is on its target, with the lease `begin`."""
    room = Room(setup, seed=seed)
    room.run(0.2)
    assert room.order(Verb.TO_TARGET) is None
    output = room.run(4.0, until=lambda said: said.lease.value == "begin")
    assert output.state is HoldState.TRACK
    assert output.lease.value == "begin"
    return room


def without(frame: Frame, *tools: Tool) -> Frame:
    """The frame with these tools out of sight."""
    return replace(frame, tools={tool: NOT_SEEN if tool in tools else sight for tool, sight in frame.tools.items()})


def frozen(room: Room) -> Callable[[Frame], Frame | None]:
    """Frame numbers run on, the poses are the last ones."""
    last = room.last_seen
    return lambda frame: frame if last is None else replace(frame, tools=last.tools)


def states(outputs: list[Output]) -> list[HoldState]:
    """Each state once, in the order in which they came."""
    seen: list[HoldState] = []
    for output in outputs:
        if not seen or seen[-1] is not output.state:
            seen.append(output.state)
    return seen


def moved_by(tool: Tool, by: Pose) -> Callable[[Frame], Frame]:
    """One tool is seen elsewhere."""

    def spoil(frame: Frame) -> Frame:
        pose = frame.tools[tool].pose
        assert pose is not None
        return replace(frame, tools={**frame.tools, tool: Sight(by @ pose)})

    return spoil
