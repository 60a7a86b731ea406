"""The RTDE server of a controller: sessions, recipes, who owns which input, and what is told in each tick.

Knows no socket: bytes come in by `feed`, and what a session has to say waits in its `outbox`. Packets are big-endian:
size (header included), type, payload (RTDE guide; ur_rtde 1.6.5 as seen on the wire, `robot.md` 3.2).
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from drivers.errors import BadFrame
from drivers.ur.framing import Kind, PacketReader, seal
from simulator.wires.ur.controller import Controller
from simulator.wires.ur.fields import FORMATS, TAKEN, TOLD, Taken, Told

PROTOCOL = 2
NOT_FOUND, IN_USE = "NOT_FOUND", "IN_USE"
OUTBOX_BYTES = 16_384
"""What may wait for a slow client: some ten full packets; then newer ones are left out. An engineering choice."""
PATIENCE_US = 1_000_000
"""A client that reads nothing for so long is let go (UR Client Library's manual; the time is assumed)."""
MOST_PENDING = 1_000
"""Input packets that may wait for a tick, two seconds of them."""


@dataclass(frozen=True, slots=True)
class InputRecipe:
    """What one kind of input packet carries."""

    layout: struct.Struct
    fields: tuple[Taken, ...]


class RtdeSession:
    """One client of the server."""

    def __init__(self, controller: Controller, owners: dict[str, RtdeSession]) -> None:
        self._controller = controller
        self._owners = owners
        self._packets = PacketReader()
        self._inputs: dict[int, InputRecipe] = {}
        self._told: tuple[Told, ...] = ()
        self._layout = struct.Struct(">")
        self._share = 0.0
        self._credit = 0.0
        self._pending: deque[bytes] = deque(maxlen=MOST_PENDING)
        self._stuck_us: int | None = None
        self.outbox = bytearray()
        """Bytes for the client; whoever sends them takes them out."""
        self.streaming = False
        self.closed = False
        self.left_out = 0
        """Packets never sent because the client did not read."""
        self._acts: dict[Kind, Callable[[bytes], None]] = {
            Kind.PROTOCOL_VERSION: self._version,
            Kind.CONTROLLER_VERSION: self._controller_version,
            Kind.SETUP_OUTPUTS: self._set_outputs,
            Kind.SETUP_INPUTS: self._set_inputs,
            Kind.START: self._start,
            Kind.PAUSE: self._pause,
            Kind.DATA: self._pending.append,
        }

    # ── what the client says ────────────────────────────────────────────────────────────────────────────────────────

    def feed(self, data: bytes) -> None:
        """Bytes of the client; inputs wait for the next tick. BadFrame for what RTDE would hang up on."""
        for kind, payload in self._packets.feed(data):
            if kind not in self._acts:
                raise BadFrame(f"no client sends an RTDE packet of type {kind.name}")
            self._acts[kind](payload)

    def _reply(self, kind: Kind, payload: bytes) -> None:
        self.outbox += seal(kind, payload)

    def _version(self, payload: bytes) -> None:
        self._reply(Kind.PROTOCOL_VERSION, bytes([payload == struct.pack(">H", PROTOCOL)]))

    def _controller_version(self, _payload: bytes) -> None:
        self._reply(Kind.CONTROLLER_VERSION, struct.pack(">4I", *self._controller.version))

    def _set_outputs(self, payload: bytes) -> None:
        if len(payload) < 8:  # noqa: PLR2004  the frequency, a double
            raise BadFrame("a request for outputs without a frequency")
        (rate_hz,) = struct.unpack_from(">d", payload)
        names = _names(payload[8:])
        kinds = [TOLD[name].kind if name in TOLD else NOT_FOUND for name in names]
        found = NOT_FOUND not in kinds and bool(names) and rate_hz > 0
        if found:
            self._told = tuple(TOLD[name] for name in names)
            self._layout = struct.Struct(">B" + "".join(FORMATS[kind] for kind in kinds))
            self._share = min(1.0, rate_hz / self._controller.arm.profile.rate_hz)
            self._credit = 1.0 - self._share
        self._reply(Kind.SETUP_OUTPUTS, bytes([found]) + ",".join(kinds).encode())

    def _set_inputs(self, payload: bytes) -> None:
        names = _names(payload)
        kinds = [self._kind_for_us(name) for name in names]
        number = 0
        if names and not {NOT_FOUND, IN_USE} & set(kinds):
            number = len(self._inputs) + 1
            self._owners.update(dict.fromkeys(names, self))
            layout = struct.Struct(">" + "".join(FORMATS[kind] for kind in kinds))
            self._inputs[number] = InputRecipe(layout, tuple(TAKEN[name] for name in names))
        self._reply(Kind.SETUP_INPUTS, bytes([number]) + ",".join(kinds).encode())

    def _kind_for_us(self, name: str) -> str:
        if name not in TAKEN:
            return NOT_FOUND
        return TAKEN[name].kind if self._owners.get(name, self) is self else IN_USE

    def _start(self, _payload: bytes) -> None:
        self.streaming = bool(self._told)
        self._reply(Kind.START, bytes([self.streaming]))

    def _pause(self, _payload: bytes) -> None:
        self.streaming = False
        self._reply(Kind.PAUSE, b"\x01")

    # ── in each tick ────────────────────────────────────────────────────────────────────────────────────────────────

    def take_inputs(self) -> None:
        """Writes the inputs that came: all when only this tick is due, else this tick's share of them.

        A machine that stalls has the packets of many ticks to read at once; on a real wire they came one by one.
        """
        if not self._pending:
            return
        for _ in range(-(-len(self._pending) // max(1, self._controller.ticks_due))):
            payload = self._pending.popleft()
            recipe = self._inputs.get(payload[0]) if payload else None
            if recipe is None or len(payload) != 1 + recipe.layout.size:
                raise BadFrame("input data of no recipe")
            for field, value in zip(recipe.fields, recipe.layout.unpack_from(payload, 1), strict=True):
                field.set(self._controller, value)

    def tell(self) -> None:
        """Puts this tick's outputs into the outbox when they are due; leaves them out when it is full."""
        if not self.streaming:
            return
        self._credit += self._share
        if self._credit < 1:
            return
        self._credit -= 1
        if self._controller.stream_frozen:
            return
        if len(self.outbox) > OUTBOX_BYTES:
            self._wait_for_client()
            return
        self._stuck_us = None
        values: list[float] = [1]
        for told in self._told:
            value = told.get(self._controller)
            values.extend(value if isinstance(value, tuple) else (value,))
        self._reply(Kind.DATA, self._layout.pack(*values))

    def _wait_for_client(self) -> None:
        self.left_out += 1
        if self._stuck_us is None:
            self._stuck_us = self._controller.now_us
        elif self._controller.now_us - self._stuck_us > PATIENCE_US:
            self._controller.note("an RTDE client that does not read is let go")
            self.close()

    def close(self) -> None:
        """Ends the session: its inputs are free again and hold their last values."""
        self.closed = True
        self.streaming = False
        for name in [name for name, owner in self._owners.items() if owner is self]:
            del self._owners[name]


class RtdeServer:
    """Every session of one controller, heard before each of its ticks and told after it."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._owners: dict[str, RtdeSession] = {}
        self._drops = controller.drops
        self.sessions: list[RtdeSession] = []
        controller.listeners.append(self)

    def open(self) -> RtdeSession:
        """A client has connected."""
        session = RtdeSession(self._controller, self._owners)
        self.sessions.append(session)
        return session

    def close(self) -> None:
        """Takes no part in ticks any more."""
        self._controller.listeners.remove(self)

    def before(self) -> None:
        """Writes what the clients said."""
        for session in self.sessions:
            try:
                session.take_inputs()
            except BadFrame as error:
                self._controller.note(f"an RTDE client is let go: {error}")
                session.close()

    def after(self) -> None:
        """Tells every client; forgets those that have gone."""
        for session in self.sessions:
            session.tell()
        if self._drops != self._controller.drops:
            self._drops = self._controller.drops
            for session in self.sessions:
                session.close()
        if any(session.closed for session in self.sessions):
            self.sessions = [session for session in self.sessions if not session.closed]


def _names(payload: bytes) -> list[str]:
    """Names with commas between; ur_rtde sends one after the last as well."""
    return [name for name in payload.decode("ascii", "replace").split(",") if name]
