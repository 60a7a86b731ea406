"""A small world around the real gate, made of plain values: two trains of three pulses, and everything that can happen.

A `World` is one moment: the gate's state, a device, a line, a disk, the clients, and an oracle's books. A move gives
the next one and never changes this one, so every moment can be gone on from in every way. Disturbances are what
clients, people, faults and time do; the device's honest answer and the ledger's confirmation are the natural course.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from drivers.catalogue import dialect
from drivers.magstim.framing import seal
from drivers.magstim.replies import Refused, Reply, SettingsReply, StatusReply, SystemReply, TemperatureReply
from drivers.magstim.status import Extended, Instrument, Rapid
from drivers.stimulators import Dialect, Refusal
from safety import control, events, gate
from safety.asking import Use
from safety.events import Door
from safety.instant import Instant
from safety.ledger_format import Record
from safety.limits import load_limits
from safety.protocols import parse_protocol
from safety.state import Room, State
from tests.small_world.oracle import Books, Step

MS, S = 1_000, 1_000_000
FIRMWARE = 11
HOLDER, ARM_LOOP, ANYBODY = 7, 8, 9
WALL_US = 1_790_000_000 * S
RATE_TENTHS, PULSES, TRAINS, LEVEL = 100, 3, 2, 45
PULSE_GAP_US = 100 * MS
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


def _remembering(plain: Dialect) -> Dialect:
    """The same dialect; what it once worked out it knows."""
    for name in ("effect", "reading", "answers", "refusal", "redact", "refuses_energy", "minimum_wait_us"):
        setattr(plain, name, cache(getattr(plain, name)))
    return plain


DIALECT = _remembering(dialect("magstim-rapid2", FIRMWARE))
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


ARM, TRIGGER, DISARM = seal(b"EB"), DIALECT.trigger, DIALECT.disarm
STATUS, LEVEL_SAME, LEVEL_OVER, REMOTE_OFF = seal(b"x@"), seal(b"@045"), seal(b"@099"), seal(b"R@")
REMOTE = seal(b"Q7f3a-0c55d1e2-9b")
UNKNOWN_BYTE = b"z"


class Device(NamedTuple):
    """A Rapid as far as this world needs one: its status before effect, its charge, its train."""

    armed_us: int | None = None
    train_us: int | None = None
    """First pulse of the running or last train."""
    done: int = 0
    """Pulses of trains before that one."""
    cut_at: int | None = None
    level: int = LEVEL
    celsius_tenths: int = 250
    coil: bool = True
    foreign: bool = False
    """Something was done at the front panel that nobody here asked for."""

    def _train(self, now_us: int) -> int:
        if self.train_us is None:
            return 0
        until_us = now_us if self.cut_at is None else self.cut_at
        return min(PULSES, max(until_us - self.train_us, 0) // PULSE_GAP_US + 1)

    def fired(self, now_us: int) -> int:
        """Pulses that physically went out."""
        return self.done + self._train(now_us)

    def running(self, now_us: int) -> bool:
        """Whether a train's pulses are still to come."""
        ends = self.train_us is not None and now_us < self.train_us + (PULSES - 1) * PULSE_GAP_US
        return ends and self.cut_at is None

    def instrument(self, now_us: int) -> Instrument:
        status = Instrument.REMOTE | (Instrument.COIL_PRESENT if self.coil else Instrument(0))
        if self.armed_us is None:
            return status | Instrument.STANDBY
        charged = now_us - self.armed_us >= S and not self.running(now_us)
        return status | (Instrument.READY if charged else Instrument.ARMED)

    def disarmed(self, now_us: int) -> Device:
        cut = now_us if self.running(now_us) else self.cut_at
        return self._replace(armed_us=None, cut_at=cut)

    def triggered(self, now_us: int) -> Device:
        if Instrument.READY not in self.instrument(now_us):
            return self
        return self._replace(done=self.fired(now_us), train_us=now_us, cut_at=None)

    def takes(self, frame: bytes, now_us: int) -> tuple[Device, bytes]:
        """What the device becomes, and its honest answer: the status from before the frame's effect."""
        letter, status = chr(frame[0]), self.instrument(now_us)
        rapid = Rapid.TRAIN_RUNNING if self.running(now_us) else Rapid(0)
        if frame == DISARM:
            return self.disarmed(now_us), _e_reply(status)
        if frame == ARM:
            return (self if self.armed_us else self._replace(armed_us=now_us)), _e_reply(status)
        if frame == TRIGGER:
            after = self.triggered(now_us)
            return after, _e_reply(status) if after is not self else refusal(frame, Refusal.CONFLICT)
        return (self._replace(level=LEVEL) if letter == "@" else self), _said(
            letter, status, rapid, self.level, self.celsius_tenths
        )


