"""The serial line of a Polaris beside its bytes: its speed, and the BREAK that resets the unit.

A pseudo-terminal swallows a BREAK, so it crosses a real connection here: pyserial's RFC 2217 client in the place of the
kernel's driver, pyserial's own server at the other end, the simulated unit behind it.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import pty
import termios
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import serial
import serial.rfc2217
import serial.serialposix

from drivers.errors import ConfigError, OurError, PortNotFound
from drivers.polaris import link as links
from drivers.polaris import tool_files
from drivers.polaris.link import SerialLink, TcpLink, open_link
from drivers.polaris.models import model
from drivers.polaris.tracker import PolarisTracker, connect_polaris
from drivers.poses import Pose
from drivers.streams import Inbox
from drivers.trackers import Sight, Tool
from simulator.wires.polaris import PolarisWire, Sights
from simulator.wires.polaris_serving import PolarisPort

over_rfc2217 = pytest.mark.filterwarnings("ignore:set(Daemon|Name):DeprecationWarning")
"""pyserial 3.5 starts its reader so."""
HERE = Pose((1, 0, 0, 0), (0.1, 0.0, -1.5))


def clock_us() -> int:
    return round(asyncio.get_running_loop().time() * 1e6)


class Camera:
    def sights(self, at_us: int) -> Sights:
        return Sights(at_us * 60 // 1_000_000, {Tool.HEAD: Sight(HERE)})


class LineEnd:
    """What pyserial's server takes for a serial port: the unit's end of the line."""

    bytesize, parity, stopbits = 8, "N", 1
    xonxoff = rtscts = dsrdtr = dtr = rts = cts = dsr = ri = cd = False

    def __init__(self, port: PolarisPort) -> None:
        self.port = port
        self.baudrate = 9600
        self.bauds: list[int] = []
        self.breaks = 0
        self._low = False

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "baudrate" and "bauds" in self.__dict__:
            self.bauds.append(value)
        object.__setattr__(self, name, value)

    @property
    def break_condition(self) -> bool:
        return self._low

    @break_condition.setter
    def break_condition(self, low: bool) -> None:
        if self._low and not low:
            self.breaks += 1
            self.port.hear_break(clock_us())
        self._low = low

    def reset_input_buffer(self) -> None:
        """Nothing is kept here."""

    def reset_output_buffer(self) -> None:
        """Nothing is kept here."""


async def serve_line(end: LineEnd, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One client of an RFC 2217 server."""
    manager = serial.rfc2217.PortManager(end, writer)
    while True:
        next_us = end.port.next_us
        wait_s = 1.0 if next_us is None else max(0.0, (next_us - clock_us()) / 1e6)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                if not (data := await reader.read(4096)):
                    break
                end.port.receive(b"".join(manager.filter(data)), clock_us(), end.baudrate)
        if sent := end.port.due(clock_us()):
            writer.write(b"".join(manager.escape(sent)))
    writer.close()


class Rfc2217Link:
    """A link over pyserial's client, whose calls block: each in a thread."""

    def __init__(self, line: Any) -> None:
        self._line = line
        self._loop = asyncio.get_running_loop()
        self._inbox = Inbox("rfc2217")
        self._closing = False
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    stream = property(lambda self: self)
    serial = property(lambda self: self)

    def _listen(self) -> None:
        while not self._closing:
            if data := self._line.read(max(1, self._line.in_waiting)):
                self._loop.call_soon_threadsafe(self._inbox.put, data)

    async def read(self, deadline_s: float) -> bytes:
        return await self._inbox.get(deadline_s)

    async def write(self, data: bytes, _deadline_s: float) -> None:
        await asyncio.to_thread(self._line.write, data)

    def discard_input(self) -> bytes:
        return self._inbox.take()

    async def set_baud(self, baud: int) -> None:
        await asyncio.to_thread(setattr, self._line, "baudrate", baud)

    async def send_break(self) -> None:
        await asyncio.to_thread(self._line.send_break, links.BREAK_S)

    async def close(self) -> None:
        self._closing = True
        await asyncio.to_thread(self._thread.join)
        await asyncio.to_thread(self._line.close)


