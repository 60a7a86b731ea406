"""`practice`: a scenario in a simulated room of its own, led at the operator's page and judged at the end."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from daemon.broker import TRAINER, free_port
from daemon.cli import conduct, show
from daemon.cli.panel import fresh_url
from daemon.cli.place import place
from daemon.cli.show import Exit
from daemon.cli.trial import started, while_it_lives
from daemon.client import connect
from daemon.kept import forget_unless_reported, records
from daemon.messages import Both
from daemon.mqtt_bus import MqttBus
from daemon.practice.runner import Exercise, run
from daemon.practice.scenario import Scenario, load, names
from daemon.practice.telling import of, text, write
from daemon.runtime import Runtime
from daemon.simulated_arm import SimulatedArm, some_host
from daemon.simulated_room import OPERATOR, ROOM, RunningRoom, Simulated, check_runtime_path, new_name, new_subject
from drivers.errors import OperatorError

PORT = 8490
"""Of the practice room's page: not the treatment room's 8480 (engineering choice)."""
CONNECT_S = 5.0
SUBJECT = "P-001"
"""Short, because it is typed; its ledger is a new one every time."""
FIRST = "first-session"
Language = Literal["it", "en"]
Profile = Literal["robot", "fixed"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """One exercise as it was asked for."""

    scenario: Scenario
    language: Language
    once: bool


def practice(
    ctx: typer.Context,
    *,
    scenario: Annotated[str, typer.Argument(help="Which one; see --list.")] = FIRST,
    listed: Annotated[bool, typer.Option("--list", help="What there is to practise.")] = False,
    language: Annotated[Language | None, typer.Option(help="Of page, hints and result; as the system's.")] = None,
    profile: Annotated[Profile, typer.Option(help="A room with tracker and arm, or one without.")] = "robot",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of the page; 0: any that is free.")] = PORT,
    once: Annotated[bool, typer.Option("--once", help="End when the scenario does.")] = False,
) -> None:
    """Practise on a simulated patient: sneezes, seizures, power cuts. Nothing here can reach a device.

    The room has its own ledger and folder, and is marked ESERCITAZIONE / TRAINING on every page and report. Results of
    the last 20 exercises stay in $XDG_STATE_HOME/coilward/practice. Ctrl-C ends it.
    """
    spoken = language or _systems()
    if listed:
        for name in names():
            show.out.print(f"{name:16} {of(load(name).title, spoken)}", markup=False)
        return
    wanted = Wanted(load(scenario), spoken, once)
    if wanted.scenario.arm and profile != "robot":
        raise OperatorError(f"{scenario} needs a room with an arm. Leave out --profile fixed.")
    arm = SimulatedArm(some_host()) if profile == "robot" else None
    given = place(ctx).runtime if place(ctx).named_runtime else None
    with _folders(given) as (runtime, kept):
        # Drawn now, so that the page finds it again after a power cut.
        what = Simulated(arm=arm, panel=True, panel_port=port or free_port(), practice=True, records=kept)
        raise typer.Exit(asyncio.run(_practise(runtime, what, wanted, kept)))


def _systems() -> Language:
    return "it" if os.environ.get("LC_ALL", os.environ.get("LANG", "")).startswith("it") else "en"


@contextmanager
def _folders(given: Runtime | None) -> Iterator[tuple[Runtime, Path]]:
    """Where the room is, and where its records stay: never a trial's, never a treatment room's."""
    if given is not None:
        check_runtime_path(given.folder)
        yield given, given.folder / "state" / "practice"
        return
    with tempfile.TemporaryDirectory(prefix="coilward-") as folder:
        kept = records(new_name(), "practice")
        try:
            yield Runtime(Path(folder)), kept
        finally:
            forget_unless_reported(kept)


async def _practise(runtime: Runtime, what: Simulated, wanted: Wanted, kept: Path) -> Exit:
    async with conduct.stop_key() as stop, started(runtime, what, stop) as room:
        if room is None:
            return Exit.REFUSED
        await _prepare(room)
        url = await asyncio.to_thread(fresh_url, runtime, room.site, OPERATOR)
        say = wanted.scenario
        show.err.print("ESERCITAZIONE / TRAINING", style="bold white on purple4")
        show.err.print(f"{of(say.title, wanted.language)}. {of(say.goal, wanted.language)}", markup=False)
        show.err.print(f"{url}&language={wanted.language}", soft_wrap=True, highlight=False)
        async with MqttBus(room.address_of(TRAINER)) as bus:
            await bus.wait_connected(CONNECT_S)
            found = await run(Exercise(say, room, SUBJECT), bus, _teller(wanted.language), stop)
            path = write(kept, say, found, wanted.language)
            show.out.print(text(say, found, wanted.language), end="", markup=False)
            show.err.print(str(path), soft_wrap=True, highlight=False)
            if not wanted.once and not stop.is_set():
                show.err.print("Ctrl-C")
                await while_it_lives(room, stop.wait())
        return Exit.OK if all(step.outcome == "done" for step in found.steps) else Exit.REFUSED


async def _prepare(room: RunningRoom) -> None:
    """What is on file before the subject comes: threshold, registration, target."""
    async with connect(room.address, ROOM) as client:
        await client.known(CONNECT_S)
        await client.ask("take")
        await new_subject(client, room.site, SUBJECT)
        await client.ask("let-go")


def _teller(language: Language) -> Callable[[Both], None]:
    return lambda told: show.err.print(of(told, language), style="bold yellow", markup=False)
