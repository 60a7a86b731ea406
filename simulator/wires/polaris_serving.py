"""The cable of a simulated Polaris: a serial line with its speed, or a TCP connection.

`PolarisPort` is sans-io: bytes in at a time, bytes out at their times. `PolarisPty` and `PolarisTcp` put one behind a
pseudo-terminal and behind a socket, for a shell that turns them::

    service.watch(epoll)          # once
    service.wake(fd)              # its descriptor showed up
    service.turn(now_us)          # moves bytes; never waits
    service.next_us               # turn again then; None: when a descriptor shows up
    service.close()
"""

from __future__ import annotations

import contextlib
import errno
import select
import socket
import termios
from collections import deque
from pathlib import Path
from typing import Final

from drivers.polaris.models import TCP_PORT
from simulator.faults import LineFaults
from simulator.pty_port import CHUNK_BYTES, PtyPort
from simulator.wires.polaris import PolarisWire

BITS_PER_BYTE: Final = 10
ANSWER_US: Final = 300
"""From the last byte of a command to the first of its reply (engineering choice, within one frame of any model)."""
BACKLOG_REPLIES: Final = 64
"""Replies that may wait for a client that does not read; the next ones are lost, as on a serial line."""
_GONE: Final = {errno.ECONNRESET, errno.EPIPE, errno.ETIMEDOUT}
_SPEEDS: Final = {getattr(termios, f"B{baud}"): baud for baud in (9600, 19200, 38400, 57600, 115200, 230400, 921600)}


class PolarisPort:
    """One unit behind one cable. Sans-io."""

    def __init__(self, wire: PolarisWire, *, paced: bool = True) -> None:
        """`paced` lets each byte take its time at the unit's baud, and spoils what comes at another baud."""
        self.wire: Final = wire
        self.faults = LineFaults()
        self.silent = False
        """True while the unit hears nothing and says nothing."""
        self._paced = paced
        self._free_us = 0
        self._leaving: deque[tuple[int, bytes]] = deque()

    def receive(self, data: bytes, now_us: int, baud: int | None = None) -> None:
        """A client wrote `data`, its own line at `baud`; None: as the unit's."""
        if self.silent:
            return
        for line in self.wire.split(self._spoiled(data, baud)):
            if self.faults.swallows(line):
                continue
            byte_us = BITS_PER_BYTE * 1e6 / self.wire.baud if self._paced else 0.0
            if reply := self.wire.answer(line):
                heard_us = max(now_us, self._free_us) + round(len(line) * byte_us) + ANSWER_US
                for at_us, sent in self.faults.carry(line, reply, heard_us):
                    self._send(at_us + round(len(sent) * byte_us), sent)

    def hear_break(self, now_us: int) -> None:
        """A BREAK: the unit resets, and says so at its first baud."""
        self._leaving.clear()
        self._send(now_us + ANSWER_US, self.wire.reset())

    def due(self, now_us: int) -> bytes:
        """What has left the unit by then."""
        sent = bytearray()
        while self._leaving and self._leaving[0][0] <= now_us:
            sent += self._leaving.popleft()[1]
        return bytes(sent)

    @property
    def next_us(self) -> int | None:
        """When `due` has something; None: only after the next `receive`."""
        return self._leaving[0][0] if self._leaving else None

    def hang_up(self) -> None:
        """The client has gone: half a line and what was on its way are lost; the unit stays as it was."""
        self.wire.forget()
        self._leaving.clear()

    def _send(self, at_us: int, reply: bytes) -> None:
        if len(self._leaving) < BACKLOG_REPLIES:
            self._free_us = max(at_us, self._free_us)
            self._leaving.append((self._free_us, reply))

    def _spoiled(self, data: bytes, baud: int | None) -> bytes:
        if not self._paced or baud is None or baud == self.wire.baud:
            return data
        return bytes(byte | 0x80 for byte in data)  # framing errors: nothing that was meant


