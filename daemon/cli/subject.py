"""`subject …`: what is on file about a subject."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from daemon.cli.place import place
from daemon.cli.safety import Json, ask
from daemon.thresholds import mso_tenths

app = typer.Typer(no_args_is_help=True)


@app.command()
def threshold(
    ctx: typer.Context,
    subject: Annotated[str, typer.Argument(help="Pseudonym.")],
    *,
    value: Annotated[str, typer.Option(help="Motor threshold in % MSO, such as 42 or 42.5.")],
    method: Annotated[str, typer.Option(help="emg or visual.")],
    pulses: Annotated[int, typer.Option(help="Accepted pulses it was found from.")],
    coil: Annotated[str, typer.Option(help="Coil it was found with.")],
    sd: Annotated[str | None, typer.Option(help="Standard deviation, % MSO.")] = None,
    as_json: Json = False,
) -> None:
    """File a motor threshold that was measured just now. The room files it, so its daemon must run."""
    done = f"On file: {subject}, {value} % MSO with {coil}, by {method}."
    code = ask(
        place(ctx), "file-threshold", done, as_json=as_json, subject=subject, value_tenths=mso_tenths(value),
        method=method, pulses=pulses, coil=coil, sd_tenths=None if sd is None else mso_tenths(sd),
    )  # fmt: skip
    raise typer.Exit(asyncio.run(code))
