"""Pulse by pulse at 1 Hz: the real daemon asks for blocks, the real watchdog's timer fires them, the world counts, and
sees where the coil was.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from daemon.client import connect
from daemon.runtime import Runtime
from daemon.simulated_arm import SimulatedArm, some_host
from daemon.simulated_room import ROOM, RunningRoom, Simulated, simulated_room
from simulator.control import Control
from tests.system.at_once import ANOTHER_ARM
from tests.system.operating import treat
from tests.system.processes import START_S, ControlLine
from tests.system.robot_treatment import begins_off, beyond
from tests.system.room import counted

pytestmark = [
    pytest.mark.system,
    pytest.mark.timeout(120),
    pytest.mark.skipif(shutil.which("mosquitto", path="/usr/sbin:/usr/bin") is None, reason="needs mosquitto"),
]
SUBJECT = "S-1"
AUTHORISATION = f"""
who = "test"
why = "1 Hz for twenty minutes is beyond the tables"
subject = "{SUBJECT}"
protocol = "lf-right-1hz"
version = 1
valid_from = 2020-01-01T00:00:00+00:00
valid_until = 2100-01-01T00:00:00+00:00
[[cells]]
rate = 1
intensity = 120
seconds = 1200
"""
PERIOD_US = 1_000_000
DROP_US = 50_000
"""Later than this a pulse is left out (design §5)."""
BLOCK = 20
BEFORE = 6
"""Pulses before something befalls it."""
WANTED = BEFORE + BLOCK + 2
"""Pulses after which it is stopped: what the shift left of the first block, the second, and some of the third."""


@asynccontextmanager
async def room_with_authorisation(folder: Path, arm: SimulatedArm) -> AsyncIterator[RunningRoom]:
    def starts(name: str) -> None:
        if name == "watchdog":  # the site file is written, and nobody has read it who decides
            authorise(folder)

    async with simulated_room(Runtime(folder), Simulated(pacing=False, arm=arm), starts) as room:
        yield room


def authorise(folder: Path) -> None:
    (folder / "authorisations").mkdir()
    (folder / "authorisations" / "slow.toml").write_text(AUTHORISATION)
    site = folder / "site.toml"
    site.write_text(site.read_text().replace("[watchdog]", '[watchdog]\nauthorisations = "authorisations"'))


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="cw-", dir="/tmp"))  # short: a socket's path has 108 bytes
    yield made
    shutil.rmtree(made)


async def stopped_after(
    folder: Path, room: RunningRoom, pulses: int, befalls: Callable[[], object]
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The watchdog's events of a treatment that its operator stops, and its report; something befalls it in between."""
    line = ControlLine(folder / "watchdog" / "control", "cli")
    try:
        async with connect(room.address, ROOM) as operator, operator.present():
            await treat(operator, room.site, "lf-right-1hz", SUBJECT)
            await asyncio.to_thread(gone_out, line, BEFORE)
            await asyncio.to_thread(befalls)
            await asyncio.to_thread(gone_out, line, pulses)
            stopped = await operator.ask("stop")
            assert stopped.ok, stopped
        line.listen()
        report = await asyncio.to_thread(Path(str(stopped.detail["report"])).read_text)
        return line.events, json.loads(report)
    finally:
        line.close()


def gone_out(line: ControlLine, pulses: int) -> None:
    line.wait(lambda: len(line.seen("settled")) >= pulses, f"{pulses} pulses", START_S + 2 * pulses)


@pytest.mark.xdist_group(ANOTHER_ARM)
async def test_a_slow_treatment_under_an_arm_stops_while_the_head_moves_and_gives_no_pulse_off_its_target(
    folder: Path,
) -> None:
    async with room_with_authorisation(folder, SimulatedArm(some_host(), "rest", 3)) as room:
        shifts = lambda: Control(folder)("shift", mm=30, s=0.6)  # noqa: E731
        events, report = await stopped_after(folder, room, WANTED, shifts)
        happened = Control(folder)("log")["happenings"]
        in_the_ledger = counted(folder / "state" / "watchdog")

    physical = [each for each in happened if each["kind"] == "pulse"]
    triggers = [event for event in events if event["kind"] == "trigger"]
    assert len(physical) == len(triggers) == in_the_ledger == report["pulses"]["settled"] >= WANTED
    assert report["pulses"]["unknown"] == 0
    assert not [pulse for pulse in physical if beyond(pulse)]
    blocks = {trigger["permit"]: pulse for trigger, pulse in reversed([*zip(triggers, physical, strict=True)])}
    assert len(blocks) >= 3, "before the shift, after it, and the block behind that"
    assert not [first for first in blocks.values() if begins_off(first)]
    gaps_us = [b["at_us"] - a["at_us"] for a, b in pairwise(triggers)]
    assert min(gaps_us) >= PERIOD_US
    assert sum(gap > PERIOD_US + DROP_US for gap in gaps_us) == 1, "the one wait is the shift's"
