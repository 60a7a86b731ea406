"""Stand-ins around the loop: a hold that does what it is told, an arm that notes what it gets, clients on sockets."""

from __future__ import annotations

import json
import os
import select
import socket
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from daemon.arm.goals import Ellipsoid
from daemon.arm.lease import Lease
from daemon.arm.loop import Loop
from daemon.arm.outputs import Command, Output
from daemon.arm.reasons import ArmReason, Refusal
from daemon.arm.robot_link import RobotLink
from daemon.arm.setup import Setup
from daemon.arm.socket import Clients
from daemon.arm.table import HoldState, Verb
from daemon.arm.watchdog_lease import WatchdogLease
from daemon.calibration_file import Calibration
from drivers.errors import CoilwardError, ConfigError
from drivers.poses import IDENTITY, Pose
from drivers.robots import Program, RobotCapabilities, RobotMode, RobotState, SafetyMode
from drivers.trackers import Frame
from tests.daemon.arm.hold_room import SETUP

CAPABILITIES = RobotCapabilities(
    "stand-in", "nothing moves", 500.0, 125.0, 20_000, 200_000, "nothing", 1.0, 4_000, ((-6.3, 6.3),) * 6
)
ZERO = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def robot_state(now_us: int, pose: Pose = IDENTITY) -> RobotState:
    """An arm that is well and tracks."""
    return RobotState(
        now_us, pose, ZERO, ZERO, ZERO, RobotMode.RUNNING, SafetyMode.NORMAL, Program.TRACKING, 0, 1.0, now_us / 1e6
    )


AT_REST = Output(Command.REST, None, HoldState.PARKED, None, Lease.NONE, None, 0.0)


@dataclass
class HoldStandIn:
    """Says what the test wants, and notes what it is told."""

    output: Output = AT_REST
    refuses: dict[Verb, ArmReason] = field(default_factory=dict)
    told: list[Any] = field(default_factory=list)
    robots: list[RobotState | None] = field(default_factory=list)
    calibration: str = "5ea1"
    moves: bool = False
    """Whether it takes no calibration just now."""

    def calibrate(self, setup: Setup) -> Refusal | None:
        if self.moves:
            return Refusal(ArmReason.NOT_NOW)
        self.told.append(setup)
        self.calibration = setup.calibration
        return None

    def aim(self, head_from_target: Pose, scalp: Ellipsoid) -> None:
        self.told.append((head_from_target, scalp))

    def order(self, verb: Verb, _now_us: int) -> Refusal | None:
        self.told.append(verb)
        return Refusal(self.refuses[verb]) if verb in self.refuses else None

    def saw(self, frame: Frame) -> None:
        self.told.append(frame)

    def step(self, _now_us: int, robot: RobotState | None) -> Output:
        self.robots.append(robot)
        return self.output

    @property
    def verbs(self) -> list[Verb]:
        return [each for each in self.told if isinstance(each, Verb)]


class RobotStandIn:
    """An arm that notes what it is told, and says something when the test wants it to."""

    capabilities = CAPABILITIES

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.dialled: list[bool] = []
        """Whether the program was to be started, each time."""
        self.started = 0
        self.connected = False
        self.comes: dict[str, Any] | None = None
        """What of the next state is unusual."""
        self.fails: CoilwardError | None = None

    def dial(self, _now_us: int, start: bool) -> RobotStandIn:
        self.dialled.append(start)
        self._fail()
        self.connected = True
        return self

    def start(self, _now_us: int) -> None:
        self.started += 1

    def fileno(self) -> int:
        return -1

    def read(self, now_us: int) -> RobotState | None:
        self._fail()
        if self.comes is None:
            return None
        state, self.comes = replace(robot_state(now_us), **self.comes), None
        return state

    def stream(self, robot_from_tcp: Pose) -> int:
        return self._note(robot_from_tcp)

    def rest(self) -> int:
        return self._note("rest")

    def retract(self) -> int:
        return self._note("retract")

    def guide(self, *, on: bool) -> int:
        return self._note("guide" if on else "guide no longer")

    def close(self) -> None:
        self.connected = False

    def _note(self, what: Any) -> int:
        self._fail()
        assert self.connected
        self.sent.append(what)
        return len(self.sent)

    def _fail(self) -> None:
        if self.fails is not None:
            raise self.fails


