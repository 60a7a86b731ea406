"""What a client knows of a room, and what it must not believe."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from daemon.bus import BrokerLost
from daemon.client import LIVE_S, MOST_EVENTS, RoomClient, RoomUnknown, View
from daemon.messages import Code, Heartbeat
from daemon.room import Counts, Happening
from drivers.errors import OperatorError


async def until(client: RoomClient, wanted: Any, deadline_s: float = 5.0) -> View | None:
    async with asyncio.timeout(deadline_s):
        async for view in client.changes():
            if wanted(view):
                return view
    raise AssertionError


async def test_a_room_is_known_once_a_heartbeat_quotes_its_state(house: Any) -> None:
    client = await house.client()
    house.room.show(phase="train", train=2, trains=3, counts=Counts(60, 40, 20, 0))
    view = await until(client, lambda view: view is not None and view.state.phase == "train")
    assert view is not None
    assert view.progress is not None
    assert (view.progress.train, view.progress.counts.settled) == (2, 20)


async def test_retained_state_without_a_heartbeat_is_unknown(ground: Any, heard: Any) -> None:
    daemon, olga = await ground.bus("daemon"), await ground.bus("olga")
    await daemon.publish("coilward/v1/room1/heartbeat", Heartbeat(state_seq=7, nonce=None, phase="idle").encode())
    await daemon.publish("coilward/v1/room1/state/room", STATE_7, retain=True)
    client = RoomClient(olga, "room1", "olga")
    await client.listen()
    with pytest.raises(RoomUnknown, match="no heartbeat"):
        await client.known(0.1)
    beat = Heartbeat(state_seq=8, nonce=None, phase="idle")
    await daemon.publish("coilward/v1/room1/heartbeat", beat.encode())
    with pytest.raises(RoomUnknown, match="its state is not"):
        await client.known(0.1)
    await daemon.publish("coilward/v1/room1/heartbeat", Heartbeat(state_seq=7, nonce=None, phase="idle").encode())
    assert (await client.known(5)).state.state_seq == 7


async def test_a_room_that_falls_silent_is_unknown_within_two_seconds(house: Any) -> None:
    client = await house.client()
    house.desk._bus.publish = gone
    await until(client, lambda view: view is None, LIVE_S + 1)
    with pytest.raises(RoomUnknown, match="release was not sent"):
        await client.ask("release", hash="ab")


async def test_what_is_asked_right_after_a_watchdog_came_waits_for_its_first_nonce(house: Any) -> None:
    client = await house.client()
    house.room.show(linked=False)
    await client.until(lambda _: client._beat is not None and client._beat.nonce is None, 5)
    asking = asyncio.create_task(client.ask("take"))
    await asyncio.sleep(0)
    house.room.show(linked=True)

    assert (await asking).ok


async def test_what_is_asked_while_the_heartbeat_is_late_waits_for_it(house: Any) -> None:
    client = await house.client()
    publish, house.desk._bus.publish = house.desk._bus.publish, gone
    await until(client, lambda view: view is None, LIVE_S + 1)
    asking = asyncio.create_task(client.ask("pause"))
    await asyncio.sleep(0)
    house.desk._bus.publish = publish

    assert (await asking).code is not Code.STALE


async def test_what_is_asked_while_there_is_no_watchdog_is_refused_as_stale(house: Any) -> None:
    client = await house.client()
    house.room.show(linked=False)
    await client.until(lambda _: client._beat is not None and client._beat.nonce is None, 5)

    assert (await client.ask("take")).code is Code.STALE


async def test_a_change_is_never_seen_as_unknown(house: Any) -> None:
    client, seen = await house.client(), []

    async def watch() -> None:
        async for view in client.changes():
            seen.append(view)
            if view is not None and view.state.phase == "done":
                return

    watching = asyncio.create_task(watch())
    for phase in ("positioning", "gap", "arming", "armed", "train", "done"):
        house.room.show(phase=phase)
        await until(client, lambda view, phase=phase: view is not None and view.state.phase == phase)
    await watching
    assert None not in seen


async def test_what_a_confirmed_command_changed_is_seen_when_its_answer_is(house: Any) -> None:
    client = await house.client()
    assert (await client.ask("take")).ok
    assert client.view is not None
    assert client.view.state.holder == "olga"
    assert (await client.ask("start", subject="S-01", protocol="demo")).ok
    assert (await client.ask("release", hash="ab" * 16)).ok
    assert [call[0] for call in house.room.asked] == ["start", "release"]


async def test_what_a_person_decided_on_an_old_view_is_refused(house: Any) -> None:
    client = await house.client()
    old = (await client.known(5)).state.state_seq
    assert (await client.ask("take")).ok
    assert (await client.ask("end", seen=old)).code == Code.CONFLICT
    assert (await client.ask("end")).ok


async def test_fields_that_cannot_be_are_not_sent(house: Any) -> None:
    client = await house.client()
    with pytest.raises(OperatorError, match="subject"):
        await client.ask("start", subject="Mario Rossi", protocol="demo")


async def test_presence_reaches_the_room_from_the_holder_s_client_alone(house: Any) -> None:
    olga, otto = await house.client("olga"), await house.client("otto")
    assert (await olga.ask("take")).ok
    async with olga.present(), otto.present():
        await until_seen(house, 3)
    assert set(house.room.seen) == {"olga"}


async def test_presence_that_lay_in_a_frozen_network_counts_for_nothing(house: Any) -> None:
    olga = await house.client("olga")
    assert (await olga.ask("take")).ok
    async with olga.present():
        await until_seen(house, 1)
        house.clock.us += 10_000_000
        house.room.seen.clear()
        await asyncio.sleep(0.6)
        assert house.room.seen == []
        house.nonce("1")
        await until_seen(house, 1)


async def test_events_arrive_and_a_slow_reader_is_told_what_it_missed(house: Any) -> None:
    client = await house.client()
    events = client.events()
    first = asyncio.create_task(anext(events))
    await asyncio.sleep(0)
    for number in range(MOST_EVENTS + 20):
        house.room.happenings.put_nowait(Happening("pulse", {"number": number}))
    assert (await first).detail == {"number": 0}
    await until_missed(client)
    numbers = []
    async with asyncio.timeout(5):
        while (event := await anext(events)).kind != "missed":
            numbers.append(event.detail["number"])
    assert numbers == list(range(1, len(numbers) + 1)), "what was kept is whole and in order"
    assert event.detail["count"] > 0
    await events.aclose()


async def until_missed(client: RoomClient) -> None:
    async with asyncio.timeout(5):
        while client._followers[0]._missed == 0:
            await asyncio.sleep(0.01)


async def until_seen(house: Any, times: int) -> None:
    async with asyncio.timeout(5):
        while len(house.room.seen) < times:
            await asyncio.sleep(0.01)


async def gone(*_arguments: Any, **_options: Any) -> None:
    raise BrokerLost("gone")


STATE_7 = (
    b'{"state_seq":7,"phase":"idle","sentence":"","reason":null,"fields":{},"coil_reason":null,'
    b'"holder":null,"offered_to":null,"session":null,"hash":null,'
    b'"understood":{},"subject":null,"protocol":null,"intensity_tenths":null,"level_tenths":null,"holds":[],'
    b'"trip":null,"unknown":[],"continuable":null,"report":null,"linked":true,"stimulator":"away","emergency":null,"blocked":false}'
)
