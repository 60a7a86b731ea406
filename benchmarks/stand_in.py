"""Something to kill in the daemon's place: opens a treatment, arms, beats and keeps alive until it is ended.

`python -m benchmarks.stand_in CONTROL` prints `armed` when the stimulator is ready, so that only what comes after is
measured.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from benchmarks.guarding import Client, demo
from benchmarks.wire import REMOTE, STATUS_BYTES, Line

LEVEL = 50
KEEP_ALIVE_S = 0.2


def main(control: Path) -> None:
    """Runs until it is killed."""
    with Client(control, "daemon") as client:
        line = Line(client.attach().fileno())
        client.open(**demo())
        line.arm(LEVEL)
        print("armed", flush=True)
        while True:
            line.exchange(REMOTE, STATUS_BYTES)
            time.sleep(KEEP_ALIVE_S)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
