"""One situation for each reason: how it comes about, what the gate says then, and beside it what passes.

Each function takes `new`, which makes a started room, and returns what was said and whether the control passed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from drivers.magstim.framing import seal
from drivers.quantities import Hertz, Train
from drivers.stimulators import Field
from safety import control, events
from safety.asking import Use
from safety.book import Book
from safety.events import Door
from safety.ledger_format import Carry, Kind, Record, carried_note, key
from safety.reasons import Reason
from tests.safety.conftest import ARM_LOOP, LIMITS, PROTOCOLS, WALL_US, VirtualRoom

MS, S, HOUR, DAY = 1_000, 1_000_000, 3_600_000_000, 86_400_000_000
New = Callable[..., VirtualRoom]


class Said(NamedTuple):
    """A reason with its detail, as it reaches a client."""

    reason: str
    detail: Mapping[str, Any]


Situation = Callable[[New], tuple[Said, bool]]
SITUATIONS: dict[Reason, Situation] = {}


def comes_about(reason: Reason) -> Callable[[Situation], Situation]:
    """Files a situation under the reason it leads to."""

    def file(situation: Situation) -> Situation:
        SITUATIONS[reason] = situation
        return situation

    return file


def answer(body: Mapping[str, Any]) -> Said:
    """A refused request."""
    assert body.get("ok") is False, body
    return Said(body["reason"], body["detail"])


def told(room: VirtualRoom, kind: str = "refused") -> Said:
    """The last event of a kind."""
    body = room.last(kind)
    detail = body.get("detail", {})
    return Said(body["reason"], detail if isinstance(detail, dict) else {})


def passes(room: VirtualRoom, text: str, door: Door = Door.DAEMON) -> bool:
    """Whether a frame reaches the device and is carried out."""
    return room.frame(text, door)[1:2] not in (b"S", b"?", b"")


def released(new: New, **options: Any) -> VirtualRoom:
    """A released demo session, its train set."""
    room = new(**options)
    assert room.open()["ok"], room.told[-1]
    assert room.release()["ok"]
    room.set_train()
    return room


def ready(new: New, **options: Any) -> VirtualRoom:
    """As released, armed and charged."""
    room = released(new, **options)
    room.arm()
    return room


def running(new: New, **options: Any) -> VirtualRoom:
    """As ready, half a second into a train."""
    room = ready(new, **options)
    assert room.permit()["ok"]
    assert passes(room, "EH")
    room.pass_time(500 * MS)
    return room


def script(new: New, *, rate: int = 10, pulses: int = 20, level: int = 40, **options: Any) -> VirtualRoom:
    """A released script session at the other door, its train set at the front panel, armed and charged."""
    room = new(**options)
    assert room.open_script()["ok"]
    assert room.release()["ok"]
    room.take_remote(Door.PTY)
    if pulses == 1:
        room.set_single(level=level, door=Door.PTY)
    else:
        room.set_train(level=level, door=Door.PTY)
        room.bench.device.set(Field.RATE, rate * 10)
        room.bench.device.set(Field.PULSES, pulses)
        room.bench.device.set(Field.DURATION_MS, -(-pulses * 10 // rate) * 100)
    room.arm(Door.PTY)
    return room


def hunting(new: New, **options: Any) -> VirtualRoom:
    """A released threshold session with single pulses, armed and charged."""
    opening = {name: options.pop(name) for name in ("ceiling_tenths",) if name in options}
    room = new(**options)
    assert room.open(kind="threshold", protocol="", threshold=None, **opening)["ok"]
    assert room.release()["ok"]
    room.set_single()
    room.arm()
    return room


def fired_by_script(room: VirtualRoom) -> bool:
    """Whether a script's trigger passes."""
    return passes(room, "EH", Door.PTY)


def tripped(new: New) -> VirtualRoom:
    """A room whose stimulator was unplugged while armed, and plugged in again."""
    room = ready(new)
    room.feed(events.PortLost("unplugged"))
    room.feed(events.PortFound())
    room.pass_time(300 * MS)
    return room