@cache
def _e_reply(status: Instrument) -> bytes:
    return StatusReply("E", status).encode(FIRMWARE)


@cache
def refusal(frame: bytes, how: Refusal) -> bytes:
    """The device's own refusal of a frame."""
    return Refused(chr(frame[0]), how).encode(FIRMWARE)


@cache
def _said(letter: str, status: Instrument, rapid: Rapid, level: int, celsius_tenths: int) -> bytes:
    reply: Reply = StatusReply(letter, status)
    if letter == "x":
        reply = SystemReply("x", status, rapid, Extended(0))
    elif letter == "\\":
        reply = SettingsReply("\\", status, rapid, level, RATE_TENTHS, PULSES, PULSES, 1)
    elif letter == "F":
        reply = TemperatureReply("F", status, celsius_tenths, celsius_tenths)
    return reply.encode(FIRMWARE)


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


Move = Callable[[World], World | None]
"""None: it cannot happen now."""


def _device(change: Callable[[Device, int], Device]) -> Move:
    return lambda world: world._replace(device=change(world.device, world.now_us))


def _if_line(how: Callable[[World], World]) -> Move:
    return lambda world: how(world) if world.line else None


def _mode(**changes: object) -> Move:
    return lambda world: None if all(getattr(world, n) == v for n, v in changes.items()) else world._replace(**changes)


def _leases(value: str) -> Move:
    return lambda world: None if world.lease == value else world._replace(lease=value).leased()


def _gone(world: World) -> World | None:
    return world._replace(connected=False).feed(events.Disconnected(HOLDER)) if world.connected else None


def _failed(world: World) -> World:
    return world._replace(disk=()).feed(events.CommitFailed("the disk is full"))


def _unplugged(world: World) -> World:
    return world._replace(line=()).feed(events.PortLost("unplugged"))


def _plugged(world: World) -> World | None:
    return None if world.gate.device.present else world._replace(line=()).feed(events.PortFound())


def _resolved(world: World) -> World | None:
    unknown = world.books.unknown
    return world.asked(control.Resolve("ann", unknown[0], "it clicked", world.shown_nonce())) if unknown else None


FREE: dict[str, Move] = {
    "the device answers": _if_line(World.answered),
    "the ledger confirms": lambda world: world.confirmed() if world.disk else None,
}
"""The natural course: costs nothing."""

