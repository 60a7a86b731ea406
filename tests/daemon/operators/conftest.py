"""Brokers a test may break, a room that only remembers, and both put together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import pytest

from daemon import broker
from daemon.announcer import Announcer
from daemon.bus import Bus, Message, Will
from daemon.calibration_file import Calibration
from daemon.children import Child
from daemon.client import RoomClient
from daemon.decision import Decision
from daemon.desk import Desk
from daemon.memory_bus import MemoryBroker, MemoryBus
from daemon.messages import Meta, Role
from daemon.mqtt_bus import Address, MqttBus
from daemon.registration_file import Registration
from daemon.room import Answer, Done, Happening, Measured, Order, Recorded, Snapshot
from daemon.topics import Topics

PEOPLE = (
    broker.Person("olga", Role.OPERATOR),
    broker.Person("otto", Role.OPERATOR),
    broker.Person("vera", Role.VIEWER),
    broker.Person("paola", Role.PHYSICIAN),
    broker.Person("enzo", Role.ENGINEER),
)


def may_publish(user: str, topic: str) -> bool:
    return user == "daemon" or f"/cmd/{user}/" in topic or topic.endswith(f"/presence/{user}")


class Ground(Protocol):
    """A broker the test may break."""

    async def bus(self, user: str, *, will: Will | None = None) -> Bus: ...
    async def kill(self, bus: Bus) -> None: ...
    async def restart(self) -> None: ...


class InMemory:
    def __init__(self, stack: AsyncExitStack) -> None:
        self.stack = stack
        self.broker = MemoryBroker(may_publish=may_publish)

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
        self.passwords = broker.write_files(folder, room="room1", host="127.0.0.1", port=self.port, people=PEOPLE)
        self.child: Child | None = None

    async def start(self) -> None:
        self.child = await broker.start_mosquitto(self.folder)

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


async def mosquitto_on(stack: AsyncExitStack, folder: Path) -> OnMosquitto:
    real = OnMosquitto(stack, folder)
    await real.start()
    stack.push_async_callback(real.stop)
    return real


@pytest.fixture
def mosquitto_in() -> Callable[[AsyncExitStack, Path], Awaitable[OnMosquitto]]:
    return mosquitto_on


@pytest.fixture(params=["memory", "mosquitto"])
async def ground(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Ground]:
    async with AsyncExitStack() as stack:
        yield InMemory(stack) if request.param == "memory" else await mosquitto_on(stack, tmp_path / "broker")


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


@pytest.fixture
def heard() -> Heard:
    return Heard()


class RecordingRoom:
    """A room that does nothing but remember what it was asked, and shows what the test wants shown."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.asked_again = asyncio.Event()
        self.seen: list[str] = []
        self.snapshot = Snapshot(phase="idle", sentence="", nonce="0" * 32, linked=True)
        self.answer: Answer = Done({"hash": "ab" * 16})
        self.gate = asyncio.Event()
        """Cleared: verbs do not finish."""
        self.gate.set()
        self.fault: Exception | None = None
        self.happenings: asyncio.Queue[Happening] = asyncio.Queue()

    async def _do(self, *call: Any) -> Answer:
        self.asked.append(call)
        self.asked_again.set()
        await self.gate.wait()
        if self.fault is not None:
            raise self.fault
        return self.answer

    def show(self, **changes: Any) -> None:
        self.snapshot = replace(self.snapshot, **changes)
        self.happenings.put_nowait(Happening("changed"))

    async def start(self, order: Order, by: str) -> Answer:
        return await self._do("start", order, by)

    async def continue_session(self, session: str | None, reason: str, placement: str, by: str) -> Answer:
        return await self._do("continue", session, reason, placement, by)

    async def release(self, hash_: str, nonce: str, by: str) -> Answer:
        return await self._do("release", hash_, nonce, by)

    async def pause(self, by: str) -> Answer:
        return await self._do("pause", by)

    async def resume(self, hash_: str, nonce: str, by: str) -> Answer:
        return await self._do("resume", hash_, nonce, by)

    async def stop(self, by: str) -> Answer:
        return await self._do("stop", by)

    async def emergency(self, by: str) -> Answer:
        return await self._do("emergency", by)

    async def end(self, by: str) -> Answer:
        return await self._do("end", by)

    async def lower(self, intensity_tenths: int, by: str) -> Answer:
        return await self._do("lower", intensity_tenths, by)

    async def reset(self, nonce: str, by: str) -> Answer:
        return await self._do("reset", nonce, by)

    async def resolve(self, ref: int, why: str, nonce: str, by: str) -> Answer:
        return await self._do("resolve", ref, why, nonce, by)

    async def note(self, kind: str, what: str, text: str, by: str) -> Answer:
        return await self._do("note", kind, what, text, by)

    async def history(self, before_us: int | None, most: int, by: str) -> Answer:
        return await self._do("history", before_us, most, by)

    async def read_report(self, session: str, by: str) -> Answer:
        return await self._do("read-report", session, by)

    async def read_journal(
        self, session: str | None, before_us: int | None, most: int, kinds: Sequence[str] | None, by: str
    ) -> Answer:
        return await self._do("read-journal", session, before_us, most, kinds, by)

    async def dose(self, subject: str, by: str) -> Answer:
        return await self._do("dose", subject, by)

    async def block(self, subject: str, why: str, nonce: str, by: str) -> Answer:
        return await self._do("block", subject, why, nonce, by)

    async def unblock(self, subject: str, physician: str, why: str, nonce: str, by: str) -> Answer:
        return await self._do("unblock", subject, physician, why, nonce, by)

    async def file_threshold(self, measured: Measured, by: str) -> Answer:
        return await self._do("file-threshold", measured, by)

    async def file_registration(self, subject: str, found: Registration | None, by: str) -> Answer:
        return await self._do("file-registration", subject, found, by)

    async def file_calibration(self, found: Calibration | None, by: str) -> Answer:
        return await self._do("file-calibration", found, by)

    async def file_target(self, recorded: Recorded, by: str) -> Answer:
        return await self._do("file-target", recorded, by)

    async def coil_away(self, by: str) -> Answer:
        return await self._do("coil-away", by)

    async def hand_guide(self, by: str) -> Answer:
        return await self._do("hand-guide", by)

    async def park(self, by: str) -> Answer:
        return await self._do("park", by)

    def presence(self, user: str) -> None:
        self.seen.append(user)

    def status(self) -> Snapshot:
        return self.snapshot

    async def follow(self) -> AsyncIterator[Happening]:
        while True:
            yield await self.happenings.get()


