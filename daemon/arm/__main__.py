"""`coilward-arm`: the loop that keeps the coil on its target, and speaks for it to the watchdog."""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import select
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

from daemon.arm.assembly import arm_of, sections_of, setup_by, setup_of
from daemon.arm.hold import Hold
from daemon.arm.loop import Loop
from daemon.arm.realtime import Metronome, Voice, monotonic_ns, prepare
from daemon.arm.robot_link import RobotLink
from daemon.arm.socket import Clients
from daemon.arm.watchdog_lease import WatchdogLease
from daemon.config import Site, load_site
from drivers.errors import CoilwardError, ConfigError
from drivers.runtime import RULE, default_runtime
from safety.realtime import Notifier
from safety.site import load_site as load_safety_site


def main() -> int:
    """Runs the arm's loop until SIGTERM or SIGINT. Exit codes: 0 ended, 1 cannot run, 2 usage."""
    parser = argparse.ArgumentParser(prog="coilward-arm", description=__doc__)
    parser.add_argument("--runtime", type=Path, help=f"folder of sockets (default: {RULE})")
    parser.add_argument("--site", type=Path, required=True, help="the room's site file")
    args = parser.parse_args()
    try:
        serve(load_site(args.site), args.runtime or default_runtime(), args.site)
    except CoilwardError as error:
        print(f"coilward-arm: {error}", file=sys.stderr)
        return 1
    return 0


def serve(site: Site, runtime: Path, site_file: Path) -> None:
    """Turns until it is told to end and the coil is off the head. The watchdog's reading of the same file says who the
    daemon is.
    """
    _, section = sections_of(site)
    daemon_uid = load_safety_site(site_file).daemon_uid
    arm = arm_of(site)
    hold = Hold(setup_of(site))
    with alone(runtime / "arm"), select.epoll() as watch:
        say = Voice(sys.stderr.fileno()).say
        robot = RobotLink(lambda now_us, start: arm.dial(now_us, start=start), say)
        clients = Clients(runtime / "arm" / "control", watch, daemon_uid)
        lease = WatchdogLease(runtime / "watchdog" / "control", watch, say)
        loop = Loop(hold, robot, clients, lease, watch=watch, say=say, calibrated=lambda found: setup_by(site, found))

        def heard_of(spare_s: float) -> bool:
            return bool(select.select([watch], [], [], spare_s)[0])  # epoll's own wait counts in whole milliseconds

        told = told_to_end()
        for refused in prepare():
            say(refused)
        notifier = Notifier()
        notifier.say("READY=1")
        print(f"coilward-arm: ready in {runtime / 'arm'}", flush=True)
        # Without a `finally`: what ends this any other way must leave the coil to the controller's own time-out, which
        # takes it off the head, and not stop the program there.
        run(loop, Metronome(section.rate_hz), told, notifier.turned, heard_of)
        lease.close()
        robot.close()
        clients.close()


def run(
    loop: Loop,
    metronome: Metronome,
    told: Callable[[], bool],
    after_each_turn: Callable[[int], None],
    heard_of: Callable[[float], bool],
) -> None:
    """One turn at each deadline; in the pause before it what clients say. `heard_of` waits so many seconds for that."""
    now_us = monotonic_ns() // 1000
    while not loop.ended(now_us):
        while (spare_s := metronome.spare_s) > 0 and heard_of(spare_s):
            if not loop.hear(monotonic_ns() // 1000):
                break  # it is the watchdog's, and waits for the turn
        now_us, late_us, missed = metronome.wait()
        if told():
            loop.end(now_us)
        loop.turn(now_us)
        loop.lateness.woke(now_us, late_us, missed)
        after_each_turn(now_us)


def told_to_end() -> Callable[[], bool]:
    """Whether SIGTERM or SIGINT has come since."""
    came: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        came[:] = [number]

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, note)
    return lambda: bool(came)


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """A lock that only one arm process of a runtime holds; the kernel lets go of it whatever happens."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o750)
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise ConfigError(
            f"another coilward-arm runs in {folder}; stop it first, or choose another --runtime"
        ) from None
    try:
        yield
    finally:
        os.close(lock)


if __name__ == "__main__":
    sys.exit(main())
