"""The bus without a broker: the same promises inside one process, for tests and virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Self

from daemon.bus import DEADLINE_S, BrokerLost, Message, PublishRefused, Receive, Will
from daemon.topics import matches

MayPublish = Callable[[str, str], bool]
"""(user, topic) → whether the broker lets it pass."""


def _anything(_user: str, _topic: str) -> bool:
    return True


class MemoryBroker:
    """What a broker remembers: who is connected, and what is retained."""

    def __init__(self, may_publish: MayPublish = _anything) -> None:
        self.may_publish = may_publish
        self.up = True
        self.retained: dict[str, bytes] = {}
        self.buses: list[MemoryBus] = []

    def bus(self, user: str, *, will: Will | None = None) -> MemoryBus:
        """One more connection, to be entered."""
        return MemoryBus(self, user, will)

    def deliver(self, message: Message) -> None:
        """Everybody who asked for it gets it, in the loop's next turn."""
        if message.retained:
            self.retained[message.topic] = message.payload
        loop = asyncio.get_running_loop()
        for bus in self.buses:
            for receive in bus.receivers(message.topic):
                loop.call_soon(receive, message)

    def stop(self) -> None:
        """The broker dies and forgets everything."""
        self.up = False
        self.retained.clear()
        for bus in self.buses:
            bus.cut()

    async def start(self) -> None:
        """The broker is back; so are the buses."""
        self.up = True
        for bus in self.buses:
            await bus.connect()


class MemoryBus:
    """See `daemon.bus.Bus`."""

    def __init__(self, broker: MemoryBroker, user: str, will: Will | None) -> None:
        self._broker = broker
        self._user = user
        self._will = will
        self._up = asyncio.Event()
        self._wishes: dict[str, tuple[Receive, bool]] = {}
        self._kept: dict[str, bytes] = {}

    async def __aenter__(self) -> Self:
        self._broker.buses.append(self)
        await self.connect()
        return self

    async def __aexit__(self, *_problem: object) -> None:
        self._up.clear()
        if self in self._broker.buses:
            self._broker.buses.remove(self)

    @property
    def connected(self) -> bool:
        """Whether the broker is up and this connection was not lost."""
        return self._up.is_set()

    async def connect(self) -> None:
        """What the real bus does at every new connection."""
        if not self._broker.up:
            return
        self._up.set()
        for pattern in self._wishes:
            self._hand_over_stored(pattern)
        for topic, payload in self._kept.items():
            await self.publish(topic, payload, retain=True)

    def cut(self) -> None:
        """The connection is gone, without a goodbye and without a will (the broker died)."""
        self._up.clear()

    def drop(self) -> None:
        """The process of this bus dies: its connection ends and its will is published."""
        self._up.clear()
        self._broker.buses.remove(self)
        if self._will is not None:
            self._broker.deliver(Message(self._will.topic, self._will.payload, retained=True))

    async def wait_connected(self, deadline_s: float) -> None:
        """See `daemon.bus.Bus.wait_connected`."""
        try:
            async with asyncio.timeout(deadline_s):
                await self._up.wait()
        except TimeoutError:
            raise BrokerLost("no connection to the broker in memory") from None

    async def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        qos: int = 1,
        retain: bool = False,
        reply_to: str | None = None,
        correlation: bytes | None = None,
        expiry_s: int | None = None,  # noqa: ARG002  nothing waits in this broker, so nothing grows old
        deadline_s: float = DEADLINE_S,  # noqa: ARG002  and it answers at once
    ) -> None:
        """See `daemon.bus.Bus.publish`."""
        if retain:
            self._kept[topic] = payload
        if not self.connected:
            raise BrokerLost("no connection to the broker in memory")
        if not self._broker.may_publish(self._user, topic):
            self._kept.pop(topic, None)
            if qos == 0:
                return
            raise PublishRefused(f"the broker refused {topic}: not for {self._user!r}")
        self._broker.deliver(Message(topic, payload, retain, reply_to, correlation))

    async def subscribe(self, pattern: str, receive: Receive, *, stored: bool = True) -> None:
        """See `daemon.bus.Bus.subscribe`."""
        self._wishes[pattern] = receive, stored
        if self.connected:
            self._hand_over_stored(pattern)

    def receivers(self, topic: str) -> list[Receive]:
        """Who of this bus gets what is published now."""
        return [receive for pattern, (receive, _) in self._wishes.items() if self.connected and matches(pattern, topic)]

    def _hand_over_stored(self, pattern: str) -> None:
        receive, stored = self._wishes[pattern]
        for topic, payload in self._broker.retained.items():
            if stored and matches(pattern, topic):
                asyncio.get_running_loop().call_soon(receive, Message(topic, payload, retained=True))
