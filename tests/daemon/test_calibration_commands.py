"""`coilward register` and `coilward calibrate`: from what was seen to a file and a sentence."""

from __future__ import annotations

import json
import math
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from daemon.calibration import calibrate
from daemon.calibration_file import Calibration, read_calibration
from daemon.calibration_gather import keep_sighting
from daemon.calibration_plan import shell
from daemon.calibration_source import Sample
from daemon.cli import calibrating, registering
from daemon.cli.calibrate import app as calibrate_app
from daemon.cli.filing import OwnFile, Taken
from daemon.cli.place import Place
from daemon.cli.register import register
from daemon.cli.show import Exit
from daemon.registration_file import PLANNED_EXAMPLE, Fiducial, Registration, read_registration
from drivers.errors import ConfigError, DeviceSilent, OperatorError, PortLost
from drivers.poses import Pose
from simulator.placement import SCALP
from tests.daemon.calibration_world import START, TCP_FROM_COIL, frame, held_at, on_marker, played, resting, sightings
from tests.daemon.conftest import SITE
from tests.daemon.test_registration_scalp import FIDUCIALS, HEAD_FROM_SKULL, PLACES


def wanted(folder: Path, **changes: Any) -> registering.Wanted:
    given = {
        "subject": "p01",
        "by": "tests",
        "simulated": True,
        "planned": None,
        "rounds": None,
        "hands_free": True,
        "marker_below": False,
        "scalp": False,
        "kept": folder / "kept.json",
    }
    return registering.Wanted(**{**given, **changes})


def touches(rounds: int) -> list[Sample]:
    points = on_marker()
    return held_at([points[each] for _ in range(rounds) for each in Fiducial])


async def test_a_registration_is_written_and_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "registrations" / "p01.json"

    found = await registering.run(wanted(tmp_path), played(touches(2)), OwnFile(file), as_json=False)

    shown = capsys.readouterr()
    assert read_registration(file) == found
    assert not (tmp_path / "kept.json").exists()
    assert f"residual {found.residual_mm:.2f} mm of 3 mm allowed" in shown.out
    assert shown.err.count("NAS taken: 21 frames") == 2


async def test_a_scalp_that_was_touched_all_over_is_measured_and_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    skin = [HEAD_FROM_SKULL.apply(point) for point in [*FIDUCIALS.values()] * 2 + PLACES]

    found = await registering.run(
        wanted(tmp_path, scalp=True), played(held_at(skin)), OwnFile(tmp_path / "r.json"), as_json=False
    )

    shown = capsys.readouterr()
    assert found.scalp is not None
    assert found.scalp.shape.radii == pytest.approx(SCALP.radii, abs=0.001)
    assert "scalp, 80 / 100 / 90 mm" in shown.out
    assert "BACK_RIGHT taken" in shown.err


async def test_a_registration_as_json_is_one_object_on_stdout(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text(PLANNED_EXAMPLE)

    filing: OwnFile[Registration] = OwnFile(tmp_path / "p01.json")
    await registering.run(wanted(tmp_path, planned=plan), played(touches(1)), filing, as_json=True)

    told = json.loads(capsys.readouterr().out)
    assert told["head_from_image"] is not None
    assert told["nas"]["touches"] == 1
    assert told["residual_mm"] < 3
    assert (len(told["sha256"]), told["file"]) == (64, str(tmp_path / "p01.json"))


async def test_one_touch_without_a_plan_is_refused_before_anything_is_touched(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="Give --rounds 2, or --planned"):
        await registering.run(wanted(tmp_path, rounds=1), played([]), OwnFile(tmp_path / "p01.json"), as_json=False)


async def test_a_key_needs_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)

    filing: OwnFile[Registration] = OwnFile(tmp_path / "p01.json")
    with pytest.raises(OperatorError, match="--hands-free"):
        await registering.run(wanted(tmp_path, hands_free=False), played([]), filing, as_json=False)


@dataclass
class RoomStandIn:
    """A room that takes what it is given, unless it is busy with a session at the beginning or at the end."""

    busy_at_first: bool = False
    busy_at_last: bool = False
    given: list[object] = field(default_factory=list)

    async def ready(self) -> None:
        self._refuses(self.busy_at_first)

    async def take(self, found: object) -> Taken:
        self._refuses(self.busy_at_last)
        self.given.append(found)
        return Taken("somewhere", "It is filed.")

    def _refuses(self, busy: bool) -> None:
        if busy:
            raise OperatorError("Nothing was filed. A session is open. End it first.")


