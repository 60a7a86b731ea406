"""A simulated Polaris as a process of its own: some clients of others hold the interpreter while they wait.

    python tests/simulator/polaris_process.py FOLDER MODEL

serves FOLDER/tracker (a serial line) and a free TCP port, and prints `ready PORT` once both can be opened. Its head
moves 1 mm a frame along x; its frames are 1/60 s apart. Ends with its standard input.
"""

from __future__ import annotations

import contextlib
import os
import select
import sys
import time
from pathlib import Path

from drivers.poses import Pose
from drivers.trackers import Missing, Sight, Tool
from simulator.wires.polaris import PolarisWire, Sights
from simulator.wires.polaris_serving import PolarisPty, PolarisTcp
from simulator.wires.polaris_tools import write_tool_files

PERIOD_US = 16_667
IDLE_S = 0.5
PRIORITY = -10
"""Nice value. ndicapi gives a serial unit 0.2 s to answer its first probe and cannot be told otherwise."""


class MovingHead:
    """Three tools: a head that moves, a coil that stands, a pointer that is hidden."""

    def __init__(self) -> None:
        self.started_us = now_us()

    def sights(self, at_us: int) -> Sights:
        frame = 100 + (at_us - self.started_us) // PERIOD_US
        head = Sight(Pose.turned((0, 0, 0.5), (0.001 * (frame % 100), 0.02, -1.5)), 0.0001)
        coil = Sight(Pose.turned((0.1, 0, 0), (0.05, 0.1, -1.4)), 0.0002)
        return Sights(
            frame, {Tool.HEAD: head, Tool.COIL: coil, Tool.POINTER: Sight(None, missing=Missing.OUT_OF_VOLUME)}
        )


def now_us() -> int:
    return time.monotonic_ns() // 1000


def serve(folder: Path, model: str) -> None:
    with contextlib.suppress(PermissionError):  # who is not root waits for the processor like everybody
        os.setpriority(os.PRIO_PROCESS, 0, PRIORITY)
    eye = MovingHead()
    write_tool_files(folder)
    epoll = select.epoll()
    line = PolarisPty(PolarisWire(eye, now_us, model), folder / "tracker")
    ether = PolarisTcp(PolarisWire(eye, now_us, model, serial=False), tcp_port=0)
    services = (line, ether)
    for service in services:
        service.watch(epoll)
    epoll.register(sys.stdin.fileno(), select.EPOLLIN | select.EPOLLHUP)
    print("ready", ether.address[1], flush=True)
    try:
        while True:
            due = [each.next_us for each in services if each.next_us is not None]
            wait_s = min(IDLE_S, max(0, min(due) - now_us()) / 1e6) if due else IDLE_S
            select.select([epoll], [], [], wait_s)
            for fd, _ in epoll.poll(0):
                if fd == sys.stdin.fileno() and not os.read(fd, 64):
                    return
                for service in services:
                    if fd in service.descriptors:
                        service.wake(fd)
            for service in services:
                service.turn(now_us())
    finally:
        for service in services:
            service.close()
        epoll.close()


if __name__ == "__main__":
    serve(Path(sys.argv[1]), sys.argv[2])
