"""A simulated room in virtual time, and a way to lead its coil without daemon, arm loop or socket."""

from __future__ import annotations

from typing import Any

from drivers.poses import Pose
from drivers.trackers import Frame, Missing, Tool
from drivers.ur.program import coil_hold
from drivers.ur.site import UrSite
from simulator.clock import VirtualClock
from simulator.head.statistics import Motion
from simulator.room import Room, RoomOptions
from simulator.room_switches import turn
from simulator.stimulators.profile import Profile
from simulator.world import Happening, World

MS, S = 1_000, 1_000_000
START_US = 987_654_321


class RoomTalk:
    """Time passes when told to; orders of the back door are said; the coil follows what a test knows to be true."""

    def __init__(self, motion: Motion = Motion.STILL, seed: int = 1, start_us: int = START_US, **options: Any) -> None:
        self.clock = VirtualClock(start_us)
        self.room = Room(Profile(), World(self.clock), RoomOptions(motion=motion, seed=seed, **options))
        self.happenings: list[Happening] = []
        self.room.world.witnesses.append(self.happenings.append)

    @property
    def now_us(self) -> int:
        return self.clock.now_us()

    def say(self, name: str, **arguments: object) -> dict[str, Any]:
        return turn(self.room, name, **arguments)

    def rest(self, us: int) -> None:
        """Nobody does anything for so long."""
        self.clock.advance_to(self.now_us + us)
        self.room.advance()

    def frames(self, us: int) -> list[Frame]:
        """What the tracker shows in so long a time."""
        self.room.tracker.take()
        self.rest(us)
        return self.room.tracker.take()

    def head(self, at_us: int | None = None) -> Pose:
        return self.room.room_from_skull(self.now_us if at_us is None else at_us)

    def place_on_target(self, off_m: float = 0.0) -> None:
        """The coil is on the target at once, or `off_m` away along its normal."""
        room = self.room
        room_from_target = self.head() @ room.placement.skull_from_head @ room.head_from_target
        goal = room.room_from_robot.inverse() @ room_from_target @ Pose(translation=(0, 0, -off_m))
        room.arm.place(goal)

    def start_program(self) -> None:
        """Our own script runs in the controller and is at rest."""
        self.upload_program()
        for _ in range(3):
            self.order(0)

    def upload_program(self) -> None:
        """Our own script is in the controller, and starts in its next tick."""
        self.room.controller.upload(coil_hold(self.site).text)

    @property
    def site(self) -> UrSite:
        """The arm, as a site file describes it."""
        return UrSite("127.0.0.2", flange_from_tcp=self.room.placement.flange_from_tcp)

    def order(self, command: int, goal: Pose | None = None) -> None:
        """One set-point, and one tick."""
        self.tell(command, goal)
        self.rest(self.room.arm.profile.step_us)

    def tell(self, command: int, goal: Pose | None = None) -> None:
        """One set-point."""
        inputs = self.room.controller.registers.inputs
        inputs.ints[24] += 1
        inputs.ints[25] = command
        if goal:
            inputs.doubles[24:30] = [*goal.translation, *goal.rotation_vector]
            inputs.doubles[30] = 0.25

    def hold(self, us: int) -> None:
        """The coil follows where its target really is: an arm loop without tracker, latency or doubt."""
        room = self.room
        until_us = self.now_us + us
        while self.now_us < until_us:
            room_from_target = self.head() @ room.placement.skull_from_head @ room.head_from_target
            self.order(1, room.room_from_robot.inverse() @ room_from_target)


def seen(talk: RoomTalk, tool: Tool = Tool.HEAD) -> Pose:
    pose = talk.frames(100 * MS)[-1].tools[tool].pose
    assert pose is not None
    return pose


def missing(frames: list[Frame], tool: Tool) -> int:
    return sum(frame.tools[tool].missing is Missing.NOT_SEEN for frame in frames)
