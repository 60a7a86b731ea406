"""How every state looks from two metres: its word, colour, shape and sentence, in both languages."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import asdict
from typing import get_args

import pytest

from daemon.arm.table import HoldState
from daemon.session import outcome
from daemon.session_table import State
from daemon.words import LANGUAGES
from daemon.words.catalogue import STANDING, Colour, PhaseWord, Shape
from daemon.words.document import document
from safety.asking import Cutting
from safety.state import Phase
from tests.daemon.words.wording import OURS, SAFE

NEEDS = {
    "idle": "nothing", "ended-early": "nothing", "refused": "nothing", "done": "nothing",
    "checks": "wait", "gap": "wait", "boot": "wait",
    "positioning": "place and release", "paused": "release or end", "held": "remove what it names",
    "arming": "keep clear", "armed": "keep clear", "train": "watch the subject", "stopping": "wait for the count",
    "tripped": "mend and reset", "unknown-pulses": "resolve", "lockout": "call the engineer",
    "no-watchdog": "wait for the program", "no-stimulator": "check power", "unknown": "believe the stimulator",
    "emergency": "look after the subject",
}  # fmt: skip
"""What a person has to do in each."""
OF_THE_COIL = {
    "parked": "nothing", "away": "nothing", "approach": "keep clear", "track": "watch", "freeze": "look why",
    "retract": "send it back", "hand": "lead it", "stopped": "look at the subject", "fault": "look at the arm",
    "no-arm": "wait for the arm",
}  # fmt: skip
CALM = {"grey", "blue", "green"}

each_language = pytest.mark.parametrize("language", LANGUAGES)


def states(language: str) -> dict[str, PhaseWord]:
    words = LANGUAGES[language]
    standing = {name: word for name, word in words.standing.items() if name != "no-arm"}
    return {**words.phases, **standing, "unknown": words.unknown}


def of_the_coil(language: str) -> dict[str, PhaseWord]:
    words = LANGUAGES[language]
    return {**words.coil, "no-arm": words.standing["no-arm"]}


@each_language
def test_every_state_of_session_watchdog_and_arm_has_its_word(language: str) -> None:
    words = LANGUAGES[language]

    assert set(words.phases) == {"idle", *(state.value for state in State)}
    assert set(words.standing) == set(STANDING)
    assert set(words.coil) == {state.value for state in HoldState}
    assert {Phase.LOCKOUT.value, Phase.BOOT.value} <= set(words.standing)
    assert set(states(language)) == set(NEEDS)
    assert set(of_the_coil(language)) == set(OF_THE_COIL)


@each_language
def test_a_disarmed_room_is_said_to_be_disarmed_and_no_state_to_be_safe(language: str) -> None:
    assert states(language)["idle"].word == {"en": "DISARMED", "it": "DISARMATO"}[language]
    for name, word in {**states(language), **of_the_coil(language)}.items():
        said = f"{word.word} {word.sentence}"
        assert not SAFE.search(said), name
        assert not OURS.search(said), name
        assert word.word == word.word.upper(), name
        assert len(word.sentence.split()) <= 30, name
        assert re.fullmatch(r"[A-ZÀ-Ý].*\.", word.sentence), name


@each_language
@pytest.mark.parametrize(("of", "needs"), [(states, NEEDS), (of_the_coil, OF_THE_COIL)], ids=["room", "coil"])
def test_states_in_which_a_person_does_otherwise_differ_in_word_and_in_shape_with_colour(
    language: str, of: Callable[[str], dict[str, PhaseWord]], needs: dict[str, str]
) -> None:
    shown = of(language)
    for one, word in shown.items():
        assert word.colour in get_args(Colour)
        assert word.shape in get_args(Shape)
        for other, neighbour in shown.items():
            if one < other:
                assert word.word != neighbour.word, (one, other)
            if needs[one] != needs[other]:
                assert (word.shape, word.colour) != (neighbour.shape, neighbour.colour), (one, other)


@each_language
def test_both_languages_show_the_same_colour_and_shape(language: str) -> None:
    for name, word in {**states(language), **of_the_coil(language)}.items():
        english = {**states("en"), **of_the_coil("en")}[name]
        assert (word.colour, word.shape) == (english.colour, english.shape), name


@each_language
def test_red_means_pulses_or_a_person_needed_at_once(language: str) -> None:
    red = {name for name, word in states(language).items() if word.colour == "red"}
    assert red == {"train", "tripped", "unknown-pulses", "lockout", "emergency"}
    assert {states(language)[name].colour for name in ("idle", "gap", "done", "checks", "positioning")} <= CALM


@each_language
def test_every_outcome_and_every_way_of_disarming_has_its_words(language: str) -> None:
    words = LANGUAGES[language]
    told = set(re.findall(r'"([a-z_]+)"', inspect.getsource(outcome)))

    assert {"completed", "stopped"} <= told <= set(words.outcomes)
    assert set(words.outcomes) == set(LANGUAGES["en"].outcomes)
    assert set(words.cutting) == {each.value for each in Cutting}


@each_language
def test_the_document_shows_each_state_where_the_panel_looks_for_it(language: str) -> None:
    shown, words = document(language), LANGUAGES[language]

    assert shown["phases"] == {name: asdict(word) for name, word in words.phases.items()}
    assert shown["coil"] == {name: asdict(word) for name, word in words.coil.items()}
    assert shown["unknown"] == asdict(words.unknown)
    for name in STANDING:
        assert shown[name.replace("-", "_")] == asdict(words.standing[name])
