"""`session …`: open, steer and continue a session."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Coroutine
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

import typer

from daemon.cli import conduct, show
from daemon.cli.bar import Bar
from daemon.cli.place import Place, place
from daemon.cli.safety import Json, ask, stop
from daemon.cli.show import Exit
from daemon.cli.summary import Summary
from daemon.client import RoomClient
from daemon.messages import Answer
from drivers.errors import OperatorError

app = typer.Typer(no_args_is_help=True, help="Start a session and steer it.")
app.command()(stop)

Placement = Annotated[str, typer.Option(help="How and where the coil was placed, in your words.")]
Yes = Annotated[bool, typer.Option("--yes", help="Release without asking: you have read what the watchdog understood.")]
Intensity = Annotated[str | None, typer.Option(help="In % rMT, at most what is prescribed.")]

Confirm = Callable[[Answer], Coroutine[Any, Any, bool]]
Conducting = Callable[[RoomClient, asyncio.Event, Bar], Awaitable[Summary]]


@app.command()
def start(
    ctx: typer.Context,
    subject: Annotated[str, typer.Argument(help="Pseudonym.")],
    protocol: Annotated[str, typer.Argument(help="Id in the library, such as mdd-10hz-37.")],
    *,
    placement: Placement = "",
    intensity: Intensity = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Open a session, release it, and stay in the foreground as its operator. Ctrl-C is STOP."""
    tenths = percent_tenths(intensity) if intensity is not None else None

    async def opening(room: RoomClient) -> Answer:
        return await room.ask("start", subject=subject, protocol=protocol, placement=placement, intensity_tenths=tenths)

    raise typer.Exit(asyncio.run(_open(place(ctx), opening, yes=yes, as_json=as_json)))


@app.command("continue")
def continue_(
    ctx: typer.Context,
    session: Annotated[str | None, typer.Argument(help="Key of the session; none: the last one.")] = None,
    *,
    reason: Annotated[str, typer.Option(help="Why it was interrupted, in your words.")],
    placement: Placement = "",
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Open the remainder of a session that ended early, and stay in the foreground. Ctrl-C is STOP."""

    async def opening(room: RoomClient) -> Answer:
        return await room.ask("continue", session=session, reason=reason, placement=placement)

    raise typer.Exit(asyncio.run(_open(place(ctx), opening, yes=yes, as_json=as_json)))


@app.command()
def pause(ctx: typer.Context, as_json: Json = False) -> None:
    """No further train; a running one is disarmed. Needs no control."""
    raise typer.Exit(asyncio.run(ask(place(ctx), "pause", "Paused.", as_json=as_json)))


@app.command()
def resume(ctx: typer.Context, as_json: Json = False) -> None:
    """Release a paused session again, and stay in the foreground as its operator. Ctrl-C is STOP."""
    where = place(ctx)

    async def resuming(room: RoomClient, stop: asyncio.Event, bar: Bar) -> Summary:
        return await conduct.resume(room, where.runtime, stop, bar)

    raise typer.Exit(asyncio.run(_foreground(where, resuming, as_json=as_json)))


@app.command()
def end(ctx: typer.Context, as_json: Json = False) -> None:
    """End a session at rest, and write its report."""
    code = ask(place(ctx), "end", "The session has ended.", as_json=as_json, take=True)
    raise typer.Exit(asyncio.run(code))


@app.command()
def lower(
    ctx: typer.Context,
    intensity: Annotated[str, typer.Argument(help="In % rMT.")],
    as_json: Json = False,
) -> None:
    """Lower the intensity of the trains to come."""
    raise typer.Exit(asyncio.run(_change(place(ctx), "lower", intensity, as_json=as_json)))


@app.command("raise")
def raise_(
    ctx: typer.Context,
    intensity: Annotated[str, typer.Argument(help="In % rMT.")],
    as_json: Json = False,
) -> None:
    """Raise a lowered intensity again: 5 % rMT a step, at most to what is prescribed."""
    raise typer.Exit(asyncio.run(_change(place(ctx), "raise", intensity, as_json=as_json)))


async def _change(where: Place, verb: str, intensity: str, *, as_json: bool) -> Exit:
    tenths = percent_tenths(intensity)
    done = f"Intensity is {tenths / 10:g} % rMT from the next train on."
    return await ask(where, verb, done, as_json=as_json, take=True, intensity_tenths=tenths)


def percent_tenths(text: str) -> int:
    """0.1 % rMT of what a person typed. OperatorError when it is no percentage with at most one decimal."""
    try:
        tenths = Decimal(text.removesuffix("%").strip()) * 10
    except InvalidOperation:
        tenths = Decimal("NaN")
    if not tenths.is_finite() or tenths != int(tenths) or tenths < 0:
        raise OperatorError(f"{text!r} is no intensity. Write % rMT with at most one decimal, such as 95 or 97.5.")
    return int(tenths)


async def _open(where: Place, opening: Callable[[RoomClient], Awaitable[Answer]], *, yes: bool, as_json: bool) -> Exit:
    if not yes and not sys.stdin.isatty():
        raise OperatorError("Nothing was opened. There is no terminal to ask for the release. Use one, or give --yes.")

    async def confirm(opened: Answer) -> bool:
        show.err.print(show.understood(opened))
        return yes or await _typed_yes("Release? [y/N] ")

    async def conducting(room: RoomClient, stop: asyncio.Event, bar: Bar) -> Summary:
        asking = _paused_bar(bar, confirm)
        return await conduct.conduct(
            room, where.runtime, stop, opening=lambda: opening(room), confirm=asking, progress=bar
        )

    return await _foreground(where, conducting, as_json=as_json)


async def _foreground(where: Place, conducting: Conducting, *, as_json: bool) -> Exit:
    """In control of the room until the session has ended."""
    async with where.room() as room, conduct.stop_key() as stop:
        try:
            await conduct.take_control(room)
            with Bar() as bar:
                ended = await conducting(room, stop, bar)
        except conduct.Refused as no:
            return show.answer(no.answer, "", as_json=as_json)
    return tell_end(ended, as_json=as_json)


async def _typed_yes(question: str) -> bool:
    """What a person types at the terminal. Waits in the loop, not in a thread: Ctrl-C must get through."""
    loop = asyncio.get_running_loop()
    typed = asyncio.Event()
    show.err.print(question, end="", markup=False)
    show.err.file.flush()
    loop.add_reader(sys.stdin, typed.set)
    try:
        await typed.wait()
    finally:
        loop.remove_reader(sys.stdin)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _paused_bar(bar: Bar, confirm: Confirm) -> Confirm:
    async def asking(opened: Answer) -> bool:
        with bar.hidden():
            return await confirm(opened)

    return asking


def tell_end(ended: Summary, *, as_json: bool) -> Exit:
    """Prints how a session ended."""
    if as_json:
        show.as_json(ended)
    else:
        show.out.print(show.summary(ended))
    return Exit.OK if ended["outcome"] == "completed" else Exit.REFUSED
