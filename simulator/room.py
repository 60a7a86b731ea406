"""A treatment room: head, tracker, arm and stimulator in one world with one clock, and the truth about all of them.

Everything that happens by itself happens here, in the order of time: ticks of the arm's controller, looks of the
tracker, pulses of the stimulator. What the coil touches pushes the head aside, and the tracker sees it there.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from drivers.poses import IDENTITY, Pose
from drivers.robots import Wrench
from drivers.trackers import Tool
from simulator.arm.arm import Arm
from simulator.arm.drives import moved
from simulator.arm.kinematics import joints_for
from simulator.arm.profile import HOME, UR5E
from simulator.bench import Bench
from simulator.head.events import twitch
from simulator.head.motion import Head
from simulator.head.skull import NECK_N_M, NO_CONTACT, SKULL_N_M, Contact, contact, gap
from simulator.head.statistics import Motion
from simulator.placement import Placement
from simulator.places import CoilPlace, coil_place
from simulator.stimulators.profile import Profile
from simulator.tracking import SimulatedTracker, TrackerFaults, TrackerProfile
from simulator.wires.ur.controller import Controller
from simulator.world import Happening, Kind, World

LATE_US = 100_000
"""A room that is this far behind its clock says so in its log; an engineering choice."""
TRACE_US = 10_000
SPEED_OVER_US = 20_000
"""The head's speed is its way in this time; short against what a head does."""


@dataclass(slots=True)
class Peaks:
    """The worst since somebody last asked to forget it."""

    force_n: float = 0.0
    head_speed_m_s: float = 0.0
    touches: int = 0
    late_us: int = 0
    """How far the room was behind a real clock."""


@dataclass(slots=True)
class Stiffness:
    """How hard the head is to push."""

    skull_n_m: float = SKULL_N_M
    neck_n_m: float = NECK_N_M


@dataclass(slots=True)
class Bumps:
    """How far things have been knocked from where they were calibrated, in the room's frame."""

    camera: Pose = IDENTITY
    base: Pose = IDENTITY


@dataclass(frozen=True, slots=True)
class RoomOptions:
    """How a room begins."""

    motion: Motion = Motion.REST
    seed: int = 0
    placement: Placement = field(default_factory=Placement)
    tracker: TrackerProfile = field(default_factory=TrackerProfile)
    tracker_model: str = "polaris-vega"
    twitch_m: float = 0.0
    """How far every pulse makes the head twitch."""


