"""Requests and answers between the watchdog and the ledger's writer: read back as they were written, or bad frames."""

from __future__ import annotations

from dataclasses import replace

import pytest

from drivers.errors import BadFrame
from safety.ledger import OpenReport
from safety.ledger_errors import LedgerBroken, LedgerBusy, LedgerFailed, WrongLedger
from safety.ledger_format import HASH0, KEY0, Entry, Head, unseal
from safety.ledger_wire import ANSWER_BYTES, Answer, answer_bytes, parse_answer, parse_request, request_bytes
from tests.safety.ledger_writer.watchdog_end import RESERVE


def test_a_request_and_an_answer_are_read_back_as_they_were_written() -> None:
    assert parse_request(request_bytes(7, RESERVE)) == (7, RESERVE)
    answer = Answer(9, Head(3, HASH0), OpenReport(created=True, torn=True))
    assert parse_answer(answer_bytes(answer)) == answer


def test_a_request_leaves_number_boot_and_chain_to_the_writer() -> None:
    frame = request_bytes(7, RESERVE)

    assert frame[:8] == b"\x07" + bytes(7)
    assert unseal(frame[8:]) == Entry(0, KEY0, HASH0, RESERVE)


def test_an_answer_without_an_error_gives_no_reason() -> None:
    sound = Answer(9, Head(3, HASH0), OpenReport())

    assert len(answer_bytes(sound)) == 38
    assert len(answer_bytes(replace(sound, error=LedgerFailed("no")))) == 40


@pytest.mark.parametrize("error", [LedgerFailed, LedgerBroken, LedgerBusy, WrongLedger])
def test_a_failure_keeps_its_kind_and_its_reason_on_the_wire(error: type[LedgerFailed]) -> None:
    heard = parse_answer(answer_bytes(Answer(1, Head(3, HASH0), OpenReport(), error("because"))))
    assert type(heard.error) is error
    assert str(heard.error) == "because"


def test_a_very_long_reason_is_cut_to_one_frame() -> None:
    frame = answer_bytes(Answer(1, Head(3, HASH0), OpenReport(), LedgerFailed("é" * 5000)))
    assert len(frame) == ANSWER_BYTES
    assert str(parse_answer(frame).error).startswith("ééé")


def test_a_reason_that_is_cut_inside_a_letter_is_still_read() -> None:
    frame = answer_bytes(Answer(1, Head(3, HASH0), OpenReport(), LedgerFailed("a" + "é" * 5000)))

    assert str(parse_answer(frame).error) == "a" + "é" * 492 + "\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize("length", [0, 20, 135, 137])
def test_a_request_of_another_length_is_a_bad_frame_and_says_so(length: int) -> None:
    assert len(request_bytes(7, RESERVE)) == 136
    with pytest.raises(BadFrame, match=f"^a ledger request has 136 bytes, not {length}$"):
        parse_request(bytes(length))


@pytest.mark.parametrize("length", [0, 20, 37])
def test_an_answer_that_is_too_short_is_a_bad_frame_and_says_so(length: int) -> None:
    assert parse_answer(bytes(38)) == Answer(0, Head(0, HASH0), OpenReport())
    with pytest.raises(BadFrame, match=f"^a ledger answer has at least 38 bytes, not {length}$"):
        parse_answer(bytes(length))


def test_an_answer_with_an_error_that_nobody_knows_is_a_bad_frame_and_says_so() -> None:
    frame = answer_bytes(Answer(1, Head(3, HASH0), OpenReport(), WrongLedger("because")))
    assert frame[37] == 4
    with pytest.raises(BadFrame, match=r"^a ledger answer names one of 4 errors, not number 5$"):
        parse_answer(frame[:37] + b"\x05" + frame[38:])
