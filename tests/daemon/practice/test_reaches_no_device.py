"""A practice room opens what is simulated in its own folder, and is marked as training wherever anybody looks."""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon.broker import TRAINER, Person, access_list, write_files
from daemon.config import Site, parse_site
from daemon.incident import Incident
from daemon.incident_page import page as incident_page
from daemon.journal import Journal, MemorySink
from daemon.json_lines import Row
from daemon.messages import Role
from daemon.panel.documents import site_json
from daemon.report import make_report, write_report
from daemon.runtime import Runtime
from daemon.simulated_room import Simulated, site_text
from drivers.errors import ConfigError, PortNotFound
from drivers.ports import open_port
from safety.site import load_site

HERE = Path("/somewhere/site.toml")
SITE = """
[site]
room = "room1"
use = "{use}"
timezone = "UTC"
profile = "robot"
practice = {practice}
[stimulator]
model = "magstim-rapid2"
firmware = 8
port = "{stimulator}"
coil = "coil-1"
[watchdog]
state = "watchdog"
[daemon]
state = "daemon"
[tracker]
model = "polaris-vicra"
port = "{tracker}"
tools = {{ head = "head.rom", coil = "coil.rom" }}
[robot]
model = "ur5e"
host = "{host}"
park = [-0.2, -0.4, 0.5, 0.0, 3.14, 0.0]
calibration = "cal.json"
"""
OURS = {
    "use": "simulation", "practice": "true", "stimulator": "pty:/somewhere/sim/stimulator",
    "tracker": "pty:/somewhere/sim/tracker", "host": "127.0.0.2",
}  # fmt: skip


def site(**other: str) -> Site:
    return parse_site(SITE.format(**{**OURS, **other}), HERE)


def test_what_is_simulated_in_its_own_folder_is_taken() -> None:
    assert site().site.practice


@pytest.mark.parametrize("section", ["stimulator", "tracker"])
@pytest.mark.parametrize(
    "port",
    [
        "serial:/dev/ttyUSB0", "serial:/somewhere/sim/ttyUSB0", "tcp:127.0.0.1:4001",
        "pty:/run/coilward/sim/stimulator", "pty:/somewhere/../run/coilward/sim/stimulator", "pty:/dev/pts/3",
        "pty:sim/stimulator",
    ],
)  # fmt: skip
def test_any_other_port_is_refused_in_practice_and_only_there(section: str, port: str) -> None:
    with pytest.raises(ConfigError, match=rf'\[{section}\] port = "{port}" is not of this room'):
        site(**{section: port})
    assert not site(**{section: port}, practice="false").site.practice


def test_an_arm_on_another_machine_and_a_room_that_treats_are_refused() -> None:
    with pytest.raises(ConfigError, match="moves simulated arms only"):
        site(host="192.168.0.10")
    with pytest.raises(ConfigError, match=r'\[site\] practice belongs to use = "simulation" only'):
        site(use="bench")


def test_a_device_that_somebody_linked_into_the_folder_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "stimulator").symlink_to("/dev/null")
    with pytest.raises(PortNotFound, match="is no pseudo-terminal"):
        open_port(f"pty:{tmp_path}/stimulator")


@pytest.mark.parametrize("practice", [True, False])
def test_the_room_that_is_started_says_what_it_is_to_daemon_watchdog_and_page(practice: bool, tmp_path: Path) -> None:
    runtime, what = Runtime(tmp_path), Simulated("magstim-rapid2:8", practice=practice, panel_port=8490)
    runtime.site.write_text(site_text(runtime, what, 1883, None))
    read = parse_site(runtime.site.read_text(), runtime.site)

    assert load_site(runtime.site).stimulator.simulated
    assert (read.site.practice, read.panel.port) == (practice, 8490)
    assert (b'"practice":true' in site_json(read, ())) is practice


def test_every_row_of_its_journal_says_so_and_no_other_rooms_does() -> None:
    def clock() -> tuple[int, int]:
        return 1, 2

    assert Journal(MemorySink(), clock, practice=True).write("linked")["practice"] is True
    assert "practice" not in Journal(MemorySink(), clock).write("linked")


def rows(**mark: bool) -> list[Row]:
    stamp = {"at_us": 1, "wall_us": 1, "session": "aa", **mark}
    return [
        {"kind": "opened", "protocol": "demo", "subject": "s-1", "planned": 60, **stamp},
        {"kind": "emergency", "pressed_us": 1, "by": "olga", "subject": "s-1", **stamp},
        {"kind": "ended", "outcome": "emergency", **stamp},
    ]


@pytest.mark.parametrize("practice", [True, False])
def test_its_reports_bear_the_mark_and_no_other_rooms_do(practice: bool, tmp_path: Path) -> None:
    told = rows(practice=True) if practice else rows()
    report = write_report(make_report(told), tmp_path, "aa").with_suffix(".html").read_text()
    incident = Incident(tmp_path)
    for row in told:
        incident.read(row)

    assert ("ESERCITAZIONE / TRAINING" in report) is practice
    assert ("ESERCITAZIONE / TRAINING" in incident_page(incident.document())) is practice


def test_who_leads_the_exercise_may_say_that_and_nothing_else(tmp_path: Path) -> None:
    people = [Person("olga", Role.OPERATOR)]
    *_, trainer = access_list("room1", people, practice=True).split("\nuser ")

    assert trainer.splitlines()[0] == TRAINER
    assert [line for line in trainer.splitlines() if "write" in line] == ["topic write coilward/v1/room1/practice"]
    assert TRAINER not in access_list("room1", people)
    files = write_files(tmp_path / "b", room="room1", host="127.0.0.1", port=1, people=people, practice=True)
    assert set(files) == {"daemon", "olga", TRAINER}
