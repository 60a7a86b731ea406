"""`coilward`: the operator's command line. It speaks to a room through `daemon.client` alone.

Exit codes: 0 done, 1 refused or ended otherwise, 2 wrong usage, 3 nobody there to ask.
"""

from __future__ import annotations

import asyncio
import sys

import typer

from daemon.cli.arm import app as arm
from daemon.cli.calibrate import app as calibrate
from daemon.cli.coil import app as coil
from daemon.cli.doctor import doctor
from daemon.cli.files import check, limits, protocols, report
from daemon.cli.guarded import guarded
from daemon.cli.look import status, watch
from daemon.cli.operate import app as session
from daemon.cli.panel import panel
from daemon.cli.place import Place, hoisted
from daemon.cli.practice import practice
from daemon.cli.register import register
from daemon.cli.safety import emergency, reset, resolve, stop
from daemon.cli.show import Exit, failure
from daemon.cli.subject import app as subject
from daemon.cli.target import app as target
from daemon.cli.tracker import app as tracker
from daemon.cli.trial import try_
from drivers.errors import CoilwardError, OperatorError, WireError

app = typer.Typer(
    name="coilward",
    help="Operate a TMS room: sessions, stop, status. Every refusal says what, why, and what to do next.",
    epilog="--runtime, --site, --user and --password-file may stand anywhere on the line. "
    "Exit codes: 0 done, 1 refused or ended otherwise, 2 wrong usage, 3 nobody there to ask.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.callback()(Place.from_options)
app.command("try")(try_)
app.command()(practice)
app.command()(status)
app.command()(watch)
app.add_typer(session, name="session", help="Start a session and steer it.")
app.add_typer(coil, name="coil", help="The coil on its arm: take it off the head, guide it, park it.")
app.add_typer(arm, name="arm", help="The arm's controller: switch it on, unlock it after a stop.")
app.command()(panel)
app.command()(stop)
app.command()(emergency)
app.command()(reset)
app.command()(resolve)
app.command()(doctor)
app.command("check-config")(check)
app.command()(report)
app.command()(protocols)
app.command()(guarded)
app.command()(register)
app.add_typer(calibrate, name="calibrate", help="Where the camera stands, and the marker on the coil.")
app.add_typer(target, name="target", help="Where on a subject's head the coil is held: recorded, and shown.")
app.add_typer(tracker, name="tracker", help="What the camera sees: recorded, and shown again.")
app.add_typer(limits, name="limits", help="The numbers that nobody has compared with print yet.")
app.add_typer(subject, name="subject", help="What is on file about a subject.")


def main() -> None:
    """The console script."""
    try:
        app(hoisted(sys.argv[1:]))
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
