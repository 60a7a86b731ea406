"""Frames and messages that are not passed on: unreadable, forbidden, too many, too much, too early."""

from __future__ import annotations

from typing import Any

from drivers.magstim.framing import seal
from safety import events
from safety.events import Door
from safety.reasons import Reason
from tests.safety.refusals.situation import Said, Situation, answer, filing, told
from tests.safety.rooms import New, passes, ready, released, running

S = 1_000_000

SITUATIONS: dict[Reason, Situation] = {}
comes_about = filing(SITUATIONS)


@comes_about(Reason.NOT_SPEAKING)
def _(new: New) -> tuple[Said, bool]:
    room = new()
    room.frame("\\@", Door.PTY)
    return told(room, "not-speaking"), passes(room, "\\@")


@comes_about(Reason.UNKNOWN_FRAME)
def _(new: New) -> tuple[Said, bool]:
    room = new()
    room.feed(events.ClientNoise(Door.DAEMON, b"z"))
    return told(room), passes(room, "\\@")


@comes_about(Reason.MALFORMED_FRAME)
def _(new: New) -> tuple[Said, bool]:
    room = new()
    room.feed(events.ClientNoise(Door.DAEMON, b"EA\x00"))
    return told(room), passes(room, "EA")


@comes_about(Reason.FORBIDDEN_FRAME)
def _(new: New) -> tuple[Said, bool]:
    room = new()
    room.frame("b@")
    return told(room), passes(room, "\\@")


@comes_about(Reason.QUEUE_FULL)
def _(new: New) -> tuple[Said, bool]:
    room = new()
    question = seal(b"\\@")
    room.fault("silent")
    for _ in range(10):
        room.feed(events.ClientFrame(Door.DAEMON, question, room.dialect.effect(question)))
    said = told(room)
    room.fault("silent", on=False)
    room.pass_time(4 * S)
    return said, passes(room, "\\@")


@comes_about(Reason.NO_SESSION)
def _(new: New) -> tuple[Said, bool]:
    room = new()
    room.frame("EB")
    return told(room), passes(released(new), "EB")


@comes_about(Reason.SETTING_OUT_OF_RANGE)
def _(new: New) -> tuple[Said, bool]:
    room = new()
    room.frame("@031")
    return told(room), passes(room, "@030")


@comes_about(Reason.SETTING_WHILE_TRAIN)
def _(new: New) -> tuple[Said, bool]:
    room = running(new)
    room.frame("@044")
    return told(room), passes(ready(new), "@044")


@comes_about(Reason.OVER_LIMIT_FRAME)
def _(new: New) -> tuple[Said, bool]:
    room = released(new)
    room.frame("@046")
    return told(room, "trip"), passes(released(new), "@045")


@comes_about(Reason.MALFORMED_MESSAGE)
def _(new: New) -> tuple[Said, bool]:
    room = new()
    phantom: dict[str, Any] = {"kind": "phantom", "protocol": "", "threshold": None}
    return answer(room.open(subject="S-0001", **phantom)), room.open(subject="", **phantom)["ok"]
