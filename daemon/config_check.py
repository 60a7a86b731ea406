"""`coilward check-config`: the site file as daemon and watchdog would read it.

A module of its own, because the watchdog's reader brings its gate along, which nobody else here needs.
"""

from __future__ import annotations

from pathlib import Path

from daemon.config import load_site, read_secret
from drivers.errors import ConfigError
from safety.site import load_site as load_safety_site
from safety.start import room_of


def check_config(path: Path) -> tuple[list[str], int]:
    """What `coilward check-config` prints, and its exit code: 0 when daemon and watchdog would take it, else 1."""
    try:
        site = load_site(path)
        secrets = [
            file for file in (site.stimulator.unlock_code_file, site.broker.password_file, site.panel.key) if file
        ]
        for file in secrets:
            if file.exists():  # `make run` generates the broker's at its start
                read_secret(file)
        room_of(load_safety_site(path))
    except ConfigError as wrong:
        return str(wrong).splitlines(), 1
    tier = f"{len(site.limits)} tightened limits" if site.limits else "no tightened limits"
    device = site.stimulator
    held = (
        [f"tracker {site.tracker.model} at {site.tracker.port}, arm {site.robot.model} at {site.robot.host}"]
        if site.tracker and site.robot
        else []
    )
    return [
        f"{path}: room {site.site.room}, use {site.site.use}, profile {site.site.profile}, {site.site.timezone}",
        f"stimulator {device.model} firmware {device.firmware} at {device.port}, coil {device.coil}",
        *held,
        f"{len(site.operators)} operators, {tier}, broker {site.broker.host}:{site.broker.port}",
        f"panel at {site.panel.host}:{site.panel.port}",
        "The file holds.",
    ], 0
