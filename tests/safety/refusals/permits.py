"""Permits and the triggers they are for: none, too old, another, too soon, one too many."""

from __future__ import annotations

from safety import control
from safety.reasons import Reason
from tests.safety.conftest import VirtualRoom
from tests.safety.refusals.situation import Said, Situation, answer, filing, told
from tests.safety.rooms import New, passes, ready, running

MS = 1_000

SITUATIONS: dict[Reason, Situation] = {}
comes_about = filing(SITUATIONS)


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
    room.ask(control.Withdraw())
    return said, room.permit()["ok"]


@comes_about(Reason.TRAIN_RUNNING)
def _(new: New) -> tuple[Said, bool]:
    room = running(new)
    room.frame("EH")
    other = ready(new)
    other.permit()
    return told(room), passes(other, "EH")