def book_of(*records: Record) -> Book:
    """A ledger with these records in it."""
    return Book.of(enumerate(records, 1))


def counted(pulses: int, ago_us: int, subject: str = "S-0001") -> Record:
    """Pulses this subject had some time ago, from elsewhere."""
    at_us = WALL_US - ago_us
    return Record(
        Kind.CARRIED, pulses, subject=key(subject), code=Carry.WINDOWS, wall_us=at_us, note=carried_note(at_us)
    )


# --- frames and doors -----------------------------------------------------------------------------------------


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


# --- standing conditions --------------------------------------------------------------------------------------


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


@comes_about(Reason.READ_BACK_STALE)
def _(new: New) -> tuple[Said, bool]:
    room = ready(new)
    room.fault("lose-reply", of="\\", count=9)
    room.pass_time(1_200 * MS)
    said = answer(room.permit())
    return said, ready(new).permit()["ok"]


@comes_about(Reason.READ_BACK_DIFFERS)
def _(new: New) -> tuple[Said, bool]:
    room = released(new)
    new_firmware = room.profile.firmware > 8
    assert passes(room, "D00010" if new_firmware else "D0010")
    room.arm()
    said = answer(room.permit(pulses=10))
    room.frame("[0010" if new_firmware else "[010")
    room.stay(800 * MS)
    return said, room.permit(pulses=10)["ok"]


@comes_about(Reason.NOT_READY)
def _(new: New) -> tuple[Said, bool]:
    room = released(new)
    assert passes(room, "EB")
    said = answer(room.permit())
    room.stay(1_200 * MS)
    return said, room.permit()["ok"]


@comes_about(Reason.NOT_ARMED)
def _(new: New) -> tuple[Said, bool]:
    room = released(new)
    said = answer(room.permit())
    room.arm()
    return said, room.permit()["ok"]


@comes_about(Reason.COIL_HOT)
def _(new: New) -> tuple[Said, bool]:
    room = released(new)
    room.fault("coil-temperature", celsius=40.5)
    room.pass_time(1_500 * MS)
    room.frame("EB")
    said = told(room)
    room.fault("coil-temperature", celsius=39)
    room.pass_time(1_500 * MS)
    return said, passes(room, "EB")


@comes_about(Reason.COIL_TOO_HOT)
def _(new: New) -> tuple[Said, bool]:
    stays_armed = {"refuses_hot_coil_tenths": 500}
    room, other = running(new, options=stays_armed), running(new, options=stays_armed)
    for each, celsius in ((room, 41.5), (other, 40.5)):
        each.fault("freeze-sensor", celsius=celsius)
        each.stay(1_200 * MS)
    return told(room, "trip"), "trip" not in other.kinds()


@comes_about(Reason.TEMPERATURE_UNREAD)
def _(new: New) -> tuple[Said, bool]:
    room, other = ready(new), ready(new)
    room.fault("lose-reply", of="F", count=9)
    room.stay(2_400 * MS)
    other.stay(2_400 * MS)
    return told(room, "trip"), "trip" not in other.kinds()


@comes_about(Reason.COIL_MISSING)
def _(new: New) -> tuple[Said, bool]:
    room = released(new)
    room.fault("unplug-coil")
    room.poke()
    room.frame("EB")
    said = told(room)
    room.fault("plug-coil")
    room.poke()
    return said, passes(room, "EB")


@comes_about(Reason.DEVICE_FAULT)
def _(new: New) -> tuple[Said, bool]:
    room = released(new)
    room.fault("error-code", code="E01")
    room.poke()
    room.frame("EB")
    return told(room), passes(released(new), "EB")


@comes_about(Reason.REMOTE_LOST)
def _(new: New) -> tuple[Said, bool]:
    room = new()
    assert room.open()["ok"]
    assert room.release()["ok"]
    room.frame("R@")
    room.frame("EB")
    said = told(room)
    room.take_remote()
    return said, passes(room, "EB")


