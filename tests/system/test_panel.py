"""A page signs in through a real panel, at a real broker, and its STOP reaches a real watchdog when others cannot."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from daemon.cli.panel import fresh_url
from daemon.client import connect as connect_room
from daemon.runtime import Runtime
from daemon.simulated_room import ROOM, RunningRoom, Simulated, new_subject, simulated_room
from simulator.control import Control
from tests.daemon.panel.packets import connect_packet
from tests.system.processes import ControlLine

pytestmark = [pytest.mark.system, pytest.mark.timeout(150)]
LONG_S = 60.0
TRAIN = 20
"""Pulses of one train of the protocol `demo`."""
WAVES, WAVE_KB = 3, 8_000
"""Of strangers, and what each may leave of memory in use: far less than the 60 MB it sends (engineering choice)."""
STRANGERS = Path(__file__).with_name("strangers.py")
ROLES = {"operator": "operator", "viewer": "viewer", "physician": "physician", "engineer": "engineer"}


@asynccontextmanager
async def websocket(room: RunningRoom, path: str, origin: str | None = None) -> AsyncIterator[ClientConnection]:
    address = room.runtime.panel_address.read_text().strip()
    spoken: Any = ["mqtt"] if path == "/mqtt" else None
    ours: Any = origin or f"http://{address}"
    async with connect(f"ws://{address}{path}", origin=ours, subprotocols=spoken, compression=None) as page:
        yield page


async def told(page: ClientConnection) -> dict[str, Any]:
    """The next text a page hears."""
    async with asyncio.timeout(LONG_S):
        while isinstance(message := await page.recv(), bytes):
            pass
    return dict(json.loads(message))


async def credentials(room: RunningRoom, user: str) -> dict[str, Any]:
    """What a fresh code of this person comes to."""
    url = await asyncio.to_thread(fresh_url, room.runtime, room.site, user)
    code = urlsplit(url).fragment.removeprefix("code=")
    async with websocket(room, "/sign-in") as page:
        await page.send(json.dumps({"code": code}))
        return await told(page)


@asynccontextmanager
async def signed_in(room: RunningRoom, user: str) -> AsyncIterator[ClientConnection]:
    """A page whose CONNECT the broker has accepted."""
    own = await credentials(room, user)
    async with websocket(room, "/mqtt") as page:
        await page.send(connect_packet(f"page-{user}", own["user"], own["password"]))
        async with asyncio.timeout(LONG_S):
            answer = await page.recv()
        assert isinstance(answer, bytes)
        assert (answer[0], answer[3]) == (0x20, 0), "CONNACK, success"
        yield page


@asynccontextmanager
async def treated(runtime: Runtime) -> AsyncIterator[tuple[RunningRoom, ControlLine]]:
    """A room in the middle of a train, and a line that hears its watchdog."""
    async with contextlib.AsyncExitStack() as opened:
        what = Simulated(pacing=False, panel=True)
        room = await opened.enter_async_context(simulated_room(runtime, what, lambda _: None))
        line = opened.enter_context(contextlib.closing(ControlLine(runtime.watchdog_control)))
        operator = await opened.enter_async_context(connect_room(room.address, ROOM))
        await operator.known(5)
        await operator.ask("take")
        await opened.enter_async_context(operator.present())
        subject = await new_subject(operator, room.site)
        begun = await operator.ask("start", subject=subject, protocol="demo", placement="none")
        async with asyncio.timeout(LONG_S):
            while not (await operator.ask("release", hash=begun.detail["hash"])).ok:
                await asyncio.sleep(0.25)
        yield room, line


def mid_train(line: ControlLine) -> None:
    """Returns once a train runs."""
    line.wait(lambda: line.status.get("phase") == "firing", "a train", LONG_S)


def cut(room: RunningRoom) -> bool:
    """Whether the stimulator really stands in standby, with a part of its first train given."""
    world = Control(room.runtime.folder)
    return bool(world("status")["condition"] == "standby" and 0 < world("pulses")["pulses"] < TRAIN)


def child(room: RunningRoom, name: str) -> int:
    return next(each.process.pid for each in room.children if each.name == name)


async def test_four_people_sign_in_by_code_each_in_their_role_and_nobody_else(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    runtime = Runtime(tmp_path_factory.mktemp("r"))
    async with simulated_room(runtime, Simulated(pacing=False, panel=True), lambda _: None) as room:
        roles = {user: (await credentials(room, user))["role"] for user in ROLES}
        for user in ROLES:
            async with signed_in(room, user):
                pass
        async with websocket(room, "/mqtt") as page:
            await page.send("STOP")
            stranger = await told(page)
        async with websocket(room, "/mqtt") as page:
            await page.send(connect_packet("page", "operator", "guessed"))
            refused = await page.recv()
        with pytest.raises(InvalidStatus):
            async with websocket(room, "/mqtt", "http://evil.example"):
                pass
        modes = {path.name: path.stat().st_mode & 0o777 for path in runtime.broker.glob("*.password")}

    assert roles == ROLES
    assert stranger == {"direct": "STOP", "refused": "not-signed-in"}
    assert isinstance(refused, bytes)
    assert refused[3] == 0x87, "not authorised"
    assert modes == {f"{user}.password": 0o600 for user in [*ROLES, "daemon"]}


@pytest.mark.parametrize(("word", "event"), [("STOP", "stop-asked"), ("EMERGENCY", "emergency")])
async def test_a_press_disarms_in_mid_train_with_the_broker_killed(
    tmp_path_factory: pytest.TempPathFactory, word: str, event: str
) -> None:
    runtime = Runtime(tmp_path_factory.mktemp("r"))
    async with treated(runtime) as (room, line), signed_in(room, "viewer") as page:
        await asyncio.to_thread(mid_train, line)
        os.kill(child(room, "mosquitto"), signal.SIGKILL)
        assert await told(page) == {"broker": "lost"}
        await page.send(word)
        pressed_s = time.monotonic()
        answers = [await told(page), await told(page)]
        took_s = time.monotonic() - pressed_s
        told_of = await asyncio.to_thread(line.event, event)
        was_cut = await asyncio.to_thread(cut, room)

    assert answers == [
        {"direct": word, "watchdog": "sent"},
        {"direct": word, "watchdog": "confirmed", "arm": "none"},
    ]
    assert took_s < 1, "long before the operator's presence lapses"
    assert told_of["by"] == "viewer"
    assert was_cut


async def test_a_stop_disarms_in_mid_train_with_the_daemon_frozen(tmp_path_factory: pytest.TempPathFactory) -> None:
    runtime = Runtime(tmp_path_factory.mktemp("r"))
    async with treated(runtime) as (room, line), signed_in(room, "viewer") as page:
        await asyncio.to_thread(mid_train, line)
        os.kill(child(room, "daemon"), signal.SIGSTOP)
        try:
            await page.send("STOP")
            answers = [await told(page), await told(page)]
            stop = await asyncio.to_thread(line.event, "stop-asked")
            was_cut = await asyncio.to_thread(cut, room)
        finally:
            os.kill(child(room, "daemon"), signal.SIGCONT)

    assert stop["by"] == "viewer"
    assert answers[1] == {"direct": "STOP", "watchdog": "confirmed", "arm": "none"}
    assert was_cut


async def test_the_panel_outlives_broker_daemon_and_watchdog(tmp_path_factory: pytest.TempPathFactory) -> None:
    runtime = Runtime(tmp_path_factory.mktemp("r"))
    async with (
        simulated_room(runtime, Simulated(pacing=False, panel=True), lambda _: None) as room,
        signed_in(room, "operator") as page,
    ):
        for name in ("mosquitto", "daemon", "watchdog"):
            os.kill(child(room, name), signal.SIGKILL)
        assert await told(page) == {"broker": "lost"}
        for _ in range(2):
            await page.send("STOP")
            assert await told(page) == {"direct": "STOP", "watchdog": "unreachable", "arm": "none"}
        async with websocket(room, "/mqtt") as other:
            assert await told(other) == {"broker": "lost"}
        log = Path(runtime.log("panel")).read_text().splitlines()
        gone = room.ended()

    assert gone is not None
    assert gone.name != "panel"
    assert [line.split(":")[1] for line in log] == [
        " ready at http",
        " the broker has hung up on a page",
        " the watchdog cannot be told to stop",
        " no broker at 127.0.0.1",
    ]


async def test_what_strangers_do_neither_grows_the_panel_nor_keeps_a_stop_waiting(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    runtime = Runtime(tmp_path_factory.mktemp("r"))
    async with (
        simulated_room(runtime, Simulated(pacing=False, panel=True), lambda _: None) as room,
        signed_in(room, "operator") as page,
    ):
        panel = child(room, "panel")
        before_kb = memory_kb(panel)
        slowest_s = 0.0
        for _ in range(WAVES):
            harm = asyncio.create_task(asyncio.to_thread(strangers, room))
            while not harm.done():
                began_s = time.monotonic()
                await page.send("STOP")
                assert (await told(page))["watchdog"] == "sent"
                slowest_s = max(slowest_s, time.monotonic() - began_s)
                assert (await told(page))["watchdog"] == "confirmed"
                await asyncio.wait((harm,), timeout=0.1)
            await harm
        after_kb = memory_kb(panel)
        code = (await credentials(room, "viewer"))["role"]

    assert code == "viewer"
    assert slowest_s < 1, slowest_s
    assert after_kb - before_kb < WAVES * WAVE_KB, (before_kb, after_kb)


def strangers(room: RunningRoom) -> None:
    """One wave of them, in a process of their own: what they cost themselves is not the panel's."""
    address = room.runtime.panel_address.read_text().strip()
    subprocess.run([sys.executable, STRANGERS, address], check=True, timeout=LONG_S)


def memory_kb(pid: int) -> int:
    """Resident memory of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])
