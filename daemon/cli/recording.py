"""How a target is recorded at the terminal, and how it is shown."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.panel import Panel
from rich.table import Table

from daemon.calibration_file import Calibration, read_calibration
from daemon.calibration_seal import seven
from daemon.calibration_source import Sample
from daemon.cli import show
from daemon.cli.place import Place
from daemon.cli.registering import progress, samples_of
from daemon.cli.show import Exit
from daemon.client import RoomClient
from daemon.target import Target, read_target
from daemon.target_recording import Recording, Stand
from daemon.targets import FOLDER
from drivers.errors import OperatorError, PortLost
from drivers.poses import Pose

__all__ = ["Wanted", "document", "on_file", "record", "run", "samples_of", "table", "tell"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the options ask for."""

    subject: str
    name: str
    air_gap_m: float
    touching: bool

    def head_from_target(self, stand: Stand) -> Pose:
        """Off the scalp by the air gap: a coil that lies on it goes back along its normal."""
        return (
            stand.head_from_tcp @ Pose(translation=(0.0, 0.0, -self.air_gap_m))
            if self.touching
            else stand.head_from_tcp
        )


async def run(where: Place, wanted: Wanted, samples: AsyncGenerator[Sample, None], *, as_json: bool) -> Exit:
    """Watches until head and coil were still, and has the room file where the coil stood. Raises what these raise."""
    if where.site.robot is None:
        raise OperatorError("Nothing was recorded. This room has no arm. A target belongs to a room with [robot].")
    calibration = read_calibration(where.site.robot.calibration)
    async with where.room() as room:
        await room.known(5)
        return await record(room, calibration, wanted, samples, as_json=as_json)


async def record(
    room: RoomClient, calibration: Calibration, wanted: Wanted, samples: AsyncGenerator[Sample, None], *, as_json: bool
) -> Exit:
    """The same in a room that is connected."""
    async with aclosing(samples):
        stand = await stand_of(calibration, samples)
    taken = await room.ask("take")
    if not taken.ok:
        return show.answer(taken, "", as_json=as_json)
    answer = await room.ask(
        "file-target", subject=wanted.subject, name=wanted.name, air_gap_m=wanted.air_gap_m,
        head_from_target=tuple(seven(wanted.head_from_target(stand))), calibration=calibration.hash,
        spread_mm=stand.spread_mm, spread_deg=stand.spread_deg, apart_mm=stand.apart_mm, apart_deg=stand.apart_deg,
    )  # fmt: skip
    if not answer.ok or as_json:
        return show.answer(answer, "", as_json=as_json)
    show.out.print(_panel(answer.detail))
    if why := answer.detail["why"]:
        show.err.print(
            f"{why} So it holds only while this marker stays where it is on the head: "
            f"`coilward register {wanted.subject}`, then record again, makes it last.",
            style="bold yellow",
        )
    return Exit.OK


async def stand_of(calibration: Calibration, samples: AsyncGenerator[Sample, None]) -> Stand:
    """Where the coil stands once it is still on a still head. Raises what `Recording.feed` does, PortLost."""
    recording = Recording(calibration)
    with progress() as tell_progress:
        async for sample in samples:
            stand = recording.feed(sample)
            if stand is not None:
                show.err.print(f"Taken: {stand.frames} frames.")
                return stand
            tell_progress(recording.hint, recording.progress)
    raise PortLost("The frames have ended before head and coil were still. Record again.")


def on_file(state: Path, subject: str | None = None) -> list[Target]:
    """The targets in the daemon's folder, the newest first; those of one subject where it is named.

    Raises ConfigError for a file that does not hold, OperatorError: only the daemon's user may read them.
    """
    folder = state / FOLDER
    try:
        paths = sorted(folder.iterdir()) if folder.exists() else []
    except PermissionError:
        raise OperatorError(
            f"{folder} cannot be read. Targets name subjects, so they belong to the user of coilward-daemon alone. "
            "Run the same command as that user: sudo -u coilward-daemon …"
        ) from None
    found = [read_target(path) for path in paths if path.suffix == ".json" and subject in (None, path.stem)]
    return sorted(found, key=lambda one: one.made, reverse=True)


def document(target: Target) -> dict[str, Any]:
    """Everything of a target, for programs."""
    return {**target.model_dump(mode="json"), "words": target.words, "sha256": target.hash}


def tell(target: Target, *, as_json: bool) -> None:
    """One target."""
    if as_json:
        show.as_json(document(target))
    else:
        show.out.print(_panel(document(target)))


def table(targets: Sequence[Target]) -> Table:
    """One line a subject."""
    rows = Table("subject", "target", "frame", "age", "by", "spread")
    for one in targets:
        spread = f"{one.spread_mm:.2f} mm, {one.spread_deg:.2f}°"
        rows.add_row(one.subject, one.name, one.frame, _age(one.made), one.by, spread)
    return rows


def _panel(told: dict[str, Any]) -> Panel:
    rows = Table.grid(padding=(0, 2))
    by = f", of a registration that missed by {told['registered_mm']:.1f} mm" if told["registration"] else ""
    for name, text in (
        ("where", f"{told['words'].partition(': ')[2]}{by}"),
        ("recorded", f"{_age(told['made'])} ago, {told['made']} by {told['by']}"),
        ("spread", f"{told['spread_mm']:.2f} mm, {told['spread_deg']:.2f}° RMS, coil against head"),
        ("apart", f"{told['apart_mm']:.2f} mm, {told['apart_deg']:.2f}° between robot and camera"),
        ("hash", told["sha256"][:16]),
    ):
        rows.add_row(name, text)
    return Panel(rows, title=f"target of {told['subject']}", border_style="green", expand=False)


def _age(made: str) -> str:
    hours = max(0.0, time.time() - datetime.fromisoformat(made).timestamp()) / 3600
    return f"{hours:.1f} h" if hours < 48 else f"{hours / 24:.0f} d"  # noqa: PLR2004  two days
