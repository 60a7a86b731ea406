"""A controller's RTDE and script ports on loopback, just big enough to be talked to: turned by the test, on its clock.

It echoes set-points as our program would once text has come on the script port, and has a switch for each way in which
a controller stops being of use.
"""

from __future__ import annotations

import contextlib
import re
import socket
import struct
from dataclasses import dataclass, field

from drivers.ur.codec import (
    ControllerVersion,
    Data,
    InputsAnswer,
    OutputsAnswer,
    PacketReader,
    Recipe,
    RequestControllerVersion,
    RequestVersion,
    SetupInputs,
    SetupOutputs,
    Start,
    StartAnswer,
    Value,
    VersionAnswer,
    parse_request,
)
from drivers.ur.registers import INPUTS, OUTPUTS

SIX = (0.0,) * 6
RUNNING, NORMAL, STOPPED, PLAYING = 7, 1, 1, 2


@dataclass
class Settings:
    """What the controller is like; a test changes what it is about."""

    version: ControllerVersion = field(default_factory=lambda: ControllerVersion(5, 12, 0, 0))
    speaks_version_2: bool = True
    owned: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    starts: bool = True
    tells: bool = True
    other_types: dict[str, str] = field(default_factory=dict)
    says_nothing: bool = False
    runs_programs: bool = True
    foreign_program: bool = False
    obeys_stop: bool = True
    step_s: float = 0.002


class RtdeController:
    """Listens as soon as it exists; every `turn` is one period."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.settings = Settings()
        self.host = host
        self._rtde = socket.create_server((host, 0))
        self._script = socket.create_server((host, 0))
        self._rtde.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # so that it is full soon when nobody reads
        for listener in (self._rtde, self._script):
            listener.setblocking(False)
        self.rtde_port = self._rtde.getsockname()[1]
        self.script_port = self._script.getsockname()[1]
        self.client: socket.socket | None = None
        self._scripts: list[socket.socket] = []
        self._reader = PacketReader()
        self.asked: list[object] = []
        """Requests of the present connection, data left out."""
        self.set_points: list[tuple[float, ...]] = []
        self.texts: list[bytes] = []
        self.streams = False
        self.clock_stands = False
        self.reads = True
        self.values: dict[str, Value] = dict.fromkeys((name for name, _ in OUTPUTS), 0)
        for name in ("actual_q", "actual_qd", "actual_TCP_pose", "actual_TCP_force"):
            self.values[name] = SIX
        self.values |= {"timestamp": 1000.0, "robot_mode": RUNNING, "safety_mode": NORMAL, "safety_status_bits": 1}
        self.values |= {"runtime_state": STOPPED, "speed_scaling": 1.0}

    def turn(self) -> None:
        """One period: accepts, answers, obeys, tells."""
        with contextlib.suppress(BlockingIOError):
            link, _ = self._rtde.accept()
            link.setblocking(False)
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.hang_up()
            self.client, self._reader, self.asked, self.streams = link, PacketReader(), [], False
        self._take_scripts()
        if not self.clock_stands:
            self.values["timestamp"] = float(self.values["timestamp"]) + self.settings.step_s
        if self.client is not None and self.reads:
            self._hear(self.client)
        if self.client is not None and self.streams:
            self.tell()

    def tell(self) -> None:
        """One packet of outputs."""
        if self.client is not None:
            self._send(Data(1, Recipe(1, OUTPUTS).pack(self.values)).to_bytes())

    def hang_up(self) -> None:
        """The connection ends, as when the cable's other side reboots."""
        if self.client is not None:
            self.client.close()
        self.client = None

    def close(self) -> None:
        """Gives everything back."""
        self.hang_up()
        for each in (*self._scripts, self._rtde, self._script):
            each.close()

    def _take_scripts(self) -> None:
        with contextlib.suppress(BlockingIOError):
            link, _ = self._script.accept()
            link.setblocking(False)
            self._scripts.append(link)
            self.texts.append(b"")
        for link in self._scripts:
            with contextlib.suppress(BlockingIOError, ConnectionError):
                self.texts[-1] += link.recv(65_536)
        found = re.search(rb"write_output_integer_register\(27, (\d+)\)", self.texts[-1]) if self.texts else None
        if found and self.texts[-1].endswith(b"end\n") and self.settings.runs_programs and not self.playing:
            self.values |= {"runtime_state": PLAYING, "output_int_register_27": int(found[1])}
            self.texts.append(b"")

    @property
    def playing(self) -> bool:
        return self.values["runtime_state"] == PLAYING

    def _hear(self, client: socket.socket) -> None:
        try:
            data = client.recv(65_536)
        except BlockingIOError:
            return
        except ConnectionError:
            data = b""
        if not data:
            self.hang_up()
            return
        for kind, payload in self._reader.feed(data):
            request = parse_request(kind, payload)
            if isinstance(request, Data):
                self._obey(request)
            else:
                self.asked.append(request)
                self._answer(request)

    def _answer(self, request: object) -> None:
        settings = self.settings
        if settings.says_nothing:
            return
        match request:
            case RequestVersion():
                self._send(VersionAnswer(settings.speaks_version_2).to_bytes())
            case RequestControllerVersion():
                self._send(settings.version.to_bytes())
            case SetupOutputs(names=names):
                types = {name: kind.wire_name for name, kind in OUTPUTS} | settings.other_types
                told = tuple("NOT_FOUND" if name in settings.unknown else types[name] for name in names)
                self._send(OutputsAnswer(int("NOT_FOUND" not in told), told).to_bytes())
            case SetupInputs(names=names):
                types = {name: kind.wire_name for name, kind in INPUTS}
                told = tuple("IN_USE" if name in settings.owned else types[name] for name in names)
                self._send(InputsAnswer(int("IN_USE" not in told), told).to_bytes())
            case Start():
                self._send(StartAnswer(settings.starts).to_bytes())
                self.streams = settings.starts and settings.tells

    def _obey(self, data: Data) -> None:
        values = struct.unpack(">ii7d", data.values)
        self.set_points.append(values)
        if not self.playing or self.settings.foreign_program:
            return
        sequence, command = int(values[0]), int(values[1])
        self.values["output_int_register_24"] = sequence
        self.values["output_int_register_25"] = {0: 1, 1: 2, 2: 4, 3: 7}.get(command, 0)
        if command == 4 and self.settings.obeys_stop:
            self.values["runtime_state"] = STOPPED

    def _send(self, data: bytes) -> None:
        if self.client is not None:
            with contextlib.suppress(BlockingIOError, ConnectionError):
                self.client.send(data)
