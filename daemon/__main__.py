"""`coilward-daemon`: sessions, the stimulator's driver, and the operators' side of one room."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from daemon.app import serve
from daemon.config import load_site
from daemon.runtime import Runtime
from drivers.errors import CoilwardError
from drivers.runtime import RULE, default_runtime


def main() -> int:
    """Runs the daemon until SIGTERM or SIGINT. Exit codes: 0 ended, 1 cannot run, 2 usage."""
    parser = argparse.ArgumentParser(prog="coilward-daemon", description=__doc__)
    parser.add_argument("--runtime", type=Path, help=f"folder of sockets (default: {RULE})")
    parser.add_argument("--site", type=Path, required=True, help="the room's site file")
    args = parser.parse_args()
    code = 0
    try:
        asyncio.run(serve(load_site(args.site), Runtime(args.runtime or default_runtime())))
    except* (CoilwardError, OSError) as errors:
        code = 1
        for error in _leaves(errors):
            print(f"coilward-daemon: {error}", file=sys.stderr)
    return code


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    leaves: list[BaseException] = []
    for error in group.exceptions:
        leaves += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return leaves


if __name__ == "__main__":
    sys.exit(main())