class Room:
    """One world. `advance` moves everything in it to the clock's time."""

    def __init__(self, profile: Profile, world: World, options: RoomOptions, *, pacing: bool = False) -> None:
        """Everything in its place and switched on, the arm parked; `simulator.services` connects it to the world."""
        now_us = world.clock.now_us()
        self.world, self.placement, self.tracker_model = world, options.placement, options.tracker_model
        self.bench = Bench(profile, world, pacing=pacing)
        place = self.placement
        self.head = Head(place.room_from_skull, place.scalp.centre, options.motion, options.seed, now_us)
        self.tracker = SimulatedTracker(options.tracker, self._scene, options.seed, now_us)
        self.head_from_target = place.head_from_target
        """What a pulse's truth is measured against."""
        self.twitch_m = options.twitch_m
        self.bumps, self.peaks, self.stiffness = Bumps(), Peaks(), Stiffness()
        self.pointer: Pose | None = None
        """`skull_from_pointer` while somebody holds it at the head."""
        self.tracker_plugged = True
        self.ports: dict[str, str] = {}
        """Where its cables end, for whoever wants to connect; filled in by `simulator.services`."""
        self.chance = random.Random(f"{options.seed}/chance")  # noqa: S311  directions of bumps, no secret
        self.trace: Callable[[int, CoilPlace], None] | None = None
        """Told every 10 ms how the coil stands."""
        self._traced_us = now_us
        self._felt = NO_CONTACT
        self._touching = self._late = False
        self.arm = Arm(
            joints=joints_for(UR5E, place.robot_from_parked @ place.flange_from_tcp.inverse(), HOME),
            flange_from_tcp=place.flange_from_tcp,
            seed=options.seed,
        )
        self.controller = Controller(self.arm, world.clock)
        self.tick: Callable[[int], object] = self.controller.advance
        """Runs the controller's ticks that are due; its ports take this over to speak in each of them."""
        self.arm.contact = self._touch
        world.judge = self.coil_place
        world.witnesses.append(self._witness)

    # ── time ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def advance(self) -> None:
        """Lets everything happen that is due by the clock's time, in the order of time."""
        self._advance_to(self.world.clock.now_us())

    def catch_up(self, at_most_us: int) -> None:
        """As `advance` on a real clock: a room that is behind says so, and lets its loop see to its cables."""
        now_us = self.world.clock.now_us()
        self._notice_lag(now_us - self.next_us)
        self._advance_to(min(now_us, self.next_us + at_most_us))

    def _advance_to(self, now_us: int) -> None:
        while (due_us := self.next_us) <= now_us:
            self.tick(due_us)
            self._notice_touch()
            if self.trace and due_us >= self._traced_us + TRACE_US:
                self._traced_us = due_us
                self.trace(due_us, self.coil_place(due_us))
            self.tracker.step_to(due_us)
            self.bench.port.advance_to(due_us)
        self.bench.port.advance_to(now_us)

    @property
    def next_us(self) -> int:
        """When something happens next."""
        device_us = self.bench.device.next_event_us
        own_us = min(self.controller.next_us, self.tracker.next_event_us)
        return own_us if device_us is None else min(own_us, device_us)

    # ── the truth ───────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def room_from_robot(self) -> Pose:
        """Where the robot's base stands."""
        return self.bumps.base

    @property
    def room_from_camera(self) -> Pose:
        """Where the camera stands."""
        return self.bumps.camera @ self.placement.room_from_camera

    def room_from_tcp(self, at_us: int) -> Pose:
        """Where the coil really is: at the arm's last tick, carried on by its speed for what has passed since."""
        since_s = max(0, at_us - self.controller.now_us) / 1e6
        return self.room_from_robot @ moved(self.arm.robot_from_tcp, self.arm.tcp_speed, since_s)

    def room_from_skull(self, at_us: int) -> Pose:
        """Where the head really is, pushed aside by the coil if that presses on it."""
        return self._look(at_us)[0]

    def contact(self, at_us: int) -> Contact:
        """Coil against head."""
        return self._look(at_us)[2]

    def coil_place(self, at_us: int) -> CoilPlace:
        """How the coil stands to its target."""
        room_from_skull, room_from_tcp, felt = self._look(at_us)
        skull_from_tcp = room_from_skull.inverse() @ room_from_tcp
        target_from_skull = (self.placement.skull_from_head @ self.head_from_target).inverse()
        return coil_place(target_from_skull @ skull_from_tcp, gap(self.placement.scalp, skull_from_tcp), felt.force_n)

    def head_speed(self, at_us: int) -> float:
        """Of the head's centre, m/s, by its own motion."""
        centre = self.placement.scalp.centre
        before, now = (self.head.pose(at_us - back).apply(centre) for back in (SPEED_OVER_US, 0))
        return math.dist(before, now) / (SPEED_OVER_US / 1e6)

    def restore(self) -> None:
        """Every fault ends: stimulator, arm and tracker in order, camera and base where they were. The head goes on."""
        self.bench.restore()
        self.controller.restore()
        self.tracker.faults, self.tracker_plugged = TrackerFaults(), True
        self.bumps, self.peaks, self.stiffness = Bumps(), Peaks(), Stiffness()

    # ── inside ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _look(self, at_us: int) -> tuple[Pose, Pose, Contact]:
        """Head as pushed, coil, and what they do to each other, in the room."""
        free, tcp = self.head.pose(at_us), self.room_from_tcp(at_us)
        felt = self._contact(free, tcp)
        if not felt.push_m:
            return free, tcp, felt
        x, y, z = tcp.rotate((0.0, 0.0, felt.push_m))
        u, v, w = free.translation
        return Pose(free.quaternion, (u + x, v + y, w + z)), tcp, felt

    def _contact(self, free: Pose, tcp: Pose) -> Contact:
        stiff = self.stiffness
        return contact(self.placement.scalp, free.inverse() @ tcp, skull_n_m=stiff.skull_n_m, neck_n_m=stiff.neck_n_m)

    def _touch(self, robot_from_tcp: Pose) -> Wrench:
        """The force of the head on a coil there, in the robot's base: what the arm feels in every tick."""
        free = self.head.pose(self.controller.now_us)
        self._felt = self._contact(free, self.room_from_robot @ robot_from_tcp)
        x, y, z = robot_from_tcp.rotate((0.0, 0.0, -self._felt.force_n))
        return (x, y, z, 0.0, 0.0, 0.0)

    def _notice_touch(self) -> None:
        force_n = self._felt.force_n
        self.peaks.force_n = max(self.peaks.force_n, force_n)
        if (force_n > 0) != self._touching:
            self._touching = force_n > 0
            self.peaks.touches += self._touching
            note = "begins" if self._touching else "ends"
            self.world.happened(Happening(self.controller.now_us, Kind.TOUCH, note=note))

    def _notice_lag(self, lag_us: int) -> None:
        """On a machine that is too slow the truth is late as well: whoever reads the log must know."""
        self.peaks.late_us = max(self.peaks.late_us, lag_us)
        if (lag_us > LATE_US) != self._late:
            self._late = lag_us > LATE_US
            if self._late:
                note = f"the machine is too slow: the room is {lag_us // 1000} ms behind"
                self.world.happened(Happening(self.controller.now_us, Kind.LATE, note=note))

    def _witness(self, happening: Happening) -> None:
        if happening.kind is Kind.PULSE and self.twitch_m:
            self.head.add(twitch(happening.at_us, self.twitch_m), happening.at_us)

    def _scene(self, at_us: int) -> dict[Tool, Pose]:
        """Where every marker is, in the camera's frame."""
        camera_from_room = self.room_from_camera.inverse()
        room_from_skull, room_from_tcp, _ = self._look(at_us)
        camera_from_skull = camera_from_room @ room_from_skull
        seen = {
            Tool.HEAD: camera_from_skull @ self.placement.skull_from_head,
            Tool.COIL: camera_from_room @ room_from_tcp @ self.placement.tcp_from_coil,
        }
        if self.pointer is not None:
            seen[Tool.POINTER] = camera_from_skull @ self.pointer
        return seen