class ClientStandIn:
    """One end of the arm's socket."""

    def __init__(self, path: Path, turn: Callable[[], None]) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.connect(str(path))
        self._socket.setblocking(False)
        self._turn = turn
        self.heard: list[dict[str, Any]] = []
        self.hung_up_on = False

    def send(self, **body: Any) -> None:
        self._socket.send(json.dumps(body).encode())

    def send_bytes(self, data: bytes) -> None:
        self._socket.send(data)

    def ask(self, **body: Any) -> dict[str, Any]:
        """The answer, after two turns: one that may let it in, one that hears it."""
        before = len(self.answers)
        self.send(**body)
        self._turn()
        self._turn()
        (answer,) = self.answers[before:]
        return answer

    def listen(self) -> None:
        while not self.hung_up_on:
            try:
                data = self._socket.recv(8192)
            except BlockingIOError:
                return
            except ConnectionError:
                data = b""
            if data:
                self.heard.append(json.loads(data))
            self.hung_up_on = not data

    @property
    def answers(self) -> list[dict[str, Any]]:
        self.listen()
        return [each for each in self.heard if "re" in each]

    @property
    def states(self) -> list[dict[str, Any]]:
        self.listen()
        return [each for each in self.heard if each.get("say") == "state"]

    def close(self) -> None:
        self._socket.close()


SIMULATED = "made in a simulation"


def calibrated(found: Calibration) -> Setup:
    """As in a real room."""
    if found.simulated:
        raise ConfigError(SIMULATED)
    return replace(SETUP, calibration=found.hash, robot_from_camera=found.robot_from_camera)


class LoopRoom:
    """A loop on a clock of the test's, with everything around it."""

    def __init__(self, folder: Path, now_us: int, *, daemon_uid: int | None = None) -> None:
        """`daemon_uid` None: this test's own."""
        self.now_us = now_us
        self.said: list[str] = []
        self.hold = HoldStandIn()
        self.robot = RobotStandIn()
        self.watch = select.epoll()
        self.path = folder / "control"
        self.clients = Clients(self.path, self.watch, os.geteuid() if daemon_uid is None else daemon_uid)
        self.lease = WatchdogLease(folder / "watchdog", self.watch, self.said.append)
        self.link = RobotLink(self.robot.dial, self.said.append)
        self.took_us = 0
        """From the beginning of a turn to its goal."""
        self.loop = Loop(
            self.hold,
            self.link,
            self.clients,
            self.lease,
            watch=self.watch,
            say=self.said.append,
            calibrated=calibrated,
            clock_ns=lambda: (self.now_us + self.took_us) * 1000,
        )
        self._callers: list[ClientStandIn] = []

    def turn(self, after_us: int = 2_000) -> None:
        self.now_us += after_us
        self.loop.turn(self.now_us)

    def turns(self, count: int, after_us: int = 2_000) -> None:
        for _ in range(count):
            self.turn(after_us)

    def with_an_arm(self) -> None:
        """Turns until its first state has come."""
        self.robot.comes = {}
        self.turn()

    def client(self, role: str = "") -> ClientStandIn:
        caller = ClientStandIn(self.path, self.turn)
        self._callers.append(caller)
        if role:
            assert caller.ask(do="hello", role=role)["ok"]
        return caller

    def close(self) -> None:
        for caller in self._callers:
            caller.close()
        self.lease.close()
        self.link.close()
        self.clients.close()
        self.watch.close()


def at(room: LoopRoom, state: HoldState, command: Command = Command.FOLLOW) -> None:
    room.hold.output = replace(room.hold.output, state=state, command=command)
