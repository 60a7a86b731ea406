"""A whole treatment with a head that moves: every process real, and the world has the last word on each pulse."""

from __future__ import annotations

import asyncio
import math
import signal
from itertools import groupby, pairwise
from typing import Any

import pytest

from daemon.background import background
from daemon.client import connect
from daemon.runtime import Runtime
from daemon.simulated_room import ROOM
from tests.system.robot_treatment import Person, report_of, room_of

pytestmark = [pytest.mark.system, pytest.mark.timeout(400), pytest.mark.xdist_group("arm")]
MOST_OUTSIDE = 2
"""Pulses of a running 10 Hz train: from leaving the target to the disarm 0.17 s may pass (design §7)."""
OLDER_MM = 2
"""The arm's figure may be 50 ms old when the pulse comes, and the head may go at 20 mm/s; the rest is its noise."""
TRAIN_GAP_US = 1_000_000
"""Pulses at 10 Hz this far apart belong to two trains."""


def off(pulse: dict[str, Any]) -> tuple[float, float]:
    """How far, in mm, and how much turned, in degrees, as the world saw it."""
    coil = pulse["coil"]
    return math.hypot(coil["lateral_mm"], coil["depth_mm"]), math.hypot(coil["tilt_deg"], coil["twist_deg"])


def beyond(pulse: dict[str, Any]) -> bool:
    """Where no train may go on."""
    distance_mm, angle_deg = off(pulse)
    return distance_mm > 5 or angle_deg > 6


def trains_of(pulses: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    trains = [[pulses[0]]]
    for before, after in pairwise(pulses):
        if after["at_us"] - before["at_us"] > TRAIN_GAP_US:
            trains.append([])
        trains[-1].append(after)
    return trains


def with_its_row(pulses: list[dict[str, Any]], told: dict[str, Any]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Each pulse of the world's beside its row; what the report counts beyond those comes last in a train."""
    given = [row for row in told["pulse_rows"] if "missed" not in row["flags"]]
    rows = [list(train) for _, train in groupby(given, key=lambda row: row["train"])]
    trains = trains_of(pulses)
    assert len(rows) == len(trains)
    return [pair for train, booked in zip(trains, rows, strict=True) for pair in zip(train, booked, strict=False)]


async def misfortunes(person: Person) -> None:
    """What a head and a tracker do in a bad hour."""
    await person.next_train()
    await person.suffers("shift", mm=30, s=0.6)
    await person.next_train()
    await person.suffers("hide", s=0.3)
    await person.until("gap", "held")
    await person.suffers("startles")
    await person.next_train()
    await person.suffers("freeze-tracker", how="poses", s=0.4)
    await person.next_train()
    await person.suffers("hide", s=3)


async def test_a_treatment_of_a_head_that_moves_is_completed_and_no_train_begins_off_target(runtime: Runtime) -> None:
    async with room_of(runtime, "free", 7) as room, connect(room.address, ROOM) as client:
        person = Person(client, room)
        async with client.present(), background(misfortunes(person)):
            await person.opens()
            view = await person.until_over()
        pulses = await person.pulses()
        told = await asyncio.to_thread(report_of, view)

    assert told["outcome"] == "completed", person.sentences
    assert person.suffered == ["shift", "hide", "startles", "freeze-tracker", "hide"], "all of it, while it was treated"
    assert person.resumed >= 1, "three seconds out of sight: the coil came off, and a person resumed"
    assert told["pulses"]["unknown"] == 0
    assert told["pulses"]["settled"] >= len(pulses), "none is lost from the count"
    assert told["pulses"]["read_back"]["low"] <= len(pulses) <= told["pulses"]["read_back"]["high"]
    for pulse, *_ in trains_of(pulses):
        distance_mm, angle_deg = off(pulse)
        assert distance_mm <= 2, pulse
        assert angle_deg <= 3, pulse
    outside = [sum(1 for pulse in train if beyond(pulse)) for train in trains_of(pulses)]
    assert max(outside) <= MOST_OUTSIDE, outside
    on_target = [(pulse, row) for pulse, row in with_its_row(pulses, told) if row["target"] == "on"]
    assert not any(beyond(pulse) for pulse, _ in on_target)
    assert max(abs(off(pulse)[0] - row["coil_off_mm"]) for pulse, row in on_target) <= OLDER_MM
    assert told["off_target"] + told["target_unknown"] >= sum(outside), "each is marked, and counted"
    reasons = {wait.get("coil") for wait in told["waits"]}
    assert reasons & {"head-lost", "tracker-silent"}, told["waits"]
    assert all(wait["seconds"] > 0 and wait["reason"] for wait in told["waits"])


async def is_taken_away(person: Person) -> None:
    assert (await person.client.ask("coil-away")).ok


async def arm_process_hangs(person: Person) -> None:
    person.arm.process.send_signal(signal.SIGSTOP)
    await asyncio.sleep(1)
    person.arm.process.send_signal(signal.SIGCONT)


async def tracker_is_unplugged(person: Person) -> None:
    await person.does("pull-tracker")
    await asyncio.sleep(2)
    await person.does("plug-tracker")


TAKEN_OFF = (
    (is_taken_away, "A person had the coil taken off"),
    (arm_process_hangs, "load of this machine"),
    (tracker_is_unplugged, "tracker"),
)


async def test_whoever_takes_the_coil_off_the_session_pauses_says_why_and_a_resume_brings_it_back(
    runtime: Runtime,
) -> None:
    async with room_of(runtime, "rest", 1) as room, connect(room.address, ROOM) as client:
        person = Person(client, room)
        async with client.present():
            await person.opens()
            for happens, why in TAKEN_OFF:
                await person.is_paused(happens, why)
                await person.sees_the_coil_off()
            view = await person.until_over()
            parked = await client.until(lambda view: view.arm is not None and view.arm.state == "parked", 20)
        pulses = await person.pulses()
    assert parked.arm is not None
    told = report_of(view)
    assert told["outcome"] == "completed"
    assert person.resumed >= len(TAKEN_OFF)
    assert len(pulses) <= told["pulses"]["settled"] + told["pulses"]["unknown"]
