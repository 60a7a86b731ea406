r"""The socket at the back of a simulated device: bytes in at a time, bytes out at their times. Sans-io.

The same object stands behind a PTY in real time and behind nothing at all in virtual time::

    port.receive(b"EH\x72", now_us)      # a client wrote this at now_us
    port.due(now_us)                     # what the device has sent by now_us; its physics has moved there too
    port.next_us                         # call due() again then: a byte leaves, or something happens by itself
"""

from __future__ import annotations

import heapq
from collections import deque
from typing import Protocol

from drivers.stimulators import Piece
from simulator.faults import LineFaults
from simulator.world import Happening, Kind, World

BITS_PER_BYTE = 10
"""8N1: start, eight data, stop."""
NEVER_US = 1 << 62
BACKLOG_BYTES = 4096
"""What a client may write ahead of a paced line before it has to wait, as much as a PTY holds."""


class Body(Protocol):
    """A device without its wire."""

    def step_to(self, now_us: int) -> None:
        """Lets everything due by then happen."""

    @property
    def now_us(self) -> int:
        """Where it was last stepped to."""

    @property
    def next_event_us(self) -> int | None:
        """When something happens by itself."""

    @property
    def powered(self) -> bool:
        """Whether it can hear and speak."""


class Wire(Protocol):
    """A device's protocol: bytes to physics, physics to bytes. Knows no time."""

    def split(self, data: bytes) -> list[Piece]:
        """Commands, and what is none, completed by `data`."""

    def answer(self, piece: Piece) -> bytes:
        """Does what `piece` says and returns the reply; empty for silence."""

    def forget(self) -> None:
        """Drops a half frame: the device was switched off."""


class SimulatedPort:
    """One device behind one cable."""

    def __init__(self, body: Body, wire: Wire, world: World, *, baud: int | None = None, latency_us: int = 0) -> None:
        """With `baud` each byte takes its time in both directions; None: no time at all."""
        self._body, self._wire, self._world = body, wire, world
        self._byte_us = BITS_PER_BYTE * 1_000_000 // baud if baud else 0
        self._latency_us = latency_us
        self.faults = LineFaults()
        self.present = True
        """False while the cable is pulled: what is written is lost, nothing comes."""
        self.stalled = False
        """True while the device takes no bytes: a client's writes fill up and block."""
        self.silent = False
        """True while the device hears nothing and says nothing, cable or no cable."""
        self.slow_us = 0
        """Added to every reply."""
        self._arriving: deque[tuple[int, bytes]] = deque()
        self._arriving_bytes = 0
        self._in_free_us = self._out_free_us = body.now_us
        self._replies: list[tuple[int, int, bytes]] = []
        self._reply_count = 0
        self._leaving: deque[tuple[int, bytes]] = deque()

    # ── the three calls of a shell ──────────────────────────────────────────────────────────────────────────────────

    def receive(self, data: bytes, now_us: int) -> None:
        """A client wrote `data` at `now_us`. What does not fit into the backlog is lost, as on a serial line."""
        self.advance_to(now_us)
        if not self.present:
            return
        data = data[: self.room]
        self._arriving_bytes += len(data)
        if self._byte_us:
            for n in range(len(data)):
                self._in_free_us = max(self._in_free_us, now_us) + self._byte_us
                self._arriving.append((self._in_free_us, data[n : n + 1]))
        elif data:
            self._arriving.append((now_us, data))
        self.advance_to(now_us)

    def due(self, now_us: int) -> bytes:
        """Moves everything to `now_us` and returns what the device has sent since it was last asked."""
        self.advance_to(now_us)
        sent = bytearray()
        while self._leaving and self._leaving[0][0] <= now_us:
            sent += self._leaving.popleft()[1]
        return bytes(sent)

    def advance_to(self, now_us: int) -> None:
        """Moves device and line to `now_us`, in the order of time: what happens by itself, what arrives, what leaves.

        A time in the past moves nothing: some shells look at the clock once for several calls.
        """
        while (at_us := self._next_inside_us()) <= now_us:
            self._body.step_to(max(at_us, self._body.now_us))
            while self._arriving and self._arriving[0][0] <= at_us:
                _, data = self._arriving.popleft()
                self._arriving_bytes -= len(data)
                self._hear(data)
            while self._replies and self._replies[0][0] <= at_us:
                self._send(at_us, heapq.heappop(self._replies)[2])
        self._body.step_to(max(now_us, self._body.now_us))

    @property
    def next_us(self) -> int | None:
        """When `due` has something to do again; None: only after the next `receive`."""
        next_us = min(self._next_inside_us(), self._leaving[0][0] if self._leaving else NEVER_US)
        return None if next_us == NEVER_US else next_us

    @property
    def room(self) -> int:
        """Bytes that `receive` would take now. A shell reads no more than that, so that its client waits."""
        return 0 if self.stalled else max(0, BACKLOG_BYTES - self._arriving_bytes)

    # ── inside ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _next_inside_us(self) -> int:
        event_us = self._body.next_event_us
        return min(
            self._arriving[0][0] if self._arriving else NEVER_US,
            self._replies[0][0] if self._replies else NEVER_US,
            NEVER_US if event_us is None else event_us,
        )

    def _hear(self, data: bytes) -> None:
        if self.silent:
            return
        if not self._body.powered:
            self._wire.forget()
            return
        now_us = self._body.now_us
        for piece in self._wire.split(data):
            if self.faults.swallows(piece.data):
                continue
            reply = self._wire.answer(piece)
            if reply:
                for at_us, sent in self.faults.carry(piece.data, reply, now_us + self._latency_us + self.slow_us):
                    self._reply_count += 1
                    heapq.heappush(self._replies, (at_us, self._reply_count, sent))

    def _send(self, at_us: int, reply: bytes) -> None:
        if not self._byte_us:
            self._leaving.append((at_us, reply))
            return
        for n in range(len(reply)):
            self._out_free_us = max(self._out_free_us, at_us) + self._byte_us
            self._leaving.append((self._out_free_us, reply[n : n + 1]))

    # ── the cable ───────────────────────────────────────────────────────────────────────────────────────────────────

    def pull(self) -> None:
        """Pulls the cable: bytes on their way are gone, the device goes on, half a frame in its parser included."""
        if self.present:
            for queue in (self._arriving, self._leaving, self._replies):
                queue.clear()
            self._arriving_bytes = 0
            self.present = False
            self._world.happened(Happening(self._body.now_us, Kind.CABLE, note="pulled"))

    def plug(self) -> None:
        """Plugs it in again."""
        if not self.present:
            self.present = True
            self._world.happened(Happening(self._body.now_us, Kind.CABLE, note="plugged in"))

    def restore(self) -> None:
        """A good cable, and a device that listens and answers."""
        self.faults.clear()
        self.silent = self.stalled = False
        self.slow_us = 0
        self.plug()
