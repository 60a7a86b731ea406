"""Everything that can happen in the small world, by name: the natural course, and the disturbances of it."""

from __future__ import annotations

from collections.abc import Callable

from drivers.stimulators import Refusal
from safety import control, events
from safety.events import Door
from tests.small_world.device import (
    ARM,
    DISARM,
    LEVEL,
    LEVEL_OVER,
    LEVEL_SAME,
    MS,
    PULSES,
    RATE_TENTHS,
    REMOTE_OFF,
    STATUS,
    TRIGGER,
    UNKNOWN_BYTE,
    Device,
    refusal,
)
from tests.small_world.world import ANYBODY, HOLDER, SUBJECT, World

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
