"""`register`: nasion and the points before the ears, touched with the pointer."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Annotated

import typer

from daemon.cli.filing import Filing, OwnFile, RoomFiles
from daemon.cli.place import place, whoami
from daemon.cli.safety import Json
from daemon.cli.show import Exit
from daemon.kept import own_folder
from daemon.registration_file import Registration, read_registration
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
    scalp: Annotated[
        bool, typer.Option("--scalp", help="Touch the scalp all over, too: the arm then need not suppose a large head.")
    ] = False,
    from_file: Annotated[
        Path | None, typer.Option("--from", help="A registration of this visit that the room did not take at once.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="File of your own to write; none: the room files it and goes by it.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Touch NAS, LPA and RPA with the pointer: where the skull is under the marker on the head. Shows the residual.

    The room files it, so its daemon must run; it takes none while a session is open.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", subject):
        raise OperatorError(f"{subject!r} is no pseudonym. It names a file. Use letters, digits, '.', '_' and '-'.")
    # numpy takes a fifth of a second to load, and `coilward stop` must not wait for it.
    from daemon.cli import registering  # noqa: PLC0415

    where = place(ctx)
    filing: Filing[Registration] = (
        RoomFiles(where, "file-registration", "registration", subject=subject) if output is None else OwnFile(output)
    )
    if from_file is not None:
        asyncio.run(registering.file(read_registration(from_file), filing, as_json=as_json))
        raise typer.Exit(Exit.OK)
    wanted = registering.Wanted(
        subject=subject,
        by=where.user if output is None else whoami(),
        simulated=where.site.site.use == "simulation",
        planned=planned,
        rounds=rounds,
        hands_free=hands_free,
        marker_below=marker_below,
        scalp=scalp,
        kept=own_folder("registrations", "A registration is kept there.") / f"{subject}.json",
    )
    samples = registering.samples_of(where.runtime)
    asyncio.run(registering.run(wanted, samples, filing, as_json=as_json))
    raise typer.Exit(Exit.OK)
