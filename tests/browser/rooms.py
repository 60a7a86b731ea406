"""Rooms behind a panel: a whole simulated one that can lose its power, and a lobby with nobody behind the broker."""

from __future__ import annotations

import asyncio
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from daemon.broker import free_port, start_mosquitto, write_files
from daemon.children import Child, cut_power, stop_all
from daemon.cli.panel import fresh_url
from daemon.client import Address
from daemon.config import Site, load_site, read_secret
from daemon.runtime import Runtime
from daemon.simulated_room import HOST, OPERATOR, ROOM, RunningRoom, Simulated, simulated_room, site_text
from simulator.control import Control
from tests.system.processes import START_S, ControlLine

SECOND = "second"
FIXED = Simulated("magstim-rapid2:8", pacing=False, panel=True)
"""No tracker, no arm, no unlock code: what starts soonest."""
FOR_TWO = replace(FIXED, operators=(OPERATOR, SECOND))


@dataclass(frozen=True)
class PanelRoom:
    """A running room, and the world behind it."""

    room: RunningRoom

    @property
    def world(self) -> Control:
        """What physically happens."""
        return Control(self.room.runtime.folder)

    def url(self, user: str = OPERATOR) -> str:
        """Where a browser goes that signs this person in."""
        return fresh_url(self.room.runtime, self.room.site, user)

    def child(self, name: str) -> Child:
        """One process of the room."""
        return next(child for child in self.room.children if child.name == name)

    def signal(self, name: str, number: signal.Signals) -> None:
        """To one process."""
        self.child(name).process.send_signal(number)

    def cut_power(self) -> None:
        """All of them at once, the stimulator too."""
        cut_power(self.room.children)

    async def happenings(self, *kinds: str) -> list[dict[str, Any]]:
        """What physically happened, in order."""
        found: list[dict[str, Any]] = []
        told: dict[str, Any] = {"next": 0, "total": 1}
        while told["next"] < told["total"]:
            told = await asyncio.to_thread(self.world, "log", since=told["next"])
            found += told["happenings"]
        return [each for each in found if each["kind"] in kinds]

    async def disarmed_after(self, at_us: int, within_s: float) -> int:
        """How many µs after `at_us` (BOOTTIME) the stimulator was disarmed, by order of the line."""
        async with asyncio.timeout(within_s):
            while True:
                for each in await self.happenings("disarmed", "lapse"):
                    if each["at_us"] >= at_us:
                        assert each["note"] == "ordered", each
                        return int(each["at_us"]) - at_us
                await asyncio.sleep(0.02)

    async def pulses(self) -> int:
        """How many went out."""
        return int((await asyncio.to_thread(self.world, "pulses"))["pulses"])

    @contextmanager
    def watchdog(self) -> Iterator[ControlLine]:
        """A line to it, which hears all its events."""
        line = ControlLine(self.room.runtime.watchdog_control, "cli")
        try:
            line.catch_up()
            yield line
        finally:
            line.close()


@asynccontextmanager
async def panel_room(runtime: Runtime, what: Simulated = FIXED) -> AsyncIterator[PanelRoom]:
    """Started; started again where one has lost its power: the disk is all that is left of that one."""
    async with simulated_room(runtime, what, lambda _: None) as room:
        yield PanelRoom(room)


@dataclass
class Lobby:
    """Broker and panel of a room in which nobody is."""

    runtime: Runtime
    site: Site
    broker: Child | None
    room: str = ROOM

    def address_of(self, user: str) -> Address:
        """How somebody signs in to the broker."""
        return Address(self.site.broker.host, self.site.broker.port, user, read_secret(self.runtime.password(user)))

    def url(self, user: str = OPERATOR) -> str:
        """Where a browser goes that signs this person in."""
        return fresh_url(self.runtime, self.site, user)

    async def cut_broker(self) -> None:
        """It is killed."""
        assert self.broker is not None
        self.broker.process.kill()
        await self.broker.stop()

    async def bring_broker_back(self) -> None:
        """A new one in its place, which has forgotten everything."""
        self.broker = await start_mosquitto(self.runtime.broker)


@asynccontextmanager
async def lobby(runtime: Runtime, *, broker: bool = True, practice: bool = False) -> AsyncIterator[Lobby]:
    """Without `broker`, its port is left to whoever stands in for it."""
    port = free_port(HOST)
    write_files(runtime.broker, room=ROOM, host=HOST, port=port, people=FOR_TWO.people)
    runtime.site.write_text(site_text(runtime, replace(FOR_TWO, practice=practice), port, None))
    made = Lobby(runtime, load_site(runtime.site), await start_mosquitto(runtime.broker) if broker else None)
    command = [sys.executable, "-m", "daemon.panel", "--runtime", str(runtime.folder), "--site", str(runtime.site)]
    panel = Child.start("panel", command, runtime.log("panel"))
    try:

        async def listens() -> bool:
            return runtime.panel_address.exists()

        await panel.ready(listens, START_S)
        yield made
    finally:
        await stop_all([*([made.broker] if made.broker else ()), panel])


@contextmanager
def short_folder() -> Iterator[Runtime]:
    """A runtime folder whose sockets' paths fit into 108 bytes."""
    folder = Path(tempfile.mkdtemp(prefix="cw-", dir="/tmp"))
    try:
        yield Runtime(folder)
    finally:
        shutil.rmtree(folder)
