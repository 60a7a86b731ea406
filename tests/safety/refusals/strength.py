"""Limits of strength: on what threshold, up to what ceiling, within what the protocol says."""

from __future__ import annotations

from safety import control
from safety.asking import Use
from safety.reasons import Reason
from tests.safety.conftest import LIMITS
from tests.safety.refusals.situation import Said, Situation, answer, filing, opened
from tests.safety.rooms import New, hunting, ready

HOUR, DAY = 3_600_000_000, 86_400_000_000

SITUATIONS: dict[Reason, Situation] = {}
comes_about = filing(SITUATIONS)


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


@comes_about(Reason.HUNT_TOO_STRONG)
def _(new: New) -> tuple[Said, bool]:
    room = hunting(new)
    room.set_single(level=46)
    pulse = {"level": 46, "rate": 0, "pulses": 1}
    return answer(room.permit(**pulse, estimate_tenths=306)), room.permit(**pulse, estimate_tenths=307)["ok"]


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


@comes_about(Reason.RAISE_TOO_LARGE)
def _(new: New) -> tuple[Said, bool]:
    room = new()
    room.open(intensity_tenths=800)
    return (
        answer(room.ask(control.Intensity(intensity_tenths=851, by="ann"))),
        room.ask(control.Intensity(intensity_tenths=850, by="ann"))["ok"],
    )
