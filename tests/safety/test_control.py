"""The watchdog's parser of control messages, held to the examples it shares with the daemon's builder."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from safety import control

VECTORS = tomllib.loads((Path(__file__).parents[1] / "vectors" / "control.toml").read_text())
A_DAY_AND_MORE_US = 86_400_000_001


def about(vector: dict[str, Any]) -> str:
    return str(vector["about"])


def line(body: dict[str, Any], request_id: object = 5) -> bytes:
    answered = body["do"] not in control.UNANSWERED
    return json.dumps(body | ({"id": request_id} if answered else {})).encode()


def why(data: bytes) -> tuple[str, int | None]:
    """Why a line is no message, and whose answer that is."""
    with pytest.raises(control.MalformedMessage) as refused:
        control.parse(data)
    return str(refused.value), refused.value.request_id


@pytest.mark.parametrize("vector", VECTORS["good"], ids=about)
def test_every_good_example_parses_to_its_message_and_keeps_every_field(vector: dict[str, Any]) -> None:
    body = dict(vector["body"])
    request_id, message = control.parse(line(body))
    assert type(message) is control.MESSAGES[body["do"]]
    assert request_id == (None if body.pop("do") in control.UNANSWERED else 5)
    for name, value in body.items():
        parsed = getattr(message, name)
        if name == "threshold":
            assert parsed == control.Threshold(**value)
        else:
            assert parsed == (tuple(value) if isinstance(value, list) else value)


@pytest.mark.parametrize("vector", VECTORS["bad"], ids=about)
def test_every_bad_example_is_refused_with_its_id(vector: dict[str, Any]) -> None:
    assert why(line(vector["body"]))[1] == 5


@pytest.mark.parametrize("value", ["begin", "continue", "none"])
def test_a_lease_of_the_arm_loop_needs_no_id_and_gets_no_answer(value: str) -> None:
    assert control.parse(line({"do": "lease", "value": value})) == (None, control.Lease(value))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"x" * (control.MAX_LINE_BYTES + 1), "a message has at most 4096 bytes"),
        (b"\xff", "not a line of JSON"),
        (b"{", "not a line of JSON"),
        (b"[" * control.MAX_LINE_BYTES, "not a line of JSON"),
        (b"null", "not a JSON object"),
        (b"[]", "not a JSON object"),
        (b'{"do":"status","id":"5"}', "id must be a whole number from 0 to 4611686018427387904"),
        (b'{"do":"status","id":true}', "id must be a whole number from 0 to 4611686018427387904"),
        (b'{"do":"status","id":-1}', "id must be a whole number from 0 to 4611686018427387904"),
        (b'{"do":"status"}', "id is missing"),
    ],
)
def test_a_line_that_cannot_even_be_answered_says_why(data: bytes, says: str) -> None:
    assert why(data) == (says, None)


@pytest.mark.parametrize("do", ['"dance"', "1", "null", "[]", "{}"])
def test_a_name_of_no_message_is_refused_with_its_id(do: str) -> None:
    assert why(f'{{"do":{do},"id":5}}'.encode()) == ("do names no message", 5)


def test_a_line_without_a_name_is_refused_with_its_id() -> None:
    assert why(b'{"id":5}') == ("do names no message", 5)


@pytest.mark.parametrize("do", control.UNANSWERED)
def test_what_gets_no_answer_must_carry_no_id(do: str) -> None:
    assert why(json.dumps({"do": do, "id": 5}).encode()) == (f"{do} carries no id", 5)


PERMIT = {"do": "permit", "level_tenths": 540, "rate_tenths": 0, "pulses": 1}
OPEN = {"do": "open-session", "kind": "phantom", "door": "pty", "by": "operator", "coil": "coil-1"}
THRESHOLD = {"value_tenths": 452, "method": "emg", "pulses": 20, "coil": "coil-1", "taken_wall_us": 1}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"do": "stop"}, "by is missing"),
        ({"do": "stop", "by": 1}, "by must be printable text of 1 to 64 characters"),
        ({"do": "stop", "by": "x" * 65}, "by must be printable text of 1 to 64 characters"),
        ({"do": "stop", "by": "x", "now": 1, "also": 1}, "also is not a field of this message"),
        ({"do": "close-session", "by": "x", "why": "x" * 201}, "why must be printable text of 0 to 200 characters"),
        ({"do": "hello", "role": 1}, "role must be one of daemon, guarded, cli, lease"),
        ({"do": "reset", "by": "x", "nonce": 1}, "nonce must be 32 lower-case hexadecimal digits"),
        ({"do": "reset", "by": "x", "nonce": "g" * 32}, "nonce must be 32 lower-case hexadecimal digits"),
        (PERMIT | {"times_us": 1}, "times_us must be a list of at most 20 times"),
        (PERMIT | {"times_us": [0] * 21}, "times_us must be a list of at most 20 times"),
        (PERMIT | {"times_us": [True]}, "times_us must be a whole number from 0 to 120000000"),
        (PERMIT | {"spacing_us": A_DAY_AND_MORE_US}, "spacing_us must be a whole number from 0 to 86400000000"),
        (OPEN | {"threshold": 1}, "threshold must be an object"),
        (OPEN | {"threshold": THRESHOLD | {"simulated": 1}}, "threshold simulated must be true or false"),
        (OPEN | {"threshold": {"method": "emg"}}, "threshold value_tenths is missing"),
        (OPEN | {"continues": "0" * 15}, "continues must be 16 lower-case hexadecimal digits"),
    ],
)
def test_a_wrong_field_is_named_with_what_it_must_be(body: dict[str, Any], says: str) -> None:
    assert why(line(body)) == (says, 5)


def test_the_longest_line_the_most_times_and_the_longest_texts_are_taken() -> None:
    most = PERMIT | {"times_us": [120_000_000] * control.MAX_TIMED_TRIGGERS, "spacing_us": A_DAY_AND_MORE_US - 1}
    assert control.parse(line(most))[1] == control.AskPermit(540, 0, 1, 1, 86_400_000_000, (120_000_000,) * 20)
    assert control.parse(line({"do": "close-session", "by": "x" * 64, "why": "x" * 200}))[0] == 5
    assert control.parse(line({"do": "status"}).ljust(control.MAX_LINE_BYTES))[0] == 5


def test_a_nonce_is_made_of_sixteen_characters_and_no_other() -> None:
    taken = set()
    for character in map(chr, range(128)):
        try:
            control.parse(line({"do": "reset", "by": "x", "nonce": character * 32}))
        except control.MalformedMessage:
            continue
        taken.add(character)

    assert taken == set("0123456789abcdef")


def test_what_is_optional_may_be_said_to_be_absent() -> None:
    absent = dict.fromkeys(("threshold", "ceiling_tenths", "intensity_tenths", "continues"))
    assert control.parse(line(OPEN | absent)) == control.parse(line(OPEN))


def test_what_is_sent_is_one_short_line_of_plain_ascii() -> None:
    assert control.encode({"by": "Ünal", "why": "a\nb"}) == b'{"by":"\\u00dcnal","why":"a\\nb"}\n'
