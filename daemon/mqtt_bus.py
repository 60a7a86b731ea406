"""The bus over a real broker: MQTT 5 through aiomqtt, without Nagle's delay, reconnecting by itself.

Every connection is a new client with a clean start: nothing that was asked in one connection is sent again in the next.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import aiomqtt
from paho.mqtt.client import MQTT_CLEAN_START_FIRST_ONLY, MQTT_ERR_SUCCESS, MQTTMessage
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from daemon.background import background
from daemon.bus import (
    DEADLINE_S,
    BrokerLost,
    Message,
    PublishRefused,
    Receive,
    SignInRefused,
    SubscribeRefused,
    Will,
)
from daemon.topics import matches
from drivers.errors import DeadlinePassed

FIRST_RETRY_S = 0.1
LAST_RETRY_S = 2.0
"""Pauses between attempts to connect double from the first to the last (engineering choice)."""
KEEPALIVE_S = 5
_BAD_SIGN_IN = (0x86, 0x87)
"""MQTT 5 §3.2.2.2: bad user name or password, not authorised."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where the broker is and who we are to it."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Wish:
    receive: Receive
    stored: bool


class MqttBus:
    """See `daemon.bus.Bus`. A receiver that raises is a bug of ours: it ends the `async with` block."""

    def __init__(self, address: Address, *, will: Will | None = None) -> None:
        self._address = address
        self._will = will
        self._wishes: dict[str, _Wish] = {}
        self._kept: dict[str, bytes] = {}
        self._client: _Client | None = None
        self._up = asyncio.Event()
        self._tried = asyncio.Condition()
        self._why: Exception = BrokerLost(f"not connected to the broker at {address.host}:{address.port} yet")
        self._background = AsyncExitStack()
        self._running: asyncio.Task[None] | None = None
        self._bug: Exception | None = None

    async def __aenter__(self) -> Self:
        await self._background.enter_async_context(background(self._run()))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._background.__aexit__(kind, problem, trace)

    @property
    def connected(self) -> bool:
        """Whether there is a connection now."""
        return self._up.is_set()

    async def wait_connected(self, deadline_s: float) -> None:
        """Returns once connected; a refused sign-in raises at once, since trying again will not help."""

        def settled() -> bool:
            return self.connected or isinstance(self._why, SignInRefused)

        try:
            async with asyncio.timeout(deadline_s), self._tried:
                await self._tried.wait_for(settled)
        except TimeoutError:
            raise self._why from None
        if not self.connected:
            raise self._why

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
        """See `daemon.bus.Bus.publish`."""
        if retain:
            self._kept[topic] = payload
        client = self._client
        if client is None:
            raise self._why
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        if reply_to is not None:
            properties.ResponseTopic = reply_to
        if correlation is not None:
            properties.CorrelationData = correlation
        if expiry_s is not None:
            properties.MessageExpiryInterval = expiry_s
        try:
            await client.send(topic, payload, qos=qos, retain=retain, properties=properties, deadline_s=deadline_s)
        except PublishRefused:
            self._kept.pop(topic, None)
            raise

    async def subscribe(self, pattern: str, receive: Receive, *, stored: bool = True) -> None:
        """See `daemon.bus.Bus.subscribe`."""
        self._wishes[pattern] = _Wish(receive, stored)
        if self._client is not None:
            await self._ask_for(self._client, pattern)

    async def _run(self) -> None:
        self._running = asyncio.current_task()
        pause_s = FIRST_RETRY_S
        while True:
            try:
                await self._one_connection()
            except aiomqtt.MqttError as error:
                pause_s = FIRST_RETRY_S if self.connected else min(2 * pause_s, LAST_RETRY_S)
                self._why = _explained(error, self._address)
            except asyncio.CancelledError:
                if self._bug is not None:
                    raise self._bug from None
                raise
            finally:
                self._client = None
                self._up.clear()
            await self._tell()
            await asyncio.sleep(pause_s)

    async def _one_connection(self) -> None:
        """Returns never; raises when the connection is refused or lost."""
        async with _Client(self._address, self._will, self._hand_over) as client:
            try:
                for pattern in list(self._wishes):
                    await self._ask_for(client, pattern)
                for topic, payload in list(self._kept.items()):
                    await client.send(topic, payload, qos=1, retain=True)
                self._client = client
                self._up.set()
                await self._tell()
                await client.lost()
            except (BrokerLost, DeadlinePassed) as error:
                raise aiomqtt.MqttError(str(error)) from error
            finally:
                client.forget_pending()

    async def _tell(self) -> None:
        async with self._tried:
            self._tried.notify_all()

    async def _ask_for(self, client: _Client, pattern: str) -> None:
        wish = self._wishes[pattern]
        # Without retainAsPublished a retained command that is published while we listen looks like any other.
        handling = SubscribeOptions.RETAIN_SEND_ON_SUBSCRIBE if wish.stored else SubscribeOptions.RETAIN_DO_NOT_SEND
        options = SubscribeOptions(qos=1, retainAsPublished=True, retainHandling=handling)
        try:
            codes = await client.subscribe(pattern, options=options, timeout=DEADLINE_S)
        except aiomqtt.MqttError as error:
            raise DeadlinePassed(f"the broker did not answer a subscription to {pattern}: {error}") from error
        if any(isinstance(code, ReasonCode) and code.is_failure for code in codes):
            raise SubscribeRefused(f"the broker refuses {self._address.user!r} a subscription to {pattern}")

    def _hand_over(self, message: Message) -> None:
        for pattern, wish in self._wishes.items():
            if matches(pattern, message.topic):
                try:
                    wish.receive(message)
                except Exception as bug:  # noqa: BLE001  paho would end the connection and lose the reason
                    self._bug = bug
                    if self._running is not None:
                        self._running.cancel()
                return


