"""Real time for a simulated stimulator, or for a whole room: one loop over PTYs, sockets, back door and next event."""

from __future__ import annotations

import select
import signal
import socket
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from simulator.bench import Bench
from simulator.control import BackDoor
from simulator.pty_port import PtyPort
from simulator.room import Room
from simulator.services import Service

CATCH_UP_US = 20_000
"""How much a room that is behind does before its cables are looked after; an engineering choice."""
IDLE_S = 1.0
"""Longest sleep when nothing is due: none of it is needed, a loop that turns is easier to trust."""


class Shell:
    """`run` serves `RUNTIME/sim` until it is stopped."""

    def __init__(self, served: Bench | Room, folder: Path, services: Sequence[Service] = ()) -> None:
        """Everything listens when this returns. `services` are further cables, closed by whoever opened them."""
        self._served = served
        self._bench = served if isinstance(served, Bench) else served.bench
        self._services = services
        self._clock = served.world.clock
        self._link = folder / "stimulator"
        self._epoll = select.epoll()
        self._stopping = False
        self._parent: int | None = None
        self._wake, self._woken = socket.socketpair()
        self._wake.setblocking(False)
        self._epoll.register(self._woken, select.EPOLLIN)
        self._pty: PtyPort | None = None
        self._door = BackDoor(folder / "control", served, self._epoll)
        for service in services:
            service.watch(self._epoll)
        self._follow_cable()

    @property
    def link(self) -> Path:
        """Where clients find the device."""
        return self._link

    def stop_on(self, *signals: signal.Signals) -> None:
        """Ends `run` on any of these."""
        signal.set_wakeup_fd(self._wake.fileno())
        for number in signals:
            signal.signal(number, self._stop)

    def stop_at_end_of(self, fd: int) -> None:
        """Ends `run` when the other end of the pipe `fd` closes."""
        self._epoll.register(fd, 0)
        self._parent = fd

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True

    def run(self) -> None:
        """Serves until a signal, or the parent's end."""
        while not self._stopping:
            self._turn()
            for fd, events in self._wait():
                if self._pty and fd == self._pty.fileno():
                    self._pty.wake()
                elif fd == self._parent:
                    self._stopping = bool(events & (select.EPOLLHUP | select.EPOLLERR))
                else:
                    self._door.wake(fd)
                    for service in self._services:
                        service.wake(fd)

    def _turn(self) -> None:
        self._follow_cable()
        self._served.catch_up(CATCH_UP_US)
        port, pty = self._bench.port, self._pty
        while pty and (data := pty.read(port.room)):
            port.receive(data, self._clock.now_us())
        sent = port.due(self._clock.now_us())
        if pty:
            pty.write(sent)
        for service in self._services:
            service.turn(self._clock.now_us())

    def _follow_cable(self) -> None:
        if self._bench.port.present and not self._pty:
            self._pty = PtyPort(self._link)
            self._epoll.register(self._pty, select.EPOLLIN)
        elif self._pty and not self._bench.port.present:
            self._pty.close()
            self._pty = None

    def _wait(self) -> list[tuple[int, int]]:
        """Sleeps to the microsecond: `epoll` itself only counts in milliseconds, `select` on it does better."""
        due = [self._served.next_us, self._bench.port.next_us, *(service.next_us for service in self._services)]
        next_us = min((each for each in due if each is not None), default=None)
        timeout_s = IDLE_S if next_us is None else min(IDLE_S, max(0, next_us - self._clock.now_us()) / 1e6)
        select.select([self._epoll], [], [], timeout_s)
        return self._epoll.poll(0)

    def close(self) -> None:
        """Takes link, PTY and socket away."""
        if self._pty:
            self._pty.close()
        self._door.close()
        signal.set_wakeup_fd(-1)
        self._epoll.close()
        self._wake.close()
        self._woken.close()