class PolarisPty:
    """A serial line: a pseudo-terminal with a link to it. A BREAK does not cross it: `port.hear_break` is the way."""

    def __init__(self, wire: PolarisWire, link: Path, *, paced: bool = True) -> None:
        """OperatorError when something stands where the link goes."""
        self.port: Final = PolarisPort(wire, paced=paced)
        self._pty = PtyPort(link)
        self.link: Final = link

    @property
    def descriptors(self) -> tuple[int, ...]:
        """What `wake` may be called with."""
        return (self._pty.fileno(),)

    def watch(self, epoll: select.epoll) -> None:
        """Registers what wakes it."""
        epoll.register(self._pty, select.EPOLLIN)

    def wake(self, fd: int) -> None:
        """A descriptor showed up; another's is left alone."""
        if fd == self._pty.fileno():
            self._pty.wake()

    def turn(self, now_us: int) -> None:
        """Reads, answers, writes."""
        while data := self._pty.read(CHUNK_BYTES):
            self.port.receive(data, now_us, self._baud())
        self._pty.write(self.port.due(now_us))

    @property
    def next_us(self) -> int | None:
        """When to turn again."""
        return self.port.next_us

    def close(self) -> None:
        """Takes link and terminal away."""
        self._pty.close()

    def _baud(self) -> int:
        """The client's own speed: the master sees what was set at the other end."""
        return _SPEEDS.get(termios.tcgetattr(self._pty.master)[4], 0)


class PolarisTcp:
    """The unit on Ethernet: one client at a time, the next one is let go at once."""

    def __init__(self, wire: PolarisWire, host: str = "127.0.0.1", tcp_port: int = TCP_PORT) -> None:
        """OSError when the address is taken; port 0 takes any that is free."""
        self.port: Final = PolarisPort(wire, paced=False)
        self._listening = socket.create_server((host, tcp_port), backlog=4)
        self._listening.setblocking(False)
        self._client: socket.socket | None = None
        self._epoll: select.epoll | None = None
        self._unsent = b""

    @property
    def address(self) -> tuple[str, int]:
        """Host and port it listens on."""
        host, number = self._listening.getsockname()[:2]
        return str(host), int(number)

    @property
    def descriptors(self) -> tuple[int, ...]:
        """What `wake` may be called with; changes with the client."""
        own = (self._listening.fileno(),)
        return own if self._client is None else (*own, self._client.fileno())

    def watch(self, epoll: select.epoll) -> None:
        """Registers what wakes it, and its clients as they come."""
        self._epoll = epoll
        epoll.register(self._listening.fileno(), select.EPOLLIN)

    def wake(self, fd: int) -> None:
        """A client knocks; what a connected one sends is read by `turn`."""
        if fd == self._listening.fileno():
            with contextlib.suppress(BlockingIOError):  # it hung up before it was let in
                self._admit(self._listening.accept()[0])

    def _admit(self, client: socket.socket) -> None:
        if self._client is not None:
            client.close()
            return
        client.setblocking(False)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._client = client
        if self._epoll is not None:
            self._epoll.register(client.fileno(), select.EPOLLIN)

    def turn(self, now_us: int) -> None:
        """Reads, answers, writes."""
        while self._client is not None and (data := self._read(self._client)):
            self.port.receive(data, now_us)
        if self._client is not None:
            self._write(self._client, self._unsent + self.port.due(now_us))

    def _read(self, client: socket.socket) -> bytes:
        """What the client sent; empty when nothing waits, or when it has just gone."""
        data = b""
        try:
            data = client.recv(CHUNK_BYTES)
        except BlockingIOError:
            return b""
        except OSError as error:
            if error.errno not in _GONE:
                raise
        if not data:
            self.drop()
        return data

    def _write(self, client: socket.socket, data: bytes) -> None:
        try:
            self._unsent = data[client.send(data) :][-CHUNK_BYTES:] if data else b""
        except BlockingIOError:
            self._unsent = data[-CHUNK_BYTES:]
        except OSError as error:
            if error.errno not in _GONE:
                raise
            self.drop()

    @property
    def next_us(self) -> int | None:
        """When to turn again."""
        return self.port.next_us

    def drop(self) -> None:
        """Ends the connection, as when the network cable is pulled for long; the unit goes on as it was."""
        if self._client is not None:
            self._client.close()  # leaves the epoll by itself
            self._client = None
        self._unsent = b""
        self.port.hang_up()

    def close(self) -> None:
        """Ends the connection and listens no more."""
        self.drop()
        self._listening.close()