class _Client(aiomqtt.Client):
    """aiomqtt, with the broker's word about each publish and without its queue.

    aiomqtt 2 ignores the reason code of a PUBACK and drops what its queue cannot take; both are settled here, in the
    two callbacks it hands to paho. Its major version is pinned.
    """

    def __init__(self, address: Address, will: Will | None, receive: Receive) -> None:
        super().__init__(
            address.host,
            address.port,
            username=address.user,
            password=address.password,
            identifier=f"{address.user}-{secrets.token_hex(12)}",
            protocol=aiomqtt.ProtocolVersion.V5,
            clean_start=MQTT_CLEAN_START_FIRST_ONLY,
            will=aiomqtt.Will(will.topic, will.payload, qos=1, retain=True) if will else None,
            keepalive=KEEPALIVE_S,
            timeout=DEADLINE_S,
            # Nagle's algorithm and the broker's delayed acknowledgement together cost 40 ms per QoS 1 message.
            socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
        )
        self._receive = receive
        self._verdicts: dict[int, asyncio.Future[ReasonCode]] = {}

    async def send(
        self,
        topic: str,
        payload: bytes,
        *,
        qos: int,
        retain: bool,
        properties: Properties | None = None,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        """Publishes and waits for the broker's verdict."""
        info = self._client.publish(topic, payload, qos, retain, properties)
        if info.rc != MQTT_ERR_SUCCESS:
            raise BrokerLost(f"{topic} could not be sent: the connection to the broker is gone")
        if qos == 0:
            return
        verdict = self._verdicts[info.mid] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(deadline_s):
                code = await verdict
        except TimeoutError:
            raise DeadlinePassed(f"the broker did not acknowledge {topic} within {deadline_s} s") from None
        finally:
            self._verdicts.pop(info.mid, None)
        if code.is_failure:
            raise PublishRefused(f"the broker refused {topic}: {code}")

    async def lost(self) -> None:
        """Waits for the end of the connection; raises `MqttError` then. Messages never pass this way."""
        async for _ in self.messages:
            pass

    def forget_pending(self) -> None:
        """Nobody will answer these any more."""
        for verdict in self._verdicts.values():
            if not verdict.done():
                verdict.set_exception(BrokerLost("the connection to the broker ended before it answered"))
        if self._disconnected.done():
            self._disconnected.exception()  # seen: `lost` is not always the one that was waiting

    def _on_publish(self, client: Any, userdata: Any, mid: int, reason_code: ReasonCode, properties: Any) -> None:
        verdict = self._verdicts.get(mid)
        if verdict is not None and not verdict.done():
            verdict.set_result(reason_code)
        super()._on_publish(client, userdata, mid, reason_code, properties)

    def _on_message(self, _client: Any, _userdata: Any, message: MQTTMessage) -> None:
        properties = message.properties
        self._receive(
            Message(
                topic=message.topic,
                payload=bytes(message.payload),
                retained=bool(message.retain),
                reply_to=getattr(properties, "ResponseTopic", None),
                correlation=getattr(properties, "CorrelationData", None),
            )
        )


def _explained(error: aiomqtt.MqttError, address: Address) -> Exception:
    code = getattr(getattr(error, "rc", None), "value", None)
    if code in _BAD_SIGN_IN:
        return SignInRefused(
            f"the broker at {address.host}:{address.port} does not accept user {address.user!r} with this password: "
            "check the password file"
        )
    return BrokerLost(
        f"There is no connection to the broker at {address.host}:{address.port}. It said: {error}. "
        "Start the broker, or see `coilward doctor`."
    )
