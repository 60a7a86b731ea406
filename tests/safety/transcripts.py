"""What the gate says, writes down and lets through, as lines a person can compare."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from drivers.stimulators import EffectKind
from safety import events, gate
from safety.ledger_format import KEY0, Record
from tests.safety.conftest import WALL_US, VirtualRoom

ROUTINE = (EffectKind.QUERY, EffectKind.REMOTE)
"""Frames of every second, left out."""
SHORT_US = 100_000_000
"""Below this a time is a duration: the room's clock begins far above."""


class Recorded(VirtualRoom):
    """A room that keeps what the gate decided."""

    def __init__(self, **options: Any) -> None:
        self.lines: list[str] = []
        super().__init__(**options)

    def feed(self, event: events.Input) -> None:
        _, actions = gate.step(self.room, self.state, event, self.now)
        at_ms = (self.clock.now_us() - self.origin_us) // 1000
        self.lines += [f"{at_ms:>7} {line}" for action in actions for line in self._said(action)]
        super().feed(event)

    def _said(self, action: events.Action) -> Iterator[str]:
        match action:
            case events.Write(frame) if self.dialect.effect(frame).kind not in ROUTINE:
                yield f"write {self.dialect.redact(frame)}"
            case events.Reply(door, data) if data == b"?" * len(data) or data[1:2] in (b"?", b"S"):
                yield f"refusal to {door.value}: {data!r}"
            case events.Tell(body):
                yield f"tell {self._json(body)}"
            case events.Answer(connection, body=body):
                yield f"answer to {connection} {self._json(body)}"
            case events.Commit(record=record):
                yield f"commit {self._json(self._record(record))}"

    def _json(self, body: dict[str, Any]) -> str:
        """Times since the room's beginning, the same from every origin; the very moment is left out."""
        now = {"at_us": self.now.us, "boot_us": self.now.us, "wall_us": self.now.wall_us}
        said = {name: self._since(name, value) for name, value in body.items() if value != now.get(name)}
        if "hash" in said:
            said["hash"] = "…"  # of every number in the limits' files too
        return json.dumps(said, ensure_ascii=False, separators=(",", ":"), default=str)

    def _since(self, name: str, value: Any) -> Any:
        if name == "wall_us":
            return value - WALL_US
        return value - self.origin_us if name.endswith("_us") and isinstance(value, int) and value > SHORT_US else value

    def _record(self, record: Record) -> dict[str, Any]:
        said: dict[str, Any] = {}
        for each in fields(record):
            value = getattr(record, each.name)
            if value not in (each.default, KEY0):
                said[each.name] = value.hex()[:6] if isinstance(value, bytes) else getattr(value, "name", value)
        return said
