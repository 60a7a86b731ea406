"""A wire with a clock: stands between the watchdog and the device, and says when each byte came past.

`python -m benchmarks.tap LINK DEVICE` makes a pseudo-terminal at LINK, passes everything on to and from DEVICE, and
prints `CLOCK_MONOTONIC in ns, direction, bytes in hex` for what it saw, one line each.
"""

from __future__ import annotations

import os
import select
import sys
import tty
from pathlib import Path

from benchmarks.clock import now_ns, real_time


def main(link: Path, device: Path) -> None:
    """Passes on until it is killed."""
    master, slave = os.openpty()
    tty.setraw(slave)
    far = os.open(device, os.O_RDWR | os.O_NOCTTY)
    tty.setraw(far)
    link.unlink(missing_ok=True)
    link.symlink_to(os.ttyname(slave))
    print("ready", flush=True)
    with real_time(20):  # above the watchdog: what is measured is when its bytes arrive
        while True:
            ready, _, _ = select.select([master, far], [], [])
            for near, other, way in ((master, far, "out"), (far, master, "in")):
                if near in ready:
                    data = os.read(near, 4096)
                    at = now_ns()
                    os.write(other, data)
                    print(at, way, data.hex(), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