@dataclass
class Clock:
    us: int = 1_000_000_000

    def __call__(self) -> int:
        return self.us


@dataclass
class House:
    """A served room: the real desk and announcer over a bus, around a room that only remembers."""

    ground: Ground
    room: RecordingRoom
    clock: Clock
    decision: Decision
    desk: Desk
    serving: asyncio.Task[None]

    def stop(self) -> None:
        """The daemon ends."""
        self.serving.cancel()

    async def client(self, user: str = "olga") -> RoomClient:
        client = RoomClient(await self.ground.bus(user), "room1", user)
        await client.listen()
        await client.known(5)
        return client

    def nonce(self, fill: str) -> None:
        """The watchdog gives another nonce."""
        self.room.show(nonce=fill * 32)


@asynccontextmanager
async def housed(ground: Ground) -> AsyncIterator[House]:
    topics, room, clock = Topics("room1"), RecordingRoom(), Clock()
    bus = await ground.bus("daemon", will=Will(topics.of("availability"), b'{"online":false}'))
    decision = Decision(room, first_seq=100, clock=clock)
    roles: Mapping[str, Role] = {person.user: person.role for person in PEOPLE}
    desk = Desk(bus, topics, decision, roles)
    meta = Meta(version="0", room="room1", use="simulation", model="m", firmware=11, schema_sha256="", nonce_life_us=1)
    announcer = Announcer(bus, topics, decision, meta)

    async def serve() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(desk.run())
            tasks.create_task(announcer.run())

    serving = asyncio.create_task(serve())
    yield House(ground, room, clock, decision, desk, serving)
    serving.cancel()
    await asyncio.wait([serving])
    if room.fault is None:
        assert serving.cancelled()
    else:
        assert room.fault in leaves(serving.exception())


@pytest.fixture
def house_on() -> Callable[[Ground], AbstractAsyncContextManager[House]]:
    return housed


@pytest.fixture
async def house(ground: Ground) -> AsyncIterator[House]:
    async with housed(ground) as served:
        yield served


def leaves(problem: BaseException | None) -> list[BaseException | None]:
    """What an exception group holds, however deep."""
    if isinstance(problem, BaseExceptionGroup):
        return [leaf for inner in problem.exceptions for leaf in leaves(inner)]
    return [problem]


@pytest.fixture
def recording_room() -> RecordingRoom:
    return RecordingRoom()


@pytest.fixture
def client_of() -> Callable[[Bus, str], Awaitable[RoomClient]]:
    async def listening(bus: Bus, user: str) -> RoomClient:
        client = RoomClient(bus, "room1", user)
        await client.listen()
        await client.known(5)
        return client

    return listening
