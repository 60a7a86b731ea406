"""A room in virtual time: the real gate, a simulated Rapid² on its own wire, a ledger in memory, and their clients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from drivers.catalogue import dialect
from drivers.magstim.framing import seal
from drivers.stimulators import PieceKind
from safety import control, events, gate
from safety.asking import Use
from safety.authorisations import Authorisation
from safety.book import EMPTY_BOOK, Book
from safety.events import Door
from safety.instant import Instant
from safety.ledger_format import Record
from safety.limits import load_limits
from safety.protocols import load_protocols
from safety.state import Room, State
from safety.turn import Turn
from simulator.bench import Bench
from simulator.clock import VirtualClock
from simulator.stimulators.profile import Profile
from simulator.switches import turn as switch
from simulator.world import Kind as WorldKind
from simulator.world import World

MS, S = 1_000, 1_000_000
LIMITS = load_limits()
PROTOCOLS = load_protocols(limits=LIMITS)
HOLDER = 7
"""The connection that runs sessions in these tests."""
ARM_LOOP = 8
"""The connection of the arm loop, in rooms that have one."""
WALL_US = 1_790_000_000 * S
MOST_AT_ONCE = 100
"""Deliveries at one instant: each answer may ask for one more, and none for ever."""


def authorisations(subject: str) -> tuple[Authorisation, ...]:
    """Leave for this subject to have every protocol of the library that exceeds the tables."""
    return tuple(
        Authorisation("a physician", "a test", subject, each.id, each.version, each.exceeds, 0, 2**62)
        for each in PROTOCOLS.values()
        if each.exceeds
    )


def taken(reply: bytes) -> bool:
    """Whether a reply says that a frame was carried out: it is no refusal, and there is one."""
    return reply[1:2] not in (b"S", b"?", b"")


class VirtualRoom:
    """Time passes when told to; everything that happens is on record."""

    def __init__(
        self,
        origin_us: int = 987_654_321,
        *,
        firmware: int = 11,
        pacing: bool = False,
        book: Book = EMPTY_BOOK,
        authorised: str = "S-0001",
        options: dict[str, Any] | None = None,
        **room: Any,
    ) -> None:
        self.clock = VirtualClock(origin_us)
        self.origin_us = origin_us
        self.world = World(self.clock)
        self.profile = Profile(firmware=firmware, **(options or {}))
        self.bench = Bench(self.profile, self.world, pacing=pacing)
        self.dialect = dialect("magstim-rapid2", firmware, self.profile.supply_volts)
        base: dict[str, Any] = {
            "limits": LIMITS, "protocols": PROTOCOLS, "use": Use.SIMULATION,
            "authorisations": authorisations(authorised),
            "zone": ZoneInfo("Europe/Rome"), "profile": "fixed", "simulated": True, "coil": "coil-1",
            "lacks": lambda _protocol, _wall_us: (),
        }  # fmt: skip
        self.room = Room(dialect=self.dialect, **(base | room))
        self.state = State(seen_us=origin_us, book=book)
        self.replies = {Door.DAEMON: b"", Door.PTY: b""}
        self.told: list[dict[str, Any]] = []
        self.answers: dict[int, dict[str, Any]] = {}
        self.written: list[tuple[int, bytes]] = []
        self.records: list[tuple[int, Record]] = []
        self.disk_us = 0
        self._disk: list[tuple[int, int, Record]] = []
        self._seq = book.last_seq
        self._reader = self.dialect.reply_reader()
        self._request = 0
        self._nonce = 0
        self._nonce_us = origin_us
        self._beat_us = origin_us
        self.turns = [0, 0]
        self.turning = [True, True]
        self.present = True
        self.presence_us = 0
        self.connected = True
        self.lease = "begin"
        """What the arm loop says of the coil, in a room that has one."""
        self.wall_shift_us = 0

    # --- time -------------------------------------------------------------------------------------------------

    @property
    def now(self) -> Instant:
        now_us = self.clock.now_us()
        return Instant(now_us, WALL_US + now_us - self.origin_us + self.wall_shift_us)

    def pass_time(self, us: int) -> None:
        """Everything that becomes due happens at its own time, in order."""
        end_us = self.clock.now_us() + us
        while True:
            self._exchange()
            now_us = self.clock.now_us()
            if now_us >= end_us:
                return
            due = [gate.next_wake_us(self.state, now_us), self._nonce_us, self._beat_us, end_us]
            due += [at for at, _, _ in self._disk]
            if self.bench.port.next_us is not None:
                due.append(self.bench.port.next_us)
            self.clock.advance_to(max(min(due), now_us + 1))
            self._beat_and_nonce()
            self.feed(events.Tick())

    def _exchange(self) -> None:
        """Delivers what the device and the disk have ready, until nothing is left."""
        for _ in range(MOST_AT_ONCE):
            data = self.bench.port.due(self.clock.now_us())
            for piece in self._reader.feed(data):
                if piece.kind is PieceKind.FRAME:
                    self.feed(events.DeviceReply(piece.data, self.dialect.reading(piece.data)))
                else:
                    self.feed(events.DeviceNoise(piece.data))
            ready = [entry for entry in self._disk if entry[0] <= self.clock.now_us()]
            self._disk = [entry for entry in self._disk if entry[0] > self.clock.now_us()]
            for _, token, record in ready:
                self._seq += 1
                self.records.append((self._seq, record))
                self.feed(events.Committed(token, self._seq))
            if not data and not ready:
                return
        raise AssertionError("the gate answers what it hears with more of the same, and time stands still")

    def _beat_and_nonce(self) -> None:
        now_us = self.clock.now_us()
        if now_us >= self._nonce_us:
            self._nonce_us = now_us + 250 * MS
            self._nonce += 1
            self.feed(events.NewNonce(f"{self._nonce:032x}"))
        if now_us >= self._beat_us:
            self._beat_us = now_us + 50 * MS
            self.turns = [turns + going for turns, going in zip(self.turns, self.turning, strict=True)]
            self.presence_us = 0 if self.present else self.presence_us + 50 * MS
            if self.room.profile == "robot":
                self.feed(events.Requested(ARM_LOOP, None, control.Lease(self.lease)))
            if self.connected:
                beat = control.Beat(self.turns[0], self.turns[1], self.presence_us)
                self.feed(events.Requested(HOLDER, None, beat))

    # --- the gate ---------------------------------------------------------------------------------------------

    def feed(self, event: events.Input) -> None:
        self.state, actions = gate.step(self.room, self.state, event, self.now)
        for action in actions:
            match action:
                case events.Write():
                    self.written.append((self.clock.now_us(), action.frame))
                    self.bench.port.receive(action.frame, self.clock.now_us())
                case events.Reply():
                    self.replies[action.door] += action.data
                case events.Tell():
                    self.told.append(action.body)
                case events.Answer():
                    self.answers[action.request_id] = action.body
                case events.Commit():
                    self._disk.append((self.clock.now_us() + self.disk_us, action.token, action.record))

    def ask(self, message: control.Message, connection: int = HOLDER, uid: int = 0) -> dict[str, Any]:
        """One request of a process of user `uid`; its answer, or {} while it is still examined."""
        self._request += 1
        self.feed(events.Requested(connection, self._request, message, uid))
        self._exchange()
        return self.answers.get(self._request, {})

    def frame(self, text: str, door: Door = Door.DAEMON) -> bytes:
        """One command of a client without its checksum; what its door says until the line is quiet."""
        data = seal(text.encode())
        self.replies[door] = b""
        self.feed(events.ClientFrame(door, data, self.dialect.effect(data)))
        for _ in range(400):
            self._exchange()
            if self.replies[door]:
                break
            self.pass_time(1 * MS)
        return self.replies[door]

    def kinds(self) -> list[str]:
        return [body["kind"] for body in self.told]

    def last(self, kind: str) -> dict[str, Any]:
        return next(body for body in reversed(self.told) if body["kind"] == kind)

    def fault(self, name: str, **arguments: object) -> None:
        switch(self.bench, name, **arguments)

    @property
    def nonce(self) -> str:
        return self.state.nonces[-1][0]

    @property
    def pulses(self) -> int:
        """What physically went out."""
        return len(self.world.of(WorldKind.PULSE))

    # --- what a client does -----------------------------------------------------------------------------------

    def start(self) -> None:
        """Port found, disarmed, a client attached that takes remote control."""
        self.feed(events.Started())
        self.feed(events.PortFound())
        self.pass_time(300 * MS)
        self.ask(control.Hello(role="daemon"))
        self.ask(control.Hello(role="lease"), ARM_LOOP)
        self.feed(events.DoorOpened(Door.DAEMON))
        self.pass_time(10 * MS)
        self.take_remote()

    def take_remote(self, door: Door = Door.DAEMON) -> None:
        reply = self.frame("Q@" if self.profile.firmware < 9 else f"Q{self.profile.unlock_code}", door)
        assert reply[:1] == b"Q", reply

    def threshold(self, value: float = 45, **changes: Any) -> control.Threshold:
        base: dict[str, Any] = {
            "value_tenths": int(value * 10), "method": "emg", "pulses": 20, "coil": "coil-1", "sd_tenths": 15,
            "taken_wall_us": self.now.wall_us - 3_600 * S, "simulated": True,
        }  # fmt: skip
        return control.Threshold(**(base | changes))

    def open(self, protocol: str = "demo", subject: str = "S-0001", **changes: Any) -> dict[str, Any]:
        base: dict[str, Any] = {
            "kind": "treatment", "door": "daemon", "by": "operator", "coil": "coil-1", "subject": subject,
            "protocol": protocol, "threshold": self.threshold(),
        }  # fmt: skip
        return self.ask(control.OpenSession(**(base | changes)))

    def open_script(self, ceiling: int = 50, **changes: Any) -> dict[str, Any]:
        base: dict[str, Any] = {
            "kind": "script", "door": "pty", "protocol": "", "threshold": None, "ceiling_tenths": ceiling * 10,
        }  # fmt: skip
        answer = self.open(**(base | changes))
        self.feed(events.DoorOpened(Door.PTY))
        self.pass_time(20 * MS)
        return answer

    def release(self) -> dict[str, Any]:
        self.pass_time(300 * MS)
        session = self.state.session
        assert session is not None
        answer = self.ask(control.Release(hash=session.hash, nonce=self.nonce, by="operator"))
        self.pass_time(1_200 * MS)
        return answer

    def set_train(self, level: int = 45, rate: int = 10, pulses: int = 20, door: Door = Door.DAEMON) -> None:
        """Repetitive mode with these settings, in the order the device wants them."""
        new = self.profile.firmware >= 9
        tenths = -(-pulses * 10 // rate)
        frames = ["[0010" if new else "[010", f"@{level:03}", f"B{rate * 10:04}", f"D{pulses:0{5 if new else 4}}"]
        for text in [*frames, f"[{tenths:0{4 if new else 3}}"]:
            reply = self.frame(text, door)
            assert taken(reply), (text, reply, self.told[-2:])
        self.pass_time(600 * MS)

    def set_single(self, level: int = 45, door: Door = Door.DAEMON) -> None:
        new = self.profile.firmware >= 9
        for text in ["[0000" if new else "[000", f"@{level:03}"]:
            assert taken(self.frame(text, door))
        self.pass_time(600 * MS)

    def arm(self, door: Door = Door.DAEMON) -> bytes:
        """Arms and keeps the device awake until it is charged."""
        reply = self.frame("EB", door)
        for _ in range(3):
            self.pass_time(400 * MS)
            self.poke(door)
        return reply

    def poke(self, door: Door = Door.DAEMON) -> bytes:
        return self.frame("Q@" if self.profile.firmware < 9 else "x@", door)

    def permit(self, level: int = 45, rate: int = 10, pulses: int = 20, **changes: Any) -> dict[str, Any]:
        ask = control.AskPermit(level_tenths=level * 10, rate_tenths=rate * 10, pulses=pulses, **changes)
        answer = self.ask(ask)
        if not answer:
            number = self._request
            for _ in range(100):
                self.pass_time(10 * MS)
                if number in self.answers:
                    return self.answers[number]
        return answer

    def run_train(self, pulses: int = 20, rate: int = 10, level: int = 45) -> dict[str, Any]:
        """Waits the gap out, arms, asks, triggers, and waits for the account."""
        assert taken(self.arm()), self.told[-2:]
        answer = self.permit(level=level, pulses=pulses, rate=rate)
        assert answer.get("ok"), answer
        assert taken(self.frame("EH")), self.told[-2:]
        self.wait_settled(pulses * S // rate + 2 * S)
        return self.last("settled")

    def wait_settled(self, us: int) -> None:
        before = self.kinds().count("settled")
        for _ in range(us // (300 * MS) + 1):
            if self.kinds().count("settled") > before:
                return
            self.pass_time(300 * MS)
            self.poke()

    def stay(self, us: int, door: Door = Door.DAEMON) -> None:
        """Time passes and the client keeps the device awake."""
        for _ in range(us // (400 * MS)):
            self.pass_time(400 * MS)
            self.poke(door)


def new(**options: Any) -> VirtualRoom:
    """A started room with firmware 11."""
    made = VirtualRoom(firmware=11, **options)
    made.start()
    return made


def turn_of(room: VirtualRoom, **changes: Any) -> Turn:
    """A turn on this room's state, a little otherwise."""
    return Turn(room.room, replace(room.state, **changes), room.now)


def tightened(turn: Turn, **site: object) -> Turn:
    """The same turn at a site that has set these limits."""
    turn.room = replace(turn.room, limits=turn.room.limits.tightened(site))
    return turn


@pytest.fixture
def room_at() -> Callable[..., VirtualRoom]:
    """A room somewhere in time, not started."""
    return VirtualRoom


@pytest.fixture(params=[8, 11])
def room(request: pytest.FixtureRequest) -> VirtualRoom:
    """A started room on the firmwares before and after unlock codes."""
    made = VirtualRoom(firmware=int(request.param))
    made.start()
    return made


@pytest.fixture(params=[0, 2**31, 2**32, 10**15], ids=["0", "2^31", "2^32", "1e15"])
def origin_us(request: pytest.FixtureRequest) -> int:
    """Where a clock may stand when a test begins."""
    return int(request.param)
