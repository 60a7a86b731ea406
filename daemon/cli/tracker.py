"""`tracker …`: write down what the camera sees, and look at it again.

The camera has one port and one reader: while the daemon runs, it is the daemon.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from daemon.arm_keeper import polaris_of
from daemon.cli import show
from daemon.cli.conduct import stop_key
from daemon.cli.place import place
from daemon.cli.safety import Json
from daemon.frames_seen import FramesSeen
from drivers.errors import OperatorError, WireError
from drivers.tracker_record import Player, Recorder, frame_line
from drivers.trackers import Frame, Tracker

app = typer.Typer(no_args_is_help=True, help="What the camera sees: recorded, and shown again.")
LONGEST_S = 86_400.0
"""No recording is meant to be longer than a day (engineering choice)."""
Told = Callable[[Frame], None]


@app.command()
def record(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="To be made; one that is there is left alone.")],
    *,
    seconds: Annotated[float, typer.Option(min=0.1, max=LONGEST_S, help="How long.")] = 60.0,
    as_json: Json = False,
) -> None:
    """Write down what the tracker sees, for so long or until Ctrl-C. Stop the daemon first: it holds the tracker."""
    section = place(ctx).site.tracker
    if section is None:
        raise OperatorError("This room has no tracker. Nothing was recorded. Name a site file with [tracker].")

    async def opened() -> FramesSeen:
        return await recorded(await polaris_of(section)(show.err.print), file, seconds)

    tell(asyncio.run(opened()), as_json=as_json)
    show.err.print(f"Written to {file}. `coilward tracker play {file}` shows it again.")


@app.command()
def play(
    file: Annotated[Path, typer.Argument(help="What `coilward tracker record` wrote.")],
    *,
    at_once: Annotated[bool, typer.Option("--at-once", help="Without the pauses between frames.")] = False,
    as_json: Json = False,
) -> None:
    """Show a recording frame by frame at its own pace, then what it holds. With --json one object a frame."""
    told = (lambda frame: show.as_json(json.loads(frame_line(frame)))) if as_json else (lambda _: None)
    with show.err.status(f"{file} is played …"):
        seen = asyncio.run(played(Player(file, paced=not at_once), told))
    tell(seen, as_json=as_json)


async def recorded(tracker: Tracker, file: Path, seconds: float) -> FramesSeen:
    """What was seen while it was written down; the tracker is closed. Raises what it raises, and OperatorError."""
    try:
        recorder = Recorder(tracker, file, on_note=show.err.print)
    except OperatorError:
        await tracker.close()
        raise
    seen = FramesSeen()
    try:
        async with stop_key() as stop, asyncio.timeout(seconds), aclosing(recorder.frames()) as frames:
            async for frame in frames:
                seen.feed(frame)
                if stop.is_set():
                    break
    except TimeoutError:
        pass  # it was wanted for so long
    finally:
        await recorder.close()
    return seen


async def played(player: Player, told: Told) -> FramesSeen:
    """What the recording holds. Raises DeviceError where it is damaged."""
    seen = FramesSeen()
    try:
        async with stop_key() as stop, aclosing(player.frames()) as frames:
            async for frame in frames:
                seen.feed(frame)
                told(frame)
                if stop.is_set():
                    break
    except WireError:
        pass  # its end
    finally:
        await player.close()
    return seen


def tell(seen: FramesSeen, *, as_json: bool) -> None:
    """The summary."""
    if as_json:
        show.as_json(seen.summary())
    else:
        show.out.print(table(seen.summary()))


def table(summary: dict[str, Any]) -> Table:
    """Frames first, then each tool with how often it was seen, and why not."""
    grid = Table(box=None, show_header=False)
    grid.add_row("frames", f"{summary['frames']} in {summary['seconds']:.1f} s, {summary['lost']} lost")
    if summary["faults"]:
        grid.add_row("tracker", f"complained in {summary['faults']} frames")
    for tool, said in summary["tools"].items():
        grid.add_row(tool, ", ".join(f"{count} {why.replace('-', ' ')}" for why, count in said.items()))
    return grid
