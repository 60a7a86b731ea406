"""A robot room's sections: what holds, and what a person reads when it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon.config import Site, parse_site
from daemon.config_check import check_config
from drivers.errors import ConfigError

HERE = Path("/somewhere/site.toml")
BASE = """
[site]
room = "room1"
use = "{use}"
timezone = "Europe/Rome"
profile = "{profile}"
[stimulator]
model = "magstim-rapid2"
firmware = 8
port = "pty:/run/coilward/sim/stimulator"
coil = "coil-1"
[watchdog]
state = "watchdog"
[daemon]
state = "daemon"
"""
TRACKER = '[tracker]\nmodel = "polaris-vicra"\nport = "pty:/run/t"\ntools = { head = "head.rom", coil = "coil.rom" }\n'
ROBOT = (
    '[robot]\nmodel = "ur5e"\nhost = "127.0.0.2"\npark = [-0.2, -0.4, 0.5, 0.0, 3.14, 0.0]\ncalibration = "cal.json"\n'
)


def site(*sections: str, profile: str = "robot", use: str = "simulation") -> Site:
    return parse_site(BASE.format(profile=profile, use=use) + "".join(sections), HERE)


def wrong(*sections: str, profile: str = "robot", use: str = "simulation") -> str:
    with pytest.raises(ConfigError) as caught:
        site(*sections, profile=profile, use=use)
    return str(caught.value)


def test_a_robot_room_reads_its_two_sections() -> None:
    read = site(TRACKER, ROBOT)

    assert read.tracker is not None
    assert read.tracker.tools == {"head": Path("/somewhere/head.rom"), "coil": Path("/somewhere/coil.rom")}
    assert read.robot is not None
    assert read.robot.rate_hz == 500
    assert read.robot.park_pose.translation == (-0.2, -0.4, 0.5)
    assert read.robot.calibration == Path("/somewhere/cal.json")
    assert read.tracker.registration_hours == 12


def test_a_robot_room_without_its_sections_says_which_are_missing() -> None:
    assert wrong(TRACKER) == (f'{HERE}: profile = "robot" needs [robot]: add it, or write profile = "fixed".')


def test_a_fixed_room_has_no_use_for_an_arm() -> None:
    assert '[robot] belongs to profile = "robot" only' in wrong(ROBOT, profile="fixed")
    assert site(profile="fixed").robot is None


def test_a_simulation_moves_no_arm_on_another_machine() -> None:
    real = ROBOT.replace("127.0.0.2", "192.168.0.10")

    assert "simulated arms only" in wrong(TRACKER, real)
    assert site(TRACKER, real, use="bench").robot is not None


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        (TRACKER.replace("head = ", "pointer = "), "tools: must have the tool `head`: the coil follows it"),
        (
            TRACKER.replace("coil = ", "pointer = "),
            "tools: must have the tool `coil`: no train begins unless the camera",
        ),
        (TRACKER.replace("vicra", "lyra"), 'model = "polaris-lyra": must be'),
        (TRACKER.replace("pty:", "/dev"), "must begin with one of serial:, pty:, tcp:"),
        (ROBOT.replace("127.0.0.2", "ur.local"), "must be an address in numbers"),
        (ROBOT + "rate_hz = 50\n", "rate_hz = 50: must be at least 125"),
        (ROBOT.replace(", 0.0]", "]"), "[robot] park"),
    ],
)
def test_a_mistake_is_named_with_its_remedy(sections: str, said: str) -> None:
    rest = [part for part in (TRACKER, ROBOT) if part[:5] != sections[:5]]

    assert said in wrong(sections, *rest)


@pytest.mark.parametrize(("hours", "holds"), [(24, True), (24.5, False), (0, False)])
def test_a_registration_holds_for_a_visit_and_a_day_at_most(*, hours: float, holds: bool) -> None:
    written = f"{TRACKER}registration_hours = {hours}\n"
    if holds:
        assert site(written, ROBOT).tracker is not None
    else:
        assert "registration_hours" in wrong(written, ROBOT)


def test_a_section_for_one_target_of_all_subjects_is_refused() -> None:
    assert "[target]: is no section of this file" in wrong(TRACKER, ROBOT, '[target]\nfile = "target.json"\n')


def test_check_config_says_what_holds_the_coil(tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    file.write_text(BASE.format(profile="robot", use="simulation") + TRACKER + ROBOT)

    lines, code = check_config(file)

    assert code == 0
    assert "arm ur5e at 127.0.0.2" in "\n".join(lines)
