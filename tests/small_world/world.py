"""A small world around the real gate, made of plain values: two trains of three pulses, and everything that can happen.

A `World` is one moment: the gate's state, a device, a line, a disk, the clients, and an oracle's books. A move gives
the next one and never changes this one, so every moment can be gone on from in every way. Disturbances are what
clients, people, faults and time do; the device's honest answer and the ledger's confirmation are the natural course.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from safety import control, events, gate
from safety.asking import Use
from safety.events import Door
from safety.instant import Instant
from safety.ledger_format import Record
from safety.limits import load_limits
from safety.protocols import parse_protocol
from safety.state import Room, State
from tests.small_world.device import DIALECT, LEVEL, MS, PULSES, RATE_TENTHS, TRAINS, Device, S
from tests.small_world.oracle import Books, Step

HOLDER, ARM_LOOP, ANYBODY = 7, 8, 9
WALL_US = 1_790_000_000 * S
SUBJECT = "S-1"
"""The one there is."""

PROTOCOL = f"""
id = "small"
version = 1
title = "Two trains of three pulses"
source = "made up for the enumeration"
verified = false
per_day = {PULSES * TRAINS}
accelerated = false
pulses = {PULSES * TRAINS}
windows = {{ s1 = 3, s10 = 6, s60 = 6 }}

