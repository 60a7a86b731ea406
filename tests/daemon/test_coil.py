"""What the room makes of the arm's words: when it waits, when it pauses, and how each pulse's coil stood."""

from __future__ import annotations

import json
from typing import Any

import pytest

from daemon import words
from daemon.arm.reasons import ArmReason
from daemon.arm.table import ENGAGED as ARMS_ENGAGED
from daemon.arm.table import HoldState
from daemon.arm_words import ArmView
from daemon.coil import ENGAGED, PAUSES, Coil
from daemon.journal import Journal, MemorySink
from daemon.on_target import _UNSEEN
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

    def row(self, planned_us: int | None, commanded_us: int | None = None) -> dict[str, Any]:
        return dict(self.coil.marked({"commanded_us": commanded_us, "planned_us": planned_us, "flags": ["late"]}))

    def target(self, at_us: int) -> str:
        return str(self.row(at_us)["target"])


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


def test_a_coil_that_was_taken_off_is_not_said_to_wait() -> None:
    words = LANGUAGES["en"]
    waits, gone = (words.coil_sentence(state, "head-lost") for state in ("freeze", "retract"))

    assert waits.startswith("The coil waits. The camera does not see the head marker. Clear the view")
    assert gone.startswith("The arm took the coil off the head; a person sends it back. The camera does not see")
    assert words.coil_sentence("track", None) == "The coil follows the head."
    assert "head-warm" in words.coil_sentence("retract", "head-warm")


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


OFF = {"lateral_mm": 3.0, "depth_mm": 4.0, "tilt_deg": 0.3, "twist_deg": 0.4}


def test_a_pulse_is_off_target_from_the_instant_the_frame_was_seen_until_the_coil_was_back(told: Told) -> None:
    for at_us in range(50_000_000, 52_500_000, 50_000):
        away = 51_000_000 <= at_us < 52_000_000
        told.say(at_us, lease="none" if away else "continue", frame_age_ms=80.0, **({"error": OFF} if away else {}))

    pulses = range(50_000_000, 52_400_000, 10_000)
    off = [at_us for at_us in pulses if told.target(at_us) == "off"]
    assert (off[0], off[-1]) == (50_920_000, 51_990_000)
    assert {told.target(at_us) for at_us in pulses if at_us not in off} == {"on"}


def test_an_absence_reaches_back_over_what_was_said_since_and_not_into_the_absence_before(told: Told) -> None:
    told.say(50_000_000, lease="none", error=OFF)
    told.say(50_050_000)
    told.say(50_100_000, lease="none", error=None, frame_age_ms=150.0)

    assert told.target(49_995_000) == "off", "that was known, and is not forgotten"
    assert told.target(50_005_000) == "unknown"
    assert told.target(50_060_000) == "unknown", "it was said to be on its target by an older frame"


def test_how_the_coil_stood_is_not_known_where_no_word_of_the_arm_reaches(told: Told) -> None:
    told.say(50_000_000)
    told.say(51_000_000)

    assert [told.target(at_us) for at_us in (49_000_000, 50_149_000, 50_151_000, 51_000_000)] == [
        "unknown", "on", "unknown", "on",
    ]  # fmt: skip
    assert told.row(50_200_000)["coil_why"] == "arm-silent"
    assert told.row(None)["target"] == "unknown", "a pulse beyond those that were asked has no time"


def test_a_lost_arm_vouches_for_no_pulse_after_its_last_word(told: Told) -> None:
    told.say(50_000_000)
    told.say(50_050_000)
    told.coil.lose()

    assert told.target(50_050_500) == "on"
    assert told.row(50_060_000) | {"flags": []} == {
        "commanded_us": None, "planned_us": 50_060_000, "flags": [], "target": "unknown",
        "coil_off_mm": None, "coil_off_deg": None, "coil_why": "arm-lost",
    }  # fmt: skip


def test_a_coil_that_nobody_sees_is_not_said_to_be_off(told: Told) -> None:
    told.say(50_000_000, lease="none", why="tracker-silent", error=None, frame_age_ms=120.0)

    assert told.row(50_000_000) | {"flags": []} == {
        "commanded_us": None, "planned_us": 50_000_000, "flags": [], "target": "unknown",
        "coil_off_mm": None, "coil_off_deg": None, "coil_why": "tracker-silent",
    }  # fmt: skip


@pytest.mark.parametrize(("why", "target"), [("coil-marker-unseen", "unknown"), ("coil-seen-off", "off")])
def test_a_lease_withdrawn_because_the_coil_is_unseen_does_not_say_that_it_is_off(
    told: Told, why: str, target: str
) -> None:
    told.say(50_000_000, lease="none", why=why)

    assert told.target(50_000_000) == target
    assert told.row(50_000_000)["coil_off_mm"] == 0.22, "what the arm makes of it is told all the same"


def test_the_reasons_that_mean_unseen_are_the_arms_own_or_the_trackers() -> None:
    assert {each.json for each in ArmReason} | {"tracker-hangs"} >= _UNSEEN
    assert words.ENGLISH.coil_reasons.keys() >= _UNSEEN


def test_a_pulse_row_says_by_how_much_its_coil_was_off_at_its_own_time(told: Told) -> None:
    told.say(50_000_000)
    told.say(50_050_000, lease="none", why="head-fast", error=OFF, frame_age_ms=0.0)
    early = told.row(60_000_000, commanded_us=50_049_999)
    late = told.row(50_050_000)

    assert (early["target"], early["coil_off_mm"], early["coil_off_deg"], early["coil_why"]) == ("on", 0.22, 0.14, None)
    assert (late["target"], late["coil_off_mm"], late["coil_off_deg"], late["coil_why"]) == ("off", 5, 0.5, "head-fast")
    assert late["flags"] == ["late"], "what else is said of it stays"


def test_the_journal_gets_a_row_when_a_person_would_be_told_and_no_other(told: Told) -> None:
    told.say(50_000_000)
    told.say(50_050_000, lease="continue")
    told.say(50_100_000, lease="none", state="freeze", why="head-lost")
    told.say(50_150_000, lease="none", state="freeze", why="head-lost")

    rows = [json.loads(line) for line in told.sink.lines]
    assert [(row["state"], row["why"]) for row in rows] == [("track", None), ("freeze", "head-lost")]
