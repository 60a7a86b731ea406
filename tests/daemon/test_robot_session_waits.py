"""Sessions in a room with an arm, in virtual time: what waits for the coil and then goes on by itself."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from daemon.guard_words import AskPermit, OpenSession
from daemon.report import make_report
from daemon.room import Order, Refused
from drivers.errors import DeviceRefused
from drivers.poses import Pose
from tests.daemon.arm_in_memory import ArmInMemory, begun
from tests.daemon.guard_in_memory import now_us
from tests.daemon.registered_head import MARKER_TARGET, SUBJECT, file_target
from tests.daemon.stage import first_pulse, report_of, rows

pytestmark = pytest.mark.looptime(noop_cycles=0)


async def test_nothing_moves_before_the_release_and_the_release_sends_the_coil(stage: Any, arm: ArmInMemory) -> None:
    await arm.connected()
    await stage.opened()
    await asyncio.sleep(30)
    assert arm.went == []

    await stage.released()
    assert arm.went == ["target"]


async def test_no_stimulator_is_armed_before_the_coil_is_on_its_target(stage: Any, arm: ArmInMemory) -> None:
    arm.way_s = 30.0
    await begun(stage, arm)
    released_us = now_us()
    await stage.over()

    assert report_of(stage)["outcome"] == "completed"
    assert stage.stimulator.times_us("arm")[0] - released_us > 30_000_000
    assert stage.guard.of(AskPermit)
    waits = rows(stage, "wait")
    assert {(row["state"], row["reason"]) for row in waits} == {("held", "lease-missing")}
    assert waits[0]["coil"] == "coil-approaching"
    assert 29 < sum(row["seconds"] for row in waits) < 33


async def test_the_targets_words_are_part_of_what_the_watchdog_hashes(stage: Any, arm: ArmInMemory) -> None:
    await begun(stage, arm)

    placement = stage.guard.of(OpenSession)[0].placement
    place = "at 30.0 20.0 110.0 mm of the head marker, 5 mm off the scalp"
    assert placement.startswith(f"robot: target left-m1 {MARKER_TARGET.hash[:12]} {place}; ")
    assert "; calibration 5ea15ea15ea1; " in placement
    assert placement.endswith("left DLPFC, cap mark F3")


@pytest.mark.parametrize("changed", ["nothing", "calibration", "orientation"])
async def test_another_orientation_or_another_calibration_is_another_session_to_the_watchdog(
    stage: Any, arm: ArmInMemory, changed: str
) -> None:
    order = Order(SUBJECT, "demo", "left DLPFC, cap mark F3")
    await arm.connected()
    assert await arm.side.aim(SUBJECT) is None
    before = arm.side.placed(order)
    if changed == "calibration":
        arm.calibration = "0dd5" * 16
        await arm.side.linked(arm)
    if changed == "orientation":
        turned = Pose.turned((0.0, 0.0, 0.002))  # a tenth of a degree
        pose = Pose(turned.quaternion, MARKER_TARGET.pose.translation)
        file_target(stage.site.daemon.state, MARKER_TARGET, head_from_target=pose)
        assert await arm.side.aim(SUBJECT) is None

    assert (arm.side.placed(order) == before) is (changed == "nothing")
    assert arm.side.placed(order).placement.endswith("left DLPFC, cap mark F3")


async def test_an_arm_that_came_back_with_another_calibration_is_not_released(stage: Any, arm: ArmInMemory) -> None:
    await arm.connected()
    await stage.opened()
    arm.calibration = "0dd5" * 16
    await arm.side.linked(arm)
    refused = await stage.room.release("", "", "olga")
    arm.calibration = "5ea1" * 16
    await arm.side.linked(arm)
    await stage.released()

    assert isinstance(refused, Refused)
    assert refused.reason == "calibration-changed"
    assert "another calibration" in refused.sentence
    assert arm.went == ["target"]


async def test_a_cut_train_goes_on_by_itself_and_its_off_target_pulses_are_marked(stage: Any, arm: ArmInMemory) -> None:
    await begun(stage, arm)
    await first_pulse(stage)
    await asyncio.sleep(0.75)
    arm.leaves("freeze", "head-lost")
    await asyncio.sleep(0.3)
    arm.arrives()
    await stage.over()

    told = report_of(stage)
    assert told["outcome"] == "completed"
    assert told["pulses"]["settled"] == 60
    assert [row["pulses"] for row in rows(stage, "train")] == [8, 20, 20, 12]
    cut = [row for row in rows(stage, "pulse") if row["train"] == 1]
    assert [row["target"] for row in cut] == ["on"] * 8 + ["unknown"] * 12
    assert all("missed" in row["flags"] for row in cut[8:])
    assert (told["off_target"], told["target_unknown"]) == (0, 0), "those after the crossing did not go out"
    assert cut[0]["coil_off_mm"] == pytest.approx(0.22)


OFF = {"lateral_mm": 5.0, "depth_mm": 2.0, "tilt_deg": 0.3, "twist_deg": 0.4}


@pytest.mark.parametrize(("error", "off", "unknown"), [(OFF, 1, 0), (None, 0, 1)])
async def test_a_pulse_given_after_the_coil_had_left_is_counted_by_what_its_row_says(
    stage: Any, arm: ArmInMemory, error: Any, off: int, unknown: int
) -> None:
    await begun(stage, arm)
    await first_pulse(stage)
    await asyncio.sleep(0.75)
    stage.guard.running_since_us -= 100_000  # the stimulator was a pulse ahead
    arm.leaves("freeze", "head-fast", error)
    await asyncio.sleep(0.3)
    arm.arrives()
    await stage.over()

    told = report_of(stage)
    assert (told["off_target"], told["target_unknown"]) == (off, unknown)
    (astray,) = [row for row in told["pulse_rows"] if row["target"] != "on" and "missed" not in row["flags"]]
    assert astray["coil_off_mm"] == (5.39 if off else None)
    trains = rows(stage, "train")
    assert [(row["off_target"], row["target_unknown"]) for row in trains] == [(off, unknown), (0, 0), (0, 0), (0, 0)]
    assert {row["target"] for row in told["pulse_rows"]} <= {"on", "off", "unknown"}


async def test_where_the_coil_was_in_a_train_goes_with_the_daemon_that_heard_it(stage: Any, arm: ArmInMemory) -> None:
    await begun(stage, arm)
    await first_pulse(stage)
    await asyncio.sleep(0.75)

    report = make_report([json.loads(line) for line in stage.sink.lines])  # as the next daemon makes it
    assert [row["target"] for row in report.pulses] == ["unknown"] * 20
    assert report.course()["target_unknown"] == 20


async def test_after_a_hold_over_three_seconds_a_countdown_precedes_the_pulse(stage: Any, arm: ArmInMemory) -> None:
    await begun(stage, arm)
    await stage.reaches("gap")
    await first_pulse(stage)
    await stage.reaches("gap")
    arm.leaves("freeze", "out-of-reach")
    await asyncio.sleep(5)
    arm.arrives()
    back_us = now_us()
    await first_pulse(stage, 2)

    assert stage.guard.trigger_times_us[1] - back_us >= 4_000_000, "the watchdog's dwell, then the countdown"


async def test_after_a_short_hold_the_next_train_comes_when_it_is_due(stage: Any, arm: ArmInMemory) -> None:
    await begun(stage, arm)
    await first_pulse(stage)
    await stage.reaches("gap")
    arm.leaves("freeze", "head-lost")
    await asyncio.sleep(0.3)
    arm.arrives()
    await stage.over()

    first, second, _ = stage.guard.trigger_times_us
    assert second - first - 1_900_000 == pytest.approx(6_000_000, abs=10_000)


async def test_armed_a_coil_that_trembles_is_waited_for_without_disarming(stage: Any, arm: ArmInMemory) -> None:
    await begun(stage, arm)
    await stage.reaches("armed")
    arm.flickers()
    await asyncio.sleep(1.5)
    assert stage.guard.of(AskPermit) == []
    arm.arrives()
    await first_pulse(stage)

    assert len(stage.stimulator.times_us("arm")) == 1


async def test_a_coil_that_trembles_on_is_held_disarmed(stage: Any, arm: ArmInMemory) -> None:
    await begun(stage, arm)
    await stage.reaches("armed")
    arm.flickers()
    await stage.reaches("held", within_s=4)
    await asyncio.sleep(1)

    assert stage.guard.condition == "standby"
    assert "head moves too fast" in stage.room.status().sentence


async def test_between_trains_a_coil_that_may_only_go_on_arms_nothing(stage: Any, arm: ArmInMemory) -> None:
    await begun(stage, arm)
    await first_pulse(stage)
    await stage.reaches("gap")
    arm.flickers()
    await asyncio.sleep(20)
    assert stage.room.status().phase == "held"
    assert len(stage.stimulator.times_us("arm")) == 1

    arm.arrives()
    await stage.over()
    assert report_of(stage)["outcome"] == "completed"


async def test_a_coil_that_leaves_just_before_the_trigger_is_no_failure_however_often(
    stage: Any, arm: ArmInMemory
) -> None:
    times, triggering = 5, stage.stimulator.trigger

    async def trigger() -> None:
        nonlocal times
        if not times:
            return await triggering()
        times -= 1
        arm.leaves("freeze", "head-fast")
        stage.guard._drop()
        arm._later(0.3, arm.arrives)
        raise DeviceRefused("the stimulator refused to trigger")

    stage.stimulator.trigger = trigger
    await begun(stage, arm)
    await stage.over()

    assert report_of(stage)["outcome"] == "completed"
    assert report_of(stage)["pulses"]["settled"] == 60


async def test_a_permit_refused_for_the_lease_is_a_wait_however_often(stage: Any, arm: ArmInMemory) -> None:
    stage.guard.denials = ["lease-missing"] * 5
    await begun(stage, arm)
    await stage.over()

    assert report_of(stage)["outcome"] == "completed"
    assert len(stage.guard.of(AskPermit)) == 8
    assert len([row for row in rows(stage, "wait") if row["reason"] == "lease-missing"]) >= 5


async def test_an_arm_that_falls_silent_begins_no_train(stage: Any, arm: ArmInMemory) -> None:
    await begun(stage, arm)
    await first_pulse(stage)
    await stage.reaches("gap")
    arm.end()
    await stage.reaches("held")

    assert "has said nothing" in stage.room.status().sentence
    assert len(stage.guard.trigger_times_us) == 1


async def test_a_head_that_is_out_of_sight_for_a_moment_is_waited_for(stage: Any, arm: ArmInMemory) -> None:
    arm.refuse["target"] = "head-lost"
    await arm.connected()
    await stage.opened()
    asyncio.get_running_loop().call_later(1.0, arm.refuse.clear)
    await stage.released()
    await stage.over()

    assert report_of(stage)["outcome"] == "completed"


async def test_what_the_room_shows_of_the_coil_is_what_the_arm_told(stage: Any, arm: ArmInMemory) -> None:
    await begun(stage, arm)
    await first_pulse(stage)

    shown = stage.room.status().arm
    assert (shown["state"], shown["lease"], shown["target"]) == ("track", "begin", "left-m1")
    assert (shown["off_mm"], shown["off_deg"]) == (0.22, 0.14)
    assert (shown["lateral_mm"], shown["depth_mm"]) == (0.2, 0.1)
