"""The watchdog's own reading of the site file: its sections, strictly; the daemon's it leaves alone.

Relative paths count from the folder of the site file.
"""

from __future__ import annotations

import os
import pwd
import re
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from drivers.port_urls import stays_inside
from drivers.quantities import SECOND_US
from safety.asking import Cutting, Use
from safety.limits import Limits, load_limits
from safety.tables import Table, read_table

PROFILES = ("fixed", "hand", "robot")
MODELS = ("magstim-rapid2", "magstim-super-rapid2", "magstim-super-rapid2-plus1")
FIRMWARES = (5, 8, 9, 11)
SUPPLIES = (115, 240)
LOCKED_FROM = 9
"""Magstim firmware from here on takes remote control only with an unlock code (magpy-tms 1.4)."""
DEFAULT_SLACK = 4
COIL = re.compile(r"[A-Za-z0-9._-]{1,32}")


@dataclass(frozen=True, slots=True)
class Study:
    """On whose responsibility persons are stimulated here."""

    ethics: str
    physician: str
    until: date
    """The last day."""
    reviewed: Path | None
    """File of signed rows (`coilward limits review`)."""

    def over(self, wall_us: int, zone: ZoneInfo) -> bool:
        """Whether its last day has passed in this room."""
        return datetime.fromtimestamp(wall_us / SECOND_US, zone).date() > self.until


@dataclass(frozen=True, slots=True)
class Stimulator:
    """Which device, and how to reach it."""

    model: str
    firmware: int
    supply_volts: int
    port: str
    coil: str
    disarm_cuts_train: Cutting
    """What this site knows of whether disarming ends a running train."""
    unlock_code_file: Path | None

    @property
    def simulated(self) -> bool:
        """A stimulator behind a pseudo-terminal is a simulated one."""
        return self.port.startswith("pty:")


@dataclass(frozen=True, slots=True)
class Site:
    """What the watchdog knows of its room."""

    room: str
    use: Use
    zone: ZoneInfo
    profile: str
    one_person: bool
    study: Study | None
    stimulator: Stimulator
    state: Path
    """Folder of the ledger."""
    slack: int
    authorisations: Path | None
    daemon_uid: int
    """The user `coilward-daemon` runs as; this process's own when the file names none."""
    arm_uid: int
    """The user `coilward-arm` runs as; this process's own when the file names none."""
    limits: Limits
    """With this site's own tightenings; timing not yet slackened."""


def load_site(path: Path, limits: Limits | None = None) -> Site:
    """The site file at `path`; ConfigError naming section, key, value, bound and remedy."""
    file = read_table(path)
    room, watchdog = file.table("site"), file.table("watchdog")
    use = Use(room.choice("use", [each.value for each in Use]))
    stimulator = _stimulator(file.table("stimulator"), use, path)
    _practice(room, use, stimulator, path)
    site = Site(
        room=room.name("room"),
        use=use,
        zone=_zone(room),
        profile=room.choice("profile", PROFILES, "fixed"),
        one_person=room.flag("one_person", False),
        study=_study(file, use, path),
        stimulator=stimulator,
        state=_path(watchdog, "state", path),
        slack=_slack(watchdog, use),
        authorisations=_path(watchdog, "authorisations", path) if "authorisations" in watchdog else None,
        daemon_uid=_uid(watchdog, "daemon_user"),
        arm_uid=_uid(watchdog, "arm_user"),
        limits=(limits or load_limits()).tightened(file.table("limits", {}).raw, str(path)),
    )
    room.done()
    watchdog.done()
    return site


def _practice(room: Table, use: Use, stimulator: Stimulator, path: Path) -> None:
    """People press what they please in a practice room: nothing in it can reach a device, or another room."""
    if not room.flag("practice", False):
        return
    if use is not Use.SIMULATION:
        raise room.error("practice", "allowed for use simulation only", "remove it")
    if not stays_inside(stimulator.port, path.parent):
        raise room.error(
            "practice", "only with a stimulator simulated in the folder of this file",
            f'write [stimulator] port = "pty:{path.parent.absolute()}/…", or remove it',
        )  # fmt: skip


def _path(table: Table, key: str, site_file: Path) -> Path:
    return site_file.parent / Path(table.text(key)).expanduser()


def _uid(watchdog: Table, key: str) -> int:
    if key not in watchdog:
        return os.geteuid()
    name = watchdog.text(key)
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError as error:
        raise watchdog.error(key, "must be a user of this machine", "create it, or remove the key") from error


def _zone(room: Table) -> ZoneInfo:
    name = room.text("timezone")
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise room.error("timezone", "must be a zone of the tz database", 'write one such as "Europe/Rome"') from error


def _slack(watchdog: Table, use: Use) -> int:
    """Shared machines stall; a treatment room's must not."""
    if use is Use.SIMULATION:
        return watchdog.whole("slack", 1, 20, DEFAULT_SLACK)
    if "slack" in watchdog:
        raise watchdog.error("slack", "allowed for use simulation only", "remove it")
    return 1


def _stimulator(table: Table, use: Use, path: Path) -> Stimulator:
    firmware = table.choice("firmware", FIRMWARES)
    stimulator = Stimulator(
        model=table.choice("model", MODELS),
        firmware=firmware,
        supply_volts=table.choice("supply_volts", SUPPLIES, 240),
        port=table.text("port"),
        coil=_coil(table),
        disarm_cuts_train=Cutting(
            table.choice("disarm_cuts_train", [each.value for each in Cutting], Cutting.ASSUMED.value)
        ),
        unlock_code_file=_path(table, "unlock_code_file", path) if "unlock_code_file" in table else None,
    )
    table.done()
    if use is Use.SIMULATION and not stimulator.simulated:
        raise table.error("port", "use simulation drives simulated stimulators only", 'write "pty:…", or change use')
    if stimulator.unlock_code_file is not None and firmware < LOCKED_FROM:
        raise table.error("unlock_code_file", f"for firmware {LOCKED_FROM} and newer only", "remove it")
    return stimulator


def _coil(table: Table) -> str:
    coil = table.text("coil")
    if not COIL.fullmatch(coil):
        raise table.error("coil", "must match [A-Za-z0-9._-]{1,32}", "write the coil's name without spaces")
    return coil


def _study(file: Table, use: Use, path: Path) -> Study | None:
    if use is not Use.STUDY:
        if "study" in file:
            raise file.error("study", "allowed for use study only", 'remove the section, or write use = "study"')
        return None
    table = file.table("study")
    study = Study(
        ethics=table.text("ethics"),
        physician=table.text("physician"),
        until=table.day("until"),
        reviewed=_path(table, "reviewed", path) if "reviewed" in table else None,
    )
    table.done()
    return study
