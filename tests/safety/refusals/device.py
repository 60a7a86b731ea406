"""The device is not as it must be, or not known to be: settings, coil, records of its pulses, port."""

from __future__ import annotations

from safety import control, events
from safety.reasons import Reason
from tests.safety.refusals.situation import Said, Situation, answer, filing, told
from tests.safety.rooms import New, passes, ready, released, running

MS, S = 1_000, 1_000_000

SITUATIONS: dict[Reason, Situation] = {}
comes_about = filing(SITUATIONS)


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
