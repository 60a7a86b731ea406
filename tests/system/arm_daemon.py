"""A daemon just large enough for the arm: it passes the tracker's frames on, aims, and gives the orders it reads.

    python -m tests.system.arm_daemon SITE RUNTIME < orders

A line on standard input is where the coil is to go; each answer is printed as one line of JSON. It is a process of its
own so that it can be killed and stopped.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from pathlib import Path

from daemon.arm_link import ArmLink
from daemon.arm_words import go
from daemon.config import Site, load_site
from drivers.errors import CoilwardError
from drivers.polaris.tracker import connect_polaris
from drivers.trackers import Tool

BEAT_S = 0.3


async def main(site: Site, runtime: Path) -> None:
    """Until standard input ends."""
    arm = await ArmLink.connect(runtime / "arm" / "control", "daemon")
    say(await arm.ask(json.loads((runtime / "target.json").read_text())))
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(each) for each in (frames(arm, site), beats(arm), states(arm))]
        lines = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
        while order := (await lines.readline()).decode().strip():
            say(await arm.ask(go(order)))  # type: ignore[arg-type]
        for task in running:
            task.cancel()
    arm.close()


async def frames(arm: ArmLink, site: Site) -> None:
    """Every frame, from a tracker that may be away for a time."""
    assert site.tracker is not None
    section = site.tracker
    tools = {Tool(name): path for name, path in section.tools.items()}
    while True:
        try:
            tracker = await connect_polaris(section.port, section.model, tools)
            try:
                async with contextlib.aclosing(tracker.frames()) as seen:
                    async for frame in seen:
                        arm.send_frame(frame)
            finally:
                await tracker.close()
        except CoilwardError as gone:
            print(gone, file=sys.stderr, flush=True)
            await asyncio.sleep(0.5)


async def beats(arm: ArmLink) -> None:
    """Says that it lives, with frames or without."""
    while True:
        await arm.ask({"do": "status"})
        await asyncio.sleep(BEAT_S)


async def states(arm: ArmLink) -> None:
    """Reads what the arm says, because who does not read is let go."""
    async for _ in arm.states():
        pass


def say(answer: object) -> None:
    """One line for whoever started this."""
    print(json.dumps({"ok": getattr(answer, "ok", False), "why": getattr(answer, "why", "")}), flush=True)


if __name__ == "__main__":
    asyncio.run(main(load_site(Path(sys.argv[1])), Path(sys.argv[2])))
