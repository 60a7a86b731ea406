"""A panel served in this very loop, between pages, a broker and a watchdog that do as they are told."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from daemon.broker import free_port
from daemon.config import Site, parse_site
from daemon.panel.files import Files
from daemon.panel.server import panel
from daemon.runtime import Runtime
from tests.daemon.arm_stand_in import ArmStandIn
from tests.daemon.panel.packets import YES

WAIT_S = 10.0
"""For what takes milliseconds (engineering choice)."""
SITE = """
[site]
room = "room1"
use = "simulation"
timezone = "Europe/Rome"
profile = "{profile}"
[stimulator]
model = "magstim-rapid2"
firmware = 8
port = "pty:stimulator"
coil = "coil-1"
[watchdog]
state = "watchdog"
[daemon]
state = "daemon"
[broker]
port = {broker}
[panel]
{panel}
[[operators]]
user = "olga"
role = "operator"
[[operators]]
user = "vera"
role = "viewer"
"""
WITH_ARM = """
[tracker]
model = "polaris-vicra"
port = "pty:tracker"
tools = { head = "head.rom", coil = "coil.rom" }
[robot]
model = "ur5e"
host = "127.0.0.2"
park = [-0.2, -0.4, 0.5, 0.0, 3.14, 0.0]
calibration = "cal.json"
"""


def serving(tasks: set[asyncio.Task[None]]) -> None:
    """Notes whoever serves a connection just now."""
    task = asyncio.current_task()
    assert task is not None
    tasks.add(task)


@dataclass
class Broker:
    """Says yes to whoever sends something, or no; hangs up or reads no more when told to."""

    port: int
    answer: bytes = YES
    heard: bytearray = field(default_factory=bytearray)
    pages: list[asyncio.StreamWriter] = field(default_factory=list)
    server: asyncio.Server | None = None
    serving: set[asyncio.Task[None]] = field(default_factory=set)

    async def start(self) -> None:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving(self.serving)
        self.pages.append(writer)
        with contextlib.suppress(OSError):
            first = await reader.read(65536)
            self.heard += first
            if first:
                writer.write(self.answer)
            while data := await reader.read(65536):
                self.heard += data
        writer.close()

    def say(self, data: bytes) -> None:
        self.pages[-1].write(data)

    def die(self) -> None:
        """Every connection is cut, and none is taken any more."""
        assert self.server is not None
        self.server.close()
        for page in self.pages:
            page.transport.abort()


@dataclass
class WatchdogHere:
    """Speaks as the watchdog at its socket; `condition` is what its statuses show."""

    path: Path
    condition: str = "standby"
    mute: bool = False
    asked: list[dict[str, Any]] = field(default_factory=list)
    server: asyncio.Server | None = None
    serving: set[asyncio.Task[None]] = field(default_factory=set)

    async def start(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.server = await asyncio.start_unix_server(self._serve, self.path)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving(self.serving)
        pushing = asyncio.create_task(self._push(writer))
        with contextlib.suppress(OSError):
            while line := await reader.readline():
                request = json.loads(line)
                self.asked.append(request)
                if not self.mute:
                    writer.write(json.dumps({"re": request["id"], "ok": True}).encode() + b"\n")
        pushing.cancel()
        await asyncio.wait({pushing})
        writer.close()

    async def _push(self, writer: asyncio.StreamWriter) -> None:
        while True:
            device = {"present": True, "condition": self.condition}
            status = {"say": "status", "device": device, "disarming": self.condition != "standby"}
            if not self.mute:
                writer.write(json.dumps(status).encode() + b"\n")
            await asyncio.sleep(0.01)

    def of(self, word: str) -> list[dict[str, Any]]:
        return [request for request in self.asked if request["do"] == word]


Got = tuple[int, dict[str, str], bytes]
"""Status, headers in lower case, body."""


@dataclass
class Served:
    """A panel that serves."""

    site: Site
    runtime: Runtime
    broker: Broker
    watchdog: WatchdogHere
    host: str
    port: int
    arm: ArmStandIn | None = None

    @property
    def here(self) -> str:
        return f"127.0.0.1:{self.port}"

    @asynccontextmanager
    async def page(self, path: str = "/mqtt", **changes: Any) -> AsyncIterator[ClientConnection]:
        """A page of ours that opens a WebSocket."""
        own: dict[str, Any] = {"origin": f"http://{self.here}", "compression": None, "open_timeout": WAIT_S}
        if path == "/mqtt":
            own["subprotocols"] = ["mqtt"]
        async with connect(f"ws://{self.here}{path}", **own | changes) as opened:
            yield opened

    async def get(self, path: str, *headers: str, method: str = "GET", host: str | None = None) -> Got:
        """What comes of a request written to the letter."""
        async with asyncio.timeout(WAIT_S):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            lines = [f"{method} {path} HTTP/1.1", f"Host: {host or self.here}", *headers, "", ""]
            writer.write("\r\n".join(lines).encode("latin-1"))
            head, _, body = (await reader.read()).partition(b"\r\n\r\n")
            writer.close()
            first, *rest = head.decode("latin-1").split("\r\n")
        return int(first.split()[1]), {k.lower(): v for k, _, v in (line.partition(": ") for line in rest)}, body


async def heard(page: ClientConnection) -> Any:
    """The next thing a page is told: JSON for text, bytes else."""
    async with asyncio.timeout(WAIT_S):
        message = await page.recv()
    return json.loads(message) if isinstance(message, str) else message


async def told(page: ClientConnection) -> dict[str, Any]:
    """The next text, whatever bytes come before it."""
    while isinstance(message := await heard(page), bytes):
        pass
    return dict(message)


Serve = Callable[..., contextlib.AbstractAsyncContextManager[Served]]


@pytest.fixture
def serve(runtime: Runtime, tmp_path: Path) -> Serve:
    @asynccontextmanager
    async def served(text: str = "", *, arm: bool = False, broker: bool = True) -> AsyncIterator[Served]:
        stood = Broker(free_port())
        if broker:
            await stood.start()
        watchdog = WatchdogHere(runtime.watchdog_control)
        await watchdog.start()
        listening = text if text.startswith("port") else f"port = 0\n{text}"
        written = SITE.format(profile="robot" if arm else "fixed", broker=stood.port, panel=listening)
        site = parse_site(written + (WITH_ARM if arm else ""), runtime.site)
        here = ArmStandIn(runtime.arm_control) if arm else None
        (tmp_path / "static").mkdir(exist_ok=True)
        try:
            async with panel(site, runtime, Files(tmp_path / "static")) as (host, port):
                yield Served(site, runtime, stood, watchdog, host, port, here)
        finally:
            if here is not None:
                here.close()
            for page in stood.pages:
                page.transport.abort()
            for server in (stood.server, watchdog.server):
                if server is not None:
                    server.close()
            if tasks := stood.serving | watchdog.serving:
                await asyncio.wait(tasks, timeout=WAIT_S)

    return served


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    return Runtime(tmp_path / "r")
