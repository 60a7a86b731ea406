"""`register`: nasion and the points before the ears, touched with the pointer."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Annotated

import typer

from daemon.cli.place import place, whoami
from daemon.cli.safety import Json
from daemon.cli.show import Exit
from daemon.registrations import file_of
from drivers.errors import OperatorError


def register(
    ctx: typer.Context,
    subject: Annotated[str, typer.Argument(help="Pseudonym.")],
    *,
    planned: Annotated[
        Path | None, typer.Option(help="Fiducials of the image: JSON with coordinates, unit, nas, lpa, rpa.")
    ] = None,
    rounds: Annotated[
        int | None,
        typer.Option(min=1, max=5, help="How often each is touched; none: twice, with --planned once."),
    ] = None,
    hands_free: Annotated[bool, typer.Option("--hands-free", help="No key: a tip held still counts.")] = False,
    marker_below: Annotated[
        bool, typer.Option("--marker-below", help="The head's marker is worn below the ears, as on a bite bar.")
    ] = False,
    output: Annotated[Path | None, typer.Option(help="File to write; none: in the daemon's state.")] = None,
    as_json: Json = False,
) -> None:
    """Touch NAS, LPA and RPA with the pointer: where the skull is under the marker on the head. Shows the residual."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", subject):
        raise OperatorError(f"{subject!r} is no pseudonym. It names a file. Use letters, digits, '.', '_' and '-'.")
    # numpy takes a fifth of a second to load, and `coilward stop` must not wait for it.
    from daemon.cli import registering  # noqa: PLC0415

    where = place(ctx)
    wanted = registering.Wanted(
        subject=subject,
        by=whoami(),
        simulated=where.site.site.use == "simulation",
        planned=planned,
        rounds=rounds,
        hands_free=hands_free,
        marker_below=marker_below,
        output=output or file_of(where.site.daemon.state, subject),
    )
    samples = registering.samples_of(where.runtime)
    asyncio.run(registering.run(wanted, samples, as_json=as_json))
    raise typer.Exit(Exit.OK)
