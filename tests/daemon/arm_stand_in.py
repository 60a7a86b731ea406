"""An arm process just real enough to be spoken to: the contract's socket, in this very loop."""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path
from typing import Any


def state(**changes: Any) -> dict[str, Any]:
    """What the arm says of itself on its target, with changes."""
    return {
        "say": "state",
        "at_us": 1_000_000,
        "state": "track",
        "why": None,
        "lease": "begin",
        "error": {"lateral_mm": 0.2, "depth_mm": 0.1, "tilt_deg": 0.1, "twist_deg": 0.1},
        "head_speed_mm_s": 1.0,
        "frame_age_ms": 12.0,
        "robot": {"mode": "running", "safety": "normal", "program": "tracking"},
        "late_us": {"p50": 60, "p99": 200, "p999": 400, "max": 900},
    } | changes


class ArmStandIn:
    """Listens; keeps what it is told; answers every order but frames with `ok` unless told otherwise."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.heard: list[dict[str, Any]] = []
        self.refuse: dict[str, str] = {}
        """Why, by the word of the order."""
        self.mute = False
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._listener.bind(str(path))
        self._listener.listen(4)
        self._listener.setblocking(False)
        self._loop = asyncio.get_running_loop()
        self._clients: list[socket.socket] = []
        self._loop.add_reader(self._listener.fileno(), self._accept)

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        client.setblocking(False)
        self._clients.append(client)
        self._loop.add_reader(client.fileno(), self._read, client)

    def _read(self, client: socket.socket) -> None:
        data = client.recv(8192)
        if not data:
            self._drop(client)
            return
        body = json.loads(data)
        self.heard.append(body)
        if body["do"] != "frame" and not self.mute:
            why = self.refuse.get(body["do"], "")
            client.send(json.dumps({"re": body["do"], "ok": not why, "why": why}).encode())

    def of(self, word: str) -> list[dict[str, Any]]:
        return [body for body in self.heard if body["do"] == word]

    def say(self, **changes: Any) -> None:
        for client in self._clients:
            client.send(json.dumps(state(**changes)).encode())

    def say_bytes(self, data: bytes) -> None:
        for client in self._clients:
            client.send(data)

    def deaf(self) -> None:
        """Reads no more."""
        for client in self._clients:
            self._loop.remove_reader(client.fileno())

    def _drop(self, client: socket.socket) -> None:
        self._loop.remove_reader(client.fileno())
        client.close()
        self._clients.remove(client)

    def hang_up(self) -> None:
        for client in tuple(self._clients):
            self._drop(client)

    def close(self) -> None:
        self.hang_up()
        if self._listener.fileno() < 0:
            return
        self._loop.remove_reader(self._listener.fileno())
        self._listener.close()
        self.path.unlink(missing_ok=True)
