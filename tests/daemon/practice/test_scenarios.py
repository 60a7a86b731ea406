"""Every scenario file: it loads, and names nothing that does not exist."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest

from daemon.config import load_site
from daemon.messages import Both
from daemon.practice.acts import KNOWN
from daemon.practice.scenario import ACCIDENTS, FOLDER, Scenario, load, names, parse
from daemon.session_table import State
from drivers.errors import ConfigError, OperatorError
from safety.protocols import load_protocols
from simulator.room_switches import ALL_SWITCHES, ROOM_SWITCHES
from tests.daemon.words.wording import FOR_ENGINEERS, LONGEST, OURS, SAFE

SCENARIOS = [load(name) for name in names()]
each = pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.name)
PHASES = {state.value for state in State}


def texts(value: Any) -> Iterator[Both]:
    """Every text in a scenario."""
    if isinstance(value, Both):
        yield value
    elif isinstance(value, tuple):
        for part in value:
            yield from texts(part)
    elif hasattr(value, "model_fields_set"):
        for name in type(value).model_fields:
            yield from texts(getattr(value, name))


def test_there_is_what_the_room_promises() -> None:
    assert names() == (
        "first-session", "sneeze", "patient-leaves", "hot-coil", "tracker-lost", "safety-stop", "network-down",
        "seizure", "power-cut",
    )  # fmt: skip


@each
def test_a_switch_it_turns_exists_and_takes_what_it_is_given(scenario: Scenario) -> None:
    for one in scenario.happens:
        if one.do in ACCIDENTS:
            assert set(one.with_) <= {"seconds"}
        elif one.do is not None:
            ALL_SWITCHES.find(one.do).check(one.with_)
            assert scenario.arm or one.arm_only == (one.do in ROOM_SWITCHES), one.name


@each
def test_a_phase_it_waits_for_and_a_verb_it_asks_for_exist(scenario: Scenario) -> None:
    assert {one.when.phase for one in scenario.happens} <= {None, *PHASES}
    assert {verb for step in scenario.steps for verb in step.verbs} <= KNOWN
    assert scenario.protocol in load_protocols()


@each
def test_what_it_says_is_short_in_both_languages_and_without_words_of_ours(scenario: Scenario) -> None:
    said = list(texts(scenario))

    assert len(said) >= 2 * len(scenario.steps) + 3
    for text in (text for both in said for text in (both.en, both.it)):
        assert text.strip() == text != ""
        assert len(text.split()) <= LONGEST, text
        for forbidden in (OURS, SAFE, FOR_ENGINEERS):
            assert not forbidden.search(text), text
    assert not [both.en for both in said if both.en == both.it]


@each
def test_each_step_comes_to_be_due(scenario: Scenario) -> None:
    """Following what each waits for ends at the beginning, and never in a circle."""
    before = {**scenario.after, **{one.name: one.when.after for one in scenario.happens}}
    for name in before:
        seen = [name]
        while seen[-1] in before:
            assert before[seen[-1]] not in seen, seen
            seen.append(before[seen[-1]])
        assert seen[-1] == "begin"


def test_a_scenario_that_nobody_wrote_is_refused_with_those_there_are() -> None:
    with pytest.raises(OperatorError, match=r"No scenario is called cough\. There are first-session, sneeze"):
        load("cough")


SNEEZE = next(FOLDER.glob("*-sneeze.toml")).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("written", "instead", "says"),
    [
        ('after = "sneeze"', 'after = "sneezed"', "nothing here is called sneezed"),
        ('name = "reason"', 'name = "pause"', "pause is there more than once"),
        ('verbs = ["pause", "stop"]', 'verbs = ["halt"]', "no verb is called halt"),
        ('note = ["reason", "sneeze"]', 'note = ["reason", "cough"]', "is nothing that can be noted"),
        ('note = ["reason", "sneeze"]', "", "is nothing that can be noted"),
        ('verbs = ["resume", "continue"]', 'verbs = ["resume"]\nnote = ["reason"]', "is nothing that can be noted"),
        ("arm_only = true", "armonly = true", "Extra inputs are not permitted"),
        ("[title]", "[title", "does not hold"),
    ],
)
def test_a_mistake_in_one_is_said(written: str, instead: str, says: str) -> None:
    assert parse(SNEEZE, "sneeze").name == "sneeze"
    assert written in SNEEZE
    with pytest.raises(ConfigError, match=says):
        parse(SNEEZE.replace(written, instead, 1), "sneeze")


def test_every_file_is_numbered_in_the_order_of_learning() -> None:
    for path in FOLDER.glob("*.toml"):
        number, _, name = path.stem.partition("-")
        assert number.isdecimal(), path
        assert name in names()
        tomllib.loads(path.read_text(encoding="utf-8"))


def test_the_examples_are_no_practice_rooms() -> None:
    assert not load_site(FOLDER.parents[2] / "examples" / "site.toml").site.practice
