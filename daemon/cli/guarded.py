"""`guarded`: any unmodified program behind the watchdog's own port."""

from __future__ import annotations

from typing import Annotated

import typer

from daemon import guarded as guard
from daemon.cli.place import Place, place, whoami
from daemon.guard_words import Threshold
from daemon.thresholds import Thresholds, mso_tenths
from drivers.errors import OperatorError


def guarded(
    ctx: typer.Context,
    command: Annotated[
        list[str], typer.Argument(metavar="-- COMMAND…", help="What to run; COILWARD_PORT names its port.")
    ],
    *,
    subject: Annotated[str, typer.Option(help="Pseudonym; none: nobody is stimulated.")] = "",
    ceiling: Annotated[str | None, typer.Option(help="Highest level, % MSO.")] = None,
    coil: Annotated[str | None, typer.Option(help="Coil in use; none: the site's.")] = None,
    threshold_on_file: Annotated[
        bool,
        typer.Option("--threshold-on-file", help="Judge levels by the subject's threshold, not as the strongest."),
    ] = False,
    unattended: Annotated[bool, typer.Option("--unattended", help="No terminal; use simulation only.")] = False,
) -> None:
    """Run COMMAND in a script session: everything it sends to the stimulator passes the watchdog's rules."""
    where = place(ctx)
    coil = coil or where.site.stimulator.coil
    wanted = guard.Wanted(
        command=command,
        coil=coil,
        by=whoami(),
        subject=subject,
        ceiling_tenths=mso_tenths(ceiling) if ceiling is not None else None,
        threshold=_on_file(where, subject, coil) if threshold_on_file else None,
        unattended=unattended,
    )
    raise typer.Exit(guard.main(where.runtime.folder, wanted))


def _on_file(where: Place, subject: str, coil: str) -> Threshold:
    """The newest threshold of a subject with a coil. Raises OperatorError: there is none, or it is not ours to read."""
    thresholds = Thresholds(where.site.daemon.state)
    leave_out = "leave out --threshold-on-file: each level is then judged as the strongest."
    try:
        found = thresholds.latest(subject, coil)
    except OSError as wrong:
        raise OperatorError(
            f"{thresholds.path} cannot be read: {wrong.strerror}. Thresholds name subjects, so they belong to the user "
            f"of coilward-daemon alone. Where that is another user, {leave_out}"
        ) from None
    if found is None:
        raise OperatorError(
            f"No threshold of {subject or 'nobody'} with {coil} is on file. It is filed once it was measured. "
            f"Run `coilward subject threshold`, or {leave_out}"
        )
    return found
