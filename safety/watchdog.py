"""The loop: bytes, sockets and clocks in; the gate decides; its actions are carried out in their order.

One thread, one `select`, nothing that blocks. Everything arrives through `turn`, whose body is a function of the
time and of what is ready.
"""

from __future__ import annotations

import secrets
import selectors
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, assert_never

from drivers.errors import WireError
from drivers.ports import Port, open_port
from drivers.stimulators import PieceKind
from safety import connections, control, events, gate, ledger_link
from safety.clock import Clock
from safety.doors import READ_BYTES, HalfFrames, PtyDoor, SocketDoor, together
from safety.events import Door
from safety.instant import Instant
from safety.state import Phase, Room, State

EVENTS_KEPT = 512
LAST_DISARM_US = 1_000_000
"""How long the end waits for a device that does not confirm its disarming (engineering choice: an armed one that
nobody speaks to any more lapses after as long)."""
PORT_RETRY_US = 1_000_000
"""How often an absent stimulator is looked for (design: an absent port is no trip)."""
BREATH_S = 0.002
"""Rest after a turn in which a client filled a whole reading: a flood must not keep a core busy, because the kernel
ends a real-time process that never rests (`realtime.SPIN_LIMIT_US`). A disarm is late by no more than this."""
MAX_UNWRITTEN_BYTES = 64
"""More than two frames the port does not take: it is blocked, and a blocked port is a lost one."""


def _not_written(action: events.Action) -> bool:
    """Whether it can wait for the stimulator's bytes. A trigger's reservation was made durable in an earlier step."""
    return not isinstance(action, events.Write)


