"""For every reason the gate can give: how it comes about, the sentence a person reads, and beside it what passes."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from safety.reasons import Reason
from tests.safety.conftest import VirtualRoom
from tests.safety.refusal_situations import SITUATIONS
from tests.safety.refusals.situation import Said, Situation, filing, together
from tests.safety.rooms import New

ELSEWHERE = {
    Reason.NOTHING_LEFT: "said of an empty plan, which opening a session never has (test_rules_totals)",
}
"""Reasons that exist, and that no message or frame draws from the gate."""

SENTENCES = tomllib.loads((Path(__file__).parent / "refusals.toml").read_text(encoding="utf-8"))


def started(**options: Any) -> VirtualRoom:
    """A room with firmware 11, ready for its first message."""
    room = VirtualRoom(firmware=11, **options)
    room.start()
    return room


def test_every_reason_has_its_situation_and_its_sentence() -> None:
    assert set(SITUATIONS) == set(Reason) - set(ELSEWHERE)
    assert set(SENTENCES) == {reason.json for reason in SITUATIONS}


@pytest.mark.parametrize("reason", SITUATIONS, ids=lambda reason: reason.json)
def test_a_refusal_says_what_why_and_what_next_and_its_neighbour_passes(reason: Reason) -> None:
    said, control_passed = SITUATIONS[reason](started)

    assert said.reason == reason.json
    sentence = reason.sentence.filled(said.detail)
    assert str(sentence) == SENTENCES[reason.json]
    assert "…" not in str(sentence)
    assert control_passed


def one(_new: New) -> tuple[Said, bool]:
    """A situation that is only filed here."""
    raise AssertionError


def test_two_situations_for_one_reason_are_a_mistake_within_an_area_and_across_two() -> None:
    area: dict[Reason, Situation] = {}
    filing(area)(Reason.BOOT)(one)
    filing(area)(Reason.TRIPPED)(one)
    with pytest.raises(AssertionError, match="boot has two situations"):
        filing(area)(Reason.BOOT)(one)
    assert together([area, {Reason.NOT_ARMED: one}]) == {**area, Reason.NOT_ARMED: one}
    with pytest.raises(AssertionError, match="tripped has two situations"):
        together([area, {Reason.TRIPPED: one}])
