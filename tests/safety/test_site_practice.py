"""A practice room, as the watchdog reads it: what is simulated beside its own site file, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers.errors import ConfigError
from safety.asking import Use
from safety.site import load_site
from tests.safety.test_site import a_study, site_with

HERE = 'use = "simulation"'
PRACTICE = 'use = "simulation"\npractice = true'


def test_a_simulator_in_the_room_s_own_folder_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = site_with(tmp_path, (HERE, PRACTICE), ("pty:/run/coilward", f"pty:{tmp_path}"))
    assert load_site(path).use is Use.SIMULATION
    monkeypatch.chdir(tmp_path)
    assert load_site(Path("site.toml")).use is Use.SIMULATION


def test_a_room_that_is_none_takes_another_folder_s(tmp_path: Path) -> None:
    assert load_site(site_with(tmp_path, (HERE, HERE + "\npractice = false"))).stimulator.simulated


@pytest.mark.parametrize(
    "port", ["pty:/run/coilward/sim/stimulator", "pty:{here}/../other/sim/stimulator", "pty:{here}", "pty:{here}2/sim"]
)
def test_another_rooms_is_refused(port: str, tmp_path: Path) -> None:
    there = port.format(here=tmp_path)
    path = site_with(tmp_path, (HERE, PRACTICE), ("pty:/run/coilward/sim/stimulator", there))
    with pytest.raises(ConfigError) as refused:
        load_site(path)
    assert str(refused.value).endswith(
        "[site] practice = True: only with a stimulator simulated in the folder of this file; "
        f'write [stimulator] port = "pty:{tmp_path}/…", or remove it'
    )


@pytest.mark.parametrize("port", ["serial:/dev/ttyUSB0", "tcp:127.0.0.1:4001"])
def test_a_device_is_refused(port: str, tmp_path: Path) -> None:
    path = site_with(tmp_path, (HERE, PRACTICE), ("pty:/run/coilward/sim/stimulator", port))
    with pytest.raises(ConfigError, match="use simulation drives simulated stimulators only"):
        load_site(path)


def test_nobody_practises_in_a_study(tmp_path: Path) -> None:
    path = a_study(tmp_path)
    path.write_text(path.read_text().replace('use = "study"', 'use = "study"\npractice = true'))
    with pytest.raises(ConfigError, match=r"\[site\] practice = True: allowed for use simulation only; remove it"):
        load_site(path)
