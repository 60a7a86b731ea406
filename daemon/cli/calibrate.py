"""`calibrate …`: where the camera stands and how the marker sits on the coil, found, checked and shown."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from daemon.calibration_file import Calibration, read_calibration
from daemon.cli.filing import Filing, OwnFile, RoomFiles
from daemon.cli.place import Place, place, whoami
from daemon.cli.safety import Json
from daemon.cli.show import Exit
from daemon.kept import own_folder
from drivers.errors import OperatorError

app = typer.Typer(no_args_is_help=True, help="Where the camera stands, and the marker on the coil.")

File = Annotated[Path | None, typer.Option(help="The calibration; none: the site's [robot] calibration.")]


@app.command()
def run(
    ctx: typer.Context,
    *,
    poses: Annotated[int, typer.Option(min=12, max=200, help="How many to take.")] = 24,
    from_file: Annotated[Path | None, typer.Option("--from", help="Poses taken before, instead of new ones.")] = None,
    resume: Annotated[Path | None, typer.Option(help="Poses taken before: only what is missing is taken.")] = None,
    leave_out: Annotated[list[int] | None, typer.Option(help="Number of a pose to leave out, from 1.")] = None,
    file: Annotated[
        Path | None, typer.Option(help="File of your own to write; none: the room files it and goes by it.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Bring the coil to poses all round where the head will be, nobody in the chair; each is taken when it rests.

    The arm is moved by hand (`coilward coil guide`, or the pendant). The room goes by the new calibration at once; it
    takes none while a session is open. Poses are kept in $XDG_STATE_HOME/coilward/calibrations.
    """
    # numpy takes a fifth of a second to load, and `coilward stop` must not wait for it.
    from daemon.cli import calibrating  # noqa: PLC0415

    where = place(ctx)
    if from_file is not None and resume is not None:
        raise OperatorError("Nothing was taken. --from takes no pose and --resume does. Give one of them.")
    wanted = calibrating.Wanted(
        by=where.user if file is None else whoami(),
        simulated=where.site.site.use == "simulation",
        poses=poses,
        kept=from_file or resume or _new_file(where.site.site.room),
        takes=from_file is None,
        leave_out=tuple(leave_out or ()),
    )
    filing: Filing[Calibration] = RoomFiles(where, "file-calibration", "calibration") if file is None else OwnFile(file)
    asyncio.run(calibrating.run(wanted, calibrating.samples_of(where.runtime), filing, as_json=as_json))
    raise typer.Exit(Exit.OK)


@app.command()
def check(ctx: typer.Context, *, poses: Annotated[int, typer.Option(min=1, max=50)] = 1, file: File = None,
          as_json: Json = False) -> None:  # fmt: skip
    """Hold robot and camera against each other: was the camera, the base or the marker bumped? From 3 poses, which."""
    from daemon.cli import calibrating  # noqa: PLC0415  as above

    where = place(ctx)
    calibration = read_calibration(_file(where, file))
    samples = calibrating.samples_of(where.runtime)
    raise typer.Exit(asyncio.run(calibrating.check(calibration, poses, samples, as_json=as_json)))


@app.command("show")
def show_(ctx: typer.Context, *, file: File = None, as_json: Json = False) -> None:
    """What a calibration says of itself: date, residuals, held-out error, how different its poses were."""
    from daemon.cli import calibrating  # noqa: PLC0415  as above

    calibrating.tell(read_calibration(_file(place(ctx), file)), as_json=as_json)


@app.command()
def plan(
    ctx: typer.Context,
    *,
    poses: Annotated[int, typer.Option(min=12, max=200, help="How many.")] = 24,
    as_json: Json = False,
) -> None:
    """Poses on a shell round the head, from where the coil is now: put its face where the scalp will be first."""
    from daemon.cli import calibrating  # noqa: PLC0415  as above

    asyncio.run(calibrating.plan(poses, calibrating.samples_of(place(ctx).runtime), as_json=as_json))


def _new_file(room: str) -> Path:
    at = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    return own_folder("calibrations", "Poses are kept there.") / f"{room}-{at}.poses.jsonl"


def _file(where: Place, named: Path | None) -> Path:
    if named is not None:
        return named
    if where.site.robot is None:
        raise OperatorError(
            "No file is named, and this site has no [robot]. A calibration belongs to one. Give --file."
        )
    return where.site.robot.calibration
