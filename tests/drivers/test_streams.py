"""One contract, three streams: a pseudo-terminal, a socket pair and the pair in memory behave alike."""

from __future__ import annotations

import asyncio
import os
import pty
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from drivers.errors import DeadlinePassed, OurError, PortLost
from drivers.memory_stream import memory_pair
from drivers.ports import Port, make_raw
from drivers.streams import INBOX_BYTES, ByteStream, PortStream, open_stream, stream_from_socket

SOON_S = 5.0
NOW_S = 0.0


@dataclass
class Line:
    """The two ends of one stream under test."""

    near: ByteStream
    far: ByteStream


async def far_end_of_a_terminal() -> Line:
    device, program = pty.openpty()
    make_raw(program)
    os.set_blocking(device, False)
    near = open_stream(f"pty:{os.ttyname(program)}")
    os.close(program)
    return Line(near, PortStream(Port(device, "the device's end", is_pty=True)))


@pytest.fixture(params=["terminal", "socket pair", "memory"])
async def line(request: pytest.FixtureRequest) -> AsyncIterator[Line]:
    if request.param == "terminal":
        found = await far_end_of_a_terminal()
    elif request.param == "socket pair":
        one, other = socket.socketpair()
        found = Line(stream_from_socket(one), stream_from_socket(other))
    else:
        found = Line(*memory_pair())
    yield found
    await found.near.close()
    await found.far.close()


async def read_exactly(stream: ByteStream, size: int) -> bytes:
    data = b""
    while len(data) < size:
        data += await stream.read(SOON_S)
    return data


async def test_what_one_end_writes_the_other_reads(line: Line) -> None:
    every_byte = bytes(range(256))
    await line.near.write(every_byte, SOON_S)
    assert await read_exactly(line.far, 256) == every_byte
    await line.far.write(every_byte, SOON_S)
    assert await read_exactly(line.near, 256) == every_byte


async def test_a_read_that_waits_ends_when_bytes_come(line: Line) -> None:
    waiting = asyncio.create_task(line.near.read(SOON_S))
    await asyncio.sleep(0)
    await line.far.write(b"late", SOON_S)
    assert await waiting == b"late"


async def test_a_read_with_nothing_to_read_ends_at_its_deadline(line: Line) -> None:
    with pytest.raises(DeadlinePassed, match="nothing came"):
        await line.near.read(NOW_S)
    await line.far.write(b"after", SOON_S)
    assert await line.near.read(SOON_S) == b"after"


async def test_a_write_that_nobody_reads_ends_at_its_deadline(line: Line) -> None:
    with pytest.raises(DeadlinePassed, match="within"):
        await line.near.write(bytes(64 * INBOX_BYTES), 0.05)


async def test_more_than_any_buffer_holds_arrives_whole_when_it_is_read(line: Line) -> None:
    data = bytes(range(256)) * (8 * INBOX_BYTES // 256)
    writing = asyncio.create_task(line.near.write(data, SOON_S))
    assert await read_exactly(line.far, len(data)) == data
    await writing


async def test_discarding_takes_away_what_came_and_leaves_what_comes_after(line: Line) -> None:
    await line.far.write(b"stale", SOON_S)
    dropped = b""
    while len(dropped) < len(b"stale"):
        dropped += line.near.discard_input()
        await asyncio.sleep(0)
    assert dropped == b"stale"
    await line.far.write(b"fresh", SOON_S)
    assert await line.near.read(SOON_S) == b"fresh"


async def test_a_read_that_waits_ends_when_the_other_end_goes_away(line: Line) -> None:
    waiting = asyncio.create_task(line.near.read(SOON_S))
    await asyncio.sleep(0)
    await line.far.close()
    with pytest.raises(PortLost):
        await waiting


async def test_a_lost_stream_stays_lost_for_every_call(line: Line) -> None:
    await line.far.close()
    with pytest.raises(PortLost):
        await line.near.read(SOON_S)
    with pytest.raises(PortLost):
        await line.near.read(SOON_S)
    with pytest.raises(PortLost):
        await line.near.write(b"x", SOON_S)
    with pytest.raises(PortLost):
        line.near.discard_input()


async def test_closing_ends_a_read_that_waits_and_closing_twice_does_no_harm(line: Line) -> None:
    waiting = asyncio.create_task(line.near.read(SOON_S))
    await asyncio.sleep(0)
    await line.near.close()
    await line.near.close()
    with pytest.raises(PortLost, match="closed"):
        await waiting


async def test_a_second_reader_at_once_is_our_own_mistake(line: Line) -> None:
    first = asyncio.create_task(line.near.read(SOON_S))
    await asyncio.sleep(0)
    with pytest.raises(OurError, match="Exchange"):
        await line.near.read(SOON_S)
    await line.far.write(b"x", SOON_S)
    assert await first == b"x"


async def test_an_abandoned_read_loses_no_byte(line: Line) -> None:
    abandoned = asyncio.create_task(line.near.read(SOON_S))
    await asyncio.sleep(0)
    abandoned.cancel()
    with pytest.raises(asyncio.CancelledError):
        await abandoned
    await line.far.write(b"kept", SOON_S)
    assert await line.near.read(SOON_S) == b"kept"


async def test_what_was_written_before_the_end_is_still_read() -> None:
    near, far = memory_pair()
    await far.write(b"last words", SOON_S)
    await far.close()
    assert await near.read(SOON_S) == b"last words"
    with pytest.raises(PortLost, match="hung up"):
        await near.read(SOON_S)


async def test_a_hung_up_descriptor_does_not_spin_the_loop() -> None:
    near, far = socket.socketpair()
    fd = near.fileno()
    stream = stream_from_socket(near)
    far.close()
    with pytest.raises(PortLost):
        await stream.read(SOON_S)
    assert not asyncio.get_running_loop().remove_reader(fd), "the loop still watches a dead descriptor"


@pytest.mark.looptime
async def test_deadlines_run_on_the_loops_own_clock() -> None:
    loop = asyncio.get_running_loop()
    near, _far = memory_pair()
    with pytest.raises(DeadlinePassed):
        await near.read(3600.0)
    assert loop.time() == pytest.approx(3600.0)


@pytest.mark.looptime
async def test_a_slow_reader_holds_the_writer_back_in_virtual_time() -> None:
    near, far = memory_pair()
    loop = asyncio.get_running_loop()

    async def slow() -> None:
        for _ in range(4):
            await asyncio.sleep(1.0)
            await far.read(NOW_S)

    reading = asyncio.create_task(slow())
    await near.write(bytes(4 * INBOX_BYTES), 10.0)
    assert loop.time() == pytest.approx(3.0)
    await reading
