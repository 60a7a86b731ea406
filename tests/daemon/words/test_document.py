"""The document a panel loads: one language whole, and both alike."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from daemon.messages import Role
from daemon.words import LANGUAGES
from daemon.words.document import document, labels
from daemon.words.glossary import TERMS
from tests.daemon.words.wording import FOR_ENGINEERS, LONGEST, OURS, SAFE, braces

ROOT = Path(__file__).parents[3]
OFFERED = {
    "reason": ("sneeze", "talking", "moved", "pain", "toilet", "other"),
    "adverse": ("headache", "scalp-pain", "fainting", "unwell", "seizure", "other"),
    "stamp": ("onset", "end", "help-called", "drug", "doctor", "other"),
    "check": ("screening", "hearing-protection", "operator-clear"),
    "role": tuple(role.value for role in Role),
}
"""What a person chooses from, as the verb `note` names it."""


def keys(value: Any, at: str = "") -> set[str]:
    """Every path in a document."""
    if not isinstance(value, dict):
        return {at}
    return {path for name, inner in value.items() for path in keys(inner, f"{at}/{name}")}


def texts(value: Any) -> list[str]:
    """Every text in a document, without what it is called by."""
    if isinstance(value, dict):
        return [text for inner in value.values() for text in texts(inner)]
    return [value] if isinstance(value, str) else []


def test_both_languages_have_the_same_keys() -> None:
    english, italian = document("en"), document("it")

    assert english.pop("figures") == {}
    assert italian.pop("figures")
    assert keys(english) == keys(italian)
    assert {"language", "phases", "unknown", "lockout", "no_stimulator", "emergency", "reasons", "outcomes", "coil",
            "coil_reasons", "ui", "glossary"} <= set(english)  # fmt: skip
    assert (english["language"], italian["language"]) == ("en", "it")


def test_a_language_nobody_wrote_is_an_error() -> None:
    with pytest.raises(KeyError):
        document("de")


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_is_json_and_says_something_everywhere(language: str) -> None:
    words = document(language)

    assert json.loads(json.dumps(words)) == words
    for path in keys({name: part for name, part in words.items() if name not in ("figures", "as_written")}):
        value: Any = words
        for name in path.strip("/").split("/"):
            value = value[name]
        assert isinstance(value, str), path
        assert value.strip() == value != "", path


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_anywhere_has_a_word_of_ours(language: str) -> None:
    for text in texts(document(language)):
        assert not OURS.search(text), text
        assert not SAFE.search(text), text


def test_a_label_has_the_same_fields_in_both_languages() -> None:
    english, italian = labels("en"), labels("it")

    assert set(english) == set(italian)
    for key, text in english.items():
        assert re.fullmatch(r"[a-z]+(-[a-z0-9]+)*", key), key
        assert braces(text) == braces(italian[key]), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_label_is_short_and_has_no_word_of_ours(language: str) -> None:
    for key, text in labels(language).items():
        assert len(text.split()) <= LONGEST, key
        for forbidden in (OURS, SAFE, FOR_ENGINEERS):
            assert key == "title" or not forbidden.search(text), (key, text)


def test_everything_a_person_chooses_from_has_its_label() -> None:
    for group, choices in OFFERED.items():
        assert {f"{group}-{choice}" for choice in choices} <= set(labels("it")), group


def test_the_glossary_in_the_documentation_is_the_panels() -> None:
    page = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    shown = page[page.index("## On screens") : page.index("## Ours")]
    rows = [
        f"| **{term.en.word}** | **{term.it.word}** | {term.en.meaning} | {term.it.meaning} |"
        for term in TERMS.values()
    ]

    assert [line for line in shown.splitlines() if line.startswith("| **")] == rows


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_term_of_the_glossary_is_explained_without_a_word_of_ours(language: str) -> None:
    for term, row in document(language)["glossary"].items():
        assert not OURS.search(f"{row['word']} {row['meaning']}"), term
        assert len(row["meaning"].split()) <= 20, term


def test_the_italian_of_rtms_clinics_is_used() -> None:
    said = "\n".join(texts(document("it"))).lower()
    for word in ("seduta", "ciclo", "treno", "intervallo", "bobina", "soglia motoria a riposo", "bersaglio",
                 "in attesa", "arresto"):  # fmt: skip
        assert word in said, word
    for stranger in (
        "sessione",
        "coil ",
        "target",
        "trigger",
        "watchdog",
        "stimulator",
        "tracker",
        "soggett",
        "uscita",
    ):
        assert stranger not in said, stranger
