"""What every bus promises, held against a real mosquitto and against the twin in memory."""

from __future__ import annotations

from typing import Any

import pytest

from daemon.bus import BrokerLost, Bus, Message, PublishRefused, Will

ROOM = "coilward/v1/room1"
STATE = f"{ROOM}/state/room"
COMMAND = f"{ROOM}/cmd/olga/start"


async def settle(bus: Bus, heard: Any) -> None:
    """Whatever was on its way to `heard` before this has arrived after it: the broker keeps the order."""
    await bus.publish(f"{ROOM}/state/progress", b"fence")
    await heard.until(lambda messages: any(message.payload == b"fence" for message in messages))


async def test_what_is_published_arrives_in_order_at_whoever_asked(ground: Any, heard: Any) -> None:
    daemon, olga = await ground.bus("daemon"), await ground.bus("olga")
    await olga.subscribe(f"{ROOM}/event/+", heard.receive)
    for index in range(50):
        await daemon.publish(f"{ROOM}/event/pulse", str(index).encode())
    await heard.count(50)
    assert [int(message.payload) for message in heard] == list(range(50))


async def test_what_stays_reaches_a_late_comer_marked_as_retained(ground: Any, heard: Any) -> None:
    daemon, olga = await ground.bus("daemon"), await ground.bus("olga")
    await daemon.publish(STATE, b"{}", retain=True)
    await olga.subscribe(STATE, heard.receive)
    await heard.count(1)
    assert heard[0].retained


async def test_what_was_stored_before_can_be_left_out(ground: Any, heard: Any) -> None:
    daemon, olga = await ground.bus("daemon"), await ground.bus("olga")
    await daemon.publish(STATE, b"{}", retain=True)
    await olga.subscribe(f"{ROOM}/state/+", heard.receive, stored=False)
    await settle(daemon, heard)
    assert [message.payload for message in heard] == [b"fence"]


async def test_a_message_published_to_stay_is_marked_for_those_who_listen_already(ground: Any, heard: Any) -> None:
    daemon, olga = await ground.bus("daemon"), await ground.bus("olga")
    await daemon.subscribe(f"{ROOM}/cmd/+/+", heard.receive, stored=False)
    await olga.publish(COMMAND, b"stays", retain=True)
    await olga.publish(COMMAND, b"passes")
    await heard.count(2)
    assert [(message.payload, message.retained) for message in heard] == [(b"stays", True), (b"passes", False)]


async def test_response_topic_and_correlation_arrive(ground: Any, heard: Any) -> None:
    daemon, olga = await ground.bus("daemon"), await ground.bus("olga")
    await daemon.subscribe(f"{ROOM}/cmd/+/+", heard.receive, stored=False)
    await olga.publish(COMMAND, b"{}", reply_to=f"{ROOM}/reply/olga/cli", correlation=b"\x00\xff", expiry_s=2)
    await heard.count(1)
    assert (heard[0].reply_to, heard[0].correlation) == (f"{ROOM}/reply/olga/cli", b"\x00\xff")


async def test_a_publish_the_broker_refuses_is_raised(ground: Any, heard: Any) -> None:
    olga = await ground.bus("olga")
    with pytest.raises(PublishRefused, match="state/room"):
        await olga.publish(STATE, b"{}", retain=True)


async def test_a_publish_the_broker_takes_is_not(ground: Any, heard: Any) -> None:
    olga = await ground.bus("olga")
    await olga.publish(COMMAND, b"{}")


async def test_the_will_of_a_process_that_dies_is_published_to_stay(ground: Any, heard: Any) -> None:
    olga = await ground.bus("olga")
    daemon = await ground.bus("daemon", will=Will(f"{ROOM}/availability", b"gone"))
    await olga.subscribe(f"{ROOM}/availability", heard.receive)
    await ground.kill(daemon)
    await heard.count(1)
    assert heard[0] == Message(f"{ROOM}/availability", b"gone", retained=True)


async def test_what_stays_is_back_after_the_broker_forgot_everything(ground: Any, heard: Any) -> None:
    daemon, olga = await ground.bus("daemon"), await ground.bus("olga")
    await daemon.publish(STATE, b"known", retain=True)
    await olga.subscribe(STATE, heard.receive)
    await heard.count(1)
    await ground.restart()
    await heard.count(2)
    assert {message.payload for message in heard} == {b"known"}


async def test_a_subscription_outlives_the_broker(ground: Any, heard: Any) -> None:
    daemon, olga = await ground.bus("daemon"), await ground.bus("olga")
    await olga.subscribe(f"{ROOM}/event/+", heard.receive)
    await ground.restart()
    await daemon.wait_connected(5)
    await olga.wait_connected(5)
    await daemon.publish(f"{ROOM}/event/back", b"here")
    await heard.until(lambda messages: b"here" in [message.payload for message in messages])


async def test_without_a_broker_a_publish_says_so(ground: Any, heard: Any) -> None:
    bus = await ground.bus("daemon")
    await ground.kill(bus)
    with pytest.raises(BrokerLost):
        await bus.publish(STATE, b"{}")
