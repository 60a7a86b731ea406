"""An operator in the foreground: control, presence, one session from its opening to its report.

While this runs its person counts as present. Ctrl-C is STOP, first to the watchdog's own socket, then over MQTT.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Protocol

from daemon.background import background
from daemon.cli import show
from daemon.cli.safety import stop_everywhere, tell_unconfirmed
from daemon.cli.summary import Summary, summary_of
from daemon.client import LIVE_S, RoomClient, View
from daemon.messages import Answer, Code, RoomState, Sentence
from daemon.runtime import Runtime
from daemon.session_table import FINAL as FINAL_STATES
from daemon.session_table import State
from drivers.errors import OperatorError, OurError

FINAL = frozenset(state.value for state in FINAL_STATES)
STUCK = frozenset(state.value for state in (State.PAUSED, State.TRIPPED, State.UNKNOWN))
"""A person has to act before anything goes on."""
AT_REST = STUCK | {State.POSITIONING.value, State.HELD.value}
"""The session can be ended."""
OFF_THE_HEAD = frozenset({"retract", "away", "approach"})
"""States of the arm after it took the coil off by itself."""
LOOK_AT_SUBJECT_S = 1.0
CONFLICTS = 5
CONFLICT_S = 0.2
"""How often, and how far apart, a release is asked again while the room's state is changing (engineering choices)."""
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
    patient: bool = True,
    resumes: int = 0,
) -> Summary:
    """Opens with `opening`, releases once `confirm` agrees to what the watchdog understood, follows to the end.

    `patient` waits for a person when the session is paused, tripped or unknown; else it is ended then, unless it was
    paused because the arm took the coil off the head, and has been resumed fewer than `resumes` times.

    Raises `Refused`, and what `RoomClient` raises.
    """
    async with room.present():
        opened = _must(await opening())
        if await _agreed(confirm(opened), stop):
            _must(await begin(room, "release", str(opened.detail["hash"])))
        else:
            stop.set()
        stuck = _Stuck(room, patient=patient, resumes=resumes)
        view = await _follow(room, runtime, stop, str(opened.detail["session"]), progress, stuck)
        return await summary_of(room, view, stopped=stop.is_set())


async def resume(room: RoomClient, runtime: Runtime, stop: asyncio.Event, progress: Progress) -> Summary:
    """Releases a paused session again and follows it to its end, its person present from here on.

    Raises `Refused`, OperatorError when no session is open, and what `RoomClient` raises.
    """
    async with room.present():
        paused = (await room.known(LIVE_S)).state
        if paused.hash is None:
            raise OperatorError("Nothing was resumed. No session is open. Start one first.")
        _must(await begin(room, "resume", paused.hash))
        stuck = _Stuck(room, patient=True, resumes=0)
        view = await _follow(room, runtime, stop, str(paused.session), progress, stuck)
        return await summary_of(room, view, stopped=stop.is_set())


async def begin(room: RoomClient, verb: str, hash_: str) -> Answer:
    """Releases or resumes what bears this hash, on what its person sees now.

    A hold that came or went meanwhile is no new decision, and it is asked again; a stop, a trip, another phase or
    another hand is one, and its refusal stands.
    """
    seen = (await room.known(LIVE_S)).state
    answer = await room.ask(verb, hash=hash_, seen=seen.state_seq)
    for _ in range(CONFLICTS):
        if answer.code is not Code.CONFLICT:
            break
        await asyncio.sleep(CONFLICT_S)
        now = room.view.state if room.view else None
        if now is None or _but_for_holds(now) != _but_for_holds(seen):
            break
        answer = await room.ask(verb, hash=hash_, seen=now.state_seq)
    return answer


def _but_for_holds(state: RoomState) -> RoomState:
    """What a person decides on. The sentence tells of holds too; what else it can tell of shows in the other fields."""
    return state.model_copy(update={"state_seq": 0, "holds": (), "sentence": ""})


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


class _Stuck:
    """What becomes of a session that cannot go on by itself."""

    def __init__(self, room: RoomClient, *, patient: bool, resumes: int) -> None:
        self._room = room
        self._patient = patient
        self._resumes = resumes
        self._told = ""

    async def ends(self, view: View) -> bool:
        """Whether it is to be ended. What a person has to do is said once."""
        if view.state.phase not in STUCK:
            self._told = ""
            return False
        if view.state.sentence != self._told:
            self._told = view.state.sentence
            show.err.print(self._told, style="yellow", markup=False)
        if self._patient:
            return False
        return not await self._resumed(view)

    async def _resumed(self, view: View) -> bool:
        """Whether the session goes on: as its operator would, after a look at the subject."""
        if view.state.phase != State.PAUSED.value or view.arm is None or self._resumes <= 0:
            return False
        self._resumes -= 1
        await asyncio.sleep(LOOK_AT_SUBJECT_S)  # by then the arm's own news is here too
        now = self._room.view
        came_off = now is not None and now.arm is not None and now.arm.state in OFF_THE_HEAD
        return came_off and (await begin(self._room, "resume", str(view.state.hash))).ok


async def _follow(  # noqa: PLR0917  one place, one caller
    room: RoomClient, runtime: Runtime, stop: asyncio.Event, session: str, progress: Progress, stuck: _Stuck
) -> View:
    """Until the session is at its end."""
    rest, stop_told = asyncio.Event(), asyncio.Event()
    async with (
        background(_end_when_told(room, runtime, stop, rest, stop_told)),
        contextlib.aclosing(room.changes()) as changes,
    ):
        async for view in changes:
            progress.show(view)
            if view is None or view.state.session != session:
                continue
            if view.state.phase in FINAL:
                if stop.is_set():  # the session can be over before anybody knows whether the stimulator has obeyed
                    await stop_told.wait()
                return view
            if not stop.is_set() and await stuck.ends(view):
                rest.set()
    raise OurError("a room's changes never end")


async def _end_when_told(
    room: RoomClient, runtime: Runtime, stop: asyncio.Event, rest: asyncio.Event, stop_told: asyncio.Event
) -> None:
    """After STOP, or when nobody is there to go on: ends the session, so that its report is written.

    `stop_told` is set once STOP is confirmed or said not to be; every way of it has its deadline.
    """
    waits = [asyncio.create_task(event.wait()) for event in (stop, rest)]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
    if stop.is_set():
        ways = await stop_everywhere(runtime, room)
        if not ways["standby"]:
            tell_unconfirmed(ways)
        stop_told.set()
    while (await room.until(lambda view: view.state.phase in AT_REST | FINAL, ENDING_S)).state.phase not in FINAL:
        answer = await room.ask("end")
        if answer.code is not Code.CONFLICT:
            _must(answer)


def _must(answer: Answer) -> Answer:
    if not answer.ok:
        raise Refused(answer)
    return answer


def refused(answer: Answer) -> None:
    """Prints a refusal."""
    show.refusal(answer.sentence or Sentence(what=answer.reason))
