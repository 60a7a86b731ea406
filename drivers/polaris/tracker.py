"""A Polaris as a `Tracker`: frames asked for one at a time, each told once, with the time it was seen at."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from enum import Enum
from pathlib import Path
from typing import Final

from drivers.errors import BadFrame, CoilwardError, DeadlinePassed, DeviceError, OperatorError, OurError, WireError
from drivers.polaris import bx, bx2, starting, tool_files, tx
from drivers.polaris.framing import Binary, Command, Text
from drivers.polaris.line import PolarisLine
from drivers.polaris.link import Link, open_link
from drivers.polaris.models import Model, model
from drivers.polaris.noticing import Noticing
from drivers.polaris.reports import Report
from drivers.polaris.sights import fault, frame_number, sights
from drivers.polaris.source_time import SourceTime
from drivers.quantities import SECOND_US
from drivers.trackers import Frame, Tool, TrackerHangs

POLL_S: Final = 0.15
"""For one answer while tracking (engineering choice: three frames of the slowest model)."""
GONE_S: Final = 1.0
"""Without a good answer for this long the tracker is gone (engineering choice: the hold has frozen long before)."""
HANGS_S: Final = 3.0
"""Answering for so long without a new frame the tracker hangs, and does not go on by itself (engineering choice)."""
AGAIN: Final = 1 / 16
"""Of a period: how long after an answer without a new frame it is asked again. 1 ms at 60 Hz."""
GOLDEN: Final = 0.618034
"""Questions leave at evenly spread moments between two of them before a frame is due (multiples of the golden ratio are
spread so). Asked always at one moment, every frame could lie ready for as long, and the line under the arrivals
would be late by it."""
COUNTED_BACK: Final = 64
"""A number lower than the newest by less is an old frame told again; by more, the tracker's counter began anew."""


class Reporting(Enum):
    """Which command asks for frames. BX is short, known to every unit in use, and tells the unit's own condition."""

    BX = Command("BX", "0001")
    TX = Command("TX", "0001")
    """Text, four times as long: for units older than BX."""
    BX2 = Command("BX2", "--6d=tools")
    """Tells why a tool is missing; Vega and newer. Of the unit's own condition it tells alerts only."""


