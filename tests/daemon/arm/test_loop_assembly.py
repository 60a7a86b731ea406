"""What the site file makes of an arm, what it refuses, and the process around the loop."""

from __future__ import annotations

import math
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from daemon.arm.__main__ import alone, run, told_to_end
from daemon.arm.assembly import arm_of, setup_of
from daemon.calibration_file import Calibration, Misfit, Spread, read_calibration
from daemon.config import Site, parse_site
from drivers.errors import ConfigError
from drivers.poses import Pose
from drivers.ur.in_room import UrInRoom
from drivers.ur.site import UrSite
from tests.daemon.arm.loop_stand_ins import LoopRoom

SITE = """
[site]
room = "room1"
use = "{use}"
timezone = "Europe/Rome"
profile = "robot"
[stimulator]
model = "magstim-rapid2"
firmware = 8
port = "pty:/run/coilward/sim/stimulator"
coil = "coil-1"
[watchdog]
state = "watchdog"
[daemon]
state = "daemon"
[tracker]
model = "polaris-vega"
port = "pty:/run/t"
tools = {{ head = "head.rom", coil = "coil.rom" }}
[robot]
model = "{model}"
host = "{host}"
rate_hz = {rate_hz}
park = [-0.2, -0.4, 0.5, 0.0, 3.14, 0.0]
tool = [0.0, 0.0, 0.12, 0.0, 0.0, 0.0]
payload_kg = 2.5
{more}
calibration = "calibration.json"
"""
CAMERA = Pose.turned((0.1, 0.2, 0.3), (2.0, 0.0, 0.5))
MARKER = Pose(translation=(0.0, 0.08, -0.06))


def site(
    folder: Path,
    *,
    use: str = "simulation",
    host: str = "127.0.0.2",
    model: str = "ur5e",
    rate_hz: int = 500,
    more: str = "",
) -> Site:
    return parse_site(SITE.format(use=use, host=host, model=model, rate_hz=rate_hz, more=more), folder / "site.toml")


NONE = Misfit(rms_mm=0.0, rms_deg=0.0, worst_mm=0.0, worst_deg=0.0)


def told(site: Site) -> UrSite:
    """What the driver of this room's arm is told."""
    arm = arm_of(site)
    assert isinstance(arm, UrInRoom)
    return arm.site


def calibrated(folder: Path, *, simulated: bool, missed: Misfit = NONE) -> None:
    spread = Spread(turns_deg=(0.0, 0.0, 0.0), shifts_mm=(0.0, 0.0, 0.0))
    Calibration(
        made="2026-01-01T00:00:00+00:00", by="test", simulated=simulated, robot_from_camera=CAMERA,
        tcp_from_coil=MARKER, poses=12, residual=NONE, held_out=missed, spread=spread, condition=3.0,
    ).write(folder / "calibration.json")  # fmt: skip


def test_the_arm_is_told_its_tool_its_payload_and_the_patience_of_a_simulation(tmp_path: Path) -> None:
    simulated, real = told(site(tmp_path)), told(site(tmp_path, use="bench", host="192.168.0.10"))

    assert (real.model, real.host, real.payload_kg, real.slack) == ("UR5e", "192.168.0.10", 2.5, 1)
    assert real.flange_from_tcp == Pose(translation=(0.0, 0.0, 0.12))
    assert simulated.slack == site(tmp_path).watchdog.slack > 1


