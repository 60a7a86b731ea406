"""`doctor`: looks at everything a room needs, and says what is wrong, why, and what to do."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import typer
from rich.text import Text

from daemon import words
from daemon.arm.assembly import arm_of
from daemon.arm_line import ArmLine
from daemon.broker import find_mosquitto
from daemon.calibration_file import read_calibration
from daemon.cli import show
from daemon.cli.place import Place, place
from daemon.cli.safety import Json
from daemon.cli.show import Exit
from daemon.guard_view import lockout
from daemon.messages import Sentence
from daemon.watchdog_line import WatchdogLine
from drivers.errors import CoilwardError, OperatorError

OLDEST_FRAME_MS = 1000
"""A tracker sends 20 frames in this time at the least (engineering choice)."""
LEAST_FREE_BYTES = 64 << 20
"""Room for half a million ledger records (engineering choice)."""


@dataclass(frozen=True)
class Finding:
    """One thing looked at."""

    name: str
    good: bool
    told: Sentence
    """When good, `what` alone."""

    def data(self) -> dict[str, Any]:
        """For --json."""
        return {"check": self.name, "ok": self.good, **self.told.model_dump()}


def doctor(ctx: typer.Context, as_json: Json = False) -> None:
    """Look at everything this room needs: files, sockets, watchdog, port, broker, daemon, disk."""
    findings = list(examine(place(ctx)))
    for finding in findings:
        if as_json:
            show.as_json(finding.data())
        else:
            mark = ("ok    ", "green") if finding.good else ("WRONG ", "bold red")
            show.out.print(Text.assemble(mark, (f"{finding.name:14}", "bright_black"), finding.told.what))
            for label, text in (("why", finding.told.why), ("next", finding.told.next)):
                if text and not finding.good:
                    show.out.print(Text.assemble((f"{'':20}{label:5}", "bright_black"), text))
    raise typer.Exit(Exit.OK if all(finding.good for finding in findings) else Exit.REFUSED)


def examine(where: Place) -> Iterator[Finding]:
    """Every finding, in the order in which one builds on another."""
    checks: list[tuple[str, Callable[[Place], str]]] = [
        ("site file", _site),
        ("runtime", _runtime),
        ("mosquitto", _mosquitto),
        ("watchdog", _watchdog),
        ("stimulator", _stimulator),
        ("guarded port", _guarded_port),
        ("broker", _broker),
        ("ledger disk", _disk),
    ]
    with contextlib.suppress(CoilwardError):  # a site file that cannot be read is its own finding
        if where.site.robot is not None:
            checks += [("arm", _arm), ("calibration", _calibration), ("tracker", _tracker)]
    for name, check in checks:
        try:
            yield Finding(name, good=True, told=Sentence(what=check(where)))
        except (CoilwardError, OSError) as problem:
            yield Finding(name, good=False, told=words.split(str(problem)))


def _site(where: Place) -> str:
    site = where.site.site
    return f"{where.site_file}: room {site.room}, use {site.use}"


def _runtime(where: Place) -> str:
    folder = where.runtime.folder
    if not folder.is_dir():
        raise OperatorError(
            f"{folder} is no folder. No process of this room has started on this machine, or it uses another. "
            "Start the room, or give --runtime."
        )
    if not os.access(folder, os.R_OK | os.X_OK):
        raise OperatorError(f"{folder} cannot be read. It belongs to another user. Join the group coilward.")
    return str(folder)


def _mosquitto(_where: Place) -> str:
    program = find_mosquitto()
    told = subprocess.run([program, "-h"], capture_output=True, text=True, timeout=5, check=False).stdout
    return f"{program}: {told.splitlines()[0] if told else 'it does not say its version'}"


def _watchdog(where: Place) -> str:
    with WatchdogLine(where.runtime.watchdog_control) as line:
        status = line.status()
    if locked := lockout(status):
        raise OperatorError(locked)
    trip = status.get("trip")
    if trip:
        raise OperatorError(
            f"The watchdog is tripped: {trip['reason']}. It stays so until a person lifts it. "
            "Clear the cause, then run `coilward reset`."
        )
    if status.get("unknown"):
        raise OperatorError(
            f"Nobody knows whether pulse {status['unknown'][0]} went out. Its answer was lost; it is counted, and no "
            f"other follows. Say what was seen: `coilward resolve {status['unknown'][0]} --why …`."
        )
    return f"{status['phase']}, witness {status['witness']}, {line.hello.get('use', '?')}"


def _stimulator(where: Place) -> str:
    with WatchdogLine(where.runtime.watchdog_control) as line:
        device = line.status().get("device") or {}
        cutting = words.ENGLISH.cutting[line.hello["disarm_cuts_train"]]
    if not device.get("present"):
        raise OperatorError(
            f"No stimulator answers. Its port is {where.site.stimulator.port}. "
            "Check power, cable, and the port in the site file."
        )
    return f"{where.site.stimulator.model}, {device.get('condition')}; disarming: {cutting}"


def _guarded_port(where: Place) -> str:
    link = where.runtime.guarded_port
    if not link.is_symlink() or not link.exists():
        raise OperatorError(f"{link} leads nowhere. The watchdog makes it. Start coilward-watchdog.")
    return f"{link} → {link.readlink()}"


def _broker(where: Place) -> str:
    async def look() -> str:
        async with where.room() as room:
            view = await room.known(3)
            return f"signed in as {where.user}; the room is {words.ENGLISH.phase(view.state.phase).word}"

    return asyncio.run(look())


def _arm(where: Place) -> str:
    with ArmLine(where.runtime.arm_control) as line:
        view = line.view()
    if view.why in ("robot-unreachable", "robot-stopped", "robot-off", "not-taken-off"):
        raise OperatorError(f"{words.ENGLISH.coil_reason(view.why)} {view.trouble}".rstrip())
    can = arm_of(where.site).capabilities
    says = ", ".join(f"{name} {view.robot[name]}" for name in ("mode", "safety", "program") if name in view.robot)
    return (
        f"{words.ENGLISH.coil_word(view.state).word}; {can.model}, {says}; {can.primitive}, "
        f"{can.least_rate_hz:g} to {can.rate_hz:g} Hz; silent for {can.dead_man_us // 1000} ms while it moves, "
        f"{can.dead_man_idle_us // 1000} ms at rest, it {can.on_silence}"
    )


def _calibration(where: Place) -> str:
    with ArmLine(where.runtime.arm_control) as line:
        used = line.view().calibration
    robot = where.site.robot
    if robot is None or not robot.calibration.exists():
        raise OperatorError(words.ENGLISH.coil_reason("not-calibrated"))
    found = read_calibration(robot.calibration)
    if found.hash != used:
        raise OperatorError(
            f"The arm does not go by the calibration on file. {robot.calibration} holds {found.hash[:12]}, the arm "
            f"goes by {used[:12] or 'none'}. Start a session, which gives it to the arm, or restart coilward-arm."
        )
    return f"made {found.made} by {found.by}; the arm goes by it"


def _tracker(where: Place) -> str:
    with ArmLine(where.runtime.arm_control) as line:
        view = line.view()
    if view.frame_age_ms is None or view.frame_age_ms > OLDEST_FRAME_MS:
        raise OperatorError(
            "No frame of the tracker reaches the arm. It is off or unplugged, or coilward-daemon does not run. "
            "Check its power, its cable, and [tracker] port in the site file."
        )
    return f"the newest frame is {view.frame_age_ms:.0f} ms old"


def _disk(where: Place) -> str:
    state = where.site.watchdog.state
    folder = next(path for path in (state, *state.parents) if path.exists())
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE_BYTES:
        raise OperatorError(
            f"{folder} has {free >> 20} MiB left. A full disk locks the room out. Free {LEAST_FREE_BYTES >> 20} MiB."
        )
    return f"{state}: {free >> 20} MiB free"
