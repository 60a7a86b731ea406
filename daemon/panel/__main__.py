"""`coilward-panel`: the operator's page, and the way from a browser to the room."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from daemon.config import Site, load_site
from daemon.panel.server import panel
from daemon.panel.told import say
from daemon.runtime import Runtime
from drivers.errors import CoilwardError
from drivers.runtime import RULE, default_runtime
from safety.realtime import Notifier

TURN_S: Final = 1.0


def main() -> int:
    """Serves until SIGTERM or SIGINT. Exit codes: 0 ended, 1 cannot run, 2 usage."""
    parser = argparse.ArgumentParser(prog="coilward-panel", description=__doc__)
    parser.add_argument("--runtime", type=Path, help=f"folder of sockets (default: {RULE})")
    parser.add_argument("--site", type=Path, required=True, help="the room's site file")
    args = parser.parse_args()
    try:
        asyncio.run(serve(load_site(args.site), Runtime(args.runtime or default_runtime())))
    except (CoilwardError, OSError) as error:
        print(f"coilward-panel: {error}", file=sys.stderr)
        return 1
    return 0


async def serve(site: Site, runtime: Runtime) -> None:
    """The panel of one room. It waits for nobody: broker, watchdog and daemon may come and go."""
    ending = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ending.set)
    notifier = Notifier()
    async with panel(site, runtime) as (host, port):
        with _named(runtime.panel_address, host, port):
            say(f"ready at {'https' if site.panel.secure else 'http'}://{_bracketed(host)}:{port}/")
            notifier.say("READY=1")
            while not ending.is_set():
                notifier.turned(time.monotonic_ns() // 1000)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(TURN_S):
                        await ending.wait()
            notifier.say("STOPPING=1")


@contextlib.contextmanager
def _named(path: Path, host: str, port: int) -> Iterator[None]:
    """Where it listens, in the runtime folder: whole or not there."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
    unready = path.with_name(f"~{os.getpid()}")
    unready.write_text(f"{_bracketed(host)}:{port}\n")
    unready.replace(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


if __name__ == "__main__":
    sys.exit(main())
