"""What a room offers to the world outside: the cables of its tracker and of its arm's controller, for one loop."""

from __future__ import annotations

import select
from pathlib import Path
from typing import Protocol

from drivers.errors import PortBusy
from drivers.polaris.reports import NO_FAULT, SystemStatus
from simulator.room import Room
from simulator.tracking import SimulatedTracker
from simulator.wires.polaris import PolarisWire, Sights
from simulator.wires.polaris_serving import PolarisPty, PolarisTcp
from simulator.wires.ur.ports import UrPorts


class Service(Protocol):
    """A wire that a shell drives. Nothing of it waits."""

    @property
    def next_us(self) -> int | None:
        """When to turn again; None: when a descriptor shows up, or when the room has moved."""
        ...

    def watch(self, epoll: select.epoll) -> None:
        """Registers what wakes it, once."""
        ...

    def wake(self, fd: int) -> None:
        """A descriptor showed up; one that is not its own is left alone."""
        ...

    def turn(self, now_us: int) -> None:
        """Moves bytes."""
        ...

    def close(self) -> None:
        """Takes its names and sockets away."""
        ...


class PolarisEye:
    """What a Polaris has ready: the tracker's newest frame."""

    def __init__(self, tracker: SimulatedTracker) -> None:
        self._tracker = tracker

    def sights(self, at_us: int) -> Sights:
        """The newest frame that is ready by then."""
        self._tracker.step_to(at_us)
        frame = self._tracker.newest
        if frame is None:
            return Sights(0)
        fault = SystemStatus[frame.fault.upper().replace("-", "_")] if frame.fault else NO_FAULT
        return Sights(frame.number, frame.tools, fault)


class TrackerCables:
    """One Polaris on a serial line and on Ethernet at once, until somebody pulls both."""

    def __init__(self, room: Room, link: Path, host: str, tcp_port: int, *, paced: bool) -> None:
        """PortBusy when another has the address."""
        self._room, self._link, self._paced = room, link, paced
        self._address = host, tcp_port
        self._epoll: select.epoll | None = None
        self._cables: tuple[PolarisPty, PolarisTcp] | None = None
        self._plug()

    @property
    def next_us(self) -> int | None:
        """When a reply leaves."""
        due = [cable.next_us for cable in self._cables or ()]
        return min((each for each in due if each is not None), default=None)

    def watch(self, epoll: select.epoll) -> None:
        """Registers both cables, also those plugged in later."""
        self._epoll = epoll
        for cable in self._cables or ():
            cable.watch(epoll)

    def wake(self, fd: int) -> None:
        """Bytes, or a client."""
        for cable in self._cables or ():
            if fd in cable.descriptors:
                cable.wake(fd)

    def turn(self, now_us: int) -> None:
        """Plugs in or pulls out what the room says, then reads, answers, writes."""
        if self._room.tracker_plugged and not self._cables:
            self._plug()
        elif self._cables and not self._room.tracker_plugged:
            self.close()
        for cable in self._cables or ():
            cable.turn(now_us)

    def close(self) -> None:
        """Clients get a hang-up, the names are gone."""
        for cable in self._cables or ():
            cable.close()
        self._cables = None

    def _plug(self) -> None:
        eye, clock = PolarisEye(self._room.tracker), self._room.world.clock
        model = self._room.tracker_model
        try:
            tcp = PolarisTcp(PolarisWire(eye, clock.now_us, model, serial=False), *self._address)
        except OSError as error:
            raise PortBusy(f"no tracker at {self._address}: {error}; give it another loopback address") from error
        self._address = tcp.address
        pty = PolarisPty(PolarisWire(eye, clock.now_us, model), self._link, paced=self._paced)
        for cable in (pty, tcp):
            cable.port.wire.reset()  # its power had gone with them
        self._cables = pty, tcp
        host, number = self._address
        self._room.ports |= {"tracker": f"pty:{self._link}", "tracker_tcp": f"tcp:{host}:{number}"}
        if self._epoll:
            self.watch(self._epoll)


class ArmPorts:
    """The five ports of the arm's controller. From here on its ticks talk to whoever is connected."""

    def __init__(self, room: Room, host: str) -> None:
        """PortBusy when another controller has the address."""
        self._ports = UrPorts(room.controller, host)
        room.tick = self._ports.advance
        room.ports["arm"] = host
        self.next_us = None

    def watch(self, epoll: select.epoll) -> None:
        """All ports hide behind one descriptor."""
        epoll.register(self._ports.fileno(), select.EPOLLIN)

    def wake(self, fd: int) -> None:
        """Takes what clients want."""
        if fd == self._ports.fileno():
            self._ports.wake()

    def turn(self, now_us: int) -> None:
        """Nothing: what there is to say is said by each tick."""

    def close(self) -> None:
        """Hangs up on everybody."""
        self._ports.close()