class Watchdog:
    """Owns the stimulator's port, both doors, the control socket and the ledger's link."""

    def __init__(
        self, room: Room, state: State, port_url: str, runtime: Path, ledger: ledger_link.LedgerLink, *, clock: Clock
    ) -> None:
        self.room = room
        self.state = state
        self.now = clock.now
        self.running = True
        self._url = port_url
        self._ledger = ledger
        self._clock = clock
        timing = room.limits.timing
        self._trigger_effect = room.dialect.effect(room.dialect.trigger)
        self._replies = HalfFrames(room.dialect.reply_reader(), timing.exchange_us)
        self._port: Port | None = None
        self._unwritten = b""
        self._port_tried_us = -PORT_RETRY_US
        self._daemon = SocketDoor(room.dialect, timing.half_frame_us)
        self._pty = PtyDoor(room.dialect, timing.half_frame_us, runtime / "stimulator")
        self._pty_open = False
        self._door_holder = 0
        self._control = runtime / "control"
        self._server = connections.listen(self._control)
        self._connections: dict[int, connections.Connection] = {}
        self._connection_number = 0
        self._events: deque[dict[str, Any]] = deque(maxlen=EVENTS_KEPT)
        self._event_number = 0
        self._nonce_us = 0
        self._flooded = False
        self._selector = selectors.DefaultSelector()
        self._watch(self._server, self._accept)
        self._watch(ledger, self._ledger_spoke)

    # --- the loop ---------------------------------------------------------------------------------------------

    def run(self, after_each_turn: Callable[[], None]) -> None:
        """Turns until `running` is false."""
        self.feed(events.Started())
        while self.running:
            self.turn()
            after_each_turn()

    def turn(self) -> None:
        """Waits until something is ready or the gate wants to be asked, and handles it."""
        now = self.now()
        wake_us = gate.next_wake_us(self.state, now.us)
        ready = self._selector.select(max(wake_us - now.us, 0) / 1e6)
        woken = self.now()
        for key, _ in ready:
            key.data()
        self._housekeeping(self.now())
        if self._flooded:
            self._flooded = False
            time.sleep(BREATH_S)
        if self.state.seen_us < woken.us:  # what came was no event yet, half a line perhaps: time passes all the same
            self.feed(events.Tick())
        if not ready and self.state.phase is Phase.ARMED and self.state.speaker is not None:
            self._rehearse(self.state.speaker)

    def _rehearse(self, speaker: Door) -> None:
        """Asks the gate in an idle turn what follows from a trigger, and forgets it. The gate is pure, so nothing does;
        but what judges lies in the processor's cache when a trigger comes, which halves the wait for its verdict.
        """
        trigger = self.room.dialect.trigger
        gate.step(self.room, self.state, events.ClientFrame(speaker, trigger, self._trigger_effect), self.now())

    def feed(self, event: events.Input) -> None:
        """One step of the gate, and what follows from it; the stimulator's bytes go before words."""
        self.state, actions = gate.step(self.room, self.state, event, self.now(), self._carry_out)
        for action in sorted(actions, key=_not_written):
            self._carry_out(action)

    def _housekeeping(self, now: Instant) -> None:
        if now.us - self._nonce_us >= self.room.limits.timing.nonce_every_us:
            self._nonce_us = now.us
            self.feed(events.NewNonce(secrets.token_hex(16)))
        if self._port is None and now.us - self._port_tried_us >= PORT_RETRY_US:
            self._port_tried_us = now.us
            self._open_port()
        if not self._pty_open and self._pty.has_client():
            self._pty_open = True
            self._watch(self._pty, self._pty_spoke)
            self.feed(events.DoorOpened(Door.PTY))
        self._flush_port()
        known = dict(self.state.roles)
        for connection in list(self._connections.values()):
            if connection.number not in known and now.us - connection.since_us > connections.NAMELESS_US:
                self._let_go(connection)
        for door in (self._daemon, self._pty):
            if door.frames.drop_if_old(now.us):
                self._tell({"kind": "half-frame-dropped", "at_us": now.us, "wall_us": now.wall_us})
        self._replies.drop_if_old(now.us)
        ahead_us = self._clock.stepped()
        if ahead_us is not None:
            self._tell({"kind": "clock-stepped", "at_us": now.us, "wall_us": now.wall_us, "ahead_us": ahead_us})

    # --- actions ----------------------------------------------------------------------------------------------

    def _carry_out(self, action: events.Action) -> None:
        match action:
            case events.Write():
                self._write(action.frame)
            case events.Reply():
                (self._daemon if action.door is Door.DAEMON else self._pty).write(action.data)
            case events.Commit():
                failed = self._ledger.send(action.token, action.record)
                if failed is not None:
                    self.feed(events.CommitFailed(failed.why))
            case events.Answer():
                self._answer(action)
            case events.Tell():
                self._tell(action.body)
            case events.Push():
                self._broadcast({"say": "status", **action.body})
            case _:
                assert_never(action)

    def _write(self, frame: bytes) -> None:
        if self._port is None:
            return
        self._unwritten += frame
        self._flush_port()

    def _flush_port(self) -> None:
        if self._port is None or not self._unwritten:
            return
        try:
            self._unwritten = self._unwritten[self._port.write(self._unwritten) :]
        except WireError as error:
            self._port_lost(self._port, str(error))
            return
        if len(self._unwritten) > MAX_UNWRITTEN_BYTES:
            self._port_lost(self._port, "the port takes no more bytes; check flow control and cable")

    def _answer(self, action: events.Answer) -> None:
        connection = self._connections.get(action.connection)
        if connection is None:
            return
        line = connections.line({"re": action.request_id, **action.body})
        if not action.hand_over_door:
            self._send(connection, line)
            return
        with self._daemon.open() as theirs:
            sent = connection.send(line, theirs)
        if not sent:
            self._daemon.close()
            self._let_go(connection)
            return
        self._door_holder = connection.number
        self._watch(self._daemon, self._daemon_spoke)
        self.feed(events.DoorOpened(Door.DAEMON))

    def _tell(self, body: dict[str, Any]) -> None:
        self._event_number += 1
        event = {"say": "event", "n": self._event_number, **body}
        self._events.append(event)
        self._broadcast(event)

    def _broadcast(self, body: dict[str, Any]) -> None:
        line = connections.line(body)
        for connection in list(self._connections.values()):
            self._send(connection, line)

    def _send(self, connection: connections.Connection, line: bytes) -> None:
        if not connection.send(line):
            self._let_go(connection)

    # --- what is ready ----------------------------------------------------------------------------------------

    def _open_port(self) -> None:
        try:
            self._port = open_port(self._url)
        except WireError:
            return  # absent: said in the status, looked for again in a second
        self._unwritten = b""
        self._replies.clear()
        self._watch(self._port, self._device_spoke)
        self.feed(events.PortFound())

    def _device_spoke(self) -> None:
        if self._port is None:
            return
        try:
            data = self._port.read()
        except WireError as error:
            self._port_lost(self._port, str(error))
            return
        for piece in self._replies.feed(data, self.now().us):
            if piece.kind is PieceKind.FRAME:
                self.feed(events.DeviceReply(piece.data, self.room.dialect.reading(piece.data)))
            else:
                self.feed(events.DeviceNoise(piece.data))

    def _port_lost(self, port: Port, why: str) -> None:
        self._port = None
        self._selector.unregister(port)
        port.close()
        self._unwritten = b""
        self.feed(events.PortLost(why))

    def _daemon_spoke(self) -> None:
        if self._daemon.fileno() < 0:
            return  # it ended with its connection, which the same select had found ready too
        data = self._daemon.read()
        if data is None:
            self._close_daemon_door()
        else:
            self._client_spoke(Door.DAEMON, self._daemon.frames, data)

    def _close_daemon_door(self) -> None:
        self._selector.unregister(self._daemon)
        self._daemon.close()
        self.feed(events.DoorClosed(Door.DAEMON))

    def _pty_spoke(self) -> None:
        data = self._pty.read()
        if data is None:
            self._selector.unregister(self._pty)
            self._pty_open = False
            self._pty.hung_up()
            self.feed(events.DoorClosed(Door.PTY))
        else:
            self._client_spoke(Door.PTY, self._pty.frames, data)

    def _client_spoke(self, door: Door, frames: HalfFrames, data: bytes) -> None:
        self._flooded |= len(data) == READ_BYTES
        for piece in together(frames.feed(data, self.now().us)):
            if piece.kind is PieceKind.FRAME:
                self.feed(events.ClientFrame(door, piece.data, self.room.dialect.effect(piece.data)))
            else:
                self.feed(events.ClientNoise(door, piece.data))

    def _ledger_spoke(self) -> None:
        for said in self._ledger.receive():
            if isinstance(said, events.Committed):
                self.feed(said)
            else:
                self.feed(events.CommitFailed(said.why))
                if said.token == 0:
                    self._selector.unregister(self._ledger)

    def _accept(self) -> None:
        try:
            sock, _ = self._server.accept()
        except OSError:
            return
        if len(self._connections) >= connections.MAX_CONNECTIONS:
            sock.close()
            return
        self._connection_number += 1
        connection = connections.Connection(self._connection_number, sock, self.now().us)
        self._connections[connection.number] = connection
        self._watch(connection, lambda: self._connection_spoke(connection))

    def _connection_spoke(self, connection: connections.Connection) -> None:
        if connection.wants_to_send and not connection.flush():
            self._let_go(connection)
            return
        lines = connection.lines()
        self._flooded |= connection.flooding
        for line in lines or ():
            if connection.number in self._connections:  # an answer that could not be sent has ended it
                self._line(connection, line)
        if lines is None:
            self._let_go(connection)

    def _line(self, connection: connections.Connection, line: bytes) -> None:
        try:
            request_id, message = control.parse(line)
        except control.MalformedMessage as wrong:
            body = {"re": wrong.request_id, "ok": False, "reason": "malformed-message", "detail": {"why": str(wrong)}}
            self._send(connection, connections.line(body))
            return
        if isinstance(message, control.Events):
            kept = [event for event in self._events if event["n"] > message.since]
            self._send(connection, connections.line({"re": request_id, "ok": True, "events": kept}))
            return
        self.feed(events.Requested(connection.number, request_id, message, connection.uid))

    def _let_go(self, connection: connections.Connection) -> None:
        if self._connections.pop(connection.number, None) is None:
            return
        self._selector.unregister(connection)
        connection.close()
        if connection.number == self._door_holder and self._daemon.fileno() >= 0:
            self._close_daemon_door()  # its door ends with it, whoever else still has the other end
        self.feed(events.Disconnected(connection.number))

    def _watch(self, what: Any, then: Callable[[], None]) -> None:
        self._selector.register(what, selectors.EVENT_READ, then)

    def close(self) -> None:
        """Ends in order: the device disarmed, if it answers, then links, doors, ledger."""
        self.feed(events.Requested(0, 0, control.Stop(by="watchdog")))
        give_up_us = self.now().us + LAST_DISARM_US
        while self.state.disarming is not None and self.now().us < give_up_us:
            self.turn()
        self._pty.close()
        self._daemon.close()
        for connection in list(self._connections.values()):
            connection.close()
        self._control.unlink(missing_ok=True)
        self._server.close()
        if self._port is not None:
            self._port.close()
        self._ledger.close()
        self._selector.close()
