"""The daemon's two connections in a room with an arm: to the arm's process, and to the tracker that feeds it.

Each is kept: opened again with growing pauses, its loss and its return told once. A daemon that says nothing for a
second counts as gone to the arm, which then takes the coil home; so it is told that we are here, frames or none.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, Protocol

from daemon.arm_link import ArmLink, ArmLost
from daemon.arm_side import ArmSide
from daemon.arm_words import ArmView
from daemon.background import background
from daemon.config_robot import TrackerSection
from daemon.journal import Journal
from daemon.retrying import Kept
from drivers.errors import CoilwardError, PortLost
from drivers.polaris.tracker import connect_polaris
from drivers.trackers import Frame, Tool, Tracker, TrackerHangs

HERE_S: Final = 0.3
"""The arm waits 1 s for a word of ours: three of these may be lost."""

Opening = Callable[[Callable[[str], None]], Awaitable[Tracker]]
"""Opens the tracker; what it notices of losses and returns goes to its argument."""


class Room(Protocol):
    """Who hears of the coil."""

    def hear_arm(self, view: ArmView) -> None:
        """What the arm tells."""

    def arm_lost(self, why: str) -> None:
        """The connection to the arm has ended."""


class ArmKeeper:
    """Keeps the connection to `coilward-arm`, and what it tells flowing into the room."""

    def __init__(self, room: Room, side: ArmSide, path: Path, journal: Journal) -> None:
        self._room = room
        self._side = side
        self._path = path
        self._kept = Kept(journal)

    async def keep(self) -> None:
        """For ever: connects, serves, and connects again."""
        await self._kept.again_and_again(self._serve)

    async def _serve(self) -> None:
        link = await ArmLink.connect(self._path, "daemon")
        try:
            await self._side.linked(link)
            self._kept.back("arm")
            async with background(_say_we_are_here(link)):
                async for view in link.states():
                    self._room.hear_arm(view)
        finally:
            link.close("the daemon ends")
            self._room.arm_lost(str(link.lost))
        raise ArmLost(str(link.lost))


async def _say_we_are_here(link: ArmLink) -> None:
    with contextlib.suppress(ArmLost):  # whoever reads its states learns of that
        while True:
            await asyncio.sleep(HERE_S)
            link.tell({"do": "status"})


class TrackerFeed:
    """Passes each frame of the tracker to the arm once, in order, without ever waiting for it."""

    def __init__(self, opening: Opening, side: ArmSide, journal: Journal) -> None:
        self._opening = opening
        self._side = side
        self._journal = journal
        self._kept = Kept(journal)
        self._behind = False

    async def keep(self) -> None:
        """For ever: opens the tracker, passes on, and opens it again."""
        await self._kept.again_and_again(self._serve)

    async def _serve(self) -> None:
        tracker = await self._opening(self._note)
        newest: int | None = None
        try:
            async with contextlib.aclosing(tracker.frames()) as frames:
                async for frame in frames:
                    if newest is None or frame.number > newest:
                        newest = frame.number
                        self._pass_on(frame)
        except TrackerHangs:
            self._side.tracker_hangs = True
            raise
        finally:
            with contextlib.suppress(CoilwardError):  # what ended it is told already
                await tracker.close()
        raise PortLost("The tracker sends no more frames. Check its power and cable.")

    def _pass_on(self, frame: Frame) -> None:
        self._kept.back("tracker")
        self._side.tracker_hangs = False
        if self._side.link is None:
            return
        try:
            taken = self._side.link.send_frame(frame)
        except ArmLost:
            return  # its keeper tells
        if self._behind is taken:
            self._behind = not taken
            self._note("the arm takes frames again" if taken else "the arm does not take the tracker's frames in time")

    def _note(self, what: str) -> None:
        self._journal.write("tracker", what=what)


def polaris_of(section: TrackerSection) -> Opening:
    """How the site's tracker is opened."""
    tools = {Tool(name): path for name, path in section.tools.items()}

    async def opening(note: Callable[[str], None]) -> Tracker:
        return await connect_polaris(section.port, section.model, tools, on_note=note)

    return opening
