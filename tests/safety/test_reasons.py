"""Each reason has one row, and its sentences are an operator's."""

from __future__ import annotations

import re

import pytest

from safety.reasons import Outcome, Reason, Sentence, Who

COMMAND = re.compile(r"`[^`]+`")
"""What is typed, as it is typed."""
OURS = re.compile(r"\b(permit|lease|witness|trip|tripped|nonce|frame|ledger|tick)\b", re.IGNORECASE)


@pytest.mark.parametrize("reason", Reason, ids=lambda reason: reason.json)
def test_the_name_on_the_wire_is_the_member_s(reason: Reason) -> None:
    assert reason.json == reason.value == reason.name.lower().replace("_", "-")
    assert Reason.named(reason.json) is reason


@pytest.mark.parametrize("reason", Reason, ids=lambda reason: reason.json)
def test_what_why_and_next_are_short_sentences_in_plain_words(reason: Reason) -> None:
    for part in (reason.sentence.what, reason.sentence.why, reason.sentence.next):
        assert part
        assert part.endswith(".")
        assert len(part.split()) <= 30
        assert not OURS.search(COMMAND.sub("", part))
    assert len(str(reason.sentence).split()) <= 45


def test_an_unknown_name_is_no_reason() -> None:
    with pytest.raises(KeyError):
        Reason.named("because")


def test_no_two_reasons_say_the_same() -> None:
    assert len({reason.sentence for reason in Reason}) == len(Reason)


def test_every_reason_has_a_number_of_its_own_in_the_ledger() -> None:
    codes = {reason.code for reason in Reason}
    assert len(codes) == len(Reason)
    assert min(codes) > 0
    assert max(codes) < 1 << 16


def test_the_ledger_s_numbers_do_not_move() -> None:
    assert (Reason.BEATS_LOST.code, Reason.DISARM_UNCONFIRMED.code) == (7150, 17256)


@pytest.mark.parametrize(
    ("reason", "outcome", "who"),
    [
        (Reason.NO_PERMIT, Outcome.REFUSED, Who.NOBODY),
        (Reason.PRESENCE_OLD, Outcome.HOLD, Who.NOBODY),
        (Reason.LEASE_LOST, Outcome.CUT, Who.NOBODY),
        (Reason.COIL_HOT, Outcome.STOP, Who.OPERATOR),
        (Reason.UNKNOWN_OPEN, Outcome.STOP, Who.OPERATOR),
        (Reason.COIL_TOO_HOT, Outcome.TRIP, Who.OPERATOR),
        (Reason.BEATS_LOST, Outcome.TRIP, Who.OPERATOR),
        (Reason.LATE_TICK, Outcome.TRIP, Who.OPERATOR),
        (Reason.PORT_LOST, Outcome.TRIP, Who.OPERATOR),
        (Reason.LEVEL_CHANGED, Outcome.TRIP, Who.OPERATOR),
        (Reason.DISARM_UNCONFIRMED, Outcome.TRIP, Who.OPERATOR),
        (Reason.TEMPERATURE_UNREAD, Outcome.TRIP, Who.OPERATOR),
        (Reason.OVER_LIMIT_FRAME, Outcome.TRIP_TWO, Who.TWO),
        (Reason.EVIDENCE_CONTRADICTS, Outcome.TRIP_TWO, Who.TWO),
        (Reason.TRAIN_NOT_TRIGGERED, Outcome.TRIP_TWO, Who.TWO),
        (Reason.LEDGER_FAILED, Outcome.LOCKOUT, Who.ENGINEER),
        (Reason.NOT_RELEASED, Outcome.REFUSED, Who.OPERATOR),
        (Reason.RESET_NEEDS_SECOND_PERSON, Outcome.REFUSED, Who.TWO),
    ],
)
def test_what_follows_and_who_lifts_it(reason: Reason, outcome: Outcome, who: Who) -> None:
    assert (reason.outcome, reason.who) == (outcome, who)


def test_a_sentence_is_filled_with_the_numbers_of_its_case() -> None:
    detail = {"cell": "10 Hz, 120 %", "asked": "4.0 s", "allowed": "3.2 s"}
    filled = Reason.TRAIN_TOO_LONG.sentence.filled(detail)
    assert filled.why == "At 10 Hz, 120 % it may last 3.2 s; it would last 4.0 s."


def test_a_number_nobody_gave_reads_as_an_ellipsis() -> None:
    assert Sentence("It is {asked}.", "So.", "Go.").filled({}) == Sentence("It is ….", "So.", "Go.")
