"""How a registration goes at the terminal: which point is next, whether the tip is held still, and what came of it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.panel import Panel
from rich.table import Table

from daemon.calibration_source import Sample, Samples, arm_samples
from daemon.cli import show
from daemon.cli.filing import Filing
from daemon.registration import register
from daemon.registration_file import MOST_RESIDUAL_M, Fiducial, Registration, read_planned
from daemon.registration_touching import Touching
from daemon.runtime import Runtime
from drivers.errors import CoilwardError, OperatorError, PortLost


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the options ask for."""

    subject: str
    by: str
    simulated: bool
    planned: Path | None
    rounds: int | None
    hands_free: bool
    marker_below: bool
    scalp: bool
    """Whether the scalp is touched all over, too."""
    kept: Path
    """Of the operator's, for a registration that the room did not take after all."""


def samples_of(runtime: Runtime) -> AsyncGenerator[Sample, None]:
    """What the arm process of this room sees."""
    return arm_samples(runtime.folder / "arm" / "control")


async def run(
    wanted: Wanted, samples: AsyncGenerator[Sample, None], filing: Filing[Registration], *, as_json: bool
) -> Registration:
    """Takes the touches, fits, has it filed and prints it. Raises what these raise.

    Whoever files it is asked before anybody is touched.
    """
    planned = read_planned(wanted.planned) if wanted.planned else None
    if not wanted.hands_free and not sys.stdin.isatty():
        raise OperatorError("Nothing was registered. There is no terminal for the key. Use one, or give --hands-free.")
    least = 1 if planned else 2
    rounds = wanted.rounds or least
    if rounds < least:
        raise OperatorError(
            "Nothing was registered. Without planned fiducials only a second touch shows how good the first was. "
            "Give --rounds 2, or --planned."
        )
    touching = Touching(rounds, hands_free=wanted.hands_free, all_over=wanted.scalp)
    with keys(None if wanted.hands_free else touching.begin), progress() as tell:
        async with aclosing(samples):
            await filing.ready()
            await take(touching, samples, tell)
    found = register(
        touching.touches,
        planned,
        subject=wanted.subject,
        by=wanted.by,
        simulated=wanted.simulated,
        marker_below=wanted.marker_below,
        scalp=touching.scalp,
    )
    try:
        await file(found, filing, as_json=as_json)
    except CoilwardError:
        found.write(wanted.kept)
        show.err.print(f"It is kept. To file it: coilward register {found.subject} --from {wanted.kept}")
        raise
    return found


async def file(found: Registration, filing: Filing[Registration], *, as_json: bool) -> None:
    """Has it filed and prints it."""
    taken = await filing.take(found)
    if as_json:
        show.as_json({**found.model_dump(mode="json"), "sha256": found.hash, "file": taken.file})
    else:
        show.out.print(table(found))
    show.err.print(f"{taken.words} It holds until the marker on the head is moved.")


async def take(touching: Touching, samples: Samples, tell: Callable[[str, float], None]) -> None:
    """Feeds samples until every place is touched. Raises what `Touching.feed` does, PortLost at their end."""
    async for sample in samples:
        wanted = touching.wanted
        touch = touching.feed(sample.frame)
        if wanted is not None and touch is not None:
            show.err.print(f"{wanted.name} taken: {touch.frames} frames, {touch.spread_m * 1000:.2f} mm RMS.")
        if touching.wanted is None:
            return
        tell(f"{touching.wanted.name}, {touching.wanted.words}. {touching.hint}", touching.progress)
    raise PortLost("The frames have ended before every place was touched. Begin again.")


@contextmanager
def progress() -> Iterator[Callable[[str, float], None]]:
    """A line on stderr that says what to do, and how much of the wait is over."""
    with show.err.status("The tracker's first frame …") as status:
        yield lambda text, share: status.update(f"{text} {'▰' * round(share * 10)}{'▱' * (10 - round(share * 10))}")


@contextmanager
def keys(pressed: Callable[[], None] | None) -> Iterator[None]:
    """Calls `pressed` at every Enter. Waits in the loop, not in a thread: Ctrl-C must get through."""
    if pressed is None:
        yield
        return
    loop = asyncio.get_running_loop()

    def read() -> None:
        if not sys.stdin.readline():
            loop.remove_reader(sys.stdin)  # closed: it would be readable for ever
            return
        pressed()

    loop.add_reader(sys.stdin, read)
    try:
        yield
    finally:
        loop.remove_reader(sys.stdin)


def table(found: Registration) -> Panel:
    """The residual, point by point."""
    rows = Table("point", "touches", "spread mm", "apart mm", "off the plan mm", box=None)
    for each in Fiducial:
        one = found.touched(each)
        error = "" if one.error_mm is None else f"{one.error_mm:.2f}"
        rows.add_row(each.name, str(one.touches), f"{one.spread_mm:.2f}", f"{one.apart_mm:.2f}", error)
    if found.scalp is not None:
        radii = " / ".join(f"{radius * 1000:.0f}" for radius in found.scalp.shape.radii)
        rows.add_row(f"scalp, {radii} mm", str(found.scalp.points), "", "", f"{found.scalp.residual_mm:.2f}")
    title = f"{found.subject}: residual {found.residual_mm:.2f} mm of {MOST_RESIDUAL_M * 1000:.0f} mm allowed"
    return Panel(rows, title=title, border_style="green", expand=False)
