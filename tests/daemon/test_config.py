"""The site file: what holds, and what a person reads when it does not."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from daemon.config import StimulatorSection, load_site, parse_site, read_secret
from daemon.config_check import check_config
from drivers.errors import ConfigError
from safety import site as watchdogs
from safety.asking import Cutting

GOOD = """
[site]
room = "room1"
use = "simulation"
timezone = "Europe/Rome"
[stimulator]
model = "magstim-rapid2"
firmware = 11
port = "pty:/run/coilward/sim/stimulator"
coil = "coil-1"
unlock_code_file = "code"
[watchdog]
state = "watchdog"
slack = 4
[daemon]
state = "daemon"
[[operators]]
user = "operator"
role = "operator"
"""
HERE = Path("/somewhere/site.toml")
EXAMPLES = Path(__file__).parents[2] / "examples"
STUDY = '[study]\nethics = "EC 1"\nphysician = "Dr N. N."\nuntil = 2027-01-01\n'


def wrong(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_site(text, HERE)
    return str(caught.value)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.toml")), ids=lambda path: path.name)
def test_every_example_is_read_alike_by_daemon_and_watchdog(path: Path) -> None:
    ours, theirs = load_site(path), watchdogs.load_site(path)

    assert ours.site.room == theirs.room
    assert ours.site.zone == theirs.zone
    assert ours.watchdog.state == theirs.state
    assert ours.stimulator.port == theirs.stimulator.port
    assert (ours.stimulator.model, ours.stimulator.firmware) == (theirs.stimulator.model, theirs.stimulator.firmware)
    assert ours.stimulator.disarm_cuts_train == theirs.stimulator.disarm_cuts_train.value


def test_both_know_the_same_words_for_whether_disarming_cuts_a_train() -> None:
    kind = StimulatorSection.model_fields["disarm_cuts_train"]

    assert get_args(kind.annotation) == tuple(each.value for each in Cutting)
    assert kind.default == Cutting.ASSUMED.value


def test_relative_paths_count_from_the_folder_of_the_file() -> None:
    site = parse_site(GOOD, HERE)

    assert site.daemon.state == Path("/somewhere/daemon")
    assert site.stimulator.unlock_code_file == Path("/somewhere/code")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('room = "room1"', 'room = "Room 1"', '[site] room = "Room 1": must match'),
        ('use = "simulation"', 'use = "clinic"', "[site] use = \"clinic\": must be 'simulation', 'bench' or 'study'"),
        ("Europe/Rome", "Europe/Roma", '[site] timezone = "Europe/Roma": must be a name of the IANA time zone list'),
        ("firmware = 11", "firmware = 10", "[stimulator] firmware = 10: must be 5, 8, 9 or 11"),
        ("pty:/run", "/run", '[stimulator] port = "/run/coilward/sim/stimulator": must begin with one of serial:'),
        ("slack = 4", "slack = 0", "[watchdog] slack = 0: must be at least 1"),
        ("slack = 4", "slack = 21", "[watchdog] slack = 21: must be at most 20"),
        ("slack = 4", 'slack = "4x"', '[watchdog] slack = "4x": must be a whole number'),
        ('state = "daemon"', "state = 3", "[daemon] state = 3: must be a path in quotes"),
        ('coil = "coil-1"', "", "[stimulator] coil: is missing"),
        ('role = "operator"', 'role = "boss"', '[operators] #1.role = "boss": must be'),
    ],
)
def test_an_error_names_file_section_key_value_bound_and_remedy(old: str, new: str, said: str) -> None:
    message = wrong(GOOD.replace(old, new, 1))

    assert message.startswith(f"{HERE}: {said}")
    assert "It says: " in message
    assert "Write for example: " in message


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("slack = 4", "slak = 4", "[watchdog] slak = 4: is no key of this section. Did you mean slack?"),
        ("[[operators]]", "[[operater]]", "[operater]: is no section of this file. Did you mean operators?"),
        ("[daemon]", "[deamon]", "[daemon]: is missing"),
    ],
)
def test_a_misspelt_key_is_refused_with_the_nearest_known_one(old: str, new: str, said: str) -> None:
    assert said in wrong(GOOD.replace(old, new, 1))


def test_everything_wrong_is_said_at_once() -> None:
    broken = GOOD.replace("firmware = 11", "firmware = 10").replace("slack = 4", "slack = 0")

    assert len(wrong(broken).splitlines()) == 2


def test_no_raw_validator_output_reaches_the_person() -> None:
    assert "pydantic" not in wrong(GOOD.replace("firmware = 11", "firmware = []")).lower()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD.replace('"simulation"', '"study"').replace("slack = 4\n", ""), "needs a [study] section"),
        (GOOD + STUDY, 'belongs to use = "study" only'),
        (GOOD.replace('"simulation"', '"bench"'), "slack belongs to use"),
        (GOOD.replace("firmware = 11", "firmware = 8"), "unlock_code_file belongs to firmware 9"),
        (GOOD + '[[operators]]\nuser = "operator"\nrole = "viewer"\n', "more than once"),
    ],
)
def test_sections_that_contradict_each_other_are_refused(text: str, said: str) -> None:
    assert said in wrong(text)


@pytest.mark.parametrize(
    ("limits", "most", "shown"),
    [("", 120, "120, the watchdog's [limits] continue_within of 7200 s"),
     ("continue_within = 90", 1, "1.5, the watchdog's [limits] continue_within of 90 s"),
     ("continue_within = 90000", 120, "120, the watchdog's [limits] continue_within of 7200 s")],
)  # fmt: skip
def test_no_session_is_continued_here_later_than_the_watchdog_continues_it(limits: str, most: int, shown: str) -> None:
    def text(minutes: int) -> str:
        written = GOOD.replace('state = "daemon"', f'state = "daemon"\ncontinue_within_minutes = {minutes}')
        return f"{written}[limits]\n{limits}\n"

    assert parse_site(text(most), HERE).continue_within_us == most * 60_000_000
    assert wrong(text(most + 1)) == (
        f"{HERE}: [daemon] continue_within_minutes = {most + 1}: must be at most {shown}: "
        "write a smaller number, or leave the key out."
    )


@pytest.mark.parametrize(
    ("limits", "within_us"), [("", 7_200_000_000), ("continue_within = 90", 90_000_000), ("continue_within = 0", 0)]
)
def test_a_site_that_leaves_it_to_the_watchdog_continues_as_long_as_that(limits: str, within_us: int) -> None:
    assert parse_site(f"{GOOD}[limits]\n{limits}\n", HERE).continue_within_us == within_us


def test_a_time_to_continue_that_is_no_number_is_the_watchdogs_to_refuse() -> None:
    assert parse_site(f'{GOOD}[limits]\ncontinue_within = "2 h"\n', HERE).continue_within_us == 7_200_000_000


def test_a_study_with_its_section_holds() -> None:
    assert (
        parse_site(GOOD.replace('"simulation"', '"study"').replace("slack = 4\n", "") + STUDY, HERE).study is not None
    )


def test_what_is_no_toml_says_where() -> None:
    assert "not TOML" in wrong("[site\n")
    assert "line 1" in wrong("[site\n")


def test_a_missing_or_unreadable_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        load_site(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_site(tmp_path)


@pytest.mark.parametrize(("mode", "text", "said"), [(0o644, "x", "other users"), (0o600, "\n", "is empty")])
def test_a_secret_others_can_read_or_an_empty_one_is_refused(tmp_path: Path, mode: int, text: str, said: str) -> None:
    secret = tmp_path / "secret"
    secret.write_text(text)
    secret.chmod(mode)
    with pytest.raises(ConfigError, match=said):
        read_secret(secret)


def test_a_secret_of_ones_own_is_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("abc\n")
    secret.chmod(0o600)

    assert read_secret(secret) == "abc"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "[daemon]",
            "[limits]\nintensity = 200\n[daemon]",
            "{file}: [limits] intensity = 200: must be at most 130 % rMT, the hard value; choose a safer one",
        ),
        (
            "[daemon]",
            "[limits]\nintensty = 110\n[daemon]",
            "{file}: [limits] intensty = 110: no such limit; names are listed in safety/README.md",
        ),
        (
            "slack = 4",
            'authorisations = "nowhere"',
            (
                '[watchdog] authorisations = "{folder}/nowhere": must be a folder that can be listed '
                "(No such file or directory); create it, correct its owner, or remove the key"
            ),
        ),
        (
            "slack = 4",
            'authorisations = "words"',
            "{folder}/words/first.toml: [file] who is missing: must be a text in quotes; write a text in quotes",
        ),
        (
            "slack = 4",
            'arm_user = "no-such-user"',
            (
                '{file}: [watchdog] arm_user = "no-such-user": must be a user of this machine; '
                "create it, or remove the key"
            ),
        ),
        (
            "slack = 4",
            'daemon_user = "no-such-user"',
            (
                '{file}: [watchdog] daemon_user = "no-such-user": must be a user of this machine; '
                "create it, or remove the key"
            ),
        ),
    ],
)
def test_check_config_refuses_what_the_watchdog_refuses(tmp_path: Path, old: str, new: str, said: str) -> None:
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "first.toml").touch()
    file = tmp_path / "site.toml"
    file.write_text(GOOD.replace(old, new, 1))

    assert check_config(file) == ([said.format(file=file, folder=tmp_path)], 1)


def test_check_config_reads_the_signatures_of_a_study(tmp_path: Path) -> None:
    file, signed = tmp_path / "site.toml", tmp_path / "reviewed.toml"
    study = GOOD.replace('"simulation"', '"study"').replace("slack = 4\n", "") + STUDY
    file.write_text(f'{study}reviewed = "reviewed.toml"\n')
    lines, code = check_config(file)
    assert code == 1
    assert f"{signed}: cannot be read" in lines[0]

    signed.touch()
    assert check_config(file)[1] == 0


def test_check_config_takes_what_both_take(tmp_path: Path) -> None:
    (tmp_path / "words").mkdir()
    file = tmp_path / "site.toml"
    file.write_text(GOOD.replace("slack = 4", 'authorisations = "words"') + "[limits]\nintensity = 130\n")

    lines, code = check_config(file)

    assert code == 0
    assert lines[-1] == "The file holds."


def test_check_config_says_what_the_room_is_or_what_to_correct(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text(GOOD)
    lines, code = check_config(path)
    assert code == 0
    assert "room1" in lines[0]

    (tmp_path / "code").write_text("secret")
    lines, code = check_config(path)
    assert code == 1
    assert "chmod 600" in lines[0]
