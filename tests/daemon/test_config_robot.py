"""A robot room's sections and its target file: what holds, and what a person reads when it does not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from daemon.config import Site, check_config, parse_site
from daemon.target import Target, load_target, write_target
from drivers.errors import ConfigError
from drivers.poses import Pose

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
TARGET = '[target]\nfile = "target.json"\n'
GOOD_TARGET: dict[str, Any] = {
    "id": "left-m1",
    "head_from_target": [0.5, 0.5, 0.5, 0.5, 0.03, 0.02, 0.11],
    "air_gap_m": 0.005,
    "scalp": {"centre": [0.0, 0.0, 0.0], "radii": [0.08, 0.1, 0.09]},
}


def site(*sections: str, profile: str = "robot", use: str = "simulation") -> Site:
    return parse_site(BASE.format(profile=profile, use=use) + "".join(sections), HERE)


def wrong(*sections: str, profile: str = "robot", use: str = "simulation") -> str:
    with pytest.raises(ConfigError) as caught:
        site(*sections, profile=profile, use=use)
    return str(caught.value)


def test_a_robot_room_reads_its_three_sections() -> None:
    read = site(TRACKER, ROBOT, TARGET)

    assert read.tracker is not None
    assert read.tracker.tools == {"head": Path("/somewhere/head.rom"), "coil": Path("/somewhere/coil.rom")}
    assert read.robot is not None
    assert read.robot.rate_hz == 500
    assert read.robot.park_pose.translation == (-0.2, -0.4, 0.5)
    assert read.robot.calibration == Path("/somewhere/cal.json")
    assert read.target is not None
    assert read.target.file == Path("/somewhere/target.json")


def test_a_robot_room_without_its_sections_says_which_are_missing() -> None:
    assert wrong(TRACKER) == (f'{HERE}: profile = "robot" needs [robot], [target]: add it, or write profile = "fixed".')


def test_a_fixed_room_has_no_use_for_an_arm() -> None:
    assert '[robot] belongs to profile = "robot" only' in wrong(ROBOT, profile="fixed")
    assert site(profile="fixed").robot is None


def test_a_simulation_moves_no_arm_on_another_machine() -> None:
    real = ROBOT.replace("127.0.0.2", "192.168.0.10")

    assert "simulated arms only" in wrong(TRACKER, real, TARGET)
    assert site(TRACKER, real, TARGET, use="bench").robot is not None


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
    rest = [part for part in (TRACKER, ROBOT, TARGET) if part[:5] != sections[:5]]

    assert said in wrong(sections, *rest)


def test_a_target_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    target = Target.model_validate(GOOD_TARGET)
    write_target(target, tmp_path / "target.json")
    read = load_target(tmp_path / "target.json")

    assert read == target
    assert read.pose.translation == (0.03, 0.02, 0.11)
    assert read.words == (
        "robot: target left-m1 at 30.0 20.0 110.0 mm of the head marker, turned 69.3 69.3 69.3°, 5 mm off the scalp"
    )
    assert read.order()["scalp"]["radii"] == [0.08, 0.1, 0.09]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"head_from_target": [0.5, 0.5, 0.5, 0.5, 30, 20, 110]}, "millimetres"),
        ({"head_from_target": [2, 0, 0, 0, 0, 0, 0.1]}, "quaternion"),
        ({"head_from_target": None}, "one of skull_from_target and head_from_target must be there"),
        ({"skull_from_target": [1, 0, 0, 0, 0, 0, 0.1]}, "must be there, and not both"),
        ({"scalp": GOOD_TARGET["scalp"] | {"turn": [2, 0, 0, 0]}}, "quaternion"),
        ({"air_gap_m": 5}, "air_gap_m"),
        ({"scalp": {"centre": [0, 0, 0], "radii": [80, 100, 90]}}, "radii"),
        ({"note": "?"}, "note"),
    ],
)
def test_a_target_that_cannot_be_is_refused(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    (tmp_path / "target.json").write_text(json.dumps(GOOD_TARGET | change))
    with pytest.raises(ConfigError, match=said):
        load_target(tmp_path / "target.json")


def test_a_target_on_the_skull_is_read_back_and_placed_by_a_registration(tmp_path: Path) -> None:
    on_skull = {name: value for name, value in GOOD_TARGET.items() if name != "head_from_target"}
    target = Target.model_validate(on_skull | {"skull_from_target": GOOD_TARGET["head_from_target"]})
    write_target(target, tmp_path / "target.json")
    read = load_target(tmp_path / "target.json")

    assert read == target
    assert "at 30.0 20.0 110.0 mm of the skull" in read.words
    assert read.order(Pose(translation=(0.0, 0.0, -0.05)))["head_from_target"][4:] == pytest.approx([0.03, 0.02, 0.06])


@pytest.mark.parametrize(("key", "persons", "holds"), [
    ("skull_from_target", True, True), ("head_from_target", False, True), ("head_from_target", True, False),
])  # fmt: skip
def test_where_persons_are_treated_the_target_is_on_the_skull(
    tmp_path: Path, key: str, *, persons: bool, holds: bool
) -> None:
    target = {name: value for name, value in GOOD_TARGET.items() if name != "head_from_target"}
    file = tmp_path / "target.json"
    file.write_text(json.dumps(target | {key: GOOD_TARGET["head_from_target"]}))
    if holds:
        assert load_target(file, persons=persons).pose.translation == (0.03, 0.02, 0.11)
        return
    with pytest.raises(ConfigError, match="holds only until the marker on the head is moved"):
        load_target(file, persons=persons)


@pytest.mark.parametrize(("hours", "holds"), [(24, True), (24.5, False), (0, False)])
def test_a_registration_holds_for_a_visit_and_a_day_at_most(*, hours: float, holds: bool) -> None:
    written = f"{TARGET}registration_hours = {hours}\n"
    if holds:
        assert site(TRACKER, ROBOT, written).target is not None
    else:
        assert "registration_hours" in wrong(TRACKER, ROBOT, written)


def test_check_config_reads_the_target_too(tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    file.write_text(BASE.format(profile="robot", use="simulation") + TRACKER + ROBOT + TARGET)
    lines, code = check_config(file)
    assert code == 1
    assert "target.json: cannot be read" in lines[0]

    (tmp_path / "target.json").write_text(json.dumps(GOOD_TARGET))
    lines, code = check_config(file)
    assert code == 0
    assert "arm ur5e at 127.0.0.2" in "\n".join(lines)


def test_the_examples_target_holds() -> None:
    target = load_target(Path(__file__).parents[2] / "examples" / "target.json")

    assert target.id == "left-m1"
