"""coilward-simulator: a simulated stimulator, or a whole room, as a process, and `ctl`, the way to its back door.

coilward-simulator --stimulator magstim-rapid2:11 --pacing off
coilward-simulator --room robot --arm-host 127.0.0.2 --head free --seed 7
coilward-simulator ctl lose-reply --of EH
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import fcntl
import json
import os
import signal
import socket
import stat
import sys
from collections.abc import Sequence
from pathlib import Path

from drivers.errors import CoilwardError, OperatorError
from drivers.runtime import default_runtime
from simulator.arguments import command_line, room_of, stimulator_of
from simulator.bench import Bench
from simulator.clock import RealClock
from simulator.control import Control
from simulator.room import Room
from simulator.room_switches import ALL_SWITCHES
from simulator.services import ArmPorts, Service, TrackerCables
from simulator.shell import Shell
from simulator.world import LogFile, TraceFile, World

PR_SET_PDEATHSIG = 1
"""linux/prctl.h"""


def _lock(folder: Path) -> int:
    """Holds the runtime for this process; OperatorError when another simulator lives in it."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock)
        raise OperatorError(f"another simulator lives in {folder}: end it, or give another --runtime") from error
    return lock


def _die_with_parent(parent: int) -> None:
    """The kernel ends this process with the one that started it, or now if that one has gone already."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl PR_SET_PDEATHSIG")
    if os.getppid() != parent:
        raise OperatorError("the process that started the simulator has gone")


def _say_ready(link: Path) -> None:
    print(f"ready {link}", flush=True)
    if address := os.environ.get("NOTIFY_SOCKET"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.sendto(b"READY=1", "\0" + address[1:] if address.startswith("@") else address)


def _serve(options: argparse.Namespace, folder: Path) -> None:
    world = World(RealClock())
    if options.log:
        world.witnesses.append(LogFile(options.log))
    profile, pacing = stimulator_of(options), options.pacing == "on"
    with contextlib.ExitStack() as ends:
        if options.room == "robot":
            room = Room(profile, world, room_of(options), pacing=pacing)
            if options.trace:
                room.trace = TraceFile(options.trace)
                ends.callback(room.trace.close)
            shell = Shell(room, folder, _cables(room, options, folder, ends))
        else:
            shell = Shell(Bench(profile, world, pacing=pacing), folder)
        ends.callback(shell.close)
        shell.stop_on(signal.SIGTERM, signal.SIGINT)
        if options.die_with_parent and stat.S_ISFIFO(os.fstat(sys.stdin.fileno()).st_mode):
            shell.stop_at_end_of(sys.stdin.fileno())
        _say_ready(shell.link)
        shell.run()


def _cables(room: Room, options: argparse.Namespace, folder: Path, ends: contextlib.ExitStack) -> tuple[Service, ...]:
    arm = ArmPorts(room, options.arm_host)
    ends.callback(arm.close)
    host = options.tracker_host or options.arm_host
    tracker = TrackerCables(room, folder / "tracker", host, options.tracker_port, paced=options.pacing == "on")
    ends.callback(tracker.close)
    return arm, tracker


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; 0 when all went well, 1 with one sentence on stderr when not."""
    parent = os.getppid()
    options = command_line().parse_args(arguments)
    try:
        runtime = options.runtime or default_runtime()
        if "do" in options:
            given = {
                name: value for name, value in vars(options).items() if name in ALL_SWITCHES[options.do].parameters
            }
            print(json.dumps(Control(runtime)(options.do, **given)))
            return 0
        if options.die_with_parent:
            _die_with_parent(parent)
        lock = _lock(runtime / "sim")
        try:
            _serve(options, runtime / "sim")
        finally:
            os.close(lock)
    except CoilwardError as error:
        print(f"coilward-simulator: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