@comes_about(Reason.LEDGER_LATE)
def _(new: New) -> tuple[Said, bool]:
    room, other = ready(new), ready(new)
    room.disk_us, other.disk_us = 700 * MS, 100 * MS
    return answer(room.permit()), other.permit()["ok"]


@comes_about(Reason.UNKNOWN_OPEN)
def _(new: New) -> tuple[Said, bool]:
    room = ready(new)
    room.permit()
    room.fault("lose-reply", of="E", count=1)
    room.frame("EH")
    room.pass_time(S)
    said = told(room, "stop")
    assert answer(room.release()).reason == "unknown-open"
    ref = room.state.unknowns[0]
    assert room.ask(control.Resolve(by="ann", ref=ref, why="it clicked", nonce=room.nonce))["ok"]
    return said, room.release()["ok"]


@comes_about(Reason.PORT_ABSENT)
def _(new: New) -> tuple[Said, bool]:
    room = new()
    room.feed(events.PortLost("unplugged"))
    return answer(room.open()), new().open()["ok"]


@comes_about(Reason.PORT_LOST)
def _(new: New) -> tuple[Said, bool]:
    room, other = ready(new), released(new)
    room.feed(events.PortLost("unplugged"))
    other.feed(events.PortLost("unplugged"))
    return told(room, "trip"), "trip" not in other.kinds()


@comes_about(Reason.DISARM_UNCONFIRMED)
def _(new: New) -> tuple[Said, bool]:
    room, other = ready(new), ready(new)
    room.fault("ignore-disarm", count=0)
    other.fault("swallow-disarm", count=1)
    for each in (room, other):
        each.ask(control.Stop(by="ann"))
        each.pass_time(400 * MS)
    return told(room, "trip"), "trip" not in other.kinds()


@comes_about(Reason.LATE_TICK)
def _(new: New) -> tuple[Said, bool]:
    room, other = ready(new), ready(new)
    for each, us in ((room, 151 * MS), (other, 149 * MS)):
        each.clock.advance_to(each.state.seen_us + us)
        each.feed(events.Tick())
    return told(room, "trip"), "trip" not in other.kinds()


@comes_about(Reason.LEVEL_CHANGED)
def _(new: New) -> tuple[Said, bool]:
    room, other = ready(new), released(new)
    room.fault("panel-level", percent=40)
    room.stay(2 * S)
    other.fault("panel-level", percent=40)
    other.stay(2 * S)
    return told(room, "trip"), "trip" not in other.kinds()


@comes_about(Reason.EVIDENCE_CONTRADICTS)
def _(new: New) -> tuple[Said, bool]:
    room, other = ready(new), ready(new)
    room.fault("over-fire", pulses=3)
    for each in (room, other):
        each.permit()
        each.frame("EH")
        each.stay(4 * S)
    return told(room, "trip"), "trip" not in other.kinds()


@comes_about(Reason.TRAIN_NOT_TRIGGERED)
def _(new: New) -> tuple[Said, bool]:
    room, other = ready(new), running(new)
    room.fault("panel-trigger")
    room.stay(S)
    other.stay(S)
    return told(room, "trip"), "trip" not in other.kinds()


@comes_about(Reason.TRIGGER_REFUSED)
def _(new: New) -> tuple[Said, bool]:
    room, other = ready(new), ready(new)
    for each in (room, other):
        each.permit()
    room.bench.device.force_wait(S)
    room.bench.device.disarm("the coil's button was let go")
    room.frame("EH")
    return told(room, "stop"), passes(other, "EH")


@comes_about(Reason.DEVICE_DISARMED_ITSELF)
def _(new: New) -> tuple[Said, bool]:
    room, other = ready(new), ready(new)
    room.fault("panel-disarm")
    room.poke()
    other.poke()
    return told(room, "stop"), "stop" not in other.kinds()


