"""An authorisation speaks of one subject, one protocol version, its cells and its time, and of nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from drivers.errors import ConfigError
from safety.authorisations import authorised, load_authorisation, load_authorisations
from safety.protocols import load_protocols

EXAMPLES = Path(__file__).parents[2] / "examples" / "authorisations"
PROTOCOL = load_protocols()["mdd-10hz-37"]
TEXT = (EXAMPLES / "sim-0001-mdd-10hz-37.toml").read_text("utf-8")


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * 1_000_000


NOON = at("2026-06-01T12:00:00+02:00")


def written(folder: Path, text: str) -> Path:
    path = folder / "a.toml"
    path.write_text(text, "utf-8")
    return path


def test_the_example_authorises_its_simulated_subject() -> None:
    every = load_authorisations(EXAMPLES)
    assert authorised(every, "sim-0001", PROTOCOL, NOON)
    assert not authorised(every, "sim-0002", PROTOCOL, NOON)


def test_another_protocol_or_version_is_not_covered() -> None:
    every = load_authorisations(EXAMPLES)
    assert not authorised(every, "sim-0001", replace(PROTOCOL, version=2), NOON)
    assert not authorised(every, "sim-0001", replace(PROTOCOL, id="mdd-10hz-19"), NOON)


@pytest.mark.parametrize(
    ("moment", "covered"),
    [
        ("2025-12-31T23:59:59+01:00", False),
        ("2026-01-01T00:00:00+01:00", True),
        ("2035-12-31T23:59:59+01:00", True),
        ("2036-01-01T00:00:00+01:00", False),
    ],
)
def test_it_holds_from_its_first_second_until_its_last(moment: str, covered: bool) -> None:
    assert authorised(load_authorisations(EXAMPLES), "sim-0001", PROTOCOL, at(moment)) is covered


def test_it_must_name_every_cell_the_protocol_exceeds(tmp_path: Path) -> None:
    shorter = load_authorisation(written(tmp_path, TEXT.replace("seconds = 4", "seconds = 3.9")))
    assert not authorised([shorter], "sim-0001", PROTOCOL, NOON)
    bare = load_authorisation(written(tmp_path, TEXT.partition("[[cells]]")[0]))
    assert not authorised([bare], "sim-0001", PROTOCOL, NOON)


def test_no_folder_authorises_nothing(tmp_path: Path) -> None:
    assert load_authorisations(None) == ()
    (tmp_path / "notes.txt").write_text("no authorisation")
    assert load_authorisations(tmp_path) == ()
    assert not authorised((), "sim-0001", PROTOCOL, NOON)


def test_a_folder_that_cannot_be_listed_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_authorisations(tmp_path / "misspelt")
    assert str(caught.value) == (
        f'[watchdog] authorisations = "{tmp_path / "misspelt"}": must be a folder that can be listed '
        "(No such file or directory); create it, correct its owner, or remove the key"
    )


MOMENT = "a date and time with an offset, as 2026-03-01T00:00:00+01:00"
KEYS = "cells, protocol, subject, valid_from, valid_until, version, who, why"
CELL = "{'rate': 10, 'intensity': 120, 'seconds': 4}"


@pytest.mark.parametrize(
    ("changed", "to", "says"),
    [
        (
            'who = "example physician"',
            'who = " "',
            '[file] who = " ": must not be empty; write a text in quotes',
        ),
        (
            "version = 1",
            "version = true",
            "[file] version = True: must be a whole number from 1 to 10000; write a whole number from 1 to 10000",
        ),
        (
            "version = 1",
            "version = 0",
            "[file] version = 0: must be a whole number from 1 to 10000; choose a value inside",
        ),
        (
            "version = 1",
            "version = 10001",
            "[file] version = 10001: must be a whole number from 1 to 10000; choose a value inside",
        ),
        (
            "2036-01-01T00:00:00+01:00",
            "2036-01-01T00:00:00",
            f"[file] valid_until = 2036-01-01 00:00:00: must be {MOMENT}; add the offset",
        ),
        (
            "2036-01-01T00:00:00+01:00",
            "2026-01-01T00:00:00+01:00",
            "[file] valid_until = 2026-01-01 00:00:00+01:00: must be later than valid_from; correct one of the two",
        ),
        (
            "2036-01-01T00:00:00+01:00",
            "2036-01-01",
            f"[file] valid_until = 2036-01-01: must be {MOMENT}; write {MOMENT}",
        ),
        (
            "seconds = 4",
            "second = 4",
            "[cells 1] seconds is missing: must be a number from 0; write a number from 0",
        ),
        (
            "version = 1",
            "version = 1\nfor_all = true",
            f"[file] for_all = True: no such key here; remove it, or write one of: {KEYS}",
        ),
        (
            "[[cells]]",
            "[cells]",
            f"[file] cells = {CELL}: must be an array of tables; write an array of tables",
        ),
    ],
)
def test_a_file_that_does_not_hold_is_refused_with_its_key(changed: str, to: str, says: str, tmp_path: Path) -> None:
    assert changed in TEXT
    path = written(tmp_path, TEXT.replace(changed, to))
    with pytest.raises(ConfigError) as caught:
        load_authorisations(tmp_path)
    assert str(caught.value) == f"{path}: {says}"


@pytest.mark.parametrize(
    ("changed", "to"),
    [
        ("version = 1", "version = 10000"),
        ("2036-01-01T00:00:00+01:00", "2026-01-01T00:00:01+01:00"),
    ],
)
def test_the_highest_version_and_the_shortest_time_are_taken(changed: str, to: str, tmp_path: Path) -> None:
    assert changed in TEXT
    (authorisation,) = load_authorisations(written(tmp_path, TEXT.replace(changed, to)).parent)
    assert (authorisation.subject, authorisation.protocol) == ("sim-0001", "mdd-10hz-37")
