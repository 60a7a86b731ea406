"""The arm's loop leads the simulated arm along with the simulated head, in virtual time; every tick in order.

Hold, loop, sockets and link are the product's own. The daemon's end of the socket is here, and so is a cable to the
controller: what is sent is in its registers at once, as one set-point a turn.
"""

from __future__ import annotations

import os
import random
import select
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from daemon.arm.hold import Hold, Setup
from daemon.arm.loop import Loop
from daemon.arm.messages import numbers_of
from daemon.arm.robot_link import RobotLink
from daemon.arm.socket import Clients
from daemon.arm.watchdog_lease import WatchdogLease
from daemon.arm_words import frame_words, go
from drivers.errors import PortLost
from drivers.poses import Pose
from drivers.robots import Program, RobotMode, RobotState, SafetyMode
from drivers.ur.registers import PROGRAMS, Command
from drivers.ur.site import capabilities
from simulator.head.statistics import Motion
from tests.daemon.arm.hold_room import TRACKER
from tests.daemon.arm.loop_stand_ins import ClientStandIn
from tests.simulator.rooms import MS, RoomTalk, S

TURN_US = 4 * MS
STARTED_US = 200 * MS
"""From asking for a program that ended to one that runs (engineering choice)."""


class WiredArm:
    """The simulated arm as the loop's robot."""

    def __init__(self, talk: RoomTalk) -> None:
        self.capabilities = capabilities(talk.site)
        self.frozen = False
        """The controller says nothing new."""
        self.pulled = False
        """The cable is."""
        self._talk = talk
        self._starts_us: int | None = None

    def dial(self, now_us: int, start: bool) -> WiredArm:
        self._look()
        if start:
            self.start(now_us)
        return self

    def start(self, now_us: int) -> None:
        self._starts_us = self._starts_us or now_us + STARTED_US

    def fileno(self) -> int:
        return -1

    def read(self, now_us: int) -> RobotState | None:
        self._look()
        state = self._state(now_us)
        if self._starts_us is not None and now_us >= self._starts_us:
            self._starts_us = None
            if state.program is Program.ABSENT:
                self._talk.upload_program()
        return None if self.frozen else state

    def stream(self, robot_from_tcp: Pose) -> int:
        return self._tell(Command.FOLLOW, robot_from_tcp)

    def rest(self) -> int:
        return self._tell(Command.REST)

    def retract(self) -> int:
        return self._tell(Command.RETRACT)

    def guide(self, *, on: bool) -> int:
        return self._tell(Command.GUIDE if on else Command.REST)

    def close(self) -> None:
        """A cable has no end of its own."""

    def _tell(self, command: Command, goal: Pose | None = None) -> int:
        self._look()
        self._talk.tell(command.value, goal)
        return 0

    def _look(self) -> None:
        if self.pulled:
            raise PortLost("The cable is pulled. Plug it in.")

    def _state(self, now_us: int) -> RobotState:
        arm, still, controller = self._talk.room.arm, (0.0,) * 6, self._talk.room.controller
        program = PROGRAMS[controller.registers.outputs.ints[25]] if controller.program else Program.ABSENT
        return RobotState(
            now_us, arm.robot_from_tcp, arm.body.joints, still, arm.force, RobotMode.RUNNING,
            SafetyMode.NORMAL, program, 0, 1.0, now_us / 1e6,
        )  # fmt: skip


class SimulatedRoom:
    """Built by `on_target`."""

    def __init__(self, folder: Path, seed: int, motion: Motion) -> None:
        self.talk = RoomTalk(motion, seed)
        self.arm = WiredArm(self.talk)
        self.runs = True
        """The arm's process does."""
        self.heard: list[dict[str, Any]] = []
        """What the loop said of itself: at once when something changes, and every 50 ms."""
        place, room = self.talk.room.placement, self.talk.room
        camera = room.room_from_robot.inverse() @ room.room_from_camera
        setup = Setup(camera, place.robot_from_parked, TRACKER, self.arm.capabilities, rate_hz=1e6 / TURN_US)
        self._watch = select.epoll()
        self._clients = Clients(folder / "control", self._watch, os.geteuid())
        self._lease = WatchdogLease(folder / "watchdog", self._watch, lambda _: None)
        link = RobotLink(self.arm.dial, lambda _: None)
        self._loop = Loop(
            Hold(setup), link, self._clients, self._lease,
            watch=self._watch, say=lambda _: None, calibrated=lambda _: setup, clock_ns=lambda: self.talk.now_us * 1000,
        )  # fmt: skip
        self.talk.place_on_target(off_m=0.02)
        self._person, self._daemon = (ClientStandIn(folder / "control", self.turn) for _ in range(2))
        self._ends = [self._person, self._daemon]
        assert self._person.ask(do="hello", role="cli")["ok"]
        assert self._daemon.ask(do="hello", role="daemon")["ok"]
        scalp = {"centre": place.scalp_in_head.centre, "radii": place.scalp_in_head.radii}
        aim = {"do": "target", "id": "left-m1", "head_from_target": numbers_of(place.head_from_target), "scalp": scalp}
        assert self._daemon.ask(**aim)["ok"]
        while not self.heard:
            self.turn()

    def turn(self) -> None:
        """Frames to the loop, one turn of it, and the time until the next."""
        for frame in self.talk.room.tracker.take():
            if self._daemon in self._ends:
                self._daemon.send(**frame_words(frame))
        if self.runs:
            self._loop.turn(self.talk.now_us)
        for end in self._ends:
            end.listen()
        self.heard = self._person.states
        self.talk.rest(TURN_US)

    def run(self, us: int, until: Callable[[dict[str, Any]], bool] = lambda _: False) -> dict[str, Any]:
        """Turns for so long, or until what it says of itself is so; that."""
        end_us = self.talk.now_us + us
        while self.talk.now_us < end_us:
            self.turn()
            if until(self.said):
                break
        return self.said

    def go(self, to: Any) -> dict[str, Any]:
        """The daemon sends the coil."""
        return self._daemon.ask(**go(to))

    def daemon_dies(self) -> None:
        """Its connection ends with it."""
        self._daemon.close()
        self._ends.remove(self._daemon)

    @property
    def said(self) -> dict[str, Any]:
        """The last of it."""
        return self.heard[-1]

    @property
    def gap_mm(self) -> float:
        """From the coil to the scalp, as the world knows it."""
        return float(self.talk.say("room")["coil"]["gap_mm"])

    def close(self) -> None:
        """Everything ends."""
        for end in self._ends:
            end.close()
        self._lease.close()
        self._clients.close()
        self._watch.close()


@contextmanager
def on_target(seed: int, motion: Motion = Motion.REST) -> Iterator[SimulatedRoom]:
    """A room whose coil is on its target, with the lease `begin`."""
    with tempfile.TemporaryDirectory() as folder:
        room = SimulatedRoom(Path(folder), seed, motion)
        try:
            room.run(400 * MS)
            assert room.go("target")["ok"]
            assert room.run(6 * S, lambda said: said["lease"] == "begin")["lease"] == "begin"
            yield room
        finally:
            room.close()


@contextmanager
def shifting(seed: int) -> Iterator[SimulatedRoom]:
    """The same, at a random moment while the head goes 20 mm within a second."""
    with on_target(seed) as room:
        room.talk.say("forget-peaks")
        room.talk.say("shift", mm=20, s=1, direction="any")
        room.run(random.Random(seed).randrange(500 * MS))
        yield room
