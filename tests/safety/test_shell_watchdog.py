"""The watchdog's loop, turned by hand: real sockets and terminals, a simulated device, a clock that moves when told."""

from __future__ import annotations

import json
import os
import resource
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from drivers.errors import PortNotFound
from drivers.magstim.framing import seal
from drivers.ports import Port, port_from_socket
from safety import connections, control, events, gate, watchdog
from safety.events import Door
from safety.instant import Instant
from safety.ledger import OpenReport
from safety.ledger_errors import LedgerFailed
from safety.ledger_format import HASH0, Head, Kind, Record
from safety.ledger_link import LedgerLink
from safety.ledger_wire import Answer, answer_bytes, parse_request
from safety.state import Phase
from safety.watchdog import Watchdog
from tests.safety.conftest import VirtualRoom

MS = 1_000
PATIENCE_S = 20.0
"""How long the kernel may take to carry bytes through a terminal on a machine that is busy."""
DISARM = seal(b"EA")


class HandTurned(Watchdog):
    """The loop with the clock of a virtual room."""

    world: VirtualRoom

    def now(self) -> Instant:
        return self.world.now


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
        HandTurned.world = world
        self.loop = HandTurned(world.room, world.state, "pty:/device", folder, LedgerLink(ours))

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


def pty(shell: Shell) -> int:
    return os.open(shell.folder / "stimulator", os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)


# --- turns and clocks -----------------------------------------------------------------------------------------


def test_it_turns_until_it_is_told_to_end_and_says_each_turn(shell: Shell) -> None:
    turns = []

    def after() -> None:
        turns.append(shell.loop.state.seen_us)
        shell.loop.running = len(turns) < 3

    shell.loop.run(after)
    assert len(turns) == 3
    shell.answer()
    assert shell.records[0][1].kind is Kind.BOOT


def test_time_passes_for_the_gate_in_a_turn_without_any_event(shell: Shell) -> None:
    shell.started()
    shell.answers = False
    shell.turn(2)
    before_us = shell.loop.state.seen_us
    shell.turn()
    assert shell.loop.state.seen_us == before_us + 10 * MS


