"""What the room makes of the arm's words: when it waits, when it pauses, and how each pulse's coil stood."""

from __future__ import annotations

import json
from typing import Any

import pytest

from daemon.arm.reasons import ArmReason
from daemon.arm.table import ENGAGED as ARMS_ENGAGED
from daemon.arm.table import HoldState
from daemon.arm_words import ArmView
from daemon.coil import ENGAGED, PAUSES, Coil
from daemon.journal import Journal, MemorySink
from daemon.words import LANGUAGES
from tests.daemon.arm_stand_in import state

SLEPT_US = 7_000_000
"""BOOTTIME is ahead of MONOTONIC by what the machine has slept."""


class Told:
    def __init__(self) -> None:
        self.now_us = 50_000_000
        self.sink = MemorySink()
        self.coil = Coil(Journal(self.sink, lambda: (self.now_us, 0)), lambda: self.now_us, lambda: SLEPT_US)

    def say(self, at_us: int, **changes: Any) -> str | None:
        """At a BOOTTIME, heard a millisecond later."""
        self.now_us = at_us + 1000
        return self.coil.hear(ArmView.model_validate(state(at_us=at_us - SLEPT_US, **changes)))

    def flags(self, at_us: int) -> list[str]:
        row = {"commanded_us": None, "planned_us": at_us, "flags": ["late"]}
        return list(self.coil.marked(row)["flags"])


@pytest.fixture
def told() -> Told:
    return Told()


def test_the_daemon_and_the_arm_agree_on_the_states() -> None:
    assert {each.value for each in ARMS_ENGAGED} == ENGAGED
    assert {each.value for each in HoldState} == ENGAGED | set(PAUSES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_words_for_every_state_and_reason(language: str) -> None:
    words = LANGUAGES[language]

    assert {each.value for each in HoldState} <= set(words.coil)
    assert {each.json for each in ArmReason} | set(PAUSES.values()) <= set(words.coil_reasons)
    for reason in ("arm-lost", "arm-silent", "coil-approaching", "coil-settling", "coil-absent", "coil-refused"):
        assert words.coil_reasons[reason].next
    assert "head-warm" in words.coil_reason("head-warm"), "what a newer arm says is named"


@pytest.mark.parametrize(
    ("changes", "waits"),
    [
        ({}, None),
        ({"lease": "continue", "why": "head-fast"}, "head-fast"),
        ({"lease": "continue"}, "coil-settling"),
        ({"lease": "none", "state": "approach"}, "coil-approaching"),
        ({"lease": "none", "state": "freeze", "why": "head-lost"}, "head-lost"),
        ({"lease": "none", "state": "away"}, "coil-away"),
    ],
)
def test_only_begin_lets_a_train_begin(told: Told, changes: dict[str, Any], waits: str | None) -> None:
    told.say(50_000_000, **changes)

    assert told.coil.waits == waits


def test_an_arm_unheard_for_half_a_second_lets_no_train_begin(told: Told) -> None:
    told.say(50_000_000)
    told.now_us = 50_500_000
    assert told.coil.waits is None
    told.now_us = 50_502_000

    assert told.coil.waits == "arm-silent"


@pytest.mark.parametrize(("to", "reason"), PAUSES.items())
@pytest.mark.parametrize("engaged", sorted(ENGAGED))
def test_leaving_the_head_pauses_a_session(told: Told, engaged: str, to: str, reason: str) -> None:
    told.say(50_000_000, state=engaged)

    assert told.say(50_100_000, state=to, lease="none") == reason
    assert told.say(50_200_000, state="away", lease="none") is None, "it had left before"


def test_moving_at_the_head_pauses_nothing(told: Told) -> None:
    for at, here in enumerate(("parked", "approach", "track", "freeze", "approach", "track")):
        assert told.say(50_000_000 + at, state=here) is None


def test_a_lost_arm_is_told_once(told: Told) -> None:
    told.say(50_000_000)

    assert told.coil.lose() == "arm-lost"
    assert told.coil.lose() is None
    assert told.coil.waits == "arm-lost"


def test_a_pulse_is_off_target_from_the_instant_the_frame_was_seen_until_it_was_back(told: Told) -> None:
    told.say(50_000_000)
    told.say(51_000_000, lease="none", frame_age_ms=80.0)
    told.say(52_000_000, lease="continue")

    flagged = [at for at in range(50_500_000, 52_500_000, 10_000) if "off-target" in told.flags(at)]
    assert (flagged[0], flagged[-1]) == (50_920_000, 51_990_000)


def test_a_pulse_while_nobody_saw_the_coil_is_off_target(told: Told) -> None:
    assert told.flags(49_000_000) == ["late", "off-target"], "before the arm was first heard"
    told.say(50_000_000)
    assert told.flags(50_200_000) == ["late"]
    assert told.flags(50_600_000) == ["late", "off-target"]
    told.coil.lose()
    assert told.flags(50_100_000) == ["late", "off-target"]


def test_a_pulse_row_says_how_its_coil_stood(told: Told) -> None:
    told.say(50_000_000)
    told.say(50_050_000, error={"lateral_mm": 3.0, "depth_mm": 4.0, "tilt_deg": 0.3, "twist_deg": 0.4})
    row = {"commanded_us": 50_049_999, "planned_us": 60_000_000, "flags": []}
    assert told.coil.marked(row)["coil_off_mm"] == 0.22
    told.say(50_100_000)
    row = {"commanded_us": None, "planned_us": 50_050_000, "flags": []}

    assert (told.coil.marked(row)["coil_off_mm"], told.coil.marked(row)["coil_off_deg"]) == (5.0, 0.5)
    assert told.coil.marked(dict(row, planned_us=None)) == dict(row, planned_us=None)


def test_the_journal_gets_a_row_when_a_person_would_be_told_and_no_other(told: Told) -> None:
    told.say(50_000_000)
    told.say(50_050_000, lease="continue")
    told.say(50_100_000, lease="none", state="freeze", why="head-lost")
    told.say(50_150_000, lease="none", state="freeze", why="head-lost")

    rows = [json.loads(line) for line in told.sink.lines]
    assert [(row["state"], row["why"]) for row in rows] == [("track", None), ("freeze", "head-lost")]
