"""coilward-simulator: a simulated stimulator as a process, and `ctl`, the way to its back door.

coilward-simulator --stimulator magstim-rapid2:11 --pacing off
coilward-simulator ctl lose-reply --of EH
"""

from __future__ import annotations

import argparse
import ctypes
import fcntl
import inspect
import json
import os
import signal
import socket
import stat
import sys
from collections.abc import Sequence
from pathlib import Path

from drivers.catalogue import FIRMWARES, MODELS, SUPPLY_VOLTS
from drivers.errors import CoilwardError, ConfigError, OperatorError
from simulator.bench import Bench
from simulator.clock import RealClock
from simulator.control import Control
from simulator.shell import Shell
from simulator.stimulators.profile import Profile
from simulator.switches import SWITCHES
from simulator.world import LogFile, World

PR_SET_PDEATHSIG = 1
"""linux/prctl.h"""


def default_runtime() -> Path:
    """COILWARD_RUNTIME, or where the house's sockets live. ConfigError when nothing says where that is."""
    if named := os.environ.get("COILWARD_RUNTIME"):
        return Path(named)
    if os.geteuid() == 0:
        return Path("/run/coilward")
    if own := os.environ.get("XDG_RUNTIME_DIR"):
        return Path(own) / "coilward"
    raise ConfigError("no runtime folder: give --runtime DIR, or set COILWARD_RUNTIME or XDG_RUNTIME_DIR")


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="coilward-simulator", description="A simulated stimulator on a PTY.")
    parser.add_argument("--runtime", type=Path, metavar="DIR", help="where sim/stimulator and sim/control appear")
    parser.add_argument(
        "--stimulator",
        default=f"{MODELS[0]}:{FIRMWARES[-1]}",
        metavar="MODEL:FIRMWARE",
        help=f"one of {', '.join(MODELS)}, and firmware {', '.join(map(str, FIRMWARES))} (default %(default)s)",
    )
    parser.add_argument("--pacing", choices=("on", "off"), default="on", help="bytes take their time at 9600 baud")
    parser.add_argument("--unlock", metavar="CODE", default=Profile().unlock_code, help="firmware 9 and later")
    parser.add_argument("--supply", type=int, choices=SUPPLY_VOLTS, default=240, help="mains in volts")
    parser.add_argument("--log", type=Path, metavar="FILE", help="append what physically happens, as JSON lines")
    parser.add_argument("--die-with-parent", action="store_true", help="end when the starting process ends")
    orders = parser.add_subparsers(title="back door", metavar="ctl")
    where = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    where.add_argument("--runtime", type=Path, metavar="DIR", help="the runtime of that simulator")
    line = "faults and accidents of a running simulator"
    ctl = orders.add_parser("ctl", help=line, description=line, parents=[where])
    _add_switches(ctl.add_subparsers(dest="do", required=True, metavar="SWITCH"), where)
    return parser


def _add_switches(ctl: argparse._SubParsersAction[argparse.ArgumentParser], where: argparse.ArgumentParser) -> None:
    for switch in SWITCHES.values():
        order = ctl.add_parser(
            switch.name, help=switch.line.replace("%", "%%"), description=switch.line, parents=[where]
        )
        for name, parameter in switch.parameters.items():
            if parameter.default is inspect.Parameter.empty:
                order.add_argument(name, type=parameter.annotation)
            elif parameter.annotation is bool:
                order.add_argument(f"--{name}", action=argparse.BooleanOptionalAction, default=parameter.default)
            else:
                order.add_argument(f"--{name.replace('_', '-')}", type=parameter.annotation, default=parameter.default)


def _profile(options: argparse.Namespace) -> Profile:
    model, _, firmware = options.stimulator.partition(":")
    if not firmware.isdecimal():
        raise OperatorError(f"--stimulator is MODEL:FIRMWARE, such as {MODELS[0]}:11, not {options.stimulator!r}")
    return Profile(model=model, firmware=int(firmware), unlock_code=options.unlock, supply_volts=options.supply)


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
    shell = Shell(Bench(_profile(options), world, pacing=options.pacing == "on"), folder)
    try:
        shell.stop_on(signal.SIGTERM, signal.SIGINT)
        if options.die_with_parent and stat.S_ISFIFO(os.fstat(sys.stdin.fileno()).st_mode):
            shell.stop_at_end_of(sys.stdin.fileno())
        _say_ready(shell.link)
        shell.run()
    finally:
        shell.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; 0 when all went well, 1 with one sentence on stderr when not."""
    parent = os.getppid()
    options = _arguments().parse_args(arguments)
    try:
        runtime = options.runtime or default_runtime()
        if "do" in options:
            given = {name: value for name, value in vars(options).items() if name in SWITCHES[options.do].parameters}
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
