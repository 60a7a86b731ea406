"""What clients and people ask that no treatment of two trains needs: for walks, which do not try all at every moment.

The device stays set to the trains of the small world's treatment, so that sessions of other kinds are open and never
fire: the oracle knows no other train.
"""

from __future__ import annotations

from dataclasses import replace

from drivers.magstim.framing import seal
from safety import control, events
from safety.events import Door
from tests.small_world.device import ARM, LEVEL, LEVEL_OVER, MS, PULSES, RATE_TENTHS, STATUS, TRIGGER, S
from tests.small_world.moves import Move
from tests.small_world.world import ANYBODY, WALL_US, World

DAY_US = 24 * 3_600 * S
THRESHOLD = control.Threshold(LEVEL * 10, "emg", 20, "coil-1", WALL_US - 3_600 * S, 15, simulated=True)
TREATMENT = control.OpenSession("treatment", "daemon", "ann", "coil-1", "S-1", "small", threshold=THRESHOLD)


def _opens(**changes: object) -> Move:
    return lambda world: world.asked(replace(TREATMENT, **changes))


def _measured(**changes: object) -> Move:
    return _opens(threshold=replace(THRESHOLD, **changes))


def _kind(kind: str, subject: str = "S-1", **more: object) -> Move:
    return lambda world: world.asked(control.OpenSession(kind, "daemon", "ann", "coil-1", subject, **more))


def _wants(pulses: int = PULSES, rate_tenths: int = RATE_TENTHS, level: int = LEVEL, **timed: object) -> Move:
    return lambda world: world.asked(control.AskPermit(level * 10, rate_tenths, pulses, **timed))


def _raised(world: World) -> World:
    return world.asked(control.Intensity(1000, "ann"))


def _goes_on(world: World) -> World | None:
    opened = world.gate.book.last_opened
    if opened is None:
        return None
    return _opens(continues=opened.session.hex(), reason="it was interrupted")(world)


def _flood(world: World) -> World:
    for _ in range(20):
        world = world.sent(STATUS)
    return world


OPENINGS: dict[str, Move] = {
    "open without a threshold": _opens(threshold=None),
    "open with an old threshold": _measured(taken_wall_us=WALL_US - 8 * DAY_US),
    "open with a poor threshold": _measured(pulses=5, sd_tenths=None),
    "open with a threshold of another coil": _measured(coil="coil-2"),
    "open for another coil": _opens(coil="coil-2"),
    "open a protocol nobody knows": _opens(protocol="large"),
    "open stronger than prescribed": _opens(intensity_tenths=1010),
    "open lowered": _opens(intensity_tenths=900),
    "open without a subject": _opens(subject=""),
    "continue": _goes_on,
    "continue what never was": _opens(continues="ab" * 8, reason="why not"),
    "arm all the same": lambda world: world.sent(ARM),
    "a level all the same": lambda world: world.sent(LEVEL_OVER),
    # of other kinds
    "open a hunt": _kind("threshold"),
    "open a script": _kind("script"),
    "open a phantom": _kind("phantom", "", ceiling_tenths=300),
}
"""Where no session is open."""

REQUESTS: dict[str, Move] = {
    "permit, four pulses": _wants(4),
    "permit, two pulses": _wants(2),
    "permit, one pulse": _wants(1, 0),
    "permit, too fast": _wants(rate_tenths=300),
    "permit, too strong": _wants(level=46),
    "permit without a rate": _wants(rate_tenths=0),
    "permit, timed": _wants(1, 0, triggers=2, spacing_us=7 * S, times_us=(0, 7 * S)),
    "permit, twenty timed": _wants(1, 0, triggers=20, spacing_us=S, times_us=tuple(n * S for n in range(20))),
    "raise": _raised,
    "raise from far below": lambda world: _raised(world.asked(control.Intensity(900, "ann"))),
    "raise above what is prescribed": lambda world: world.asked(control.Intensity(1010, "ann")),
    "release of another plan": lambda world: world.asked(control.Release("f" * 32, world.shown_nonce(), "ann")),
    "release on an old nonce": lambda world: world.asked(control.Release(world.hash, "f" * 32, "ann")),
    "resolve what is known": lambda world: world.asked(control.Resolve("ann", 2**40, "no", world.shown_nonce())),
    "a stranger as the arm": lambda world: world.asked(control.Hello("lease"), ANYBODY),
    "a stranger as the daemon": lambda world: world.asked(control.Hello("daemon"), ANYBODY, uid=1000),
    "half a frame": lambda world: world.feed(events.ClientNoise(Door.DAEMON, seal(b"EA")[:2])),
    "a frame with a wrong end": lambda world: world.feed(events.ClientNoise(Door.DAEMON, b"EA\x00")),
    "interlock off": lambda world: world.sent(seal(b"b@")),
    "a flood of questions": _flood,
    "trigger at once": lambda world: world.sent(TRIGGER),
    "nobody there for 4 s": lambda world: world._replace(present=False).passed(4 * S, every_us=140 * MS, prompt=True),
    "5 s, answered": lambda world: world.passed(5_001 * MS, every_us=140 * MS, prompt=True),
}
"""Where one is."""
