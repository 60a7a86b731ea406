"""A site, a room in memory to carry sessions out in, and an arm in it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from daemon.config import Site, parse_site
from daemon.guard_words import Threshold
from daemon.journal import Journal, MemorySink
from daemon.opening import Opener
from daemon.thresholds import Thresholds
from daemon.treatment_room import TreatmentRoom
from drivers.catalogue import dialect
from safety.protocols import load_protocols
from tests.daemon.arm_in_memory import ArmInMemory
from tests.daemon.guard_in_memory import WALL_US, StandInGuard, now_us
from tests.daemon.stage import Stage
from tests.daemon.stimulator_in_memory import StandInStimulator

SITE = """
[site]
room = "room1"
use = "simulation"
timezone = "Europe/Rome"
[stimulator]
model = "magstim-rapid2"
firmware = 8
port = "pty:/run/coilward/sim/stimulator"
coil = "coil-1"
[watchdog]
state = "watchdog"
[daemon]
state = "daemon"
continue_within_minutes = 2
[[operators]]
user = "operator"
role = "operator"
"""


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return parse_site(SITE, tmp_path / "site.toml")


@pytest.fixture
async def stage(site: Site) -> AsyncIterator[Stage]:
    sink = MemorySink()

    def clock() -> tuple[int, int]:
        return now_us(), WALL_US + now_us()

    journal = Journal(sink, clock)
    thresholds = Thresholds(site.daemon.state)
    filed = Threshold(value_tenths=500, method="emg", pulses=20, coil="coil-1", taken_wall_us=1, simulated=True)
    thresholds.file("sim-0001", filed, "operator")
    opener = Opener(site, dialect("magstim-rapid2", 8), load_protocols(), thresholds)
    room = TreatmentRoom(opener, journal, clock)
    guard = StandInGuard(hear=room.hear)
    guard.plan = [
        {"trains": 1, "pulses": 20, "rate_tenths": 100, "level_tenths": 500, "gap_us": 0},
        {"trains": 2, "pulses": 20, "rate_tenths": 100, "level_tenths": 500, "gap_us": 6_000_000},
    ]
    stimulator = StandInStimulator(guard)
    room.linked(guard)
    room.equipped(stimulator)
    guard.show()
    made = Stage(room, guard, stimulator, sink, site)
    yield made
    guard.end()
    if made.task is not None:
        made.task.cancel()
        await asyncio.wait((made.task,))
        assert made.task.cancelled(), made.task.exception()


@pytest.fixture
async def arm(stage: Stage) -> AsyncIterator[ArmInMemory]:
    made = ArmInMemory(stage)
    yield made
    made.end()
