"""`coilward target`: from where the coil stood to what the room is asked, and from a file to what a person reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from daemon.cli import recording
from daemon.cli.place import Place
from daemon.cli.show import Exit
from daemon.cli.target import app as target_app
from daemon.room import Done, Refused
from drivers.errors import ConfigError, OperatorError, PortLost
from tests.daemon.calibration_world import played
from tests.daemon.conftest import SITE
from tests.daemon.registered_head import MARKER_TARGET, SKULL_TARGET, SUBJECT, file_target, made
from tests.daemon.test_target_recording import CALIBRATION, HEAD_FROM_TCP, seen

in_memory = pytest.mark.parametrize("ground", ["memory"], indirect=True)


async def recorded(house: Any, *, touching: bool = False, as_json: bool = False) -> Exit:
    wanted = recording.Wanted("S-01", "left-m1", 0.004, touching=touching)
    client = await house.client()
    return await recording.record(client, CALIBRATION, wanted, played(seen()), as_json=as_json)


@in_memory
@pytest.mark.parametrize(("touching", "off_m"), [(False, 0.0), (True, -0.004)])
async def test_the_room_is_asked_to_file_where_the_coil_stood_off_the_scalp(
    house: Any, *, touching: bool, off_m: float
) -> None:
    house.room.answer = Done(recording.document(SKULL_TARGET) | {"why": ""})

    assert await recorded(house, touching=touching) is Exit.OK
    [(verb, asked, by)] = house.room.asked
    assert (verb, asked.subject, asked.name, asked.air_gap_m, by) == ("file-target", "S-01", "left-m1", 0.004, "olga")
    assert asked.calibration == CALIBRATION.hash
    x, y, z = (HEAD_FROM_TCP.inverse() @ asked.head_from_target).translation
    assert (x, y, z) == pytest.approx((0.0, 0.0, off_m), abs=2e-4)


@in_memory
@pytest.mark.parametrize("why", ["", "Nobody has registered the head of S-01."])
async def test_a_target_under_the_marker_is_told_with_a_warning_and_one_on_the_skull_without(
    house: Any, capsys: pytest.CaptureFixture[str], why: str
) -> None:
    target = MARKER_TARGET if why else SKULL_TARGET
    house.room.answer = Done(recording.document(target) | {"why": why})

    await recorded(house)

    said = capsys.readouterr()
    warned = " ".join(said.err.split())
    assert "0.10 mm, 0.10° RMS, coil against head" in said.out
    assert ("holds only while this marker stays where it is on the head" in warned) is bool(why)
    assert ("`coilward register S-01`" in warned) is bool(why)


@in_memory
async def test_what_the_room_does_not_file_is_said_to_be_refused(
    house: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    house.room.answer = Refused("target-on-marker", "The target was not filed. Nobody registered. Register.")

    assert await recorded(house, as_json=True) is Exit.REFUSED
    assert json.loads(capsys.readouterr().out)["reason"] == "target-on-marker"


async def test_frames_that_end_record_nothing() -> None:
    with pytest.raises(PortLost, match="before head and coil were still"):
        await recording.stand_of(CALIBRATION, played(seen()[:5]))


def commanded(site: Path, *words: str) -> Result:
    app = typer.Typer(pretty_exceptions_enable=False)
    app.callback()(Place.from_options)
    app.add_typer(target_app, name="target")
    return CliRunner().invoke(app, ["--site", str(site), "--runtime", str(site.parent), "target", *words])


@pytest.fixture
def site(tmp_path: Path) -> Path:
    path = tmp_path / "site.toml"
    path.write_text(SITE)
    return path


def test_a_subjects_target_is_shown_with_its_age_and_who_recorded_it(site: Path) -> None:
    file_target(site.parent / "daemon", made="2026-01-01T00:00:00+00:00")

    shown = commanded(site, "show", SUBJECT).stdout
    assert "target of sim-0001" in shown
    assert "2026-01-01T00:00:00+00:00 by olga" in shown
    assert " d ago" in shown
    assert "of a registration that missed by 0.4 mm" in " ".join(shown.replace("│", " ").split())
    told = json.loads(commanded(site, "show", SUBJECT, "--json").stdout)
    assert (told["subject"], len(told["sha256"])) == (SUBJECT, 64)


def test_a_subject_without_a_target_is_told_the_verb(site: Path) -> None:
    file_target(site.parent / "daemon")
    refused = commanded(site, "show", "sim-0002").exception

    assert isinstance(refused, OperatorError)
    assert "`coilward target record sim-0002`" in str(refused)
    assert commanded(site, "show", SUBJECT).exit_code == 0


def test_all_targets_are_listed_the_newest_first(site: Path) -> None:
    state = site.parent / "daemon"
    assert commanded(site, "list", "--json").stdout == ""
    file_target(state, made=made(2))
    MARKER_TARGET.model_copy(update={"subject": "sim-0002", "made": made(1)}).write(state / "targets" / "sim-0002.json")

    told = [json.loads(line) for line in commanded(site, "list", "--json").stdout.splitlines()]
    assert [one["subject"] for one in told] == ["sim-0002", SUBJECT]
    assert "head marker" in commanded(site, "list").stdout


def test_a_target_that_somebody_changed_is_not_shown(site: Path) -> None:
    path = file_target(site.parent / "daemon")
    path.write_text(path.read_text().replace("olga", "otto"))

    assert isinstance(commanded(site, "list").exception, ConfigError)


def test_a_room_without_an_arm_records_no_target(site: Path) -> None:
    refused = commanded(site, "record", "S-01").exception

    assert isinstance(refused, OperatorError)
    assert "This room has no arm" in str(refused)