@asynccontextmanager
async def unit_on_a_line() -> AsyncIterator[tuple[LineEnd, Rfc2217Link]]:
    end = LineEnd(PolarisPort(PolarisWire(Camera(), clock_us, "polaris-spectra")))
    clients: list[asyncio.Task[None]] = []

    def admit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        clients.append(asyncio.create_task(serve_line(end, reader, writer)))

    async with await asyncio.start_server(admit, "127.0.0.1", 0) as server:
        url = f"rfc2217://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        line = await asyncio.to_thread(serial.serial_for_url, url, 9600, timeout=0.02)
        end.bauds.clear()
        try:
            yield end, Rfc2217Link(line)
        finally:
            await asyncio.gather(*clients)


@pytest.mark.system
@over_rfc2217
async def test_a_break_finds_a_unit_at_a_speed_that_nobody_knows_and_tracking_goes_on_at_the_best_one() -> None:
    async with unit_on_a_line() as (end, link):
        end.port.wire.baud = 57_600
        tracker = PolarisTracker(link, model("polaris-spectra"), {Tool.HEAD: tool_files.made_up("head")})
        await tracker.connect()
        stream = tracker.frames()
        frame = await anext(stream)
        await stream.aclose()
        fast = end.port.wire.baud
        await tracker.close()

    assert frame.tools[Tool.HEAD].pose == HERE
    assert end.breaks == 1
    assert fast == 921_600
    assert end.bauds == [9600, 921_600, 115_200, 9600, 921_600, 9600]
    assert end.port.wire.baud == 9600


@pytest.mark.system
@over_rfc2217
async def test_a_unit_that_answers_is_not_reset() -> None:
    async with unit_on_a_line() as (end, link):
        tracker = PolarisTracker(link, model("polaris-spectra"), {Tool.HEAD: tool_files.made_up("head")})
        await tracker.connect()
        await tracker.close()

    assert end.breaks == 0
    assert end.bauds == [9600, 921_600, 9600]


@asynccontextmanager
async def terminal() -> AsyncIterator[tuple[int, SerialLink]]:
    master, slave = pty.openpty()
    link = open_link(f"pty:{os.ttyname(slave)}")
    assert isinstance(link, SerialLink)
    try:
        yield master, link
    finally:
        await link.stream.close()
        os.close(slave)
        os.close(master)


@pytest.mark.parametrize("baud", [9600, 115_200, 921_600])
async def test_the_speed_of_a_terminal_is_set_for_both_ends(baud: int) -> None:
    async with terminal() as (master, link):
        await link.set_baud(baud)

        assert termios.tcgetattr(master)[4:6] == [getattr(termios, f"B{baud}")] * 2


async def test_a_speed_that_linux_has_no_name_for_is_an_error_of_ours() -> None:
    async with terminal() as (_, link):
        with pytest.raises(OurError):
            await link.set_baud(14_400)


async def test_a_break_is_begun_and_ended_by_the_kernels_own_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(links, "BREAK_S", 0.01)
    async with terminal() as (_, link):
        real = fcntl.ioctl

        def ioctl(fd: int, what: int) -> int:
            asked.append(what)
            return real(fd, what)

        monkeypatch.setattr(links.fcntl, "ioctl", ioctl)
        await link.send_break()
        monkeypatch.undo()

    assert asked == [serial.serialposix.TIOCSBRK, serial.serialposix.TIOCCBRK]


async def test_a_tcp_address_is_a_link_without_speed_or_break() -> None:
    async with await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0) as server:
        link = open_link(f"tcp:127.0.0.1:{server.sockets[0].getsockname()[1]}")
        assert isinstance(link, TcpLink)
        assert link.serial is None
        await link.stream.close()


async def test_what_the_site_file_says_wrongly_is_refused_before_the_port_is_opened(tmp_path: Path) -> None:
    (tmp_path / "head.rom").write_bytes(tool_files.made_up("head"))
    tools = {Tool.HEAD: tmp_path / "head.rom"}

    with pytest.raises(ConfigError, match="polaris-vega"):
        await connect_polaris("tcp:127.0.0.1:1", "polaris", tools)
    with pytest.raises(ConfigError, match=r"none\.rom"):
        await connect_polaris("tcp:127.0.0.1:1", "polaris-vega", {Tool.HEAD: tmp_path / "none.rom"})
    with pytest.raises(PortNotFound):
        await connect_polaris("tcp:127.0.0.1:1", "polaris-vega", tools)