async def untouched() -> AsyncGenerator[Sample, None]:
    """Nobody may be touched, and no arm moved."""
    raise AssertionError
    yield


async def test_a_room_that_would_not_take_a_registration_says_so_before_anybody_is_touched(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="A session is open"):
        await registering.run(wanted(tmp_path), untouched(), RoomStandIn(busy_at_first=True), as_json=False)


async def test_a_registration_that_the_room_does_not_take_after_all_is_kept_and_filed_later(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(OperatorError, match="A session is open"):
        await registering.run(wanted(tmp_path), played(touches(2)), RoomStandIn(busy_at_last=True), as_json=False)
    said = capsys.readouterr().err.replace("\n", "")
    kept, room = read_registration(tmp_path / "kept.json"), RoomStandIn()
    await registering.file(kept, room, as_json=False)

    assert f"coilward register p01 --from {tmp_path / 'kept.json'}" in said
    assert room.given == [kept]


def taking(folder: Path, **changes: Any) -> calibrating.Wanted:
    given = {
        "by": "tests",
        "simulated": True,
        "poses": 12,
        "kept": folder / "poses.jsonl",
        "takes": True,
        "leave_out": (),
    }
    return calibrating.Wanted(**{**given, **changes})


async def test_a_calibration_is_taken_written_and_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "calibration.json"

    found = await calibrating.run(taking(tmp_path), played(resting(shell(START, 12))), OwnFile(file), as_json=False)

    shown = capsys.readouterr()
    assert read_calibration(file) == found
    assert (found.tcp_from_coil.inverse() @ TCP_FROM_COIL).distance < 5e-4
    assert "held out" in shown.out
    assert "Pose 12 of 12 taken" in shown.err
    assert len((tmp_path / "poses.jsonl").read_text().splitlines()) == 12


async def test_a_room_that_would_not_take_a_calibration_says_so_before_the_arm_is_moved(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="A session is open"):
        await calibrating.run(taking(tmp_path), untouched(), RoomStandIn(busy_at_first=True), as_json=False)

    assert not (tmp_path / "poses.jsonl").exists()


async def test_after_an_arm_process_that_ended_at_pose_9_the_next_run_takes_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    everywhere, room = shell(START, 12), RoomStandIn()
    with pytest.raises(PortLost, match="after 9 poses"):
        await calibrating.run(taking(tmp_path), played(resting(everywhere[:9])), room, as_json=False)
    said = capsys.readouterr().err.replace("\n", "")
    # It stands where it stood, and that pose counts once.
    found = await calibrating.run(taking(tmp_path), played(resting(everywhere[8:])), room, as_json=False)

    assert f"coilward calibrate run --resume {tmp_path / 'poses.jsonl'}" in said
    assert "Pose 10 of 12 taken" in capsys.readouterr().err
    assert room.given == [found]
    assert found.poses == 12
    assert (found.tcp_from_coil.inverse() @ TCP_FROM_COIL).distance < 5e-4


async def test_a_calibration_that_the_room_does_not_take_after_all_is_made_again_from_its_poses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = played(resting(shell(START, 12)))
    with pytest.raises(OperatorError, match="A session is open"):
        await calibrating.run(taking(tmp_path), seen, RoomStandIn(busy_at_last=True), as_json=False)
    said, room = capsys.readouterr().err.replace("\n", ""), RoomStandIn()
    found = await calibrating.run(taking(tmp_path, takes=False), untouched(), room, as_json=False)

    assert f"coilward calibrate run --from {tmp_path / 'poses.jsonl'}" in said
    assert room.given == [found]


async def test_poses_of_a_refused_calibration_are_kept(tmp_path: Path) -> None:
    shivering = resting(shell(START, 12))
    for number, sample in enumerate(shivering):
        wrong = Pose.turned((0, 0.03 * math.sin(number // 38), 0))
        tools = {tool: sight.pose @ wrong for tool, sight in sample.frame.tools.items() if sight.pose}
        shivering[number] = Sample(frame(number, tools), sample.robot_from_tcp)

    with pytest.raises(OperatorError):
        await calibrating.run(
            taking(tmp_path), played(shivering), OwnFile(tmp_path / "calibration.json"), as_json=False
        )

    assert not (tmp_path / "calibration.json").exists()
    assert len((tmp_path / "poses.jsonl").read_text().splitlines()) == 12


@pytest.fixture(scope="module")
def calibration() -> Calibration:
    return calibrate(sightings(sigma_m=1e-4), by="tests", simulated=True)


async def test_a_check_that_holds_says_so(calibration: Calibration, capsys: pytest.CaptureFixture[str]) -> None:
    seen = resting(shell(START, 3), sigma_m=5e-5)

    assert await calibrating.check(calibration, 3, played(seen), as_json=False) is Exit.OK
    assert f"The calibration of {calibration.made} holds" in " ".join(capsys.readouterr().out.split())


async def test_a_check_after_a_bump_names_what_moved(
    calibration: Calibration, capsys: pytest.CaptureFixture[str]
) -> None:
    moved = calibration.model_copy(
        update={"robot_from_camera": Pose(translation=(0.004, 0.0, 0.0)) @ calibration.robot_from_camera}
    )
    seen = resting(shell(START, 3), sigma_m=5e-5)

    assert await calibrating.check(moved, 3, played(seen), as_json=True) is Exit.REFUSED
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] is False
    assert told["cause"] == "camera-or-base"
    assert 3.5 < told["shift_mm"] < 4.5


async def test_a_plan_begins_where_the_coil_is(capsys: pytest.CaptureFixture[str]) -> None:
    await calibrating.plan(12, played(resting([START])[-1:]), as_json=True)

    assert len(json.loads(capsys.readouterr().out)["robot_from_tcp"]) == 12


async def test_without_a_robot_there_is_no_plan() -> None:
    with pytest.raises(DeviceSilent, match="robot does not answer"):
        await calibrating.plan(12, played([Sample(frame(0, {}))]), as_json=True)


def test_guidance_says_how_far_the_next_view_is() -> None:
    plan = shell(START, 12)

    assert "0% of the shell" in calibrating.guidance(plan, [], START)
    assert calibrating.guidance(plan, plan, START) == ""
    assert calibrating.guidance(plan, plan[:6], plan[6]).startswith("Next view: ")


def commanded(site: Path, *words: str) -> Result:
    app = typer.Typer(pretty_exceptions_enable=False)
    app.callback()(Place.from_options)
    app.command()(register)
    app.add_typer(calibrate_app, name="calibrate")
    return CliRunner().invoke(app, ["--site", str(site), "--runtime", str(site.parent), *words])


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "mine"))
    path = tmp_path / "site.toml"
    path.write_text(SITE)
    return path


def test_kept_poses_calibrate_again_without_one(site: Path) -> None:
    poses, file = site.parent / "p.jsonl", site.parent / "c.json"
    for each in sightings(14):
        keep_sighting(each, poses)

    ran = commanded(site, "calibrate", "run", "--from", str(poses), "--leave-out", "3", "--file", str(file), "--json")

    assert ran.exit_code == 0, ran.exception
    assert json.loads(ran.stdout)["poses"] == 13
    assert read_calibration(file).simulated is True


def test_a_calibration_shows_its_figures(site: Path, calibration: Calibration) -> None:
    calibration.write(site.parent / "c.json")

    ran = commanded(site, "calibrate", "show", "--file", str(site.parent / "c.json"), "--json")

    assert json.loads(ran.stdout)["sha256"] == calibration.hash


def test_a_site_without_a_robot_must_name_the_file(site: Path) -> None:
    refused = commanded(site, "calibrate", "show").exception

    assert isinstance(refused, OperatorError)
    assert "Give --file" in str(refused)


def test_a_calibration_that_is_not_there_is_named(site: Path) -> None:
    refused = commanded(site, "calibrate", "check", "--file", "nowhere.json").exception

    assert isinstance(refused, ConfigError)
    assert "nowhere.json: no such file" in str(refused)


@pytest.mark.parametrize("subject", ["../p01", ".p", "p 1", ""])
def test_a_pseudonym_that_is_a_path_is_refused(site: Path, subject: str) -> None:
    assert isinstance(commanded(site, "register", subject).exception, OperatorError)


def test_without_an_arm_process_a_registration_says_so(site: Path) -> None:
    ran = commanded(site, "register", "p01", "--hands-free", "--output", str(site.parent / "p01.json"))

    assert "no arm process answers" in str(ran.exception)


@pytest.mark.parametrize("words", [("register", "p01", "--hands-free"), ("calibrate", "run")])
def test_without_a_daemon_that_files_the_result_nothing_is_measured(site: Path, words: tuple[str, ...]) -> None:
    """Nobody has signed in here, and no arm process runs: what is told is what was asked first."""
    assert "operator.password" in str(commanded(site, *words).exception)


def test_poses_are_taken_from_a_file_or_added_to_one_and_not_both(site: Path) -> None:
    refused = commanded(site, "calibrate", "run", "--from", "p.jsonl", "--resume", "p.jsonl").exception

    assert "Give one of them" in str(refused)
