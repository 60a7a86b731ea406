"""How a calibration goes at the terminal: which pose to bring the coil to, what was taken, and what came of it."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from rich.panel import Panel
from rich.table import Table

from daemon.arm.lease import AGREES_M, AGREES_RAD
from daemon.calibration import calibrate
from daemon.calibration_check import Bumped, compare
from daemon.calibration_file import Calibration
from daemon.calibration_gather import Gathering, keep_sighting, read_sightings
from daemon.calibration_plan import covered, next_view, shell
from daemon.calibration_seal import seven
from daemon.calibration_source import Sample, Samples
from daemon.calibration_spread import Sighting
from daemon.cli import show
from daemon.cli.filing import Filing
from daemon.cli.registering import progress, samples_of
from daemon.cli.show import Exit
from drivers.errors import CoilwardError, DeviceSilent, PortLost
from drivers.poses import Pose

__all__ = ["Wanted", "check", "gather", "plan", "run", "samples_of", "tell"]

Tell = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the options ask for."""

    by: str
    simulated: bool
    poses: int
    kept: Path
    """File of the poses: what is in it already is not taken again."""
    takes: bool
    """False: only what is in it."""
    leave_out: tuple[int, ...]


async def run(
    wanted: Wanted, samples: AsyncGenerator[Sample, None], filing: Filing[Calibration], *, as_json: bool
) -> Calibration:
    """Takes the poses that are not kept yet, calibrates, has it filed and prints it. Raises what these raise.

    Whoever files it is asked first, and each pose is on disk as soon as it is taken: nothing that goes wrong costs any.
    """
    async with aclosing(samples):
        await filing.ready()
        if wanted.takes:
            await take(wanted, samples)
    try:
        found = calibrate(read_sightings(wanted.kept, wanted.leave_out), by=wanted.by, simulated=wanted.simulated)
        taken = await filing.take(found)
    except CoilwardError:
        show.err.print(f"The poses are kept. To calibrate from them: coilward calibrate run --from {wanted.kept}")
        raise
    tell(found, as_json=as_json)
    show.err.print(taken.words)
    return found


async def take(wanted: Wanted, samples: Samples) -> None:
    """Keeps poses until there are enough of them. Raises what `gather` does, and OSError."""
    wanted.kept.touch()
    taken = read_sightings(wanted.kept)
    show.err.print(f"Each pose is kept in {wanted.kept} as it is taken.")
    try:
        with progress() as tell_progress:
            keep = partial(keep_sighting, path=wanted.kept)
            taken = await gather(samples, wanted.poses, tell_progress, taken, keep)
    finally:
        if len(taken) < wanted.poses:
            show.err.print(f"To go on from what was taken: coilward calibrate run --resume {wanted.kept}")


async def gather(
    samples: Samples,
    count: int,
    tell_progress: Tell,
    before: Iterable[Sighting] = (),
    keep: Callable[[Sighting], None] = lambda _: None,
) -> list[Sighting]:
    """Sightings at `count` different poses, those from `before` included; each new one goes to `keep` as it is taken.

    Raises what `Gathering.feed` and `keep` do, PortLost when the samples end.
    """
    gathering = Gathering(before)
    planned = shell(gathering.taken[0].robot_from_tcp, count) if gathering.taken else []
    if len(gathering.taken) >= count:
        return gathering.taken
    async for sample in samples:
        taken = gathering.feed(sample)
        if taken is not None:
            keep(taken)
            planned = planned or shell(taken.robot_from_tcp, count)
            show.err.print(f"Pose {len(gathering.taken)} of {count} taken.")
        if len(gathering.taken) >= count:
            return gathering.taken
        done = [each.robot_from_tcp for each in gathering.taken]
        where = guidance(planned, done, sample.robot_from_tcp)
        tell_progress(f"Pose {len(done) + 1} of {count}. {gathering.hint} {where}", gathering.progress)
    raise PortLost(f"What the arm process says has ended after {len(gathering.taken)} poses. Start it again.")