def test_the_wall_clock_never_runs_behind_the_ledger(shell: Shell) -> None:
    now = Watchdog.now(shell.loop)
    assert abs(now.us - time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000) < 60_000_000
    assert abs(now.wall_us - time.time_ns() // 1000) < 60_000_000
    ahead_us = now.wall_us + 10**12
    book = shell.loop.state.book.apply(1, Record(Kind.BOOT, wall_us=ahead_us))
    shell.loop.state = type(shell.loop.state)(book=book)
    assert Watchdog.now(shell.loop).wall_us == ahead_us


def test_every_nonce_is_new_and_comes_in_its_time(shell: Shell) -> None:
    shell.started()
    client = shell.client("cli")
    shell.turn(20, 50 * MS)
    pushed = [body["nonce"] for body in client.read() if body.get("say") == "status"]
    assert len(pushed) == len(set(pushed)) == 4


# --- the port -------------------------------------------------------------------------------------------------


def test_an_absent_port_is_looked_for_once_a_second_and_disarmed_when_found(shell: Shell) -> None:
    shell.plugged = False
    shell.turn(30, 50 * MS)
    assert len(shell.tried) == 2
    assert shell.phase is Phase.BOOT
    shell.plugged = True
    shell.turn(20, 50 * MS)
    assert shell.tried == ["pty:/device"] * 3
    assert DISARM in shell.to_device
    assert shell.phase is Phase.SAFE


def test_a_port_that_ends_while_read_is_lost_and_found_again(shell: Shell) -> None:
    shell.started()
    shell.unplug()
    shell.turn()
    assert shell.told("port-lost")
    assert shell.phase is Phase.BOOT
    shell.plugged = True
    shell.turn(22, 50 * MS)
    assert len(shell.told("port-found")) == 2
    assert shell.phase is Phase.SAFE


def test_a_write_that_finds_the_port_gone_is_a_lost_port_and_what_follows_goes_nowhere(shell: Shell) -> None:
    shell.started()
    ready = shell.loop._device_spoke
    shell.unplug()
    shell.loop._carry_out(events.Write(DISARM))
    shell.loop._carry_out(events.Write(DISARM))
    ready()  # the same select had found it readable too
    assert len(shell.told("port-lost")) == 1


def test_bytes_the_port_does_not_take_wait_and_go_out_first(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.started()
    port = shell.loop._port
    assert port is not None
    whole = port.write
    monkeypatch.setattr(port, "write", lambda data: whole(data[:1]))
    shell.to_device = b""
    shell.loop._carry_out(events.Write(DISARM))
    shell.turn(len(DISARM))
    assert shell.to_device.startswith(DISARM)


def test_bytes_for_the_stimulator_go_out_before_anybody_is_told(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.started()
    carried: list[events.Action] = []
    monkeypatch.setattr(shell.loop, "_carry_out", carried.append)
    answers = (events.Tell({"kind": "trip"}), events.Write(DISARM), events.Push({}))
    monkeypatch.setattr(watchdog.gate, "step", lambda _room, state, *_: (state, answers))
    shell.loop.feed(events.Tick())
    assert [type(action) for action in carried] == [events.Write, events.Tell, events.Push]


def test_a_reply_reaches_its_client_before_the_gate_has_settled_what_it_says(room: VirtualRoom) -> None:
    at_once: list[events.Action] = []
    _, actions = gate.step(room.room, room.state, events.ClientNoise(Door.DAEMON, b"\0"), room.now, at_once.append)
    assert at_once == [events.Reply(Door.DAEMON, b"?")]
    assert [type(action) for action in actions] == [events.Tell]


def test_a_blocked_port_is_a_lost_one(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.started()
    port = shell.loop._port
    assert port is not None
    monkeypatch.setattr(port, "write", lambda _data: 0)
    shell.loop._carry_out(events.Write(b"x" * watchdog.MAX_UNWRITTEN_BYTES))
    assert not shell.told("port-lost")
    shell.loop._carry_out(events.Write(b"x"))
    assert "takes no more bytes" in shell.told("port-lost")[0]["why"]


def test_what_is_no_reply_of_the_device_changes_nothing(shell: Shell) -> None:
    shell.started()
    before = shell.loop.state.device.condition
    assert shell.wire is not None
    shell.wire.send(b"\0\xff")
    shell.turn()
    assert shell.phase is Phase.SAFE
    assert shell.loop.state.device.condition is before


# --- the daemon's door ----------------------------------------------------------------------------------------


def test_the_daemon_gets_a_door_that_carries_frames_and_refuses_nonsense(shell: Shell) -> None:
    shell.started()
    door = shell.client("daemon").attach()
    assert shell.loop.state.daemon_attached
    door.send(seal(b"Q@"))
    shell.turn(5)
    reply = door.recv(99)
    assert shell.world.dialect.answers(reply, seal(b"Q@")), reply
    assert shell.loop.state.device.remote
    door.send(b"!!")
    shell.turn()
    assert door.recv(99) == b"??"


def test_a_door_its_client_closed_is_free_for_the_next_attach(shell: Shell) -> None:
    shell.started()
    client = shell.client("daemon")
    client.attach().close()
    shell.turn()
    assert not shell.loop.state.daemon_attached
    client.attach()
    assert shell.loop.state.daemon_attached


def test_a_door_ends_with_the_connection_it_was_handed_over_on(shell: Shell) -> None:
    shell.started()
    client = shell.client("daemon")
    door = client.attach()
    client.sock.close()
    shell.turn()
    assert not shell.loop.state.daemon_attached
    assert door.recv(9) == b""


def test_another_connection_that_ends_takes_no_door_along(shell: Shell) -> None:
    shell.started()
    shell.client("daemon").attach()
    shell.client("cli").sock.close()
    shell.turn()
    assert shell.loop.state.daemon_attached


@pytest.mark.parametrize("first", ["connection", "door"])
def test_a_daemon_that_dies_is_seen_on_both_its_sockets_in_one_turn(shell: Shell, first: str) -> None:
    shell.started()
    client = shell.client("daemon")
    door = client.attach()
    for end in (client.sock, door) if first == "connection" else (door, client.sock):
        end.close()
    shell.turn()
    assert not shell.loop.state.daemon_attached
    assert shell.loop.state.roles == ()
    shell.client("daemon").attach()


def test_a_daemon_that_ends_before_its_door_reaches_it_leaves_none_behind(shell: Shell) -> None:
    shell.started()
    client = shell.client("daemon")
    client.send("attach")
    client.sock.close()
    shell.turn(2)
    assert not shell.loop.state.daemon_attached
    assert shell.loop._daemon.fileno() == -1
    shell.client("daemon").attach()


# --- the terminal ---------------------------------------------------------------------------------------------


def test_a_program_at_the_terminal_speaks_and_hangs_up(shell: Shell) -> None:
    shell.started()
    slave = pty(shell)
    shell.turn()
    assert shell.loop.state.pty_open
    os.write(slave, b"!" + DISARM[:1])
    shell.until(lambda: bool(shell.told("refused")) and bool(shell.loop._pty.frames._reader.pending))
    os.close(slave)
    shell.until(lambda: not shell.loop.state.pty_open)
    assert not shell.loop._pty.frames._reader.pending, "half a frame goes with its client"
    slave = pty(shell)
    shell.turn()
    assert shell.loop.state.pty_open, "and the next one is let in"
    os.close(slave)


@pytest.mark.parametrize("where", [Door.PTY, Door.DAEMON])
def test_half_a_frame_of_a_client_is_dropped_after_its_time_and_said(shell: Shell, where: Door) -> None:
    shell.started()
    if where is Door.PTY:
        slave = pty(shell)
        frames = shell.loop._pty.frames
        os.write(slave, DISARM[:1])
    else:
        frames = shell.loop._daemon.frames
        shell.client("daemon").attach().send(DISARM[:1])
    shell.until(lambda: bool(frames._reader.pending))
    shell.turn(step_us=shell.world.room.limits.timing.half_frame_us)
    shell.turn()
    assert not shell.told("half-frame-dropped")
    shell.turn()
    assert shell.told("half-frame-dropped")
    if where is Door.PTY:
        os.close(slave)


def test_a_flood_is_answered_with_a_breath_and_a_trickle_is_not(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.started()
    breaths: list[float] = []
    door = shell.client("daemon").attach()
    with monkeypatch.context() as patch:
        patch.setattr(watchdog.time, "sleep", breaths.append)
        door.send(b"!" * 63)
        shell.turn()
        assert breaths == []
        door.send(b"!" * 64)
        shell.turn(3)
        assert breaths == [watchdog.BREATH_S]


# --- control connections --------------------------------------------------------------------------------------


def test_a_line_that_is_no_message_is_answered_and_its_sender_is_still_listened_to(shell: Shell) -> None:
    client = shell.client()
    client.sock.send(b"nonsense\n")
    answer = client.answer(None)
    assert (answer["ok"], answer["reason"]) == (False, "malformed-message")
    assert client.ask("hello", role="cli")["ok"]


def test_an_endless_line_is_hung_up_on(shell: Shell) -> None:
    client = shell.client()
    client.sock.send(b"x" * 2 * control.MAX_LINE_BYTES)
    shell.turn(20)
    assert client.gone()


def test_the_seventeenth_connection_is_turned_away_and_a_free_place_is_given_again(shell: Shell) -> None:
    others = [shell.client() for _ in range(connections.MAX_CONNECTIONS)]
    assert shell.client().gone()
    others[3].sock.close()
    shell.turn()
    assert shell.client("cli").ask("status")["ok"]


def test_whoever_does_not_say_hello_gives_its_place_up(shell: Shell) -> None:
    stranger, other = shell.client(), shell.client("cli")
    shell.turn(38, 50 * MS)
    assert not stranger.gone()
    shell.turn(4, 50 * MS)
    assert stranger.gone()
    assert other.ask("status")["ok"]


def test_with_no_descriptors_left_a_client_waits_and_gets_in_later(shell: Shell) -> None:
    shell.turn()
    client = Client(shell)
    shell.clients.append(client)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest_free = os.dup(0)
    os.close(lowest_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, limits[1]))
    try:
        shell.loop.turn()
        assert not shell.loop._connections
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    shell.turn()
    assert client.ask("hello", role="cli")["ok"]


def test_a_client_that_never_reads_is_let_go(shell: Shell) -> None:
    deaf = shell.client("cli")
    other = shell.client("cli")
    for _ in range(20_000):
        if len(shell.loop._connections) == 1:
            break
        shell.loop._broadcast({"say": "x" * 1_000})
        other.read()
    assert deaf.gone()
    assert other.ask("status")["ok"]


def test_a_slow_client_gets_the_rest_when_it_speaks_again(shell: Shell) -> None:
    slow = shell.client("cli")
    sent = 0
    while not shell.loop._connections[1].wants_to_send:
        shell.loop._broadcast({"say": "long", "x": "x" * 10_000})
        sent += 1
    slow.read()
    slow.ask("status")
    assert sum(body.get("say") == "long" for body in slow.read()) == sent


def test_a_slow_client_that_ends_is_let_go(shell: Shell) -> None:
    slow = shell.client("cli")
    while not shell.loop._connections[1].wants_to_send:
        shell.loop._broadcast({"say": "x" * 10_000})
    slow.sock.close()
    shell.turn()
    assert not shell.loop._connections


def test_what_a_client_asked_after_the_answer_that_found_it_gone_is_not_done(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.started()
    client = shell.client()
    client.read()  # else the kernel throws away what it asked when it ends
    client.send("hello", role="cli")
    client.send("stop", by="nobody")
    client.sock.close()
    heard: list[events.Input] = []
    feed = shell.loop.feed

    def note(event: events.Input) -> None:
        heard.append(event)
        feed(event)

    monkeypatch.setattr(shell.loop, "feed", note)
    shell.turn()
    assert [type(each.message) for each in heard if isinstance(each, events.Requested)] == [control.Hello]
    assert sum(isinstance(each, events.Disconnected) for each in heard) == 1
    assert not shell.loop._connections
    assert shell.loop.state.roles == ()


def test_two_that_end_together_are_let_go_once_each(shell: Shell) -> None:
    """The first one's end is told to the second, which has ended too."""
    shell.plugged = False
    shell.turn()
    daemon, other = shell.client("daemon"), shell.client("cli")
    daemon.attach()
    shell.turn()
    assert shell.loop.state.speaker is Door.DAEMON
    daemon.sock.close()
    other.sock.close()
    shell.loop._broadcast({"say": "anything"})
    assert shell.told("speaker")[-1]["door"] == "pty"
    assert not shell.loop._connections
    assert shell.loop.state.roles == ()


def test_events_since_a_number_are_the_later_ones(shell: Shell) -> None:
    shell.started()
    client = shell.client("cli")
    everything = client.ask("events")["events"]
    assert [event["n"] for event in everything] == list(range(1, len(everything) + 1))
    assert client.ask("events", since=everything[0]["n"])["events"] == everything[1:]


# --- the ledger -----------------------------------------------------------------------------------------------


def test_what_the_ledger_holds_is_counted_in_the_book(shell: Shell) -> None:
    shell.started()
    assert shell.loop.state.commits == ()
    assert shell.loop.state.book.last_seq == len(shell.records) > 0


def test_a_record_the_ledger_could_not_take_locks_out(shell: Shell) -> None:
    shell.writes = False
    shell.started()
    failed = Answer(1, Head(0, HASH0), OpenReport(), LedgerFailed("the disk is full"))
    shell.writer.send(answer_bytes(failed))
    shell.turn()
    assert shell.phase is Phase.LOCKOUT


def test_a_record_nobody_sent_locks_out(shell: Shell) -> None:
    shell.started()
    shell.writer.send(answer_bytes(Answer(99, Head(9, HASH0), OpenReport())))
    shell.turn()
    assert shell.phase is Phase.LOCKOUT


def test_a_writer_that_ends_locks_out_at_once_and_is_watched_no_more(shell: Shell) -> None:
    shell.started()
    shell.writer.close()
    shell.writes = False
    shell.turn()
    assert shell.phase is Phase.LOCKOUT
    assert shell.loop._ledger not in [key.fileobj for key in shell.loop._selector.get_map().values()]


def test_a_ledger_that_does_not_keep_up_locks_out(shell: Shell) -> None:
    shell.writer.close()
    shell.writes = False
    shell.loop.feed(events.Started())
    assert shell.phase is Phase.LOCKOUT


# --- the end --------------------------------------------------------------------------------------------------


def test_the_end_disarms_then_hangs_up_on_everybody_and_leaves_nothing_behind(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.started()
    client = shell.client("daemon")
    door = client.attach()
    shell.loop.feed(events.ClientFrame(Door.DAEMON, DISARM, shell.world.dialect.effect(DISARM)))
    assert shell.loop.state.disarming is not None
    monkeypatch.setattr(shell.loop, "turn", lambda: shell_turn(shell))
    shell.loop.close()
    assert shell.loop.state.disarming is None, "it waited for the device"
    assert client.gone()
    assert door.recv(1 << 16).startswith(b"E")
    assert door.recv(9) == b""
    assert shell.wire is not None
    assert shell.wire.recv(9) == b""
    assert shell.writer.recv(9) == b""
    assert list(shell.folder.iterdir()) == []


def shell_turn(shell: Shell, step_us: int = 10 * MS) -> None:
    """A turn asked for by the loop itself."""
    Watchdog.turn(shell.loop)
    shell.world.clock.advance_to(shell.world.clock.now_us() + step_us)
    shell.answer()


def test_the_end_waits_for_a_silent_device_a_second_and_no_longer(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.answers = False
    shell.turn()
    assert shell.loop.state.disarming is not None
    ended_us = shell.world.clock.now_us()
    monkeypatch.setattr(shell.loop, "turn", lambda: shell_turn(shell, 100 * MS))
    shell.loop.close()
    assert shell.loop.state.disarming is not None
    assert shell.world.clock.now_us() - ended_us == watchdog.LAST_DISARM_US


def test_the_end_without_a_port_is_at_once(shell: Shell) -> None:
    shell.plugged = False
    shell.turn()
    shell.loop.close()
    assert not (shell.folder / "control").exists()
