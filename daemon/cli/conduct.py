"""An operator in the foreground: control, presence, one session from its opening to its report.

While this runs its person counts as present. Ctrl-C is STOP, first to the watchdog's own socket, then over MQTT.
"""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from daemon.cli import show
from daemon.cli.safety import stop_everywhere
from daemon.client import RoomClient, View
from daemon.messages import Answer, Sentence
from daemon.runtime import Runtime
from daemon.session_table import FINAL as FINAL_STATES
from drivers.errors import DeadlinePassed

FINAL = frozenset(state.value for state in FINAL_STATES)
REPORT_S = 10.0
"""For the report to be written after a session has ended (engineering choice)."""
ENDING_S = 15.0
"""For a session to be ended after STOP."""


class Progress(Protocol):
    """Whatever shows how far a session has come."""

    def show(self, view: View | None) -> None:
        """The room as it is now; None is unknown."""


class Refused(Exception):
    """The room said no."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.reason)
        self.answer = answer


@dataclass(frozen=True)
class Ended:
    """How a session ended; `report` is its summary when it could be read here."""

    view: View
    report: Mapping[str, Any] | None


@asynccontextmanager
async def stop_key() -> AsyncIterator[asyncio.Event]:
    """Set by the first Ctrl-C, or SIGTERM; a second Ctrl-C cancels."""
    pressed, loop, me = asyncio.Event(), asyncio.get_running_loop(), asyncio.current_task()

    def press() -> None:
        if pressed.is_set() and me is not None:
            me.cancel()
        pressed.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, press)
    try:
        yield pressed
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


async def take_control(room: RoomClient) -> None:
    """Raises `Refused` while somebody else holds it."""
    await room.known(5)
    _must(await room.ask("take"))


async def conduct(
    room: RoomClient,
    runtime: Runtime,
    stop: asyncio.Event,
    *,
    opening: Callable[[], Awaitable[Answer]],
    confirm: Callable[[Answer], Coroutine[Any, Any, bool]],
    progress: Progress,
) -> Ended:
    """Opens with `opening`, releases once `confirm` agrees to what the watchdog understood, follows to the end.

    Raises `Refused`, and what `RoomClient` raises.
    """
    async with room.present():
        opened = _must(await opening())
        if await _agreed(confirm(opened), stop):
            _must(await room.ask("release", hash=opened.detail["hash"]))
        else:
            stop.set()
        view = await _follow(room, runtime, stop, str(opened.detail["session"]), progress)
        return Ended(view, await _report(room, view))


async def _agreed(confirming: Coroutine[Any, Any, bool], stop: asyncio.Event) -> bool:
    """Whether the person said yes before they pressed Ctrl-C."""
    asking, stopping = asyncio.create_task(confirming), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({asking, stopping}, return_when=asyncio.FIRST_COMPLETED)
        return asking.done() and not stop.is_set() and asking.result()
    finally:
        asking.cancel()
        stopping.cancel()
        await asyncio.wait({asking, stopping})


async def _follow(room: RoomClient, runtime: Runtime, stop: asyncio.Event, session: str, progress: Progress) -> View:
    """Until the session is at its end; STOP once when asked to."""
    changes = room.changes()
    stopping = asyncio.create_task(stop.wait())
    changing: asyncio.Task[View | None] | None = None
    told = False
    deadline: float | None = None
    loop = asyncio.get_running_loop()
    try:
        while True:
            changing = changing or asyncio.ensure_future(anext(changes))
            waits: set[asyncio.Task[Any]] = {changing} if told else {changing, stopping}
            timeout = None if deadline is None else max(0.0, deadline - loop.time())
            done, _ = await asyncio.wait(waits, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                raise DeadlinePassed(
                    f"The session has not ended within {ENDING_S} s after STOP. Look at the stimulator, "
                    "then run `coilward doctor`."
                )
            if stopping in done and not told:
                told, deadline = True, loop.time() + ENDING_S
                await stop_everywhere(runtime, room)
            if changing in done:
                view, changing = changing.result(), None
                progress.show(view)
                if view is not None and view.state.session == session and view.state.phase in FINAL:
                    return view
    finally:
        stopping.cancel()
        if changing is not None:
            changing.cancel()
            await asyncio.wait({changing})
        await changes.aclose()


async def _report(room: RoomClient, view: View) -> Mapping[str, Any] | None:
    """The summary in the report's file, when it lies on this machine."""
    path = view.state.report
    if path is None:
        async with asyncio.timeout(REPORT_S):
            async for later in room.changes():
                if later is not None and later.state.report is not None:
                    path = later.state.report
                    break
    file = Path(str(path))
    if not await asyncio.to_thread(file.exists):
        return None
    found: Mapping[str, Any] = json.loads(await asyncio.to_thread(file.read_text))
    return {name: found[name] for name in ("outcome", "protocol", "trains", "pulses", "report")}


def _must(answer: Answer) -> Answer:
    if not answer.ok:
        raise Refused(answer)
    return answer


def refused(answer: Answer) -> None:
    """Prints a refusal."""
    show.refusal(answer.sentence or Sentence(what=answer.reason))
