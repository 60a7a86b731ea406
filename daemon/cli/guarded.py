"""`guarded`: any unmodified program behind the watchdog's own port."""

from __future__ import annotations

from typing import Annotated

import typer

from daemon import guarded as guard
from daemon.cli.place import place, whoami
from daemon.thresholds import mso_tenths


def guarded(
    ctx: typer.Context,
    command: Annotated[
        list[str], typer.Argument(metavar="-- COMMAND…", help="What to run; COILWARD_PORT names its port.")
    ],
    *,
    subject: Annotated[str, typer.Option(help="Pseudonym; none: nobody is stimulated.")] = "",
    ceiling: Annotated[str | None, typer.Option(help="Highest level, % MSO.")] = None,
    coil: Annotated[str | None, typer.Option(help="Coil in use; none: the site's.")] = None,
    unattended: Annotated[bool, typer.Option("--unattended", help="No terminal; use simulation only.")] = False,
) -> None:
    """Run COMMAND in a script session: everything it sends to the stimulator passes the watchdog's rules."""
    where = place(ctx)
    wanted = guard.Wanted(
        command=command,
        coil=coil or where.site.stimulator.coil,
        by=whoami(),
        subject=subject,
        ceiling_tenths=mso_tenths(ceiling) if ceiling is not None else None,
        unattended=unattended,
    )
    raise typer.Exit(guard.main(where.runtime.folder, wanted))
