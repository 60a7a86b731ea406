"""The back door: a Unix socket that takes one JSON line and answers one, and its client.

{"do": "lose-reply", "of": "EH", "count": 1}   →   {"ok": true}
{"do": "pulses"}                               →   {"ok": true, "pulses": 60}
{"do": "lose-reply", "of": 3}                  →   {"ok": false, "error": "lose-reply: of is str, not 3"}
"""

from __future__ import annotations

import json
import os
import select
import socket
from pathlib import Path
from typing import Any

from drivers.errors import DeadlinePassed, OperatorError, PortNotFound
from simulator.bench import Bench
from simulator.room import Room
from simulator.room_switches import turn

REQUEST_LIMIT = 4096
CLIENTS_LIMIT = 16
CLIENT_DEADLINE_S = 5.0


def answer(served: Bench | Room, line: bytes) -> bytes:
    """Carries out one request and gives the line to send back. Never raises on any input."""
    try:
        request = json.loads(line)
        if not isinstance(request, dict) or not isinstance(request.get("do"), str):
            raise OperatorError('a request is a JSON object with "do"')  # noqa: TRY301  one answer for all
        facts: dict[str, Any] = {"ok": True} | turn(served, request.pop("do"), **request)
    except (OperatorError, ValueError) as error:
        facts = {"ok": False, "error": str(error)}
    return json.dumps(facts).encode() + b"\n"


class BackDoor:
    """The listening end, driven by a loop that owns an epoll."""

    def __init__(self, path: Path, served: Bench | Room, epoll: select.epoll) -> None:
        """Listens at once. The caller holds the lock of this runtime, so a socket found here is a dead one's."""
        self._served, self._epoll = served, epoll
        unready = path.with_name("~")  # who finds the door under its own name is let in
        unready.unlink(missing_ok=True)
        self.path = path
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        self._listener.bind(os.fspath(unready))
        unready.chmod(0o600)
        self._listener.listen(CLIENTS_LIMIT)
        unready.replace(path)
        self._clients: dict[int, tuple[socket.socket, bytearray]] = {}
        epoll.register(self._listener, select.EPOLLIN)

    def wake(self, fd: int) -> None:
        """`fd` is ready; anything that is not this door's is left alone."""
        if fd == self._listener.fileno():
            self._accept()
        elif fd in self._clients:
            self._serve(*self._clients[fd])

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        if len(self._clients) >= CLIENTS_LIMIT:
            client.close()
            return
        client.setblocking(False)
        self._clients[client.fileno()] = client, bytearray()
        self._epoll.register(client, select.EPOLLIN)

    def _serve(self, client: socket.socket, pending: bytearray) -> None:
        try:
            data = client.recv(REQUEST_LIMIT)
            pending += data
            while b"\n" in pending:
                line, _, rest = bytes(pending).partition(b"\n")
                pending[:] = rest
                if client.send(reply := answer(self._served, line)) < len(reply):
                    data = b""  # it does not read its answers
        except OSError:
            data = b""
        if not data or len(pending) > REQUEST_LIMIT:
            self._drop(client)

    def _drop(self, client: socket.socket) -> None:
        del self._clients[client.fileno()]
        self._epoll.unregister(client)
        client.close()

    def close(self) -> None:
        """Removes the socket."""
        self.path.unlink(missing_ok=True)
        for client, _ in list(self._clients.values()):
            self._drop(client)
        self._listener.close()


class Control:
    """The asking end: `Control(runtime)("lose-reply", of="EH")`."""

    def __init__(self, runtime: Path) -> None:
        self._path = runtime / "sim" / "control"

    def __call__(self, do: str, **arguments: object) -> dict[str, Any]:
        """The answer's facts. PortNotFound without simulator, DeadlinePassed without answer, OperatorError for a no."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(CLIENT_DEADLINE_S)
            try:
                connection.connect(os.fspath(self._path))
                connection.sendall(json.dumps({"do": do} | arguments).encode() + b"\n")
                line = connection.makefile("rb").readline()
            except TimeoutError as error:
                raise DeadlinePassed(f"the simulator behind {self._path} does not answer") from error
            except OSError as error:
                raise PortNotFound(f"no simulator behind {self._path}: start coilward-simulator") from error
        if not line:
            raise PortNotFound(f"the simulator behind {self._path} went away")
        facts: dict[str, Any] = json.loads(line)
        if not facts.pop("ok"):
            raise OperatorError(facts["error"])
        return facts
