"""`try`: a whole treatment on a simulated stimulator, with every process real."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import typer

from daemon.cli import conduct, show
from daemon.cli.bar import Bar, Quiet
from daemon.cli.panel import fresh_url
from daemon.cli.place import place
from daemon.cli.show import Exit
from daemon.cli.summary import Summary
from daemon.client import connect
from daemon.journal import FILE_NAME
from daemon.json_lines import read_rows
from daemon.kept import forget_unless_reported, records
from daemon.messages import Answer
from daemon.report import make_report, report_the_last, rows_of
from daemon.runtime import Runtime
from daemon.simulated_arm import SimulatedArm, some_host
from daemon.simulated_room import (
    OPERATOR,
    ROOM,
    RunningRoom,
    Simulated,
    check_runtime_path,
    new_name,
    new_subject,
    simulated_room,
)
from drivers.errors import OperatorError

T = TypeVar("T")

LOOK_S = 0.2
RESUMES = 5
"""With --once, how often the trial's operator resumes after the arm took the coil off the head: a busy machine may
lose frames for half a second (engineering choice)."""
Profile = Literal["robot", "fixed"]
Head = Literal["still", "restrained", "rest", "free"]


def try_(
    ctx: typer.Context,
    *,
    protocol: Annotated[str, typer.Option(help="Id in the library.")] = "demo",
    stimulator: Annotated[str, typer.Option(metavar="MODEL:FW", help="What to simulate.")] = "magstim-rapid2:11",
    profile: Annotated[Profile, typer.Option(help="A room with head, tracker and arm, or one without.")] = "robot",
    head: Annotated[Head, typer.Option(help="How still the simulated head is kept.")] = "rest",
    seed: Annotated[int, typer.Option(help="Of everything random in the simulated room.")] = 1,
    pacing: Annotated[bool, typer.Option(help="Bytes take as long as at the device's own baud rate.")] = True,
    once: Annotated[
        bool, typer.Option("--once", help="End after the treatment; exit 0 only if the evidence agrees.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The last line is one JSON object.")] = False,
) -> None:
    """Treat a simulated subject: stimulator, head, tracker and arm simulated, all that would treat a real one real.

    Uses a folder of its own unless --runtime is given, and keeps journal and report of the last 20 trials in
    $XDG_STATE_HOME/coilward/try. Ctrl-C is STOP, and ends everything.
    """
    trial = Trial(new_name(), protocol, once=once, as_json=as_json)
    try:
        arm = SimulatedArm(some_host(), head, seed) if profile == "robot" else None
        what = Simulated(stimulator, pacing, arm=arm, panel=not once)
        given = place(ctx).runtime if place(ctx).named_runtime else None
        with _folders(given, trial.subject) as (runtime, records):
            try:
                code = asyncio.run(_try(runtime, replace(what, records=records), trial))
            finally:
                trial.tell(broken_off(trial, records))
    finally:
        trial.tell(nothing_delivered(protocol, "refused"))
    raise typer.Exit(code)


@dataclass(slots=True)
class Trial:
    """One simulated treatment, and what is wanted of it."""

    subject: str
    protocol: str
    once: bool
    as_json: bool
    told: bool = False

    def tell(self, summary: Summary | None) -> None:
        """Its one JSON object, where that is wanted: the first one told stands."""
        if self.as_json and summary is not None and not self.told:
            self.told = True
            show.as_json(summary)


@contextmanager
def _folders(given: Runtime | None, subject: str) -> Iterator[tuple[Runtime, Path]]:
    """Where the room is, and where its records stay. A folder that was not asked for is gone afterwards."""
    if given is not None:
        check_runtime_path(given.folder)
        yield given, given.folder / "state" / "daemon"
        return
    with tempfile.TemporaryDirectory(prefix="coilward-") as folder:
        kept = records(subject)
        try:
            yield Runtime(Path(folder)), kept
        finally:
            forget_unless_reported(kept)


async def _try(runtime: Runtime, what: Simulated, trial: Trial) -> Exit:
    async with conduct.stop_key() as stop, started(runtime, what, stop) as room:
        if room is None:
            trial.tell(nothing_delivered(trial.protocol, "stopped"))
            return Exit.REFUSED
        if what.panel:
            url = await asyncio.to_thread(fresh_url, runtime, room.site, OPERATOR)
            show.err.print(f"The operator's panel: {url}", soft_wrap=True, highlight=False)
        code = await while_it_lives(room, _treat(room, stop, trial))
        if not trial.once and not stop.is_set():
            show.err.print(f"The room stays up. In another terminal: coilward --runtime {runtime.folder} status")
            show.err.print(f"To sign another person in: coilward --runtime {runtime.folder} panel --user viewer")
            show.err.print(f"What can befall it: coilward-simulator ctl --runtime {runtime.folder} --help")
            show.err.print("Ctrl-C ends it.")
            await while_it_lives(room, stop.wait())
        return code


@asynccontextmanager
async def started(runtime: Runtime, what: Simulated, stop: asyncio.Event) -> AsyncIterator[RunningRoom | None]:
    """The room, or None when it was stopped while it started."""
    with show.err.status("starting") as status:
        starting = simulated_room(runtime, what, lambda name: status.update(f"starting the {name}"))
        entering = asyncio.ensure_future(starting.__aenter__())
        stopping = asyncio.ensure_future(stop.wait())
        await asyncio.wait({entering, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not entering.done():
            entering.cancel()
            await asyncio.wait({entering})
    if entering.cancelled():
        yield None
        return
    room = entering.result()
    try:
        yield room
    finally:
        await starting.__aexit__(None, None, None)


async def _treat(room: RunningRoom, stop: asyncio.Event, trial: Trial) -> Exit:
    async def agree(opened: Answer) -> bool:
        show.err.print(show.understood(opened))
        return True

    async with connect(room.address, ROOM) as client:

        async def opening() -> Answer:
            placement = "" if room.site.robot else "simulated: there is no head"
            subject = await new_subject(client, room.site, trial.subject)
            return await client.ask("start", subject=subject, protocol=trial.protocol, placement=placement)

        try:
            await conduct.take_control(client)
            with Bar() if show.err.is_terminal else Quiet() as progress:
                ended = await conduct.conduct(
                    client,
                    room.runtime,
                    stop,
                    opening=opening,
                    confirm=agree,
                    progress=progress,
                    patient=not trial.once,
                    resumes=RESUMES,
                )
        except conduct.Refused as no:
            conduct.refused(no.answer)
            trial.tell(nothing_delivered(trial.protocol, "refused"))
            return Exit.REFUSED
    trial.tell(ended)
    if not trial.as_json:
        show.out.print(show.summary(ended))
    return Exit.OK if agrees(ended) else Exit.REFUSED


async def while_it_lives(room: RunningRoom, work: Coroutine[Any, Any, T]) -> T:
    """What `work` gives. Raises OperatorError when a process of the room ends meanwhile: nothing more would happen."""
    task = asyncio.ensure_future(work)
    try:
        while not (await asyncio.wait((task,), timeout=LOOK_S))[0]:
            if (gone := room.ended()) is not None:
                raise OperatorError(f"The {gone.name} ended. Its log says why.\n{gone.tail()}")
    finally:
        task.cancel()
        await asyncio.wait((task,))
    return task.result()


def agrees(report: Mapping[str, Any]) -> bool:
    """Whether a complete treatment's evidence bears out what was commanded, every pulse of it."""
    pulses = report["pulses"]
    back = pulses["read_back"]
    return bool(
        report["outcome"] == "completed"
        and pulses["planned"] == pulses["commanded"] == pulses["settled"] > 0
        and back["low"] <= pulses["commanded"] <= back["high"]
        and back["by"] in ("accepted", "running", "counted")
        and pulses["unknown"] == 0
    )


def broken_off(trial: Trial, state: Path) -> Summary | None:
    """What the daemon's journal in `state` has of a trial whose end nobody saw, and its report where none was written.

    None: it opened no session.
    """
    rows = read_rows(state / FILE_NAME).rows
    opened = next((row for row in rows if row["kind"] == "opened" and row["subject"] == trial.subject), None)
    if opened is None:
        return None
    with contextlib.suppress(OSError, OperatorError):
        report_the_last(rows, state / "reports")
    report = make_report(rows_of(rows, opened))
    path = state / "reports" / f"{opened['session']}.json"
    early = "unknown_pulses" if report.unknown else "ended_early"
    ended = {"outcome": report.outcome if report.ended else early}
    return report.summary(str(path) if path.exists() else None) | ended


def nothing_delivered(protocol: str, outcome: str) -> dict[str, Any]:
    """The JSON object of a session that was not opened."""
    nothing = {"low": 0, "high": 0, "by": "none"}
    pulses = {"planned": 0, "commanded": 0, "settled": 0, "read_back": nothing, "sensed": None, "unknown": 0}
    return {"outcome": outcome, "protocol": protocol, "trains": 0, "pulses": pulses, "report": None}