@comes_about(Reason.ARMED_IDLE)
def _(new: New) -> tuple[Said, bool]:
    room = ready(new)
    room.permit()
    room.frame("EA")
    room.pass_time(100 * MS)
    room.arm()
    room.stay(5 * S)
    said = Said(room.last("disarmed")["why"], {})
    room.arm()
    return said, room.permit()["ok"]


@comes_about(Reason.ARMED_ELSEWHERE)
def _(new: New) -> tuple[Said, bool]:
    room, other = released(new), released(new)
    room.fault("panel-arm")
    room.poke()
    other.frame("EB")
    other.poke()
    return told(room, "stop"), "stop" not in other.kinds()


@comes_about(Reason.TOO_MANY_CUTS)
def _(new: New) -> tuple[Said, bool]:
    one_cut = LIMITS.tightened({"max_cuts": 1})
    room, other = running(new, profile="robot", limits=one_cut), running(new, profile="robot")
    for each in (room, other):
        each.lease = "none"
        each.pass_time(100 * MS)
    return told(room, "stop"), "stop" not in other.kinds()


@comes_about(Reason.STOP_ASKED)
def _(new: New) -> tuple[Said, bool]:
    room = ready(new)
    room.ask(control.Stop(by="ann"))
    said = told(room, "stop")
    room.pass_time(300 * MS)
    assert room.release()["ok"]
    return said, passes(room, "EB")


# --- permits --------------------------------------------------------------------------------------------------


@comes_about(Reason.NO_PERMIT)
def _(new: New) -> tuple[Said, bool]:
    room = ready(new)
    room.frame("EH")
    said = told(room)
    room.permit()
    return said, passes(room, "EH")


@comes_about(Reason.PERMIT_EXPIRED)
def _(new: New) -> tuple[Said, bool]:
    room, other = ready(new), ready(new)
    for each, us in ((room, 520 * MS), (other, 480 * MS)):
        each.permit()
        each.pass_time(us)
    return told(room, "withdrawn"), passes(other, "EH")


@comes_about(Reason.PERMIT_DIFFERS)
def _(new: New) -> tuple[Said, bool]:
    room = ready(new)
    return answer(room.permit(level=44)), room.permit(level=45)["ok"]


