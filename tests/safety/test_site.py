"""The watchdog's own reading of the site file."""

from __future__ import annotations

import os
import pwd
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from drivers.errors import ConfigError
from drivers.quantities import PercentRmt
from safety.asking import Cutting, Use
from safety.limits import load_limits
from safety.site import Study, load_site

EXAMPLE = Path(__file__).parents[2] / "examples" / "site.toml"
TEXT = EXAMPLE.read_text("utf-8")
STUDY = '\n[study]\nethics = "EC 1/26"\nphysician = "a physician"\nuntil = 2026-12-31\nreviewed = "reviewed.toml"\n'
ROME = ZoneInfo("Europe/Rome")


def site_with(folder: Path, *changes: tuple[str, str], more: str = "") -> Path:
    text = TEXT
    for changed, to in changes:
        assert changed in text
        text = text.replace(changed, to, 1)
    path = folder / "site.toml"
    path.write_text(text + more, "utf-8")
    return path


def a_study(folder: Path) -> Path:
    return site_with(
        folder,
        ('"simulation"', '"study"'),
        ("slack = 4", ""),
        ("pty:/run/coilward/sim/stimulator", "serial:/dev/ttyUSB0"),
        more=STUDY,
    )


def test_the_example_is_a_simulated_room() -> None:
    site = load_site(EXAMPLE)
    assert (site.room, site.use, site.zone, site.profile) == ("room1", Use.SIMULATION, ROME, "fixed")
    assert (site.slack, site.one_person, site.study) == (4, False, None)
    assert site.stimulator.simulated
    assert (site.stimulator.model, site.stimulator.firmware) == ("magstim-rapid2", 8)
    assert site.authorisations == EXAMPLE.parent / "authorisations"
    assert site.state == Path("/var/lib/coilward/watchdog")
    assert site.limits.digest == load_limits().digest


