"""What the daemon and its clients need of MQTT, and no more: publish, subscribe, deadlines.

Two buses keep this promise, and one conformance test holds both to it: `mqtt_bus.MqttBus` for a real broker,
`memory_bus.MemoryBus` for tests and virtual time.

A message is handed over in the moment it arrives, with no queue in between: the receiver is quick, bounds what it
keeps, and decides what happens at the bound. Whatever this process published as retained is published again at every
new connection, so a broker that lost its memory has the room's state back as soon as the room is back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from drivers.errors import OperatorError, WireError

DEADLINE_S = 2.0
"""How long a publish or subscribe waits for the broker's word (engineering choice; loopback answers in 1 ms)."""


class BrokerLost(WireError):
    """There is no connection to the broker now; the bus goes on trying."""


class SignInRefused(OperatorError):
    """The broker does not accept this user name and password."""


class PublishRefused(OperatorError):
    """The broker does not let this user publish on this topic."""


class SubscribeRefused(OperatorError):
    """The broker does not let this user subscribe to this filter."""


@dataclass(frozen=True, slots=True)
class Message:
    """What arrived."""

    topic: str
    payload: bytes
    retained: bool = False
    """Published to stay, whether it was stored before we came or has just been published."""
    reply_to: str | None = None
    """MQTT 5 response topic."""
    correlation: bytes | None = None
    """MQTT 5 correlation data."""


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker publishes, retained, when this connection ends without a goodbye."""

    topic: str
    payload: bytes


Receive = Callable[[Message], None]
"""Called for every message in the loop's thread; must return at once and must not raise."""


class Bus(Protocol):
    """One connection to the broker that comes back by itself. Entered with `async with`."""

    @property
    def connected(self) -> bool:
        """Whether there is a connection now."""

    async def wait_connected(self, deadline_s: float) -> None:
        """Returns once connected. Raises `SignInRefused` or `BrokerLost` with the last reason."""

    async def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        qos: int = 1,
        retain: bool = False,
        reply_to: str | None = None,
        correlation: bytes | None = None,
        expiry_s: int | None = None,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        """Returns once the broker took it (QoS 1) or it is written (QoS 0, where a refusal cannot be seen).

        Raises `PublishRefused`, `BrokerLost`, or `DeadlinePassed`; never tries again by itself, except that what is
        retained is published again at the next connection.
        """

    async def subscribe(self, pattern: str, receive: Receive, *, stored: bool = True) -> None:
        """From now on, over every reconnection, `receive` gets what matches. Patterns of one bus must not overlap.

        `stored=False` leaves out retained messages that were there before. While there is no connection this only
        notes the wish. Raises `SubscribeRefused` or `DeadlinePassed`.
        """
