"""What every bus promises, held against a real mosquitto and against the twin in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Protocol

import pytest

from daemon import broker
from daemon.bus import BrokerLost, Bus, Message, PublishRefused, Will
from daemon.children import Child
from daemon.memory_bus import MemoryBroker, MemoryBus
from daemon.messages import Role
from daemon.mqtt_bus import Address, MqttBus

ROOM = "coilward/v1/room1"
STATE = f"{ROOM}/state/room"
COMMAND = f"{ROOM}/cmd/olga/start"


class Ground(Protocol):
    """A broker the test may break."""

    async def bus(self, user: str, *, will: Will | None = None) -> Bus: ...
    async def kill(self, bus: Bus) -> None: ...
    async def restart(self) -> None: ...


class InMemory:
    def __init__(self, stack: AsyncExitStack) -> None:
        self.stack = stack
        self.broker = MemoryBroker(may_publish=lambda user, topic: user == "daemon" or f"/cmd/{user}/" in topic)

    async def bus(self, user: str, *, will: Will | None = None) -> MemoryBus:
        return await self.stack.enter_async_context(self.broker.bus(user, will=will))

    async def kill(self, bus: Bus) -> None:
        assert isinstance(bus, MemoryBus)
        bus.drop()

    async def restart(self) -> None:
        self.broker.stop()
        await self.broker.start()


class OnMosquitto:
    def __init__(self, stack: AsyncExitStack, folder: Path) -> None:
        self.stack = stack
        self.folder = folder
        self.port = broker.free_port()
        self.passwords = broker.write_files(
            folder, room="room1", host="127.0.0.1", port=self.port, people=[broker.Person("olga", Role.OPERATOR)]
        )
        self.child: Child | None = None

    async def start(self) -> None:
        self.child = await broker.start_mosquitto(self.folder, "127.0.0.1", self.port)

    async def stop(self) -> None:
        if self.child is not None:
            await self.child.stop()

    def address(self, user: str) -> Address:
        return Address("127.0.0.1", self.port, user, self.passwords[user].read_text().strip())

    async def bus(self, user: str, *, will: Will | None = None) -> MqttBus:
        bus = await self.stack.enter_async_context(MqttBus(self.address(user), will=will))
        await bus.wait_connected(5)
        return bus

    async def kill(self, bus: Bus) -> None:
        assert isinstance(bus, MqttBus)
        assert bus._client is not None
        sock = bus._client._client.socket()
        assert sock is not None
        bus._address = Address("127.0.0.1", 1, "nobody", "")  # it must not come back
        sock.shutdown(2)

    async def restart(self) -> None:
        await self.stop()
        await self.start()


@pytest.fixture(params=["memory", "mosquitto"])
async def ground(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Ground]:
    async with AsyncExitStack() as stack:
        if request.param == "memory":
            yield InMemory(stack)
            return
        real = OnMosquitto(stack, tmp_path / "broker")
        await real.start()
        stack.push_async_callback(real.stop)
        async with stack:
            yield real


class Heard(list[Message]):
    """What arrived, and a way to wait for it."""

    def __init__(self) -> None:
        super().__init__()
        self.news = asyncio.Condition()

    def receive(self, message: Message) -> None:
        self.append(message)
        self.telling = asyncio.ensure_future(self.tell())

    async def tell(self) -> None:
        async with self.news:
            self.news.notify_all()

    async def until(self, done: Callable[[Heard], bool], deadline_s: float = 5.0) -> None:
        async with asyncio.timeout(deadline_s), self.news:
            await self.news.wait_for(lambda: done(self))

    async def count(self, wanted: int) -> None:
        await self.until(lambda heard: len(heard) >= wanted)


async def settle(bus: Bus, heard: Heard) -> None:
    """Whatever was on its way to `heard` before this has arrived after it: the broker keeps the order."""
    await bus.publish(f"{ROOM}/state/progress", b"fence")
    await heard.until(lambda messages: any(message.payload == b"fence" for message in messages))


async def test_what_is_published_arrives_in_order_at_whoever_asked(ground: Ground) -> None:
    daemon, olga = await ground.bus("daemon"), await ground.bus("olga")
    heard = Heard()
    await olga.subscribe(f"{ROOM}/event/+", heard.receive)
    for index in range(50):
        await daemon.publish(f"{ROOM}/event/pulse", str(index).encode())
    await heard.count(50)
    assert [int(message.payload) for message in heard] == list(range(50))


async def test_what_stays_reaches_a_late_comer_marked_as_retained(ground: Ground) -> None:
    daemon, olga = await ground.bus("daemon"), await ground.bus("olga")
    await daemon.publish(STATE, b"{}", retain=True)
    heard = Heard()
    await olga.subscribe(STATE, heard.receive)
    await heard.count(1)
    assert heard[0].retained


async def test_what_was_stored_before_can_be_left_out(ground: Ground) -> None:
    daemon, olga = await ground.bus("daemon"), await ground.bus("olga")
    await daemon.publish(STATE, b"{}", retain=True)
    heard = Heard()
    await olga.subscribe(f"{ROOM}/state/+", heard.receive, stored=False)
    await settle(daemon, heard)
    assert [message.payload for message in heard] == [b"fence"]


async def test_a_message_published_to_stay_is_marked_for_those_who_listen_already(ground: Ground) -> None:
    daemon, olga = await ground.bus("daemon"), await ground.bus("olga")
    heard = Heard()
    await daemon.subscribe(f"{ROOM}/cmd/+/+", heard.receive, stored=False)
    await olga.publish(COMMAND, b"stays", retain=True)
    await olga.publish(COMMAND, b"passes")
    await heard.count(2)
    assert [(message.payload, message.retained) for message in heard] == [(b"stays", True), (b"passes", False)]


async def test_response_topic_and_correlation_arrive(ground: Ground) -> None:
    daemon, olga = await ground.bus("daemon"), await ground.bus("olga")
    heard = Heard()
    await daemon.subscribe(f"{ROOM}/cmd/+/+", heard.receive, stored=False)
    await olga.publish(COMMAND, b"{}", reply_to=f"{ROOM}/reply/olga/cli", correlation=b"\x00\xff", expiry_s=2)
    await heard.count(1)
    assert (heard[0].reply_to, heard[0].correlation) == (f"{ROOM}/reply/olga/cli", b"\x00\xff")


async def test_a_publish_the_broker_refuses_is_raised(ground: Ground) -> None:
    olga = await ground.bus("olga")
    with pytest.raises(PublishRefused, match="state/room"):
        await olga.publish(STATE, b"{}", retain=True)


async def test_a_publish_the_broker_takes_is_not(ground: Ground) -> None:
    olga = await ground.bus("olga")
    await olga.publish(COMMAND, b"{}")


async def test_the_will_of_a_process_that_dies_is_published_to_stay(ground: Ground) -> None:
    olga = await ground.bus("olga")
    daemon = await ground.bus("daemon", will=Will(f"{ROOM}/availability", b"gone"))
    heard = Heard()
    await olga.subscribe(f"{ROOM}/availability", heard.receive)
    await ground.kill(daemon)
    await heard.count(1)
    assert heard[0] == Message(f"{ROOM}/availability", b"gone", retained=True)


async def test_what_stays_is_back_after_the_broker_forgot_everything(ground: Ground) -> None:
    daemon, olga = await ground.bus("daemon"), await ground.bus("olga")
    await daemon.publish(STATE, b"known", retain=True)
    heard = Heard()
    await olga.subscribe(STATE, heard.receive)
    await heard.count(1)
    await ground.restart()
    await heard.count(2)
    assert {message.payload for message in heard} == {b"known"}


async def test_a_subscription_outlives_the_broker(ground: Ground) -> None:
    daemon, olga = await ground.bus("daemon"), await ground.bus("olga")
    heard = Heard()
    await olga.subscribe(f"{ROOM}/event/+", heard.receive)
    await ground.restart()
    await daemon.wait_connected(5)
    await olga.wait_connected(5)
    await daemon.publish(f"{ROOM}/event/back", b"here")
    await heard.until(lambda messages: b"here" in [message.payload for message in messages])


async def test_without_a_broker_a_publish_says_so(ground: Ground) -> None:
    bus = await ground.bus("daemon")
    await ground.kill(bus)
    with pytest.raises(BrokerLost):
        await bus.publish(STATE, b"{}")
