"""`coilward-watchdog`: the process that alone may open the stimulator."""

from __future__ import annotations

import argparse
import fcntl
import importlib.util
import os
import signal
import sys
from pathlib import Path
from types import FrameType

from drivers.errors import CoilwardError, ConfigError
from drivers.runtime import RULE, default_runtime
from safety import ledger_cli, realtime
from safety.clock import machine
from safety.ledger_link import spawn_writer
from safety.site import Site, load_site
from safety.start import room_of, starting_state
from safety.watchdog import Watchdog

OUR_NAMES = ("drivers", "safety", "daemon", "simulator")


def main() -> int:
    """Runs the watchdog, or one of its ledger commands. Exit codes: 0 ended, 1 cannot run, 2 usage."""
    parser = argparse.ArgumentParser(prog="coilward-watchdog", description=__doc__)
    parser.add_argument("--runtime", type=Path, help=f"folder of sockets (default: {RULE})")
    parser.add_argument("--site", type=Path, help="the room's site file")
    ledger_cli.add_ledger_commands(parser.add_subparsers(dest="command", metavar="{ledger}"))
    args = parser.parse_args()
    try:
        if args.command is not None:
            return ledger_cli.run(args)
        if args.site is None:
            parser.error("--site FILE is needed; examples/site.toml shows one")
        names_are_ours()
        return serve(load_site(args.site), (args.runtime or default_runtime()) / "watchdog")
    except CoilwardError as error:
        print(f"coilward-watchdog: {error}", file=sys.stderr)
        return 1


def names_are_ours() -> None:
    """Our four import names are generic; another distribution must not stand in for one of them."""
    home = Path(__file__).resolve().parent.parent
    for name in OUR_NAMES:
        spec = importlib.util.find_spec(name)
        found = Path(spec.origin).resolve().parent if spec and spec.origin else None
        if found != home / name:
            raise ConfigError(
                f"the package {name} is not coilward's but {found}; install coilward into a venv of its own"
            )


def serve(site: Site, runtime: Path) -> int:
    """Runs until SIGTERM or SIGINT."""
    runtime.mkdir(parents=True, exist_ok=True, mode=0o750)
    lock = alone(runtime)
    room = room_of(site)
    site.state.mkdir(parents=True, exist_ok=True, mode=0o700)
    state, ledger, clock = starting_state(room, site.state, machine(), spawn_writer)
    watchdog = Watchdog(room, state, site.stimulator.port, runtime, ledger, clock=clock)

    def stop(_number: int, _frame: FrameType | None) -> None:
        watchdog.running = False

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    for refused in realtime.prepare():
        print(f"coilward-watchdog: {refused}", file=sys.stderr)
    if room.slack > 1:
        print(f"coilward-watchdog: slack {room.slack}: deadlines of beats, presence and ticks are that much longer")
    print(f"coilward-watchdog: ready in {runtime}", flush=True)
    notifier = realtime.Notifier()
    notifier.say("READY=1")
    try:
        watchdog.run(lambda: notifier.turned(watchdog.state.seen_us))
    finally:
        watchdog.close()
        os.close(lock)
    return 0


def alone(runtime: Path) -> int:
    """A lock that only one watchdog of a runtime holds; the kernel lets go of it whatever happens."""
    lock = os.open(runtime / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise ConfigError(f"another watchdog runs in {runtime}; stop it first, or choose another --runtime") from None
    return lock


if __name__ == "__main__":
    sys.exit(main())
