"""The tables of topics, verbs and payloads, and the document that is made from them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from daemon import asyncapi, words
from daemon.messages import Presence
from daemon.session import State
from daemon.topics import CHANNELS, BadTopic, Topics, matches
from daemon.verbs import VERBS
from daemon.wishes import Start
from safety.asking import Cutting

NAMES = st.text("abz019-", min_size=1, max_size=32)


@given(NAMES, NAMES, NAMES)
def test_who_asks_what_is_read_back_from_the_topic(room: str, user: str, verb: str) -> None:
    topics = Topics(room)
    assert topics.command_of(topics.command(user, verb)) == (user, verb)
    assert topics.user_of(topics.of("presence", user=user)) == user


@pytest.mark.parametrize("name", ["", "#", "+", "a/b", "Olga", "a b", "x" * 33, "ö"])
def test_a_name_that_could_be_a_wildcard_or_a_path_makes_no_topic(name: str) -> None:
    with pytest.raises(BadTopic):
        Topics("room1").command(name, "stop")
    with pytest.raises(BadTopic):
        Topics(name)


@pytest.mark.parametrize(
    ("pattern", "topic", "covered"),
    [
        ("a/b", "a/b", True), ("a/b", "a/c", False), ("a/+", "a/b", True), ("a/+", "a/b/c", False), ("a/+", "a", False),
        ("a/#", "a/b/c", True), ("#", "a", True), ("a/#", "a", True), ("+/b", "a/b", True), ("a", "a/b", False),
    ],
)  # fmt: skip
def test_a_filter_covers_what_mqtt_says(pattern: str, topic: str, *, covered: bool) -> None:
    assert matches(pattern, topic) is covered


def test_everything_that_stays_has_a_topic_of_its_own() -> None:
    assert len({row.address for row in CHANNELS}) == len(CHANNELS)
    assert not any("{" in row.address.removeprefix("{room}") for row in CHANNELS if row.retain)


def test_no_payload_takes_what_it_does_not_know_or_changes_afterwards() -> None:
    presence = Presence(nonce="0" * 32)
    assert Presence.model_validate_json(presence.encode()) == presence
    with pytest.raises(ValidationError):
        Presence.model_validate_json(b'{"nonce":"' + b"0" * 32 + b'","more":1}')
    with pytest.raises(ValidationError):
        presence.nonce = "1" * 32  # type: ignore[misc]


def test_a_number_in_quotes_is_no_number() -> None:
    good = {"id": "12345678", "client": "c", "subject": "S-01", "protocol": "demo", "state_seq": 7}
    assert Start.model_validate_json(json.dumps(good)).state_seq == 7
    with pytest.raises(ValidationError):
        Start.model_validate_json(json.dumps(good | {"state_seq": "7"}))


def test_the_document_in_docs_is_the_one_the_tables_make() -> None:
    written = Path(__file__).parents[3] / "docs" / "asyncapi.json"
    assert written.read_text() == asyncapi.text(), "run: python -m daemon.asyncapi > docs/asyncapi.json"


def test_every_reference_in_the_document_leads_somewhere() -> None:
    document = asyncapi.document()

    def references(node: Any) -> list[str]:
        if isinstance(node, dict):
            return [node["$ref"]] if "$ref" in node else [ref for value in node.values() for ref in references(value)]
        return [ref for value in node for ref in references(value)] if isinstance(node, list) else []

    found = references(document)
    assert len(found) > len(VERBS)
    for reference in found:
        node: Any = document
        for level in reference.removeprefix("#/").split("/"):
            node = node[level]


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_every_language_has_a_word_for_every_state_and_reason(language: str) -> None:
    catalogue = words.LANGUAGES[language]
    assert set(catalogue.phases) == {"idle", *(state.value for state in State)}
    assert set(catalogue.reasons) == set(words.ENGLISH.reasons)
    assert set(catalogue.outcomes) == set(words.ENGLISH.outcomes)
    assert set(catalogue.cutting) == {each.value for each in Cutting}
    for sentence in catalogue.reasons.values():
        assert all((sentence.what, sentence.why, sentence.next))
