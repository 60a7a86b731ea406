"""A room told by a script: broker and panel are real, and the test speaks where the daemon would.

For what a real room shows only rarely, or only with hours of work: every state in a row, strings no daemon would send.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from daemon.background import background
from daemon.bus import BrokerLost, Message
from daemon.messages import ArmState, Heartbeat, Progress, RoomState
from daemon.mqtt_bus import MqttBus
from daemon.topics import Topics
from tests.browser.rooms import Lobby

Document = dict[str, Any]
Answers = Callable[[str, Document], Mapping[str, Any]]
BEAT_S = 0.2
HEARD_S = 10.0

ROOM: Document = {
    "state_seq": 1,
    "phase": "idle",
    "sentence": "Nothing is open. Start a session.",
    "reason": None,
    "fields": {},
    "coil_reason": None,
    "holder": None,
    "offered_to": None,
    "session": None,
    "hash": None,
    "understood": {},
    "subject": None,
    "protocol": None,
    "intensity_tenths": None,
    "level_tenths": None,
    "holds": [],
    "trip": None,
    "unknown": [],
    "continuable": None,
    "report": None,
    "linked": True,
    "stimulator": "standby",
    "emergency": None,
    "blocked": False,
}
PROGRESS: Document = {
    "state_seq": 1,
    "train": 0,
    "trains": 0,
    "next_train_in_us": None,
    "counts": {"planned": 0, "commanded": 0, "settled": 0, "unknown": 0},
}
STATUS: Document = {
    "at_us": 1_000_000,
    "wall_us": 1_767_225_600_000_000,
    "phase": "safe",
    "daemon": True,
    "speaker": "daemon",
    "hold": None,
    "trip": None,
    "lockout": None,
    "unknown": [],
    "disarming": False,
    "device": {
        "present": True,
        "condition": "standby",
        "condition_age_us": 20_000,
        "may_be_armed": False,
        "remote": True,
        "coil_present": True,
        "temperature_tenths": 245,
        "temperature_age_us": 20_000,
        "settings": {"level_tenths": 450, "rate_tenths": 100, "pulses": 20},
        "train_running": False,
    },
    "session": None,
    "last_session": None,
    "witness": "running",
    "sensed": None,
    "cut_off": None,
}


DONE: Document = {"ok": True, "code": "ok", "reason": "", "sentence": None, "fields": {}, "detail": {}}
"""What answers a command, but for its name and the state's number."""


@dataclass
class ToldRoom:
    """Made by `told_room`."""

    lobby: Lobby
    bus: MqttBus
    topics: Topics
    room: Document = field(default_factory=lambda: dict(ROOM))
    progress: Document = field(default_factory=lambda: dict(PROGRESS))
    status: Document = field(default_factory=lambda: dict(STATUS))
    arm: Document | None = None
    commands: list[tuple[str, str, Document]] = field(default_factory=list)
    """What was asked: user, verb, command."""
    answers: Answers | None = None
    """None: every command is done."""
    beating: bool = True

    async def heard(self, verb: str) -> Document:
        """The first command of that verb, waited for."""
        give_up = time.monotonic() + HEARD_S
        while not (found := [command for _, asked, command in self.commands if asked == verb]):
            assert time.monotonic() < give_up, f"{verb} was not asked within {HEARD_S} s, only {self.commands}"
            await asyncio.sleep(0.02)
        return found[0]

    async def tell(
        self,
        room: Mapping[str, Any] | None = None,
        progress: Mapping[str, Any] | None = None,
        status: Mapping[str, Any] | None = None,
        arm: Mapping[str, Any] | None = None,
    ) -> None:
        """The room becomes what is given, from a room at rest on; the heartbeat vouches for it from now on."""
        seq = int(self.room["state_seq"]) + 1
        self.room = ROOM | dict(room or {}) | {"state_seq": seq}
        self.progress = PROGRESS | dict(progress or {}) | {"state_seq": seq}
        self.status = STATUS | dict(status or {})
        self.arm = dict(arm) | {"state_seq": seq} if arm is not None else None
        RoomState.model_validate_json(json.dumps(self.room))
        Progress.model_validate_json(json.dumps(self.progress))
        if self.arm is not None:
            ArmState.model_validate_json(json.dumps(self.arm))
        await self.publish()

    async def publish(self) -> None:
        """Says all documents as they stand, whatever is in them."""
        watchdog = {"state_seq": self.room["state_seq"], "linked": self.room["linked"], "status": self.status}
        documents = {"room": self.room, "progress": self.progress, "watchdog": watchdog}
        if self.arm is not None:
            documents["arm"] = self.arm
        for channel, document in documents.items():
            await self.bus.publish(self.topics.of(channel), json.dumps(document).encode(), qos=1, retain=True)
        await self.beat()

    async def beat(self) -> None:
        """One heartbeat, if there is a broker to take it."""
        body = Heartbeat(
            state_seq=self.room["state_seq"], nonce=secrets.token_hex(16), phase=str(self.room["phase"])[:64]
        )
        with contextlib.suppress(BrokerLost):
            await self.bus.publish(self.topics.of("heartbeat"), body.encode(), qos=0)

    async def happens(self, kind: str, detail: Mapping[str, Any]) -> None:
        """One event."""
        body = json.dumps({"kind": kind, "detail": dict(detail)}).encode()
        await self.bus.publish(self.topics.of("event", kind=kind), body, qos=1)

    async def beats(self) -> None:
        """Five a second, while it is let."""
        while True:
            if self.beating:
                await self.beat()
            await asyncio.sleep(BEAT_S)

    async def replies(self, heard: asyncio.Queue[Message]) -> None:
        """Answers every command."""
        while True:
            message = await heard.get()
            user, verb = self.topics.command_of(message.topic)
            command: Document = json.loads(message.payload)
            self.commands.append((user, verb, command))
            said = self.answers(verb, command) if self.answers is not None else {}
            answer = DONE | {"id": command["id"], "state_seq": self.room["state_seq"]} | dict(said)
            await self.bus.publish(self.topics.reply(user, command["client"]), json.dumps(answer).encode())


@asynccontextmanager
async def told_room(lobby: Lobby) -> AsyncIterator[ToldRoom]:
    """Whoever speaks as the daemon, from its first heartbeat on."""
    topics = Topics(lobby.room)
    heard: asyncio.Queue[Message] = asyncio.Queue(1000)
    async with MqttBus(lobby.address_of("daemon")) as bus:
        await bus.wait_connected(5)
        await bus.subscribe(topics.commands, heard.put_nowait)
        room = ToldRoom(lobby, bus, topics)
        await room.publish()
        async with background(room.beats()), background(room.replies(heard)):
            yield room
