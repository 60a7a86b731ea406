"""`coilward`: the operator's command line. It speaks to a room through `daemon.client` alone.

Exit codes: 0 done, 1 refused or ended otherwise, 2 wrong usage, 3 nobody there to ask.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Final

import typer

from daemon.cli.place import Place, first_word, hoisted
from daemon.cli.show import Exit, failure
from drivers.errors import CoilwardError, OperatorError, WireError

COMMANDS: Final[Mapping[str, str]] = {
    "try": "trial.try_",
    "practice": "practice.practice",
    "status": "look.status",
    "watch": "look.watch",
    "session": "operate.app",
    "coil": "coil.app",
    "arm": "arm.app",
    "panel": "panel.panel",
    "stop": "safety.stop",
    "emergency": "safety.emergency",
    "reset": "safety.reset",
    "resolve": "safety.resolve",
    "doctor": "doctor.doctor",
    "check-config": "files.check",
    "report": "files.report",
    "protocols": "files.protocols",
    "guarded": "guarded.guarded",
    "register": "register.register",
    "calibrate": "calibrate.app",
    "target": "target.app",
    "tracker": "tracker.app",
    "limits": "files.limits",
    "subject": "subject.app",
}
"""By name, in the order of the help: module of this package, and what in it is the command or the group of them."""


def command_line(asked: str = "") -> typer.Typer:
    """With the command that is asked for and no other: nobody who wants `stop` waits until all are imported. With all
    of them where it is none of these: for help, and to name the one that was meant.
    """
    line = typer.Typer(
        name="coilward",
        help="Operate a TMS room: sessions, stop, status. Every refusal says what, why, and what to do next.",
        epilog="--runtime, --site, --user and --password-file may stand anywhere on the line. "
        "Exit codes: 0 done, 1 refused or ended otherwise, 2 wrong usage, 3 nobody there to ask.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    line.callback()(Place.from_options)
    for name in (asked,) if asked in COMMANDS else COMMANDS:
        module, _, command = COMMANDS[name].partition(".")
        found = getattr(import_module(f"{__name__}.{module}"), command)
        if isinstance(found, typer.Typer):
            line.add_typer(found, name=name)
        else:
            line.command(name)(found)
    return line


def main() -> None:
    """The console script."""
    try:
        typed = hoisted(sys.argv[1:])
        command_line(first_word(typed))(typed)
    except (CoilwardError, ExceptionGroup) as problem:
        failure(problem)
        unreachable = isinstance(problem, WireError)
        sys.exit(Exit.UNREACHABLE if unreachable else Exit.REFUSED)
    except OSError as problem:
        what = f"{problem.filename}: {problem.strerror}" if problem.filename else str(problem)
        failure(OperatorError(f"{what}. Check the path, its owner and the space on its disk."))
        sys.exit(Exit.REFUSED)
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(Exit.REFUSED)
