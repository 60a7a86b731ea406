"""The room's face on MQTT: what is built of bus, announcer and desk, in one place."""

from __future__ import annotations

import asyncio
import time
from importlib.metadata import version

from daemon.announcer import Announcer
from daemon.asyncapi import document_sha256
from daemon.bus import Bus, Will
from daemon.commands import NONCE_LIFE_US
from daemon.config import Site, read_secret
from daemon.decision import Decision
from daemon.desk import Desk
from daemon.messages import Availability, Meta, Role
from daemon.mqtt_bus import Address, MqttBus
from daemon.room import Room
from daemon.topics import Topics


def boottime_us() -> int:
    """Microseconds of CLOCK_BOOTTIME, which goes on through suspend."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000


async def serve_operators(room: Room, site: Site) -> None:
    """Connects to the site's broker and serves operators until cancelled; without a broker it goes on trying.

    Raises `ConfigError` when the broker's password cannot be read, and whatever a verb of the room raises.
    """
    broker, topics = site.broker, Topics(site.site.room)
    password = read_secret(broker.password_file) if broker.password_file else ""
    address = Address(broker.host, broker.port, broker.username, password)
    will = Will(topics.of("availability"), Availability(online=False).encode())
    async with MqttBus(address, will=will) as bus:
        await serve_on(bus, room, site)


async def serve_on(bus: Bus, room: Room, site: Site) -> None:
    """The same on a bus that is there already."""
    topics = Topics(site.site.room)
    decision = Decision(room, first_seq=time.time_ns() // 1000, clock=boottime_us)
    meta = Meta(
        version=version("coilward"),
        room=site.site.room,
        use=site.site.use,
        model=site.stimulator.model,
        firmware=site.stimulator.firmware,
        schema_sha256=document_sha256(),
        nonce_life_us=NONCE_LIFE_US,
    )
    roles = {operator.user: Role(operator.role) for operator in site.operators}
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(Desk(bus, topics, decision, roles).run())
        tasks.create_task(Announcer(bus, topics, decision, meta).run())
