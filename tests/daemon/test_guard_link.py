"""The control link over a real socket, with the test as the watchdog."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from daemon.guard_link import MAX_PUSHES, Allowed, Denied, GuardLink, GuardLost
from daemon.guard_words import Status, Stop
from drivers.errors import DeadlinePassed, PortNotFound


class Peer:
    """The other end, as lines of JSON."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.sock = sock
        self.unread = b""

    async def hear(self) -> dict[str, Any]:
        while b"\n" not in self.unread:
            self.unread += await asyncio.get_running_loop().sock_recv(self.sock, 65536)
        line, _, self.unread = self.unread.partition(b"\n")
        body: dict[str, Any] = json.loads(line)
        return body

    async def say(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self.sock, data)

    async def answer(self, **body: Any) -> dict[str, Any]:
        asked = await self.hear()
        await self.say(json.dumps({"re": asked["id"], **body}).encode() + b"\n")
        return asked


@pytest.fixture
async def both() -> AsyncIterator[tuple[GuardLink, Peer]]:
    ours, theirs = socket.socketpair()
    link = GuardLink(ours)
    yield link, Peer(theirs)
    link.close()
    theirs.close()


async def test_an_answer_reaches_whoever_asked_in_any_order(both: tuple[GuardLink, Peer]) -> None:
    link, peer = both
    first, second = asyncio.ensure_future(link.ask(Status())), asyncio.ensure_future(link.ask(Stop(by="operator")))
    status, stop = await peer.hear(), await peer.hear()
    await peer.say(json.dumps({"re": stop["id"], "ok": False, "reason": "boot", "detail": {"a": 1}}).encode() + b"\n")
    await peer.say(json.dumps({"re": status["id"], "ok": True, "phase": "safe"}).encode() + b"\n")

    assert await first == Allowed({"phase": "safe"})
    assert await second == Denied("boot", {"a": 1})


async def test_a_push_cut_in_two_and_two_in_one_read_are_both_read_whole(both: tuple[GuardLink, Peer]) -> None:
    link, peer = both
    await peer.say(b'{"say":"ev')
    await asyncio.sleep(0)
    await peer.say(b'ent","n":1}\n{"say":"event","n":2}\n')
    pushes = link.pushes()

    assert [(await anext(pushes))["n"], (await anext(pushes))["n"]] == [1, 2]


async def test_a_question_without_an_answer_ends_at_its_deadline_and_a_late_answer_harms_nobody(
    both: tuple[GuardLink, Peer],
) -> None:
    link, peer = both
    with pytest.raises(DeadlinePassed, match="did not answer status"):
        await link.ask(Status(), deadline_s=0.01)
    await peer.answer(ok=True)
    later = asyncio.ensure_future(link.ask(Status()))
    await peer.answer(ok=True, fresh=True)

    assert await later == Allowed({"fresh": True})


async def test_a_watchdog_that_ends_with_a_request_unread_has_ended_and_no_number_of_an_error_is_told(
    both: tuple[GuardLink, Peer],
) -> None:
    link, peer = both
    asking = asyncio.ensure_future(link.ask(Status()))
    await asyncio.sleep(0)
    peer.sock.close()

    with pytest.raises(GuardLost, match="The watchdog ended the connection"):
        await asking


async def test_the_end_of_the_connection_reaches_everybody_who_waits(both: tuple[GuardLink, Peer]) -> None:
    link, peer = both
    asking = asyncio.ensure_future(link.ask(Status()))
    await peer.hear()
    peer.sock.close()

    with pytest.raises(GuardLost, match="disarms by itself"):
        await asking
    assert [push async for push in link.pushes()] == []
    with pytest.raises(GuardLost):
        link.beat(1, 1, 0)
    assert link.lost is not None


async def test_the_door_comes_as_a_stream_with_its_answer(both: tuple[GuardLink, Peer]) -> None:
    link, peer = both
    attaching = asyncio.ensure_future(link.attach())
    asked = await peer.hear()
    mine, theirs = socket.socketpair()
    socket.send_fds(peer.sock, [json.dumps({"re": asked["id"], "ok": True}).encode() + b"\n"], [theirs.fileno()])
    theirs.close()
    stream = await attaching
    mine.send(b"E?")

    assert await stream.read(1.0) == b"E?"
    await stream.close()
    mine.close()


async def test_an_answer_without_the_door_is_no_door(both: tuple[GuardLink, Peer]) -> None:
    link, peer = both
    attaching = asyncio.ensure_future(link.attach())
    await peer.answer(ok=True)

    with pytest.raises(PortNotFound, match="no descriptor"):
        await attaching


@pytest.mark.parametrize("line", [b"nonsense\n", b"[]\n", b"x" * 70_000])
async def test_what_is_no_message_ends_the_link(both: tuple[GuardLink, Peer], line: bytes) -> None:
    link, peer = both
    await peer.say(line)
    with pytest.raises(GuardLost, match="version"):
        await link.ask(Status())


async def test_pushes_nobody_reads_end_the_link_instead_of_filling_memory(both: tuple[GuardLink, Peer]) -> None:
    link, peer = both
    await peer.say(b'{"say":"event"}\n' * (MAX_PUSHES + 2))
    with pytest.raises(GuardLost, match="does not read"):
        await link.ask(Status())


async def test_a_watchdog_that_does_not_read_is_let_go(both: tuple[GuardLink, Peer]) -> None:
    link, _ = both
    with contextlib.suppress(GuardLost):
        for _ in range(100_000):
            link.beat(1, 1, 0)

    assert "does not read" in str(link.lost)


async def test_beats_are_not_answered_and_carry_no_id(both: tuple[GuardLink, Peer]) -> None:
    link, peer = both
    link.beat(7, 8, 9)

    assert await peer.hear() == {"do": "beat", "session_turns": 7, "driver_turns": 8, "presence_us": 9}


async def test_without_a_watchdog_connecting_says_what_to_start(tmp_path: Path) -> None:
    with pytest.raises(PortNotFound, match="Start coilward-watchdog first"):
        await GuardLink.connect(tmp_path / "control")


@contextlib.asynccontextmanager
async def connecting(path: Path) -> AsyncIterator[tuple[asyncio.Future[Any], Peer]]:
    """A link that has said hello there, and who is to answer it."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        server.setblocking(False)
        link = asyncio.ensure_future(GuardLink.connect(path))
        sock, _ = await asyncio.get_running_loop().sock_accept(server)
        yield link, Peer(sock)
        sock.close()


async def test_connecting_says_hello_and_hears_who_is_there(tmp_path: Path) -> None:
    async with connecting(tmp_path / "control") as (connected, peer):
        asked = await peer.answer(ok=True, room="room1")
        link, hello = await connected

        assert asked["role"] == "daemon"
        assert hello == {"room": "room1"}
        link.close()


async def test_a_watchdog_that_turns_a_connection_down_is_quoted_with_what_to_do(tmp_path: Path) -> None:
    async with connecting(tmp_path / "control") as (connected, peer):
        await peer.answer(ok=False, reason="not-the-daemon", detail={})
        with pytest.raises(GuardLost, match="Name the user of coilward-daemon in the site file, as daemon_user"):
            await connected
