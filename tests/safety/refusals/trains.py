"""Limits of trains and totals: too fast, too long, too close, too many, too little seen of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from drivers.quantities import Hertz, Train
from safety.events import Door
from safety.ledger_format import Carry, Kind, Record, carried_note, key
from safety.reasons import Reason
from tests.safety.book_records import book_of
from tests.safety.conftest import LIMITS, PROTOCOLS, WALL_US, VirtualRoom
from tests.safety.refusals.situation import Said, Situation, answer, filing, opened, told
from tests.safety.rooms import New, hunting, passes, script

MS, S, HOUR, DAY = 1_000, 1_000_000, 3_600_000_000, 86_400_000_000

SITUATIONS: dict[Reason, Situation] = {}
comes_about = filing(SITUATIONS)


def fired_by_script(room: VirtualRoom) -> bool:
    """Whether a script's trigger passes."""
    return passes(room, "EH", Door.PTY)


def counted(pulses: int, ago_us: int, subject: str = "S-0001") -> Record:
    """Pulses this subject had some time ago, from elsewhere."""
    at_us = WALL_US - ago_us
    return Record(
        Kind.CARRIED, pulses, subject=key(subject), code=Carry.WINDOWS, wall_us=at_us, note=carried_note(at_us)
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
    narrow, enough = LIMITS.tightened({"window_60s": 59}), LIMITS.tightened({"window_60s": 60})
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