@comes_about(Reason.PERMIT_TOO_SOON)
def _(new: New) -> tuple[Said, bool]:
    def second(after_us: int) -> VirtualRoom:
        room = new()
        assert room.open("lf-right-1hz")["ok"]
        assert room.release()["ok"]
        room.set_single(level=54)
        room.arm()
        assert room.permit(level=54, rate=0, pulses=1, triggers=2, spacing_us=1_400 * MS)["ok"]
        assert passes(room, "EH")
        for _ in range(4):
            room.pass_time(after_us // 4)
            room.poke()
        return room

    room, other = second(1_200 * MS), second(1_500 * MS)
    room.frame("EH")
    return told(room), passes(other, "EH")


@comes_about(Reason.PERMIT_BUSY)
def _(new: New) -> tuple[Said, bool]:
    room = ready(new)
    room.permit()
    said = answer(room.permit())
    room.ask(control.Withdraw(permit=1))
    return said, room.permit()["ok"]


@comes_about(Reason.TRAIN_RUNNING)
def _(new: New) -> tuple[Said, bool]:
    room = running(new)
    room.frame("EH")
    other = ready(new)
    other.permit()
    return told(room), passes(other, "EH")


# --- sessions and commands ------------------------------------------------------------------------------------


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


@comes_about(Reason.SUBJECT_BLOCKED)
def _(new: New) -> tuple[Said, bool]:
    room = new(book=book_of(Record(Kind.BLOCK, subject=key("S-0001"))))
    return answer(room.open()), room.open(subject="S-0002")["ok"]


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


# --- limits ---------------------------------------------------------------------------------------------------


def opened(room: VirtualRoom, **threshold: Any) -> dict[str, Any]:
    """An answer to opening the demo with another threshold."""
    return room.open(threshold=room.threshold(**threshold))


@comes_about(Reason.THRESHOLD_MISSING)
def _(new: New) -> tuple[Said, bool]:
    room = new()
    return answer(room.open(threshold=None)), room.open()["ok"]


@comes_about(Reason.THRESHOLD_OLD)
def _(new: New) -> tuple[Said, bool]:
    room, days = new(), LIMITS.threshold_age_us
    old, young = room.now.wall_us - days - DAY, room.now.wall_us - days + HOUR
    return answer(opened(room, taken_wall_us=old)), opened(room, taken_wall_us=young)["ok"]


@comes_about(Reason.THRESHOLD_POOR)
def _(new: New) -> tuple[Said, bool]:
    room = new()
    return answer(opened(room, pulses=5, sd_tenths=90)), opened(room, pulses=20, sd_tenths=15)["ok"]


@comes_about(Reason.THRESHOLD_OTHER_COIL)
def _(new: New) -> tuple[Said, bool]:
    room = new()
    return answer(opened(room, coil="coil-2")), opened(room)["ok"]


@comes_about(Reason.THRESHOLD_VISUAL)
def _(new: New) -> tuple[Said, bool]:
    room = new(limits=LIMITS.tightened({"intensity_visual": 90}))
    visual = room.threshold(method="visual")
    return answer(room.open(threshold=visual)), room.open(threshold=visual, intensity_tenths=900)["ok"]


@comes_about(Reason.THRESHOLD_SIMULATED)
def _(new: New) -> tuple[Said, bool]:
    room = new(use=Use.STUDY)
    return answer(room.open()), opened(room, simulated=False)["ok"]


@comes_about(Reason.HUNT_SINGLE_PULSES)
def _(new: New) -> tuple[Said, bool]:
    room = hunting(new)
    return answer(room.permit(pulses=2)), room.permit(rate=0, pulses=1)["ok"]


@comes_about(Reason.NOT_IN_PROTOCOL)
def _(new: New) -> tuple[Said, bool]:
    room = ready(new)
    return answer(room.permit(rate=9)), room.permit(rate=10)["ok"]


@comes_about(Reason.LEVEL_OVER_CEILING)
def _(new: New) -> tuple[Said, bool]:
    room = hunting(new, ceiling_tenths=450)
    return answer(room.permit(level=46, rate=0, pulses=1)), room.permit(level=45, rate=0, pulses=1)["ok"]


@comes_about(Reason.INTENSITY_OVER_LIMIT)
def _(new: New) -> tuple[Said, bool]:
    room = new()
    room.open()
    return (
        answer(room.ask(control.Intensity(intensity_tenths=1010, by="ann"))),
        room.ask(control.Intensity(intensity_tenths=1000, by="ann"))["ok"],
    )


@comes_about(Reason.RATE_OVER_LIMIT)
def _(new: New) -> tuple[Said, bool]:
    room = script(new, rate=30, pulses=5)
    fired_by_script(room)
    return told(room), fired_by_script(script(new, rate=10, pulses=5))


@comes_about(Reason.TRAIN_TOO_LONG)
def _(new: New) -> tuple[Said, bool]:
    room = script(new, rate=10, pulses=23)
    fired_by_script(room)
    return told(room), fired_by_script(script(new, rate=10, pulses=22))


@comes_about(Reason.GAP_TOO_SHORT)
def _(new: New) -> tuple[Said, bool]:
    def again(after_us: int) -> VirtualRoom:
        room = script(new)
        assert fired_by_script(room)
        room.stay(after_us, Door.PTY)
        room.frame("EA", Door.PTY)
        room.pass_time(100 * MS)
        room.arm(Door.PTY)
        return room

    room, other = again(3_000 * MS), again(7_600 * MS)
    fired_by_script(room)
    return told(room), fired_by_script(other)


@comes_about(Reason.PULSES_TOO_CLOSE)
def _(new: New) -> tuple[Said, bool]:
    room = hunting(new)
    assert room.permit(rate=0, pulses=1)["ok"]
    assert passes(room, "EH")
    room.stay(2 * S)
    said = answer(room.permit(rate=0, pulses=1))
    room.stay(1_600 * MS)
    return said, room.permit(rate=0, pulses=1)["ok"]


@comes_about(Reason.WINDOW_FULL)
def _(new: New) -> tuple[Said, bool]:
    narrow, enough = LIMITS.tightened({"window_60s": 39}), LIMITS.tightened({"window_60s": 40})
    return answer(new(limits=narrow).open()), new(limits=enough).open()["ok"]


@comes_about(Reason.SESSION_FULL)
def _(new: New) -> tuple[Said, bool]:
    one = LIMITS.tightened({"hunt_pulses": 1})
    room, other = hunting(new, limits=one), hunting(new)
    for each in (room, other):
        assert each.permit(rate=0, pulses=1)["ok"]
        assert passes(each, "EH")
        each.stay(4 * S)
    return answer(room.permit(rate=0, pulses=1)), other.permit(rate=0, pulses=1)["ok"]


@comes_about(Reason.DAY_FULL)
def _(new: New) -> tuple[Said, bool]:
    full, room_left = new(book=book_of(counted(121, HOUR))), new(book=book_of(counted(120, HOUR)))
    return answer(full.open()), room_left.open()["ok"]


@comes_about(Reason.TWELVE_HOURS_FULL)
def _(new: New) -> tuple[Said, bool]:
    def late(pulses: int) -> VirtualRoom:
        room = new(book=book_of(counted(pulses, 0)))
        room.wall_shift_us = 11 * HOUR  # after the next 03:00, within 12 h
        return room

    return answer(late(121).open()), late(120).open()["ok"]


@comes_about(Reason.WEEK_FULL)
def _(new: New) -> tuple[Said, bool]:
    def busy(first: int) -> VirtualRoom:
        week = (170, 170, 170, 170, 170, first)
        return new(book=book_of(*(counted(pulses, (6 - day) * DAY) for day, pulses in enumerate(week))))

    return answer(busy(171).open()), busy(170).open()["ok"]


@comes_about(Reason.COURSE_FULL)
def _(new: New) -> tuple[Said, bool]:
    def after(pulses: int) -> VirtualRoom:
        had = Record(Kind.CARRIED, pulses, subject=key("S-0001"), protocol=key("demo"), code=Carry.COURSE)
        return new(book=book_of(had))

    most = LIMITS.course_pulses
    return answer(after(most - 59).open()), after(most - 60).open()["ok"]


@comes_about(Reason.WITNESS_TOO_WEAK)
def _(new: New) -> tuple[Said, bool]:
    room = script(new, rate=11, pulses=4)
    fired_by_script(room)
    return told(room), fired_by_script(script(new, rate=10, pulses=5))


@comes_about(Reason.AUTONOMY)
def _(new: New) -> tuple[Said, bool]:
    little, enough = LIMITS.tightened({"autonomy_pulses": 19}), LIMITS.tightened({"autonomy_pulses": 20})
    return answer(new(limits=little).open()), new(limits=enough).open()["ok"]


@comes_about(Reason.BLOCK_TOO_LARGE)
def _(new: New) -> tuple[Said, bool]:
    def asking(triggers: int) -> dict[str, Any]:
        room = new(limits=LIMITS.tightened({"block_triggers": 5}))
        assert room.open("lf-right-1hz")["ok"]
        assert room.release()["ok"]
        room.set_single(level=54)
        room.arm()
        times = tuple(n * S + 100 * MS for n in range(triggers))
        return room.permit(level=54, rate=0, pulses=1, triggers=triggers, spacing_us=S, times_us=times)

    return answer(asking(6)), asking(5)["ok"]


@comes_about(Reason.ENERGY)
def _(new: New) -> tuple[Said, bool]:
    demo = PROTOCOLS["demo"]
    dense = replace(demo.phases[0], train=Train(40, Hertz.of(10)), trains=2, gap_us=5_500 * MS)
    room = new(protocols={"demo": replace(demo, phases=(dense,), per_day=80)})
    return answer(opened(room, value=100)), opened(room, value=45)["ok"]
