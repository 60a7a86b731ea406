"""`status` and `watch`: the room as a live heartbeat vouches for it."""

from __future__ import annotations

import asyncio
import contextlib

import typer
from rich.live import Live
from rich.text import Text

from daemon.cli import show
from daemon.cli.conduct import stop_key
from daemon.cli.place import Place, place
from daemon.cli.safety import Json
from daemon.cli.show import Exit
from daemon.cli.told import line
from daemon.client import RoomClient, RoomUnknown

KNOWN_S = 3.0


def status(ctx: typer.Context, as_json: Json = False) -> None:
    """The room now."""
    raise typer.Exit(asyncio.run(_status(place(ctx), as_json=as_json)))


def watch(ctx: typer.Context, as_json: Json = False) -> None:
    """The room as it changes, and what happens in it, until Ctrl-C."""
    asyncio.run(_watch(place(ctx), as_json=as_json))


async def _status(where: Place, *, as_json: bool) -> Exit:
    practice = where.site.site.practice
    async with where.room() as room:
        try:
            view = await room.known(KNOWN_S)
        except RoomUnknown as unknown:
            if as_json:
                show.as_json(show.view_json(None))
            else:
                show.out.print(show.room(None, practice=practice))
                show.failure(unknown)
            return Exit.UNREACHABLE
    if as_json:
        show.as_json(show.view_json(view))
    else:
        show.out.print(show.room(view, practice=practice))
    return Exit.OK


async def _watch(where: Place, *, as_json: bool) -> None:
    async with where.room() as room, stop_key() as stop:
        watching = asyncio.create_task(_lines(room) if as_json else _live(room, practice=where.site.site.practice))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({watching, stopping}, return_when=asyncio.FIRST_COMPLETED)
        for task in (watching, stopping):
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching


async def _live(room: RoomClient, *, practice: bool) -> None:
    with Live(show.room(None, practice=practice), console=show.out, refresh_per_second=10) as live:

        async def events() -> None:
            async for event in room.events():
                if (told := line(event)) is not None:
                    live.console.print(Text(told))

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(events())
            async for view in room.changes():
                live.update(show.room(view, practice=practice))


async def _lines(room: RoomClient) -> None:
    async def events() -> None:
        async for event in room.events():
            show.as_json({"event": {"kind": event.kind, **event.detail}})

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(events())
        async for view in room.changes():
            show.as_json(show.view_json(view))