class PolarisTracker:
    """One connection: after an error make another on a new link."""

    def __init__(
        self,
        link: Link,
        kind: Model,
        tools: Mapping[Tool, bytes],
        *,
        reporting: Reporting = Reporting.BX,
        on_note: Callable[[str], None] = lambda _: None,
    ) -> None:
        """For the running loop, whose clock all times are of. `tools` are the bytes of tool files; `on_note` hears once
        of each loss and return. OperatorError when there are no tools.
        """
        if not tools:
            raise OperatorError("The tracker has no tools to follow. Name their .rom files in [tracker] tools.")
        self.capabilities: Final = kind.capabilities
        self.version = ""
        """The firmware's own tag, once connected."""
        self._link = link
        self._kind = kind
        self._tools = tools
        self._reports = [reporting.value, *(each.value for each in (Reporting.BX, Reporting.TX) if each != reporting)]
        self._line = PolarisLine(link.stream)
        self._loop = asyncio.get_running_loop()
        self._noticing = Noticing(on_note)
        self._times = SourceTime(self.capabilities.rate_hz, self.capabilities.latency_us)
        self._started: starting.Started | None = None
        self._newest: int | None = None
        self._trip_us = SECOND_US / self.capabilities.rate_hz
        self._unanswered_s: float | None = None
        """When the first of the latest questions was put that nobody answered well."""
        self._stands_s: float | None = None
        """When the first of the latest was put that were answered without a new frame."""
        self._busy = False

    async def connect(self) -> None:
        """Brings the tracker up and starts it; raises as `starting.start`, and then the port is closed."""
        if self._started is not None:
            raise OurError("a PolarisTracker connects once")
        try:
            self._started = await starting.start(self._line, self._link, self._kind, self._tools, self._reports)
        except BaseException:
            await self._link.stream.close()
            raise
        self.version = self._started.version

    async def frames(self) -> AsyncGenerator[Frame, None]:
        """As `Tracker.frames`; one reader at a time. Nothing is asked while the reader is busy, and nothing waits."""
        if self._started is None or self._busy:
            raise OurError("a PolarisTracker is connected first, and read by one reader")
        self._busy = True
        self._unanswered_s = self._stands_s = None
        try:
            while True:
                frame = await self._next(self._started)
                if frame is not None:
                    yield frame
        except (DeviceError, WireError):
            self._started = None  # it is gone, or what it does now is not known: nothing more is said to it
            raise
        finally:
            self._busy = False

    async def close(self) -> None:
        """Ends tracking and closes the port, also where what comes before fails, which then raises.

        After an error of `frames` the port is only closed; the next connection ends what this one began.
        """
        started, self._started = self._started, None
        try:
            if started is not None:
                await starting.stop(self._line, self._link.serial)
        finally:
            await self._link.stream.close()

    async def _next(self, started: starting.Started) -> Frame | None:
        """One question; the frame in its answer, None when that is not new or the answer was lost."""
        await asyncio.sleep(self._pause_s())
        asked_s = self._loop.time()
        try:
            report = _read(await self._line.ask(started.report, POLL_S), started.report)
            tools = sights(report, started.handles)
        except (DeadlinePassed, BadFrame) as error:
            self._missed(error, asked_s)
            return None
        self._unanswered_s = None
        number = frame_number(report)
        if number is None or not self._is_new(number):
            self._stands(asked_s)
            return None
        self._stands_s, received_us = None, self._line.received_us
        self._trip_us = min(self._trip_us, received_us - asked_s * SECOND_US)
        first, self._newest = self._newest is None, number
        if first:
            return None  # how long it had been ready before we asked, nobody knows
        frame = Frame(number, self._times.saw(number, received_us), received_us, tools, fault(report))
        self._noticing.saw(frame)
        return frame

    def _pause_s(self) -> float:
        """Until just before the next frame is due; a fraction of a period where it is due already."""
        period_us = self._times.period_us
        now_us = self._loop.time() * SECOND_US
        if self._newest is None:
            return 0.0
        between_us = AGAIN * period_us + self._trip_us
        early_us = self._trip_us + (self._newest * GOLDEN % 1) * between_us
        ask_us = self._times.due_us(self._newest + 1) - early_us
        wait_us = ask_us - now_us if self._times.fitted and ask_us > now_us else AGAIN * period_us
        return min(wait_us, period_us) / SECOND_US

    def _is_new(self, number: int) -> bool:
        if self._newest is None or number > self._newest:
            return True
        if number < self._newest - COUNTED_BACK:
            raise DeviceError(
                f"The tracker counts its frames anew, {number} after {self._newest}: it restarted. Connect again."
            )
        return False

    def _stands(self, asked_s: float) -> None:
        self._noticing.nothing_new(self._line.received_us)
        if self._stands_s is None:
            self._stands_s = asked_s
        if self._loop.time() - self._stands_s > HANGS_S:
            raise TrackerHangs(
                f"The tracker answers, but shows no new frame for {HANGS_S:g} s: it hangs. Switch it off and on."
            )

    def _missed(self, error: CoilwardError, asked_s: float) -> None:
        """Counts from a question: whoever was busy elsewhere, and did not ask, did not find the tracker silent."""
        if self._unanswered_s is None:
            self._unanswered_s = asked_s
        silent_s = self._loop.time() - self._unanswered_s
        if silent_s > GONE_S:
            raise DeadlinePassed(
                f"The tracker gave no good answer for {silent_s:.1f} s. Check its cable and lights, then connect again."
            ) from error


def _read(reply: Text | Binary, report: Command) -> Report:
    if isinstance(reply, Text):
        return tx.parse(reply.text)
    return bx2.parse(reply.body) if report == Reporting.BX2.value else bx.parse(reply.body)


async def connect_polaris(
    url: str,
    model_name: str,
    tools: Mapping[Tool, Path],
    *,
    reporting: Reporting = Reporting.BX,
    on_note: Callable[[str], None] = lambda _: None,
) -> PolarisTracker:
    """A tracker that tracks, from what a site file says: a port URL, a model, and the paths of tool files.

    Raises ConfigError for what the file says wrongly, DeviceError, WireError.
    """
    named = model(model_name)
    files = {tool: tool_files.read(path) for tool, path in tools.items()}
    tracker = PolarisTracker(open_link(url), named, files, reporting=reporting, on_note=on_note)
    await tracker.connect()
    return tracker
