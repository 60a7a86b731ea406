"""What watchdog and ledger writer say to each other over their socket pair: one frame a message, SOCK_SEQPACKET.

request   token (8 bytes) and a sealed record whose number, boot and chain are left zero
answer    token, number, hash of the newest record, flags, and, if it failed, why in UTF-8
hello     the writer's first answer, with token 0: where the ledger stands, or why it is not open
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from drivers.errors import BadFrame
from safety.ledger import OpenReport
from safety.ledger_errors import LedgerBroken, LedgerBusy, LedgerError, LedgerFailed, WrongLedger
from safety.ledger_format import HASH0, KEY0, RECORD_BYTES, Head, Record, seal, unseal

HELLO = 0
"""Token of the hello; requests count from 1."""
ANSWER_BYTES = 1024
"""Longest answer; a longer reason is cut."""

_TOKEN = struct.Struct("<Q")
_ANSWER = struct.Struct("<QQ20sBB")
_CREATED, _TORN = 0x01, 0x02
_ERRORS: tuple[type[LedgerError], ...] = (LedgerFailed, LedgerBroken, LedgerBusy, WrongLedger)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the writer says: where the ledger stands now, or (`error`) why it does not."""

    token: int
    head: Head
    report: OpenReport
    error: LedgerError | None = None


def request_bytes(token: int, record: Record) -> bytes:
    """The frame that asks to commit `record`; OurError when it cannot be a record."""
    return _TOKEN.pack(token) + seal(0, KEY0, HASH0, record)


def parse_request(frame: bytes) -> tuple[int, Record]:
    """Token and record; BadFrame or BadRecord."""
    if len(frame) != _TOKEN.size + RECORD_BYTES:
        raise BadFrame(f"a ledger request has {_TOKEN.size + RECORD_BYTES} bytes, not {len(frame)}")
    (token,) = _TOKEN.unpack_from(frame)
    return token, unseal(frame[_TOKEN.size :]).record


def answer_bytes(answer: Answer) -> bytes:
    """The frame of `answer`."""
    flags = _CREATED * answer.report.created | _TORN * answer.report.torn
    kind = 0 if answer.error is None else 1 + _ERRORS.index(type(answer.error))
    why = "" if answer.error is None else str(answer.error)
    fixed = _ANSWER.pack(answer.token, answer.head.seq, answer.head.hash, flags, kind)
    return fixed + why.encode()[: ANSWER_BYTES - _ANSWER.size]


def parse_answer(frame: bytes) -> Answer:
    """The answer in `frame`; BadFrame when there is none."""
    if len(frame) < _ANSWER.size:
        raise BadFrame(f"a ledger answer has at least {_ANSWER.size} bytes, not {len(frame)}")
    token, seq, hashed, flags, kind = _ANSWER.unpack_from(frame)
    if kind > len(_ERRORS):
        raise BadFrame(f"a ledger answer names one of {len(_ERRORS)} errors, not number {kind}")
    why = frame[_ANSWER.size :].decode(errors="replace")
    error = _ERRORS[kind - 1](why) if kind else None
    return Answer(token, Head(seq, hashed), OpenReport(bool(flags & _CREATED), bool(flags & _TORN)), error)
