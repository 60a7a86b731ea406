"""A client that sends any command, to the letter."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from daemon.messages import Answer, Code

HASH = "ab" * 16
FIELDS: dict[str, dict[str, Any]] = {
    "lower": {"intensity_tenths": 800},
    "raise": {"intensity_tenths": 1100},
    "hand-over": {"to": "otto"},
    "start": {"subject": "S-01", "protocol": "demo"},
    "continue": {"reason": "the fire alarm went off"},
    "release": {"hash": HASH},
    "resume": {"hash": HASH},
    "resolve": {"ref": 3, "why": "the coil clicked"},
    "note": {"kind": "reason", "what": "sneeze"},
    "read-report": {"session": "ab" * 8},
    "dose": {"subject": "S-01"},
    "block": {"subject": "S-01", "reason": "a new implant"},
    "unblock": {"subject": "S-01", "physician": "dr. Bianchi", "reason": "seen and well"},
    "file-registration": {"subject": "S-01"},
    "file-threshold": {"subject": "S-01", "value_tenths": 425, "method": "emg", "pulses": 20, "coil": "coil-1"},
    "file-target": {
        "subject": "S-01",
        "name": "left-m1",
        "head_from_target": [0.0, 1.0, 0.0, 0.0, 0.03, 0.02, 0.11],
        "air_gap_m": 0.005,
        "spread_mm": 0.1,
        "spread_deg": 0.2,
        "apart_mm": 0.3,
        "apart_deg": 0.4,
        "calibration": "5e" * 32,
    },
}


class Raw:
    """A client that may send anything, to the letter."""

    def __init__(self, house: Any, bus: Any, user: str) -> None:
        self.house, self.bus, self.user = house, bus, user
        self.answers: asyncio.Queue[Answer] = asyncio.Queue()
        self.reply_to = f"coilward/v1/room1/reply/{user}/raw"
        self.count = 0

    async def listen(self) -> None:
        topic = f"coilward/v1/room1/reply/{self.user}/raw"
        await self.bus.subscribe(
            topic, lambda message: self.answers.put_nowait(Answer.model_validate_json(message.payload))
        )

    async def send(self, verb: str, *, retain: bool = False, body: bytes | None = None, **changes: Any) -> Answer:
        self.count += 1
        command = {"id": f"command-{self.count}", "client": "raw", **FIELDS.get(verb, {})}
        command |= {"nonce": self.house.room.snapshot.nonce, "state_seq": self.house.decision.seq}
        payload = body if body is not None else json.dumps(command | changes).encode()
        topic = f"coilward/v1/room1/cmd/{self.user}/{verb}"
        await self.bus.publish(topic, payload, retain=retain, reply_to=self.reply_to)
        async with asyncio.timeout(5):
            return await self.answers.get()


in_memory = pytest.mark.parametrize("ground", ["memory"], indirect=True)
"""Tables of cases: one bus is as good as the other (test_bus_conformance), and this one costs nothing."""


async def raw(house: Any, user: str = "olga", *, control: bool = True) -> Raw:
    client = Raw(house, await house.ground.bus(user), user)
    await client.listen()
    if control:
        assert (await client.send("take")).ok
    return client


def code_and_reason(answer: Answer) -> tuple[Code, str]:
    assert answer.sentence is not None
    assert all((answer.sentence.what, answer.sentence.why, answer.sentence.next))
    return answer.code, answer.reason


async def until_asked(house: Any, count: int) -> None:
    async with asyncio.timeout(5):
        while len(house.room.asked) < count:
            house.room.asked_again.clear()
            await house.room.asked_again.wait()
