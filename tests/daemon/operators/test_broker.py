"""Mosquitto as it is set up for a room: who may say what, proved on the real one."""

from __future__ import annotations

import asyncio
import socket
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from daemon import broker
from daemon.bus import Message, PublishRefused, SignInRefused
from daemon.children import ChildEnded
from daemon.messages import Role
from daemon.mqtt_bus import Address, MqttBus
from daemon.verbs import VERBS, may
from drivers.errors import ConfigError

ROOM = "coilward/v1/room1"
ROLES = {"vera": Role.VIEWER, "olga": Role.OPERATOR, "paola": Role.PHYSICIAN, "enzo": Role.ENGINEER}


@pytest.fixture
async def mosquitto(request: pytest.FixtureRequest, mosquitto_in: Any, tmp_path: Path) -> Any:
    async with AsyncExitStack() as stack:
        yield await mosquitto_in(stack, tmp_path / "broker")


async def passes(bus: Any, topic: str) -> bool:
    try:
        await bus.publish(topic, b"{}")
    except PublishRefused:
        return False
    return True


@pytest.mark.parametrize("user", ROLES)
async def test_a_person_may_ask_what_their_role_may_and_only_in_their_own_name(mosquitto: Any, user: str) -> None:
    bus = await mosquitto.bus(user)
    for verb in VERBS.values():
        assert await passes(bus, f"{ROOM}/cmd/{user}/{verb.name}") is may(ROLES[user], verb)
        assert not await passes(bus, f"{ROOM}/cmd/otto/{verb.name}")
    assert await passes(bus, f"{ROOM}/presence/{user}")
    assert not await passes(bus, f"{ROOM}/presence/otto")
    for topic in ("state/room", "heartbeat", "event/pulse", "availability", "meta", f"reply/{user}/x", "cmd/x/y/z"):
        assert not await passes(bus, f"{ROOM}/{topic}"), topic
    assert not await passes(bus, f"coilward/v1/room2/cmd/{user}/stop")


async def test_the_daemon_may_say_everything_of_its_room_and_nothing_of_another(mosquitto: Any) -> None:
    bus = await mosquitto.bus("daemon")
    assert await passes(bus, f"{ROOM}/state/room")
    assert not await passes(bus, "coilward/v1/room2/state/room")


async def test_nobody_reads_the_answers_and_commands_of_others(mosquitto: Any) -> None:
    daemon, vera, got = await mosquitto.bus("daemon"), await mosquitto.bus("vera"), asyncio.Queue[Message]()
    await vera.subscribe("#", got.put_nowait)
    for topic in ("reply/olga/c", "cmd/olga/start", "presence/olga", "reply/vera/c", "state/room"):
        await daemon.publish(f"{ROOM}/{topic}", b"{}")
    async with asyncio.timeout(5):
        assert [(await got.get()).topic for _ in range(2)] == [f"{ROOM}/reply/vera/c", f"{ROOM}/state/room"]


async def test_a_wrong_password_and_no_password_are_refused_and_said_so(mosquitto: Any) -> None:
    for user, password in (("olga", "guess"), ("nobody", ""), ("", "")):
        async with MqttBus(Address("127.0.0.1", mosquitto.port, user, password)) as bus:
            with pytest.raises(SignInRefused, match="password"):
                await bus.wait_connected(5)
    await mosquitto.bus("olga")


async def test_it_listens_on_loopback_only(mosquitto: Any) -> None:
    listening = Path("/proc/net/tcp").read_text().splitlines()
    mine = [line.split()[1] for line in listening if line.split()[1].endswith(f":{mosquitto.port:04X}")]
    assert set(mine) == {f"0100007F:{mosquitto.port:04X}"}


def test_secrets_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    people = [broker.Person("olga", Role.OPERATOR)]
    files = broker.write_files(tmp_path / "b", room="room1", host="127.0.0.1", port=1, people=people)
    assert set(files) == {"daemon", "olga"}
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "b").iterdir()} == {0o600}
    assert files["olga"].read_text().strip() not in (tmp_path / "b" / "passwords").read_text()


async def test_a_port_that_is_taken_is_named_with_the_end_of_the_log(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        broker.write_files(tmp_path, room="room1", host="127.0.0.1", port=port, people=[])
        with pytest.raises(ChildEnded, match=r"(?s)mosquitto ended.*in use"):
            await broker.start_mosquitto(tmp_path)


def test_without_mosquitto_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(broker, "_PLACES", "/nowhere")
    with pytest.raises(ConfigError, match="apt-get install mosquitto"):
        broker.find_mosquitto()
