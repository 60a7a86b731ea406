"""What the command line prints of a refusal: what, why, next step; by the way every refusal takes to get there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from daemon import words
from daemon.cli import show
from daemon.guard_view import sentence
from daemon.room import Refused
from safety.reasons import Reason
from tests.safety.refusal_situations import SITUATIONS
from tests.safety.test_refusals import started

SENTENCES = tomllib.loads((Path(__file__).parents[2] / "safety" / "refusals.toml").read_text(encoding="utf-8"))
ELSEWHERE = sorted(set(Reason) - set(SITUATIONS), key=lambda reason: reason.json)
OURS: dict[str, tuple[dict[str, object], str, str, str]] = {
    "retained": ({}, "The command was refused.",
        "It was published to stay with the broker (retained), so nobody knows when it was meant.",
        "Send it again without the retain flag."),
    "stale": ({}, "The command was refused.", "It does not quote a nonce the watchdog gave within the last 2 s.",
        "Check the connection, then ask again."),
    "conflict": ({}, "The command was refused.", "The room has changed since you looked.",
        "Look at the state as it is now, then decide again."),
    "repeated": ({}, "The command was not carried out a second time.",
        "A command with the same id has arrived before.",
        "Look at the state; ask again with a new id if it is still wanted."),
    "role": ({"verb": "start", "user": "vera", "role": "viewer", "needed": "operator"}, "start was refused.",
        "vera is signed in as viewer, and it takes operator.",
        "Ask somebody with that role, or have the site file changed."),
    "unknown-user": ({"verb": "start", "user": "zoe"}, "start was refused.",
        "zoe is not among this room's operators.", "Have the user added to [[operators]] in the site file."),
    "no-control": ({"verb": "start", "holder": "otto"}, "start was refused.", "Control is held by otto.",
        "Take control first; if somebody holds it, ask them to hand it over."),
    "held-by": ({"holder": "otto"}, "Control was not taken.", "otto holds it and is present.",
        "Ask otto to hand it over."),
    "malformed": ({"problem": "to: Field required"}, "The command was refused.",
        "It is not written as the room expects: to: Field required.", "Compare it with docs/asyncapi.json."),
    "unknown-verb": ({"verb": "fire"}, "The command was refused.", "There is no verb fire.",
        "Compare it with docs/asyncapi.json."),
    "busy": ({}, "The command was not carried out.", "The room is still working on others.",
        "Wait a moment, then ask again. STOP always passes."),
    "no-answer": ({"verb": "end", "seconds": 25.0}, "end has not been confirmed.",
        "The room did not finish it within 25.0 s.", "Look at the state before you do anything else."),
    "fault": ({"verb": "end"}, "end failed.", "The daemon met a fault of its own and ends; the watchdog disarms.",
        "Look at the stimulator, then at the daemon's log."),
    "not-lower": ({"asked": "110.0 % rMT", "present": "100.0 % rMT"}, "The intensity was not changed.",
        "110.0 % rMT is above the present 100.0 % rMT, and this verb only lowers.",
        "Ask to raise it, if that is what you want."),
}  # fmt: skip
"""The desk's own: fields, what, why, next."""

pytestmark = pytest.mark.parametrize("ground", ["memory"], indirect=True)


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """What, why and next of what has been printed on a wide terminal."""
    monkeypatch.setattr(show, "err", Console(stderr=True, highlight=False, width=400))

    def parts() -> list[str]:
        what, *rest = capsys.readouterr().err.splitlines()
        assert [line[:7] for line in rest] == ["  why  ", "  next "]
        return [what, *(line[7:] for line in rest)]

    return parts


async def shown(house: Any, reason: str, detail: Any) -> int:
    """A refusal of the watchdog's on its way over room, desk, bus and client to the terminal."""
    house.room.answer = Refused(reason, sentence(reason, detail))
    client = await house.client("olga")
    return show.answer(await client.ask("pause"), "", as_json=False)


@pytest.mark.parametrize("reason", SITUATIONS, ids=lambda reason: reason.json)
async def test_what_the_watchdog_says_no_to_is_printed_as_what_why_and_next(
    house: Any, printed: Any, reason: Reason
) -> None:
    said, _ = SITUATIONS[reason](started)

    assert await shown(house, said.reason, said.detail) == show.Exit.REFUSED

    parts, expected = printed(), reason.sentence.filled(said.detail)
    assert parts == [expected.what, expected.why, expected.next]
    assert " ".join(parts) == SENTENCES[reason.json]
    assert not re.search(r"…|\.\.| \.", " ".join(parts))


@pytest.mark.parametrize("reason", ELSEWHERE, ids=lambda reason: reason.json)
async def test_a_reason_no_message_draws_from_the_gate_is_printed_alike(
    house: Any, printed: Any, reason: Reason
) -> None:
    detail = {"asked": "60 % MSO", "allowed": "54 % MSO"}
    await shown(house, reason.json, detail)

    expected = reason.sentence.filled(detail)
    assert printed() == [expected.what, expected.why, expected.next]


def test_every_reason_of_the_desk_has_its_sentence_here(ground: Any) -> None:
    assert set(OURS) == set(words.ENGLISH.reasons)


@pytest.mark.parametrize("reason", OURS)
async def test_what_the_desk_says_no_to_is_printed_as_what_why_and_next(ground: Any, printed: Any, reason: str) -> None:
    fields, *expected = OURS[reason]

    show.refusal(words.ENGLISH.refusal(reason, **fields))

    assert printed() == expected
