"""`target …`: where on a subject's head the coil is held, recorded where a hand has led it, and shown."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from daemon.cli import show
from daemon.cli.place import place
from daemon.cli.safety import Json
from daemon.target import DEFAULT_GAP_M, LARGEST_GAP_M
from drivers.errors import OperatorError

app = typer.Typer(no_args_is_help=True, help="Where on a subject's head the coil is held: recorded, and shown.")

Subject = Annotated[str, typer.Argument(help="Pseudonym.")]


@app.command()
def record(
    ctx: typer.Context,
    subject: Subject,
    *,
    name: Annotated[str, typer.Option(help="Of the place, such as left-m1.")] = "hotspot",
    air_gap: Annotated[
        float,
        typer.Option(min=0.0, max=LARGEST_GAP_M * 1000, help="mm between coil and scalp, while it is held there."),
    ] = DEFAULT_GAP_M * 1000,
    touching: Annotated[
        bool, typer.Option("--touching", help="The coil lies on the scalp now: it is held the air gap off it.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Record where the coil stands on this head as the subject's target: lead it there by `coilward coil guide` first.

    The coil stands off the scalp by the air gap, or lies on it (--touching). Head and coil are still for a second.
    """
    # Loads numpy, which takes a fifth of a second, and `coilward stop` must not wait for it.
    from daemon.cli import recording  # noqa: PLC0415

    where = place(ctx)
    wanted = recording.Wanted(subject, name, air_gap / 1000, touching=touching)
    raise typer.Exit(asyncio.run(recording.run(where, wanted, recording.samples_of(where.runtime), as_json=as_json)))


@app.command("show")
def show_(ctx: typer.Context, subject: Subject, as_json: Json = False) -> None:
    """A subject's target: where it is, how old, who recorded it, how steadily."""
    from daemon.cli import recording  # noqa: PLC0415  as above

    found = recording.on_file(place(ctx).site.daemon.state, subject)
    if not found:
        raise OperatorError(
            f"{subject} has no target on file. Lead the coil there and record it: `coilward target record {subject}`."
        )
    recording.tell(found[0], as_json=as_json)


@app.command("list")
def list_(ctx: typer.Context, as_json: Json = False) -> None:
    """The targets of all subjects, the newest first."""
    from daemon.cli import recording  # noqa: PLC0415  as above

    found = recording.on_file(place(ctx).site.daemon.state)
    if as_json:
        for one in found:
            show.as_json(recording.document(one))
        return
    show.out.print(recording.table(found))
