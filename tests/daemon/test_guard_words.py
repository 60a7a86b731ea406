"""The daemon's builder and the watchdog's parser, held to one file of examples."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from daemon import guard_words
from safety import control

VECTORS = tomllib.loads((Path(__file__).parents[1] / "vectors" / "control.toml").read_text())
BUILDERS = {kind.do: kind for kind in guard_words.REQUESTS}


def about(vector: dict[str, Any]) -> str:
    return str(vector["about"])


def build(body: dict[str, Any]) -> guard_words.Request:
    fields = {name: value for name, value in body.items() if name != "do"}
    return BUILDERS[body["do"]].model_validate_json(json.dumps(fields))


@pytest.mark.parametrize("vector", VECTORS["good"], ids=about)
def test_what_the_daemon_builds_the_watchdog_parses_to_the_same(vector: dict[str, Any]) -> None:
    body = vector["body"]
    answered = BUILDERS[body["do"]].answered
    request_id, parsed = control.parse(build(body).line(5 if answered else None).rstrip(b"\n"))
    straight = control.parse(json.dumps(body | ({"id": 5} if answered else {})).encode())

    assert (request_id, parsed) == straight
    assert request_id == (5 if answered else None)


@pytest.mark.parametrize("vector", VECTORS["bad"], ids=about)
def test_what_the_watchdog_refuses_the_daemon_does_not_build(vector: dict[str, Any]) -> None:
    body = vector["body"]
    with pytest.raises(ValidationError):
        build(body)
    with pytest.raises(control.MalformedMessage):
        control.parse(json.dumps(body | {"id": 5}).encode())


def test_both_sides_know_the_same_messages_but_for_the_arm_loops_lease() -> None:
    assert set(BUILDERS) | {"lease"} == set(control.MESSAGES)
    assert {kind.do for kind in guard_words.REQUESTS if not kind.answered} | {"lease"} == set(control.UNANSWERED)
    assert {vector["body"]["do"] for vector in VECTORS["good"]} == set(BUILDERS)


def test_a_message_longer_than_the_watchdog_reads_is_not_built() -> None:
    text = "ü" * 200
    request = guard_words.OpenSession(
        kind="phantom", door="pty", by="ü" * 64, coil="ü" * 64, subject="ü" * 64, protocol="ü" * 64, reason=text,
        placement=text,
    )  # fmt: skip
    with pytest.raises(ValueError, match="at most 4096 bytes"):
        request.line(1)