def test_what_may_be_left_out_has_a_default(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text(
        '[site]\nroom = "r"\nuse = "bench"\ntimezone = "UTC"\n'
        '[stimulator]\nmodel = "magstim-rapid2"\nfirmware = 9\nport = "serial:/dev/ttyS0"\ncoil = "C_1"\n'
        'unlock_code_file = "code"\n[watchdog]\nstate = "state"\n',
        "utf-8",
    )
    site = load_site(path)
    assert (site.slack, site.profile, site.authorisations) == (1, "fixed", None)
    assert site.one_person is False
    assert (site.stimulator.supply_volts, site.stimulator.simulated) == (240, False)
    assert site.stimulator.unlock_code_file == tmp_path / "code"
    assert site.stimulator.disarm_cuts_train is Cutting.ASSUMED
    assert site.state == tmp_path / "state"


@pytest.mark.parametrize("cutting", Cutting)
def test_a_site_says_what_it_knows_of_disarming(cutting: Cutting, tmp_path: Path) -> None:
    site = load_site(site_with(tmp_path, ('"assumed"', f'"{cutting.value}"')))
    assert site.stimulator.disarm_cuts_train is cutting


def test_a_site_s_limits_are_applied(tmp_path: Path) -> None:
    site = load_site(site_with(tmp_path, ("[limits]", "[limits]\nintensity = 110")))
    assert site.limits.intensity == PercentRmt.of(110)


@pytest.mark.parametrize(
    ("changed", "to", "what"),
    [
        (
            'room = "room1"',
            'room = "Room 1"',
            '[site] room = "Room 1": must match [a-z0-9-]{1,32}; use lower-case letters, digits and hyphens',
        ),
        (
            '"simulation"  ',
            '"clinic"  ',
            (
                '[site] use = "clinic": must be one of "simulation", "bench", "study";'
                ' write one of "simulation", "bench", "study"'
            ),
        ),
        (
            '"Europe/Rome"',
            '"Europe/Nowhere"',
            '[site] timezone = "Europe/Nowhere": must be a zone of the tz database; write one such as "Europe/Rome"',
        ),
        (
            '"Europe/Rome"',
            '"../etc"',
            '[site] timezone = "../etc": must be a zone of the tz database; write one such as "Europe/Rome"',
        ),
        (
            'profile = "fixed"',
            'profile = "loose"',
            '[site] profile = "loose": must be one of "fixed", "hand", "robot"; write one of "fixed", "hand", "robot"',
        ),
        (
            "one_person = false",
            "one_person = 1",
            "[site] one_person = 1: must be true or false; write true or false",
        ),
        (
            "one_person",
            "one_persn",
            (
                "[site] one_persn = False: no such key here;"
                " remove it, or write one of: one_person, practice, profile, room, timezone, use"
            ),
        ),
        (
            '"magstim-rapid2"  ',
            '"magstim-200"  ',
            (
                '[stimulator] model = "magstim-200":'
                ' must be one of "magstim-rapid2", "magstim-super-rapid2", "magstim-super-rapid2-plus1";'
                ' write one of "magstim-rapid2", "magstim-super-rapid2", "magstim-super-rapid2-plus1"'
            ),
        ),
        (
            '"assumed"',
            '"yes"',
            (
                '[stimulator] disarm_cuts_train = "yes": must be one of "assumed", "proven", "no";'
                ' write one of "assumed", "proven", "no"'
            ),
        ),
        (
            "firmware = 8",
            "firmware = 7",
            "[stimulator] firmware = 7: must be one of 5, 8, 9, 11; write one of 5, 8, 9, 11",
        ),
        (
            "firmware = 8",
            'firmware = 8\nunlock_code_file = "x"',
            '[stimulator] unlock_code_file = "x": for firmware 9 and newer only; remove it',
        ),
        (
            'coil = "coil-1"',
            'coil = "coil 1"',
            '[stimulator] coil = "coil 1": must match [A-Za-z0-9._-]{1,32}; write the coil\'s name without spaces',
        ),
        (
            "pty:/run/coilward/sim/stimulator",
            "serial:/dev/ttyUSB0",
            (
                '[stimulator] port = "serial:/dev/ttyUSB0": use simulation drives simulated stimulators only;'
                ' write "pty:…", or change use'
            ),
        ),
        (
            "slack = 4",
            "slack = 21",
            "[watchdog] slack = 21: must be a whole number from 1 to 20; choose a value inside",
        ),
        (
            "slack = 4",
            "slak = 4",
            "[watchdog] slak = 4: no such key here; remove it, or write one of: authorisations, slack, state",
        ),
        (
            "[watchdog]",
            '[watchdog]\narm_user = "no-such-user"',
            '[watchdog] arm_user = "no-such-user": must be a user of this machine; create it, or remove the key',
        ),
        (
            "[limits]",
            "[limits]\nintensity = 131",
            "[limits] intensity = 131: must be at most 130 % rMT, the hard value; choose a safer one",
        ),
        ("[watchdog]", "[watch]", "[file] watchdog is missing: must be a table; write a table"),
    ],
)
def test_a_mistake_is_named_with_section_key_value_bound_and_remedy(
    changed: str, to: str, what: str, tmp_path: Path
) -> None:
    path = site_with(tmp_path, (changed, to))
    with pytest.raises(ConfigError) as caught:
        load_site(path)

    assert str(caught.value) == f"{path}: {what}"


def test_a_file_that_is_no_toml_is_named_with_the_line(tmp_path: Path) -> None:
    path = site_with(tmp_path, ("[site]", "[site"))
    with pytest.raises(ConfigError, match=r"site\.toml: not TOML \(.*line 3.*\); correct that line$"):
        load_site(path)


def test_the_daemon_s_sections_are_the_daemon_s(tmp_path: Path) -> None:
    load_site(site_with(tmp_path, ("[daemon]", "[daemon]\nanything = 1")))


def test_slack_and_study_belong_to_their_use(tmp_path: Path) -> None:
    not_a_study = r'\[file\] study = .*: allowed for use study only; remove the section, or write use = "study"$'
    with pytest.raises(ConfigError, match=not_a_study):
        load_site(site_with(tmp_path, more=STUDY))
    bench = site_with(tmp_path, ('"simulation"', '"bench"'))
    with pytest.raises(ConfigError, match=r"slack = 4: allowed for use simulation only; remove it$"):
        load_site(bench)


def test_a_study_has_a_last_day_and_a_file_of_signatures_or_none(tmp_path: Path) -> None:
    path = a_study(tmp_path)
    study = Study("EC 1/26", "a physician", date(2026, 12, 31), tmp_path / "reviewed.toml")
    assert load_site(path).study == study
    path.write_text(path.read_text("utf-8").replace('reviewed = "reviewed.toml"\n', ""), "utf-8")

    assert load_site(path).study == replace(study, reviewed=None)


@pytest.mark.parametrize(
    ("changed", "to", "what"),
    [
        ('ethics = "EC 1/26"', "", "[study] ethics is missing: must be a text in quotes; write a text in quotes"),
        (
            "2026-12-31",
            '"2026-12-31"',
            '[study] until = "2026-12-31": must be a date, as 2027-01-01; write a date, as 2027-01-01',
        ),
        (
            "2026-12-31",
            "2026-12-31T00:00:00Z",
            "[study] until = 2026-12-31 00:00:00+00:00: must be a date alone; leave out the time",
        ),
        ("[study]", "[stdy]", "[file] study is missing: must be a table; write a table"),
    ],
)
def test_a_study_names_its_grounds(changed: str, to: str, what: str, tmp_path: Path) -> None:
    path = a_study(tmp_path)
    assert load_site(path).study is not None
    path.write_text(path.read_text("utf-8").replace(changed, to), "utf-8")
    with pytest.raises(ConfigError) as caught:
        load_site(path)

    assert str(caught.value) == f"{path}: {what}"


@pytest.mark.parametrize("zone", [ROME, ZoneInfo("America/New_York")])
def test_a_study_is_over_when_its_last_day_has_passed_in_the_room(zone: ZoneInfo) -> None:
    study = Study("EC 1/26", "a physician", date(2026, 12, 31), None)
    year_ends_us = int(datetime(2027, 1, 1, tzinfo=zone).timestamp()) * 1_000_000

    assert not study.over(year_ends_us - 1, zone)
    assert study.over(year_ends_us, zone)


@pytest.mark.parametrize(("key", "uid"), [("arm_user", "arm_uid"), ("daemon_user", "daemon_uid")])
def test_the_user_of_arm_and_daemon_is_this_one_unless_the_file_names_another(
    tmp_path: Path, key: str, uid: str
) -> None:
    named = load_site(site_with(tmp_path, ("[watchdog]", f'[watchdog]\n{key} = "daemon"')))
    uids = {"arm_uid": os.geteuid(), "daemon_uid": os.geteuid()}
    assert {each: getattr(load_site(EXAMPLE), each) for each in uids} == uids
    assert {each: getattr(named, each) for each in uids} == uids | {uid: pwd.getpwnam("daemon").pw_uid}
    with pytest.raises(ConfigError, match=rf"{key} = .*: must be a user of this machine"):
        load_site(site_with(tmp_path, ("[watchdog]", f'[watchdog]\n{key} = "no-such-user"')))