DISTURBANCES: dict[str, Move] = {
    # the speaker
    "arm": lambda world: world.sent(ARM),
    "trigger": lambda world: world.sent(TRIGGER),
    "disarm": lambda world: world.sent(DISARM),
    "status": lambda world: world.sent(STATUS),
    "level, the same": lambda world: world.sent(LEVEL_SAME),
    "level, over the limit": lambda world: world.sent(LEVEL_OVER),
    "remote off": lambda world: world.sent(REMOTE_OFF),
    "noise at the door": lambda world: world.feed(events.ClientNoise(Door.DAEMON, UNKNOWN_BYTE)),
    "door closed": lambda world: world.feed(events.DoorClosed(Door.DAEMON)),
    "door opened": lambda world: world.feed(events.DoorOpened(Door.DAEMON)),
    # the other door
    "pty arm": lambda world: world.sent(ARM, Door.PTY),
    "pty trigger": lambda world: world.sent(TRIGGER, Door.PTY),
    "pty disarm": lambda world: world.sent(DISARM, Door.PTY),
    # the holder and people
    "permit": World.wants_a_train,
    "withdraw": lambda world: world.asked(control.Withdraw()),
    "lower": lambda world: world.asked(control.Intensity(900, "ann")),
    "release": World.released,
    "open": World.opened,
    "close": lambda world: world.asked(control.CloseSession("ann")),
    "stop": lambda world: world.asked(control.Stop("bob"), ANYBODY),
    "emergency": lambda world: world.asked(control.Emergency("bob"), ANYBODY),
    "unblock": lambda world: world.asked(control.Unblock("ann", SUBJECT, "dr", "seen", world.shown_nonce())),
    "reset by ann": lambda world: world.asked(control.Reset("ann", world.shown_nonce())),
    "reset by bob": lambda world: world.asked(control.Reset("bob", world.shown_nonce())),
    "resolve": _resolved,
    "a stranger asks": lambda world: world.asked(control.AskPermit(LEVEL * 10, RATE_TENTHS, PULSES), ANYBODY),
    "new nonce": World.with_nonce,
    "connection lost": _gone,
    "connected again": lambda world: None if world.connected else world.attached(),
    "session task hangs": _mode(turning=(False, True)),
    "driver task hangs": _mode(turning=(True, False)),
    "both turn": _mode(turning=(True, True)),
    "operator leaves": _mode(present=False),
    "operator returns": _mode(present=True),
    # the device and its line
    "frame lost": _if_line(lambda world: world.answered(b"", taken=False)),
    "reply lost": _if_line(lambda world: world.answered(b"")),
    "answered and not done": _if_line(
        lambda world: world.answered(world.device.takes(world.line[0], world.now_us)[1], taken=False)
    ),
    "refused": _if_line(lambda world: world.answered(refusal(world.line[0], Refusal.CONFLICT), taken=False)),
    "lone ?": _if_line(lambda world: world.answered(b"?", taken=False)),
    "unplugged": _unplugged,
    "plugged in": _plugged,
    "level turned": _device(lambda device, _: device._replace(level=60)),
    "coil out": _device(lambda device, _: device._replace(coil=False)),
    "coil warm": _device(lambda device, _: device._replace(celsius_tenths=402)),
    "coil hot": _device(lambda device, _: device._replace(celsius_tenths=411)),
    "armed at the panel": _device(lambda device, now: device._replace(armed_us=device.armed_us or now, foreign=True)),
    "disarmed at the panel": _device(lambda device, now: device.disarmed(now)),
    # the ledger
    "the ledger fails": _failed,
    # time: just past each deadline
    "10 ms": lambda world: world.passed(10 * MS),
    "51 ms": lambda world: world.passed(51 * MS),
    "the loop stalls": lambda world: world._replace(now_us=world.now_us + 151 * MS).beaten(151 * MS),
    "201 ms": lambda world: world.passed(201 * MS),
    "251 ms": lambda world: world.passed(251 * MS),
    "301 ms": lambda world: world.passed(301 * MS),
    "501 ms, answered": lambda world: world.passed(501 * MS, every_us=130 * MS, prompt=True),
    "1001 ms, answered": lambda world: world.passed(1001 * MS, every_us=140 * MS, prompt=True),
    "3001 ms, answered": lambda world: world.passed(3001 * MS, every_us=140 * MS, prompt=True),
}

LEASES: dict[str, Move] = {
    "lease begin": _leases("begin"),
    "lease continue": _leases("continue"),
    "lease none": _leases("none"),
    "the arm loop hangs": _mode(lease=""),
}
"""In a room with a robot as well."""
