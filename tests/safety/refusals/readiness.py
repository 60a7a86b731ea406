"""The room is not ready, or no longer: the watchdog's own state, the people and their clients, the arm."""

from __future__ import annotations

from drivers.magstim.framing import seal
from safety import control, events
from safety.events import Door
from safety.reasons import Reason
from tests.safety.conftest import ARM_LOOP
from tests.safety.refusals.situation import Said, Situation, answer, filing, told
from tests.safety.rooms import New, passes, ready, released, running, tripped

MS = 1_000

SITUATIONS: dict[Reason, Situation] = {}
comes_about = filing(SITUATIONS)


@comes_about(Reason.BOOT)
def _(new: New) -> tuple[Said, bool]:
    room = new()
    room.feed(events.PortLost("power"))
    room.feed(events.PortFound())
    question = seal(b"\\@")
    room.feed(events.ClientFrame(Door.DAEMON, question, room.dialect.effect(question)))
    said = told(room)
    room.pass_time(300 * MS)
    return said, passes(room, "\\@")


@comes_about(Reason.TRIPPED)
def _(new: New) -> tuple[Said, bool]:
    room = tripped(new)
    room.frame("EB")
    said = told(room)
    assert room.ask(control.Reset(by="ann", nonce=room.nonce))["ok"]
    room.take_remote()
    assert room.release()["ok"]
    return said, passes(room, "EB")


@comes_about(Reason.LOCKED_OUT)
def _(new: New) -> tuple[Said, bool]:
    room = new()
    room.feed(events.CommitFailed("the disk is full"))
    return answer(room.open()), new().open()["ok"]


@comes_about(Reason.LEDGER_FAILED)
def _(new: New) -> tuple[Said, bool]:
    room = ready(new)
    room.permit()
    room.feed(events.CommitFailed("the disk is full"))
    other = ready(new)
    other.permit()
    return told(room, "withdrawn"), passes(other, "EH")


@comes_about(Reason.NOT_RELEASED)
def _(new: New) -> tuple[Said, bool]:
    room = new()
    assert room.open()["ok"]
    room.pass_time(300 * MS)
    room.frame("EB")
    said = told(room)
    assert room.release()["ok"]
    return said, passes(room, "EB")


@comes_about(Reason.BEATS_LOST)
def _(new: New) -> tuple[Said, bool]:
    room, other = ready(new), ready(new)
    room.turning = [True, False]
    room.pass_time(400 * MS)
    other.pass_time(400 * MS)
    return told(room, "trip"), "trip" not in other.kinds()


@comes_about(Reason.PRESENCE_OLD)
def _(new: New) -> tuple[Said, bool]:
    room = ready(new)
    room.present = False
    room.stay(1_300 * MS)
    said = answer(room.permit())
    room.present = True
    room.stay(1_300 * MS)
    return said, room.permit()["ok"]


@comes_about(Reason.PRESENCE_LOST)
def _(new: New) -> tuple[Said, bool]:
    room, other = ready(new), ready(new)
    room.present = other.present = False
    room.stay(3_300 * MS)
    other.stay(2_800 * MS)
    return told(room, "stop"), "stop" not in other.kinds()


@comes_about(Reason.ARM_ABSENT)
def _(new: New) -> tuple[Said, bool]:
    room = new(profile="robot")
    room.feed(events.Disconnected(ARM_LOOP))
    said = answer(room.open())
    room.ask(control.Hello(role="lease"), ARM_LOOP)
    return said, room.open()["ok"]


@comes_about(Reason.NOT_THE_ARM)
def _(new: New) -> tuple[Said, bool]:
    room = new(profile="robot")
    said = answer(room.ask(control.Hello(role="lease"), 77))
    room.feed(events.Disconnected(ARM_LOOP))
    return said, room.ask(control.Hello(role="lease"), 77)["ok"]


@comes_about(Reason.NOT_THE_DAEMON)
def _(new: New) -> tuple[Said, bool]:
    room = new()
    said = answer(room.ask(control.Hello(role="daemon"), 9, uid=1000))
    return said, room.ask(control.Hello(role="daemon"), 9, uid=0)["ok"]


@comes_about(Reason.LEASE_MISSING)
def _(new: New) -> tuple[Said, bool]:
    room = released(new, profile="robot")
    room.lease = "none"
    room.pass_time(100 * MS)
    room.frame("EB")
    said = told(room)
    room.lease = "begin"
    room.pass_time(1_200 * MS)
    return said, passes(room, "EB")


@comes_about(Reason.LEASE_LOST)
def _(new: New) -> tuple[Said, bool]:
    room, other = running(new, profile="robot"), running(new, profile="robot")
    room.lease, other.lease = "none", "continue"
    room.pass_time(100 * MS)
    other.pass_time(100 * MS)
    return told(room, "cut"), "cut" not in other.kinds()
