"""The command line of coilward-simulator: what to serve, and the orders of the back door."""

from __future__ import annotations

import argparse
import inspect
from pathlib import Path

from drivers.catalogue import FIRMWARES, MODELS, SUPPLY_VOLTS
from drivers.errors import OperatorError
from drivers.polaris.models import MODELS as TRACKERS
from drivers.polaris.models import TCP_PORT, model
from drivers.runtime import RULE
from simulator.head.statistics import Motion
from simulator.room import RoomOptions
from simulator.room_switches import ALL_SWITCHES
from simulator.stimulators.profile import Profile
from simulator.tracking import TrackerProfile

SLOWEST_HZ, FASTEST_HZ = 5.0, 500.0
"""Beyond what is sold: Vicra has 20, the fastest Vega 250."""


def command_line() -> argparse.ArgumentParser:
    """Everything it understands."""
    line = "A simulated stimulator on a PTY, or a whole treatment room."
    parser = argparse.ArgumentParser(prog="coilward-simulator", description=line)
    parser.add_argument("--runtime", type=Path, metavar="DIR", help=f"where sim/ appears (default: {RULE})")
    _add_stimulator(parser)
    _add_room(parser)
    parser.add_argument("--log", type=Path, metavar="FILE", help="append what physically happens, as JSON lines")
    parser.add_argument("--trace", type=Path, metavar="FILE", help="append every 10 ms how a room's coil really stands")
    parser.add_argument("--die-with-parent", action="store_true", help="end when the starting process ends")
    orders = parser.add_subparsers(title="back door", metavar="ctl")
    where = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    where.add_argument("--runtime", type=Path, metavar="DIR", help=f"of that simulator (default: {RULE})")
    line = "faults and accidents of a running simulator"
    ctl = orders.add_parser("ctl", help=line, description=line, parents=[where])
    _add_switches(ctl.add_subparsers(dest="do", required=True, metavar="SWITCH"), where)
    return parser


def _add_stimulator(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--stimulator",
        default=f"{MODELS[0]}:{FIRMWARES[-1]}",
        metavar="MODEL:FIRMWARE",
        help=f"one of {', '.join(MODELS)}, and firmware {', '.join(map(str, FIRMWARES))} (default %(default)s)",
    )
    parser.add_argument("--pacing", choices=("on", "off"), default="on", help="bytes take their time on the line")
    parser.add_argument("--unlock", metavar="CODE", default=Profile().unlock_code, help="firmware 9 and later")
    parser.add_argument("--supply", type=int, choices=SUPPLY_VOLTS, default=240, help="mains in volts")


def _add_room(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--room",
        choices=("stimulator", "robot"),
        default="stimulator",
        help="what is there: the stimulator alone, or with head, tracker and arm (default %(default)s)",
    )
    parser.add_argument("--arm-host", default="127.0.0.2", metavar="HOST", help="where the arm's ports are")
    parser.add_argument("--tracker-host", metavar="HOST", help="where the tracker is on Ethernet; as the arm's")
    parser.add_argument("--tracker-port", type=int, default=TCP_PORT, metavar="PORT", help="its port; 0 takes any")
    parser.add_argument(
        "--tracker", choices=list(TRACKERS), default="polaris-vega", help="its model (default %(default)s)"
    )
    parser.add_argument("--tracker-rate", type=float, metavar="HZ", help="its frames a second; as the model's")
    motions = [motion.value for motion in Motion]
    parser.add_argument("--head", choices=motions, default=Motion.REST.value, help="how still the head is kept")
    parser.add_argument("--seed", type=int, default=0, help="of everything random in the room")
    parser.add_argument("--twitch", type=float, default=0.0, metavar="MM", help="how far a pulse makes the head jerk")


def _add_switches(ctl: argparse._SubParsersAction[argparse.ArgumentParser], where: argparse.ArgumentParser) -> None:
    for switch in ALL_SWITCHES.values():
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


def stimulator_of(options: argparse.Namespace) -> Profile:
    """What `--stimulator` and its neighbours ask for. OperatorError when it is no model and firmware."""
    named, _, firmware = options.stimulator.partition(":")
    if not firmware.isdecimal():
        raise OperatorError(f"--stimulator is MODEL:FIRMWARE, such as {MODELS[0]}:11, not {options.stimulator!r}")
    return Profile(model=named, firmware=int(firmware), unlock_code=options.unlock, supply_volts=options.supply)


def room_of(options: argparse.Namespace) -> RoomOptions:
    """What `--head`, `--seed` and their neighbours ask for. OperatorError when no tracker is that fast or slow."""
    known = model(options.tracker).capabilities
    rate_hz = known.rate_hz if options.tracker_rate is None else options.tracker_rate
    if not SLOWEST_HZ <= rate_hz <= FASTEST_HZ:
        raise OperatorError(f"a tracker gives {SLOWEST_HZ} to {FASTEST_HZ} frames a second, not {rate_hz}")
    return RoomOptions(
        motion=Motion(options.head),
        seed=options.seed,
        tracker=TrackerProfile(
            rate_hz=rate_hz, noise_m=known.noise_m, latency_us=known.latency_us, latency_sd_us=known.latency_sd_us
        ),
        tracker_model=options.tracker,
        twitch_m=options.twitch / 1e3,
    )
