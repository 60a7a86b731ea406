"""Who is let in when many come: nobody keeps a person out, and nothing grows without bound."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from daemon.panel.door import MOST, Door
from daemon.panel.server import OPEN_S
from tests.daemon.panel.certificates import certified, opened, trusting
from tests.daemon.panel.conftest import WAIT_S, Serve, heard, told
from tests.daemon.panel.packets import CONNECT, YES


@pytest.fixture
def door() -> Iterator[Door]:
    with Door(socket.AF_INET, most=3, leaving=2) as made:
        made.bind(("127.0.0.1", 0))
        made.listen(20)
        made.settimeout(WAIT_S)
        yield made


def knock(door: Door) -> socket.socket:
    return socket.create_connection(door.getsockname(), WAIT_S)


def ended(client: socket.socket) -> bool:
    """Whether the other end has let it go."""
    client.setblocking(False)
    try:
        return client.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:  # nothing was read of what it sent
        return True


def test_the_oldest_stranger_makes_room_and_who_signed_in_stays(door: Door) -> None:
    with contextlib.ExitStack() as clients:
        knocked, inside = [], []
        for count in range(4):
            knocked.append(clients.enter_context(knock(door)))
            inside.append(door.accept())
            if count == 0:
                door.signed_in(inside[0][1])
        gone = [ended(client) for client in knocked]
        for link, _ in inside:
            link.close()

    assert gone == [False, True, False, False]
    assert door.inside == 0


def test_who_has_lost_the_broker_goes_before_who_has_it(door: Door) -> None:
    with contextlib.ExitStack() as clients:
        knocked, inside = [], []
        for _ in range(3):
            knocked.append(clients.enter_context(knock(door)))
            inside.append(door.accept())
            door.signed_in(inside[-1][1])
        door.cut_off(inside[1][1])
        gone = []
        for _ in range(2):
            knocked.append(clients.enter_context(knock(door)))
            inside.append(door.accept())
            gone.append([ended(client) for client in knocked])
        for link, _ in inside:
            link.close()

    assert gone[0] == [False, True, False, False]
    assert gone[1] == [False, True, False, True, False], "a stranger goes before either"


def test_when_all_have_signed_in_the_next_one_waits_outside_until_one_leaves(door: Door) -> None:
    with contextlib.ExitStack() as clients:
        inside = []
        for _ in range(3):
            clients.enter_context(knock(door))
            inside.append(door.accept())
            door.signed_in(inside[-1][1])
        late = clients.enter_context(knock(door))
        with pytest.raises(ConnectionAbortedError):
            door.accept()
        turned_away = late.recv(1)
        inside.pop()[0].close()
        clients.enter_context(knock(door))
        inside.append(door.accept())
        for link, _ in inside:
            link.close()

    assert turned_away == b""


def test_those_told_to_go_are_bounded_too(door: Door) -> None:
    with contextlib.ExitStack() as clients:
        inside = []
        for _ in range(5):
            clients.enter_context(knock(door))
            inside.append(door.accept())
        clients.enter_context(knock(door))
        with pytest.raises(ConnectionAbortedError):
            door.accept()
        assert door.inside <= 3 + 2
        for link, _ in inside:
            link.close()


FLOOD = 400
"""With their other ends in this process still below the 1024 descriptors a process has by custom."""


async def test_a_flood_of_connections_keeps_out_neither_a_person_nor_a_stop(serve: Serve) -> None:
    async with serve() as served, served.page() as page, AsyncExitStack() as clients:
        await page.send(CONNECT)
        assert await heard(page) == YES
        knocked = await knocking(served.port, b"GET / HTTP/1.1\r\nHost: ", clients)
        status, _, _ = await served.get("/site.json")
        await page.send("STOP")
        answer = await told(page)
        inside = await inside_at_last(knocked)

    assert status == 200
    assert answer == {"direct": "STOP", "watchdog": "sent"}
    assert 0 < inside <= MOST


async def test_pages_that_have_lost_the_broker_keep_their_stop_and_nobody_out(serve: Serve) -> None:
    async with serve() as served, AsyncExitStack() as opened, AsyncExitStack() as clients:
        pages = [await opened.enter_async_context(served.page()) for _ in range(MOST)]
        for page in pages:
            await page.send(CONNECT)
            assert await heard(page) == YES
        served.broker.die()
        for page in pages:
            assert await told(page) == {"broker": "lost"}
        await knocking(served.port, b"GET", clients)
        status, _, _ = await served.get("/site.json")
        await pages[-1].send("STOP")
        answer = await told(pages[-1])

    assert status == 200
    assert answer == {"direct": "STOP", "watchdog": "sent"}


async def test_half_a_tls_handshake_holds_a_place_like_any_other(serve: Serve, tmp_path: Path) -> None:
    async with serve(certified(tmp_path, "room")) as served, AsyncExitStack() as clients:
        knocked = await knocking(served.port, b"\x16\x03\x01", clients)
        answer = await opened(served, trusting(tmp_path), f"https://{served.here}")
        inside = await inside_at_last(knocked)

    assert answer == YES
    assert 0 < inside <= MOST


async def knocking(port: int, begin: bytes, clients: AsyncExitStack) -> list[socket.socket]:
    """Many who begin and do not go on."""
    knocked = []
    for _ in range(FLOOD):
        client = clients.enter_context(socket.socket())
        client.setblocking(False)
        await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", port))
        client.send(begin)
        knocked.append(client)
    return knocked


async def inside_at_last(knocked: list[socket.socket]) -> int:
    """How many of them are still let be, long before they are for being slow."""
    async with asyncio.timeout(OPEN_S / 2):
        while (inside := sum(not ended(client) for client in knocked)) > MOST:
            await asyncio.sleep(0.01)
    return inside