def guidance(planned: Sequence[Pose], taken: Sequence[Pose], here: Pose | None) -> str:
    """How far the next planned view is, and how much of the shell is covered."""
    view = next_view(planned, taken)
    if view is None or here is None:
        return ""
    way = here.inverse() @ view
    return (
        f"Next view: {way.distance * 1000:.0f} mm and {math.degrees(way.angle):.0f}° from here; "
        f"{covered(planned, taken):.0%} of the shell is covered."
    )


async def check(calibration: Calibration, poses: int, samples: AsyncGenerator[Sample, None], *, as_json: bool) -> Exit:
    """Compares at so many poses and says whether the calibration holds."""
    async with aclosing(samples):
        with progress() as tell_progress:
            sightings = await gather(samples, poses, tell_progress)
    agreement = compare(calibration, sightings)
    if as_json:
        cause = agreement.cause.value if agreement.cause else None
        show.as_json({**asdict(agreement), "cause": cause, "ok": cause is None, "sha256": calibration.hash})
    elif agreement.cause is None:
        show.out.print(
            f"The calibration of {calibration.made} holds: robot and camera agree within {agreement.shift_mm:.2f} mm "
            f"and {agreement.turn_deg:.2f}° ({agreement.limit_mm:.1f} mm and {agreement.limit_deg:.1f}° are allowed)."
        )
    else:
        show.failure(Bumped(agreement))
    return Exit.OK if agreement.cause is None else Exit.REFUSED


async def plan(poses: int, samples: AsyncGenerator[Sample, None], *, as_json: bool) -> None:
    """Prints the shell round where the coil is now. Raises DeviceSilent when no robot answers."""
    async with aclosing(samples):
        here = (await anext(samples)).robot_from_tcp
    if here is None:
        raise DeviceSilent("No plan can be made: the robot does not answer. See that it is on, then try again.")
    views = shell(here, poses)
    if as_json:
        show.as_json({"robot_from_tcp": [seven(view) for view in views]})
        return
    rows = Table("pose", "x mm", "y mm", "z mm", "rx rad", "ry rad", "rz rad", box=None)
    for number, view in enumerate(views, 1):
        place = [f"{part * 1000:.1f}" for part in view.translation]
        rows.add_row(str(number), *place, *[f"{part:.4f}" for part in view.rotation_vector])
    show.out.print(Panel(rows, title="robot_from_tcp, as a UR shows it", expand=False))


def tell(found: Calibration, *, as_json: bool) -> None:
    """A calibration's own figures."""
    if as_json:
        show.as_json({**found.model_dump(mode="json"), "sha256": found.hash})
        return
    one, other, (leaves_m, leaves_rad) = found.residual, found.held_out, found.leaves
    turns = " / ".join(f"{each:.0f}" for each in found.spread.turns_deg)
    shifts = " / ".join(f"{each:.0f}" for each in found.spread.shifts_mm)
    rows = Table.grid(padding=(0, 2))
    for name, text in (
        ("made", f"{found.made} by {found.by}{', in a simulation' if found.simulated else ''}"),
        ("poses", f"{found.poses}, spread {turns}° and {shifts} mm along three axes, condition {found.condition:.0f}"),
        ("residual", f"{one.rms_mm:.2f} mm, {one.rms_deg:.2f}° RMS; worst {one.worst_mm:.2f} mm, {one.worst_deg:.2f}°"),
        (
            "held out",
            f"{other.rms_mm:.2f} mm, {other.rms_deg:.2f}° RMS; worst {other.worst_mm:.2f} mm, {other.worst_deg:.2f}°",
        ),
        ("leaves", f"the coil off by {leaves_m * 1000:.2f} mm and {math.degrees(leaves_rad):.2f}°"),
        ("allowed", f"{AGREES_M * 1000:g} mm and {math.degrees(AGREES_RAD):g}°"),
        ("hash", found.hash[:16]),
    ):
        rows.add_row(name, text)
    show.out.print(Panel(rows, title="calibration", border_style="green", expand=False))
