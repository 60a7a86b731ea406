"""`subject …`: what is on file about a subject."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from daemon.cli.place import place, whoami
from daemon.cli.safety import Json, ask, directly
from daemon.cli.show import answer
from daemon.guard_words import Block, Unblock
from daemon.thresholds import mso_tenths
from daemon.typed import message_of

app = typer.Typer(no_args_is_help=True, help="What is on file about a subject.")


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


Why = Annotated[str, typer.Option("--reason", help="Why, in your words; it is kept.")]


@app.command()
def block(
    ctx: typer.Context,
    subject: Annotated[str, typer.Argument(help="Pseudonym.")],
    *,
    reason: Why,
    as_json: Json = False,
) -> None:
    """Keep a subject from any further session until a physician unblocks. Only while no session is open."""
    where, done = place(ctx), f"{subject} is blocked."
    told = directly(
        where.runtime, lambda nonce: message_of(Block, by=whoami(), subject=subject, why=reason, nonce=nonce)
    )
    if told is not None:
        raise typer.Exit(answer(told, done, as_json=as_json))
    raise typer.Exit(asyncio.run(ask(where, "block", done, as_json=as_json, subject=subject, reason=reason)))


@app.command()
def unblock(
    ctx: typer.Context,
    subject: Annotated[str, typer.Argument(help="Pseudonym.")],
    *,
    by: Annotated[str, typer.Option(help="The physician who answers for it.")],
    reason: Why,
    as_json: Json = False,
) -> None:
    """End a block after an emergency, in a physician's name. Takes the role physician where a daemon runs, and no open
    session. The session that the emergency ended stays ended.
    """
    where, done = place(ctx), f"{subject} is not blocked any more."
    told = directly(
        where.runtime,
        lambda nonce: message_of(Unblock, by=whoami(), subject=subject, physician=by, why=reason, nonce=nonce),
    )
    if told is not None:
        raise typer.Exit(answer(told, done, as_json=as_json))
    code = ask(where, "unblock", done, as_json=as_json, subject=subject, physician=by, reason=reason)
    raise typer.Exit(asyncio.run(code))