def test_the_room_s_own_box_and_payload_reach_the_controller_and_the_hold(tmp_path: Path) -> None:
    usual = told(site(tmp_path))
    room = site(
        tmp_path,
        more="payload_centre = [0.0, 0.01, 0.06]\nbox_low = [-0.3, -0.5, 0.1]\nbox_high = [0.4, 0.5, 0.9]",
    )
    arm = told(room)
    setup = setup_of(room)

    assert (usual.payload_centre_m, usual.box.high) == ((0.0, 0.0, 0.0), (0.85, 0.85, 1.2))
    assert (arm.payload_centre_m, arm.box.low, arm.box.high) == ((0.0, 0.01, 0.06), (-0.3, -0.5, 0.1), (0.4, 0.5, 0.9))
    assert (setup.limits.box.low, setup.limits.box.high) == (arm.box.low, arm.box.high)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ("box_low = [-0.1, -0.5, 0.1]", r"\[robot\]: park lies outside the box along x: -0.2 m, .* Move park"),
        ("box_high = [0.8, 0.8, -0.2]", r"\[robot\]: box_low and box_high leave no room along z: .* Swap"),
    ],
)
def test_a_box_that_cannot_be_worked_in_is_refused_with_what_to_change(tmp_path: Path, more: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        site(tmp_path, more=more)


def test_the_hold_is_told_where_the_camera_stands_and_the_controllers_own_box(tmp_path: Path) -> None:
    calibrated(tmp_path, simulated=True)
    room = site(tmp_path)
    arm = told(room)
    setup = setup_of(room)

    assert setup.robot_from_camera is not None
    assert math.isclose((setup.robot_from_camera.inverse() @ CAMERA).distance, 0, abs_tol=1e-9)
    assert (setup.limits.box.low, setup.limits.box.high) == (arm.box.low, arm.box.high)
    assert (setup.tracker.model, setup.rate_hz) == ("polaris-vega", 500)
    assert setup.tcp_from_coil == MARKER
    assert setup.calibration == read_calibration(tmp_path / "calibration.json").hash


def test_the_hold_is_told_what_the_calibration_leaves_unknown(tmp_path: Path) -> None:
    """Held-out poses miss by 0.6 mm and 0.3° over three axes; the marker's 0.1 m off the coil's face are a lever."""
    room = site(tmp_path)
    nobody_knows = setup_of(room)
    calibrated(tmp_path, simulated=True, missed=Misfit(rms_mm=0.6, rms_deg=0.3, worst_mm=1.2, worst_deg=0.7))
    setup = setup_of(room)

    assert (nobody_knows.unsure_m, nobody_knows.unsure_rad) == (0.0, 0.0)
    assert math.degrees(setup.unsure_rad) == pytest.approx(0.1732, abs=1e-4)
    assert setup.unsure_m * 1e3 == pytest.approx(math.hypot(0.3464, 0.3023), abs=1e-3)


def test_a_room_that_is_not_calibrated_yet_has_an_arm_that_goes_to_no_target(tmp_path: Path) -> None:
    room = site(tmp_path)

    assert (setup_of(room).robot_from_camera, setup_of(room).calibration) == (None, "")


def test_a_calibration_of_a_simulation_moves_no_real_arm(tmp_path: Path) -> None:
    room = site(tmp_path, use="bench", host="192.168.0.10")
    calibrated(tmp_path, simulated=True)
    with pytest.raises(ConfigError, match="made in a simulation"):
        setup_of(room)

    calibrated(tmp_path, simulated=False)
    assert setup_of(room).robot_from_camera is not None


def test_an_older_controller_is_not_asked_for_more_than_it_takes(tmp_path: Path) -> None:
    room = site(tmp_path, model="ur5", rate_hz=500)
    with pytest.raises(ConfigError, match="rate_hz = 125"):
        setup_of(room)

    slower = site(tmp_path, model="ur5", rate_hz=125)
    assert setup_of(slower).rate_hz == 125


def test_a_room_without_an_arm_has_no_use_for_this_process(tmp_path: Path) -> None:
    text = SITE.format(use="simulation", host="127.0.0.2", model="ur5e", rate_hz=125, more="")
    fixed = text.partition("[tracker]")[0].replace('profile = "robot"\n', "")
    with pytest.raises(ConfigError, match="no arm"):
        arm_of(parse_site(fixed, tmp_path / "site.toml"))


def test_one_arm_process_lives_in_a_runtime(tmp_path: Path) -> None:
    with alone(tmp_path / "arm"), pytest.raises(ConfigError, match="another coilward-arm"), alone(tmp_path / "arm"):
        pass
    with alone(tmp_path / "arm"):
        pass


class Deadlines:
    """A metronome that never sleeps."""

    def __init__(self, room: LoopRoom) -> None:
        self._room = room
        self.spare_s = 0.0

    def wait(self) -> tuple[int, int, int]:
        self._room.now_us += 2_000
        return self._room.now_us, 30, 0


def test_a_signal_ends_it_and_each_turn_is_counted_and_reported(tmp_path: Path) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    room = LoopRoom(tmp_path, 10**10)
    turned: list[int] = []
    told: Callable[[], bool] = told_to_end()

    def after(now_us: int) -> None:
        turned.append(now_us)
        if len(turned) == 700:
            os.kill(os.getpid(), signal.SIGTERM)

    try:
        run(room.loop, Deadlines(room), told, after, lambda _: False)
    finally:
        for number, handler in zip((signal.SIGTERM, signal.SIGINT), before, strict=True):
            signal.signal(number, handler)
        room.close()

    assert 700 < len(turned) < 900
    assert room.loop.lateness.recent.max == 30
