"""The watchdog's loop, turned by hand: real sockets and terminals, a simulated device, a clock that moves when told."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from drivers.errors import PortNotFound
from drivers.magstim.framing import seal
from drivers.ports import Port, port_from_socket
from safety import control, events, watchdog
from safety.clock import Clock
from safety.instant import Instant
from safety.ledger import OpenReport
from safety.ledger_format import HASH0, Head, Record
from safety.ledger_link import LedgerLink
from safety.ledger_wire import Answer, answer_bytes, parse_request
from safety.state import Phase
from safety.watchdog import Watchdog
from tests.safety.conftest import VirtualRoom

MS = 1_000
PATIENCE_S = 20.0
"""How long the kernel may take to carry bytes through a terminal on a machine that is busy."""
DISARM = seal(b"EA")


class HandClock(Clock):
    """The clock of a virtual room; what is done to the machine's own is `stepped_us`, said once."""

    def __init__(self, world: VirtualRoom) -> None:
        super().__init__(world.now)
        self.world = world
        self.stepped_us: int | None = None

    def now(self) -> Instant:
        return self.world.now

    def stepped(self) -> int | None:
        stepped_us, self.stepped_us = self.stepped_us, None
        return stepped_us


class Shell:
    """The loop, and everything around it: device, ledger writer, clients."""

    def __init__(self, folder: Path, world: VirtualRoom, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.world = folder, world
        self.wire: socket.socket | None = None
        """The device's end of the cable, while it is plugged in."""
        self.plugged = True
        self.answers = True
        self.tried: list[str] = []
        self.to_device = b""
        monkeypatch.setattr(watchdog, "open_port", self.open_port)
        ours, self.writer = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.writer.setblocking(False)
        self.records: list[tuple[int, Record]] = []
        self.writes = True
        self.clients: list[Client] = []
        self.clock = HandClock(world)
        self.loop = Watchdog(world.room, world.state, "pty:/device", folder, LedgerLink(ours), clock=self.clock)

    def open_port(self, url: str) -> Port:
        self.tried.append(url)
        if not self.plugged:
            raise PortNotFound("absent")
        ours, self.wire = socket.socketpair()
        self.wire.setblocking(False)
        return port_from_socket(ours, url)

    def unplug(self) -> None:
        assert self.wire is not None
        self.plugged = False
        self.wire.close()
        self.wire = None

    def turn(self, times: int = 1, step_us: int = 10 * MS) -> None:
        """Turns of the loop, the world answering and the time passing between them."""
        for _ in range(times):
            self.loop.turn()
            self.world.clock.advance_to(self.world.clock.now_us() + step_us)
            self.answer()

    def answer(self) -> None:
        """The device and the ledger writer do what they were asked."""
        now_us = self.world.clock.now_us()
        if self.wire is not None and self.answers:
            try:
                while data := self.wire.recv(4096):
                    self.to_device += data
                    self.world.bench.port.receive(data, now_us)
            except BlockingIOError:
                pass
            self.wire.send(self.world.bench.port.due(now_us))
        try:
            while self.writes and (request := self.writer.recv(4096)):
                token, record = parse_request(request)
                self.records.append((token, record))
                self.writer.send(answer_bytes(Answer(token, Head(len(self.records), HASH0), OpenReport())))
        except BlockingIOError:
            pass

    def until(self, holds: Callable[[], bool]) -> None:
        """Turns until something a terminal has to carry first is there."""
        give_up_s = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < give_up_s
            self.turn(step_us=0)

    def client(self, role: str = "") -> Client:
        made = Client(self)
        self.clients.append(made)
        self.turn()
        if role:
            assert made.ask("hello", role=role)["ok"]
        return made

    def started(self) -> None:
        """Port found, device read in standby."""
        self.loop.feed(events.Started())
        self.turn(10)
        assert self.phase is Phase.SAFE

    @property
    def phase(self) -> Phase:
        return self.loop.state.phase

    def told(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.loop._events if event["kind"] == kind]

    def close(self) -> None:
        for each in self.clients:
            each.close()
        self.writer.close()
        if self.loop._selector.get_map() is not None:
            self.loop.state = self.world.state
            self.loop.close()
        if self.wire is not None:
            self.wire.close()


class Client:
    """A control connection."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(shell.folder / "control"))
        self.sock.setblocking(False)
        self.came: list[dict[str, Any]] = []
        self.ended = False
        self.door: socket.socket | None = None
        self._half = b""
        self._id = 0

    def send(self, do: str, **fields: Any) -> int:
        self._id += 1
        self.sock.send(control.encode({"do": do, "id": self._id, **fields}))
        return self._id

    def ask(self, do: str, **fields: Any) -> dict[str, Any]:
        return self.answer(self.send(do, **fields))

    def answer(self, number: int | None) -> dict[str, Any]:
        for _ in range(20):
            self.shell.turn()
            found = [body for body in self.read() if "re" in body and body["re"] == number]
            if found:
                return found[-1]
        raise AssertionError("no answer")

    def read(self) -> list[dict[str, Any]]:
        """Everything that came so far."""
        try:
            while not self.ended:
                data, handed, _, _ = socket.recv_fds(self.sock, 1 << 16, 4)
                if handed:
                    self.door = socket.socket(fileno=handed[0])
                    self.door.setblocking(False)
                self.ended = not data
                *lines, self._half = (self._half + data).split(b"\n")
                self.came += [json.loads(line) for line in lines]
        except BlockingIOError:
            pass
        except ConnectionError:
            self.ended = True
        return self.came

    def gone(self) -> bool:
        self.read()
        return self.ended

    def attach(self) -> socket.socket:
        assert self.ask("attach")["ok"]
        assert self.door is not None
        return self.door

    def close(self) -> None:
        self.sock.close()
        if self.door is not None:
            self.door.close()


@pytest.fixture
def shell(tmp_path: Path, room_at: Callable[..., VirtualRoom], monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    made = Shell(tmp_path, room_at(firmware=8), monkeypatch)
    yield made
    made.close()
