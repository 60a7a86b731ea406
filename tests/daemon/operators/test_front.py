"""A room served over MQTT, put together as the daemon does it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from daemon.asyncapi import document_sha256
from daemon.config import parse_site
from daemon.front import serve_on
from daemon.messages import Availability, Meta

SITE = """
[site]
room = "room1"
use = "simulation"
timezone = "UTC"
[stimulator]
model = "magstim-rapid2"
firmware = 8
port = "pty:/nowhere"
coil = "coil-1"
[watchdog]
state = "/nowhere"
[daemon]
state = "/nowhere"
[[operators]]
user = "olga"
role = "operator"
"""


async def test_a_room_says_what_it_is_and_obeys_whom_its_site_file_names(
    ground: Any, heard: Any, recording_room: Any, client_of: Any
) -> None:
    site = parse_site(SITE, Path("site.toml"))
    olga, otto = await ground.bus("olga"), await ground.bus("otto")
    await olga.subscribe("coilward/v1/room1/meta", heard.receive)
    await olga.subscribe("coilward/v1/room1/availability", heard.receive)
    serving = asyncio.create_task(serve_on(await ground.bus("daemon"), recording_room, site))
    await heard.count(2)
    meta = Meta.model_validate_json(heard[0].payload)
    assert (meta.room, meta.firmware, meta.schema_sha256) == ("room1", 8, document_sha256())
    assert Availability.model_validate_json(heard[1].payload).online
    named, stranger = await client_of(olga, "olga"), await client_of(otto, "otto")
    assert (await named.ask("take")).ok
    assert (await stranger.ask("pause")).reason == "unknown-user"
    serving.cancel()
    await asyncio.wait([serving])
    await heard.count(3)
    assert not Availability.model_validate_json(heard[2].payload).online
