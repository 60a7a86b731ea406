"""A whole treatment with a head that moves: every process real, and the world has the last word on each pulse."""

from __future__ import annotations

import asyncio
import signal
from itertools import groupby, pairwise
from typing import Any

import pytest

from daemon.background import background
from daemon.client import connect
from daemon.runtime import Runtime
from daemon.simulated_room import ROOM
from tests.system.at_once import ARM
from tests.system.robot_treatment import (
    Misfortune,
    Person,
    begins_off,
    beyond,
    off,
    report_of,
    room_of,
    told_apart,
)

pytestmark = [pytest.mark.system, pytest.mark.timeout(400), pytest.mark.xdist_group(ARM)]
MOST_OUTSIDE = 2
"""Pulses of a running 10 Hz train: from leaving the target to the disarm 0.17 s may pass (design §7)."""
OLDER_MM = 2
"""The arm's figure may be 50 ms old when the pulse comes, and the head may go at 20 mm/s; the rest is its noise."""
MISFORTUNES = 5
HOME_S = 20.0
FELT = "force"
"""What a coil that waits unseeing may feel first: the head."""
CUTS = ("paused", "too-many-cuts", None)
"""Whoever sits in the chair may have moved too much already."""
KEPT = ("held", "lease-missing", None)
WAITS = {
    "head-fast", "head-lost", "tracker-frozen", "coil-approaching", "coil-settling", "coil-seen-off",
    "coil-marker-unseen", FELT,
}  # fmt: skip
"""What a wait may be for: what was suffered, and the coil's own way back."""
TRAIN_GAP_US = 1_000_000
"""Pulses at 10 Hz this far apart belong to two trains."""


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
    """What a head and a tracker do in a bad hour. There are three trains, and what was cut of them once more."""
    await person.next_train()
    await person.suffers("shift", mm=30, s=0.6)
    await person.until("gap", "held")
    await person.suffers("startles")
    await person.next_train()
    await person.suffers("hide", s=0.3)
    await asyncio.sleep(0.6)
    await person.in_a_train()
    await person.suffers("freeze-tracker", how="poses", s=1)
    await person.next_train()
    await person.suffers("hide", s=3)


def goes_on_by_itself(one: Misfortune, why: str) -> None:
    """The arm has known of this, and nobody had to do anything."""
    assert why in one.coil, one
    assert "paused" not in one.session, one


def wants_a_person(one: Misfortune, why: str) -> None:
    """The arm took the coil off for this; the session paused for it, unless cuts had paused it before."""
    assert why in one.coil, one
    assert "paused" in one.session, one
    assert {("paused", "coil-retracted", why), ("paused", "coil-retracted", FELT), CUTS} & one.waits, one


def is_waited_for(told: dict[str, Any]) -> None:
    """Each wait of the report says how long it was and why. With the coil on its target there are two: the second the
    watchdog keeps after a cut, and the look at whoever moved too often.
    """
    assert all(wait["seconds"] > 0 for wait in told["waits"])
    elsewhere = {(wait["state"], wait["reason"], None) for wait in told["waits"] if wait.get("coil") is None}
    assert elsewhere <= {KEPT, CUTS}, told["waits"]
    assert {wait.get("coil") for wait in told["waits"]} <= {None, *WAITS}, told["waits"]


async def test_a_treatment_of_a_head_that_moves_is_completed_and_no_train_begins_off_target(runtime: Runtime) -> None:
    async with room_of(runtime, "free", 7) as room, connect(room.address, ROOM) as client:
        person = Person(client, room)
        await person.does("twitches")
        async with client.present(), background(misfortunes(person)):
            await person.opens()
            view = await person.until_over()
            await client.until(lambda view: view.arm is not None and view.arm.state == "parked", HOME_S)
        pulses = await person.pulses()
        told = await asyncio.to_thread(report_of, view)
        suffered = await asyncio.to_thread(told_apart, person)

    assert told["outcome"] == "completed", person.sentences
    assert len(suffered) == MISFORTUNES, "all of it, while it was treated"
    shifted, startled, covered, frozen, hidden = suffered
    goes_on_by_itself(shifted, "head-fast")
    goes_on_by_itself(covered, "head-lost")
    assert "head-fast" in startled.coil, startled
    wants_a_person(frozen, "tracker-frozen")
    wants_a_person(hidden, "head-lost")
    assert any(one.cut for one in suffered), "a running train is"
    is_waited_for(told)
    assert told["pulses"]["unknown"] == 0
    assert told["pulses"]["settled"] >= len(pulses), "none is lost from the count"
    assert told["pulses"]["read_back"]["low"] <= len(pulses) <= told["pulses"]["read_back"]["high"]
    assert not [train[0] for train in trains_of(pulses) if begins_off(train[0])]
    outside = [sum(1 for pulse in train if beyond(pulse)) for train in trains_of(pulses)]
    assert max(outside) <= MOST_OUTSIDE, outside
    on_target = [(pulse, row) for pulse, row in with_its_row(pulses, told) if row["target"] == "on"]
    assert not any(beyond(pulse) for pulse, _ in on_target)
    assert max(abs(off(pulse)[0] - row["coil_off_mm"]) for pulse, row in on_target) <= OLDER_MM
    assert told["off_target"] + told["target_unknown"] >= sum(outside), "each is marked, and counted"


async def is_taken_away(person: Person) -> None:
    assert (await person.client.ask("coil-away")).ok


async def arm_process_hangs(person: Person) -> None:
    person.child("arm").process.send_signal(signal.SIGSTOP)
    await asyncio.sleep(1)
    person.child("arm").process.send_signal(signal.SIGCONT)


TAKEN_OFF = (
    (is_taken_away, "A person had the coil taken off"),
    (arm_process_hangs, "load of this machine"),
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
            await person.comes_to_a_train()
    assert person.resumed >= len(TAKEN_OFF)
