"""One task of the real daemon gets no more turns while all others do: each ends as the design says."""

from __future__ import annotations

import asyncio
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from daemon.client import RoomClient, connect
from daemon.runtime import Runtime
from daemon.simulated_room import ROOM, Simulated, simulated_room
from simulator.control import Control
from tests.system.operating import treat
from tests.system.processes import START_S, ControlLine, boot_us, end, until

pytestmark = [
    pytest.mark.system,
    pytest.mark.timeout(120),
    pytest.mark.skipif(shutil.which("mosquitto", path="/usr/sbin:/usr/bin") is None, reason="needs mosquitto"),
]
SESSION, DRIVER, MQTT = "TreatmentRoom.run", "KeepAlive.run", "Announcer._beat"
HUNG_US = 10 * 300_000
"""Ten times what is promised for a quiet machine."""
SOME_PULSES = 3


@dataclass
class Treated:
    """A treatment in its first train, given by a daemon whose tasks can be halted."""

    daemon: subprocess.Popen[bytes]
    line: ControlLine
    simulator: Control
    operator: RoomClient

    def halt(self, task: str) -> int:
        """The task gets no more turns; since when, BOOTTIME µs."""
        assert self.daemon.stdin is not None
        at_us = boot_us()
        self.daemon.stdin.write(f"{task}\n".encode())
        self.daemon.stdin.flush()
        return at_us

    async def event(self, kind: str, after_us: int) -> dict[str, object]:
        """As `ControlLine.event`, while the operator stays present."""
        return await asyncio.to_thread(self.line.event, kind, after_us, START_S)

    @property
    def condition(self) -> str:
        return str(self.simulator("status")["condition"])


def halting_daemon(folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.system.halting_daemon", str(folder / "site.toml"), str(folder)]
    return subprocess.Popen(command, stdin=subprocess.PIPE)


@asynccontextmanager
async def in_a_train() -> AsyncIterator[Treated]:
    folder = Path(tempfile.mkdtemp(prefix="cw-", dir="/tmp"))  # short: a socket's path has 108 bytes
    try:
        async with simulated_room(Runtime(folder), Simulated(pacing=False), lambda _: None) as room:
            await room.children[-1].stop()
            daemon = halting_daemon(folder)
            line = ControlLine(folder / "watchdog" / "control", "cli")
            try:
                async with connect(room.address, ROOM) as operator, operator.present():
                    treated = Treated(daemon, line, Control(folder), operator)
                    await treat(operator, room.site, "demo")
                    pulses = lambda: treated.simulator("pulses")["pulses"] >= SOME_PULSES  # noqa: E731
                    await asyncio.to_thread(until, pulses, START_S, "some pulses")
                    yield treated
            finally:
                line.close()
                end(daemon, signal.SIGKILL)
    finally:
        shutil.rmtree(folder)


@pytest.mark.parametrize("task", [SESSION, DRIVER])
async def test_a_stuck_task_of_the_daemon_is_a_trip_and_a_disarmed_device_though_the_others_turn(task: str) -> None:
    async with in_a_train() as treated:
        at_us = treated.halt(task)
        trip = await treated.event("trip", at_us)
        disarmed = await treated.event("disarmed", at_us)
        await treated.operator.until(lambda view: view.state.trip is not None, START_S)

        assert trip["reason"] == "beats-lost"
        assert int(str(disarmed["at_us"])) - at_us <= HUNG_US
        assert treated.condition == "standby"


async def test_a_stuck_mqtt_task_lets_presence_lapse_no_train_begins_and_the_session_pauses() -> None:
    async with in_a_train() as treated:
        at_us = treated.halt(MQTT)
        settled = await treated.event("settled", at_us)
        hold = await treated.event("hold", at_us)
        stop = await treated.event("stop", at_us)

        assert settled["outcome"] == "delivered", "the train under way is not cut"
        assert hold["reason"] == "presence-old"
        assert stop["reason"] == "presence-lost"
        assert len(treated.line.seen("trigger", at_us)) == 0
        assert treated.line.seen("trip") == [], "session and driver turn"
        assert treated.condition == "standby"
