"""What ends a train or pauses a session: changes nobody asked the watchdog for, and a stop somebody did."""

from __future__ import annotations

from safety import control, events
from safety.reasons import Reason
from tests.safety.conftest import LIMITS
from tests.safety.refusals.situation import Said, Situation, filing, told
from tests.safety.rooms import New, passes, ready, released, running

MS, S = 1_000, 1_000_000

SITUATIONS: dict[Reason, Situation] = {}
comes_about = filing(SITUATIONS)


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