[[phases]]
target = "left DLPFC"
side = "left"
threshold = "rmt"
intensity = 100
rate = 10
train_pulses = {PULSES}
trains = {TRAINS}
convention = "vendor-gap"
on = 0.3
off = 6
published = 6.4
span = 6.4
exceeds = []
"""


LIMITS = load_limits()


@cache
def room(profile: str) -> Room:
    """The room of this world: `fixed` has no tracker, `robot` needs an on-target lease."""
    return Room(
        dialect=DIALECT,
        limits=LIMITS,
        protocols={"small": parse_protocol(PROTOCOL, "small.toml", LIMITS)},
        authorisations=(),
        use=Use.SIMULATION,
        zone=ZoneInfo("Europe/Rome"),
        profile=profile,
        simulated=True,
        coil="coil-1",
        lacks=lambda _protocol, _wall_us: (),
    )


class World(NamedTuple):
    """One moment."""

    profile: str
    gate: State
    books: Books
    now_us: int
    origin_us: int
    """Where the clock stood when this world began; the wall clock knows nothing of it."""
    device: Device = Device()
    line: tuple[bytes, ...] = ()
    """Written and not yet handled by the device, in order."""
    disk: tuple[tuple[int, Record], ...] = ()
    seq: int = 0
    request: int = 0
    nonce: int = 0
    turns: tuple[int, int] = (0, 0)
    turning: tuple[bool, bool] = (True, True)
    present: bool = True
    away_us: int = 0
    lease: str = "begin"
    """What the arm loop says; nothing while it hangs."""
    connected: bool = False
    hash: str = "0" * 32

    def feed(self, event: events.Input) -> World:
        """One step of the gate, judged by the oracle; its writes lie on the line, its commits on the disk."""
        now_us = self.now_us + 1
        now = Instant(now_us, WALL_US + now_us - self.origin_us)
        before = self.gate
        after, actions = gate.step(room(self.profile), before, event, now)
        line, disk, shown = self.line, self.disk, self.hash
        for action in actions:
            if isinstance(action, events.Write):
                line = (*line, action.frame)
            elif isinstance(action, events.Commit):
                disk = (*disk, (action.token, action.record))
            elif isinstance(action, events.Answer) and "hash" in action.body:
                shown = action.body["hash"]
        step = Step(self.profile, now_us, event, actions, before.phase, after.phase)
        device = self.device
        armed, fired = device.armed_us is not None, device.fired(now_us)
        books = self.books.after(step, fired, armed=armed, foreign=device.foreign)
        return self._replace(gate=after, books=books, now_us=now_us, line=line, disk=disk, hash=shown)

    # --- the natural course -----------------------------------------------------------------------------------

    def answered(self, reply: bytes | None = None, *, taken: bool = True) -> World:
        """The device handles the first frame on the line and answers honestly, or with `reply`; b"" is silence."""
        frame, device = self.line[0], self.device
        honest = b""
        if len(frame) > 16:  # the zeros of a start: what they complete is answered by `?`s nobody waits for
            reply = b""
        elif taken:
            device, honest = device.takes(frame, self.now_us)
        said = honest if reply is None else reply
        world = self._replace(line=self.line[1:], device=device)
        if not said:
            return world
        return world.feed(events.DeviceReply(said, DIALECT.reading(said)))

    def confirmed(self) -> World:
        """The oldest record is durable."""
        token, _ = self.disk[0]
        world = self._replace(disk=self.disk[1:], seq=self.seq + 1)
        return world.feed(events.Committed(token, world.seq))

    def settled_down(self) -> World:
        """Everything on the line is answered and everything on the disk confirmed."""
        world = self
        for _ in range(40):
            if world.line:
                world = world.answered()
            elif world.disk:
                world = world.confirmed()
            else:
                return world
        raise AssertionError("the gate never stops talking")

    # --- time -------------------------------------------------------------------------------------------------

    def passed(self, us: int, *, every_us: int = 100 * MS, prompt: bool = False) -> World:
        """Time passes in small steps, with the beats, presence and lease of now; `prompt`: everybody answers."""
        world, end_us = self, self.now_us + us
        while world.now_us < end_us:
            world = world._replace(now_us=min(world.now_us + every_us, end_us)).beaten(every_us)
            if prompt:
                world = world.settled_down()
        return world

    def beaten(self, since_us: int) -> World:
        """One turn of everybody's loops."""
        turns = (self.turns[0] + self.turning[0], self.turns[1] + self.turning[1])
        world = self._replace(turns=turns, away_us=0 if self.present else self.away_us + since_us)
        if world.profile == "robot" and world.lease:
            world = world.leased()
        if not world.connected:
            return world.feed(events.Tick())
        return world.feed(events.Requested(HOLDER, None, control.Beat(*turns, presence_us=world.away_us)))

    def leased(self) -> World:
        """The arm loop says how the coil lies."""
        return self.feed(events.Requested(ARM_LOOP, None, control.Lease(self.lease)))

    # --- clients and people -----------------------------------------------------------------------------------

    def sent(self, frame: bytes, door: Door = Door.DAEMON) -> World:
        """A whole frame from a door."""
        return self.feed(events.ClientFrame(door, frame, DIALECT.effect(frame)))

    def asked(self, message: control.Message, connection: int = HOLDER, uid: int = 0) -> World:
        """A control message of somebody's process."""
        world = self._replace(request=self.request + 1)
        return world.feed(events.Requested(connection, world.request, message, uid))

    def shown_nonce(self) -> str:
        """The newest nonce an operator saw; one that never was before any."""
        return f"{self.nonce:032x}"

    def with_nonce(self) -> World:
        """A new nonce appears on every panel."""
        world = self._replace(nonce=self.nonce + 1)
        return world.feed(events.NewNonce(world.shown_nonce()))

    def attached(self) -> World:
        """A daemon connects, says hello, and speaks at its door."""
        world = self._replace(connected=True).asked(control.Hello(role="daemon"))
        return world.feed(events.DoorOpened(Door.DAEMON))

    def opened(self) -> World:
        """The holder opens the treatment."""
        threshold = control.Threshold(LEVEL * 10, "emg", 20, "coil-1", WALL_US - 3600 * S, 15, simulated=True)
        return self.asked(
            control.OpenSession("treatment", "daemon", "ann", "coil-1", SUBJECT, "small", threshold=threshold)
        )

    def released(self) -> World:
        """The operator releases what was shown."""
        return self.asked(control.Release(self.hash, self.shown_nonce(), "ann"))

    def wants_a_train(self) -> World:
        """The holder asks leave for the next train."""
        return self.asked(control.AskPermit(LEVEL * 10, RATE_TENTHS, PULSES))
