"""Pulse by pulse at 1 Hz: the real daemon asks for blocks, the real watchdog's timer fires them, the world counts."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from daemon.client import connect
from daemon.runtime import Runtime
from daemon.simulated_room import ROOM, RunningRoom, Simulated, simulated_room
from simulator.control import Control
from tests.system.operating import treat
from tests.system.processes import ControlLine
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
WANTED = 26
"""Pulses after which it is stopped: the first block and some of the second."""


@asynccontextmanager
async def room_with_authorisation(folder: Path) -> AsyncIterator[RunningRoom]:
    def starts(name: str) -> None:
        if name == "watchdog":  # the site file is written, and nobody has read it who decides
            authorise(folder)

    async with simulated_room(Runtime(folder), Simulated(pacing=False), starts) as room:
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


async def stopped_after(folder: Path, room: RunningRoom, pulses: int) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The watchdog's events of a treatment that its operator stops, and its report."""
    line = ControlLine(folder / "watchdog" / "control", "cli")
    try:
        async with connect(room.address, ROOM) as operator, operator.present():
            await treat(operator, room.site, "lf-right-1hz", SUBJECT)
            went_out = lambda: len(line.seen("settled")) == pulses  # noqa: E731
            await asyncio.to_thread(line.wait, went_out, f"{pulses} pulses", 2 * pulses)
            stopped = await operator.ask("stop")
            assert stopped.ok, stopped
        line.listen()
        report = await asyncio.to_thread(Path(str(stopped.detail["report"])).read_text)
        return line.events, json.loads(report)
    finally:
        line.close()


async def test_a_slow_treatment_goes_on_through_the_end_of_a_block_and_every_pulse_is_counted(folder: Path) -> None:
    async with room_with_authorisation(folder) as room:
        events, report = await stopped_after(folder, room, WANTED)
        happened = Control(folder)("log")["happenings"]
        in_the_ledger = counted(folder / "state" / "watchdog")

    physical = [each["at_us"] for each in happened if each["kind"] == "pulse"]
    written = [event["at_us"] for event in events if event["kind"] == "trigger"]
    granted = [event["pulses"] for event in events if event["kind"] == "granted"]
    amiss = [event for event in events if event["kind"] in ("refused", "permit-refused", "request-refused", "trip")]
    assert len(physical) == len(written) == in_the_ledger == report["pulses"]["settled"] >= WANTED
    assert report["pulses"]["unknown"] == 0
    assert granted == [BLOCK, BLOCK]
    assert amiss == []
    assert all(b - a >= PERIOD_US for a, b in pairwise(written)), "never closer than planned"
    assert all(b - a >= PERIOD_US - DROP_US for a, b in pairwise(physical))
    assert written[BLOCK] - written[BLOCK - 1] <= PERIOD_US + DROP_US, "no seam between the blocks"
