"""Sessions and commands: who may open, release, reset and resolve, and for whom."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from safety import control, events
from safety.asking import Use
from safety.ledger_format import Kind, Record, key
from safety.reasons import Reason
from tests.safety.book_records import book_of
from tests.safety.conftest import VirtualRoom
from tests.safety.refusals.situation import Said, Situation, answer, filing, told
from tests.safety.rooms import New, passes, ready, released, tripped

MS, S = 1_000, 1_000_000

SITUATIONS: dict[Reason, Situation] = {}
comes_about = filing(SITUATIONS)


@comes_about(Reason.SESSION_OPEN)
def _(new: New) -> tuple[Said, bool]:
    room = new()
    assert room.open()["ok"]
    said = answer(room.open())
    room.ask(control.CloseSession(by="ann"))
    return said, room.open()["ok"]


@comes_about(Reason.NOT_SESSION_HOLDER)
def _(new: New) -> tuple[Said, bool]:
    room = new()
    assert room.open()["ok"]
    room.ask(control.Hello(role="cli"), 9)
    return answer(room.ask(control.CloseSession(by="ann"), 9)), room.ask(control.CloseSession(by="ann"))["ok"]


@comes_about(Reason.SESSION_ENDED)
def _(new: New) -> tuple[Said, bool]:
    room, other = ready(new), ready(new)
    for each in (room, other):
        each.permit()
        each.ask(control.Hello(role="cli"), 9)
    room.feed(events.Disconnected(7))
    other.feed(events.Disconnected(9))
    return told(room, "withdrawn"), passes(other, "EH")


@comes_about(Reason.HASH_DIFFERS)
def _(new: New) -> tuple[Said, bool]:
    room = new()
    room.open()
    room.pass_time(300 * MS)
    return answer(room.ask(control.Release(hash="0" * 32, nonce=room.nonce, by="ann"))), room.release()["ok"]


@comes_about(Reason.NONCE_STALE)
def _(new: New) -> tuple[Said, bool]:
    room = new()
    hashed = room.open()["hash"]
    room.pass_time(300 * MS)
    old = room.nonce
    room.pass_time(2_400 * MS)
    return answer(room.ask(control.Release(hash=hashed, nonce=old, by="ann"))), room.release()["ok"]


@comes_about(Reason.RESET_NEEDS_SECOND_PERSON)
def _(new: New) -> tuple[Said, bool]:
    room = released(new)
    room.frame("@046")
    room.pass_time(300 * MS)
    said = answer(room.ask(control.Reset(by="ann", nonce=room.nonce)))
    return said, room.ask(control.Reset(by="bob", nonce=room.nonce))["ok"]


@comes_about(Reason.RESET_CONDITIONS)
def _(new: New) -> tuple[Said, bool]:
    room = ready(new)
    room.fault("ignore-disarm", count=0)
    room.ask(control.Stop(by="ann"))
    room.pass_time(600 * MS)
    said = answer(room.ask(control.Reset(by="ann", nonce=room.nonce)))
    room.pass_time(5 * S)  # its own keep-alive lapse disarms it
    return said, room.ask(control.Reset(by="ann", nonce=room.nonce))["ok"]


@comes_about(Reason.NOTHING_TRIPPED)
def _(new: New) -> tuple[Said, bool]:
    room, other = ready(new), tripped(new)
    return (
        answer(room.ask(control.Reset(by="ann", nonce=room.nonce))),
        other.ask(control.Reset(by="ann", nonce=other.nonce))["ok"],
    )


@comes_about(Reason.NOTHING_TO_RESOLVE)
def _(new: New) -> tuple[Said, bool]:
    room = ready(new)
    room.permit()
    room.fault("lose-reply", of="E", count=1)
    room.frame("EH")
    room.pass_time(S)
    ref = room.state.unknowns[0]
    said = answer(room.ask(control.Resolve(by="ann", ref=ref + 1, why="it clicked", nonce=room.nonce)))
    return said, room.ask(control.Resolve(by="ann", ref=ref, why="it clicked", nonce=room.nonce))["ok"]


@comes_about(Reason.RESOLVE_CONDITIONS)
def _(new: New) -> tuple[Said, bool]:
    room = ready(new)
    room.permit()
    room.fault("lose-reply", of="E", count=1)
    room.fault("swallow-disarm", count=3)
    room.frame("EH")
    while not room.state.book.unknowns:
        room.pass_time(5 * MS)
    resolve = control.Resolve(by="ann", ref=room.state.book.unknowns[0], why="it clicked", nonce=room.nonce)
    said = answer(room.ask(resolve))
    room.pass_time(2 * S)
    return said, room.ask(replace(resolve, nonce=room.nonce))["ok"]


@comes_about(Reason.SUBJECT_BLOCKED)
def _(new: New) -> tuple[Said, bool]:
    room = new(book=book_of(Record(Kind.BLOCK, subject=key("S-0001"))))
    return answer(room.open()), room.open(subject="S-0002")["ok"]


@comes_about(Reason.NOT_BLOCKED)
def _(new: New) -> tuple[Said, bool]:
    room = new(book=book_of(Record(Kind.BLOCK, subject=key("S-0002"))))
    unblock = control.Unblock("ann", "S-0001", "dr. bianchi", "seen and well", room.nonce)
    return answer(room.ask(unblock)), answered(room, replace(unblock, subject="S-0002"))["ok"]


@comes_about(Reason.BLOCK_WHILE_OPEN)
def _(new: New) -> tuple[Said, bool]:
    room = new()
    room.open()
    block = control.Block("ann", "S-0001", "a new implant", room.nonce)
    said = answer(room.ask(block))
    room.ask(control.CloseSession(by="ann"))
    return said, answered(room, block)["ok"]


@comes_about(Reason.BLOCK_LATE)
def _(new: New) -> tuple[Said, bool]:
    room = new()
    room.disk_us = S
    block = control.Block("ann", "S-0001", "a new implant", room.nonce)
    said = answer(answered(room, block))
    room.pass_time(S)
    room.disk_us = 400 * MS
    return said, answered(room, replace(block, nonce=room.nonce))["ok"]


def answered(room: VirtualRoom, message: control.Message) -> dict[str, Any]:
    """The answer to what waits for the disk."""
    room.ask(message)
    number = room._request
    room.pass_time(600 * MS)
    return room.answers[number]


@comes_about(Reason.CANNOT_CONTINUE)
def _(new: New) -> tuple[Said, bool]:
    room = new()
    session = room.open()["session"]
    room.pass_time(10 * MS)
    room.ask(control.CloseSession(by="ann"))
    said = answer(room.open(continues=session, reason="a break", subject="S-0002"))
    return said, room.open(continues=session, reason="a break")["ok"]


@comes_about(Reason.UNKNOWN_PROTOCOL)
def _(new: New) -> tuple[Said, bool]:
    room = new()
    return answer(room.open("demos")), room.open("demo")["ok"]


@comes_about(Reason.PROTOCOL_NOT_AUTHORISED)
def _(new: New) -> tuple[Said, bool]:
    return answer(new(authorised="S-0002").open("mdd-10hz-37")), new().open("mdd-10hz-37")["ok"]


@comes_about(Reason.USE_FORBIDS)
def _(new: New) -> tuple[Said, bool]:
    room = new(use=Use.BENCH)
    return answer(room.open()), room.open(kind="phantom", subject="", protocol="", threshold=None)["ok"]


@comes_about(Reason.STUDY_INCOMPLETE)
def _(new: New) -> tuple[Said, bool]:
    room = new(use=Use.STUDY, lacks=lambda _protocol, _wall_us: ("rate is not signed", "cell_10hz_120 is not signed"))
    signed = new(use=Use.STUDY)
    threshold = signed.threshold(simulated=False)
    return answer(room.open(threshold=threshold)), signed.open(threshold=threshold)["ok"]
