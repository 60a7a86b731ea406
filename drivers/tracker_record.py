"""Recording what a tracker saw, and playing it again: both are trackers themselves.

A recording is a text file: one JSON object a line, the first about the tracker, each further one a frame.

    {"recording":1,"model":"polaris-vega","rate_hz":60.0,"latency_us":14200,"latency_sd_us":1800,"noise_m":4.5e-05}
    {"n":17,"source_us":1000,"received_us":15200,"tools":{"head":[1.0,0.0,0.0,0.0,0.1,0.0,-1.5,0.0001],"coil":"not-seen"}}

A pose is w, x, y, z, then metres, then the error of its fit in metres.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import queue
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final, TextIO

from drivers.errors import DeviceError, OperatorError, OurError, WireError
from drivers.poses import Pose
from drivers.quantities import SECOND_US
from drivers.trackers import Frame, Missing, Sight, Tool, Tracker, TrackerCapabilities

FORMAT: Final = 1
WAITING_FRAMES: Final = 4096
"""Frames that may wait for a slow disk; the next ones are left out and counted (engineering choice: a minute)."""
MOST_BYTES: Final = 2**30
"""A recording ends there (engineering choice: a day at 60 Hz)."""
LONGEST_LINE: Final = 4096
DISK_S: Final = 5.0
"""Longest wait for the disk at the end (engineering choice)."""


def frame_line(frame: Frame) -> str:
    """A frame as one line of a recording."""
    tools = {tool.value: _sight_json(sight) for tool, sight in frame.tools.items()}
    row: dict[str, Any] = {"n": frame.number, "source_us": frame.source_us, "received_us": frame.received_us}
    row |= {"tools": tools} | ({"fault": frame.fault} if frame.fault else {})
    return json.dumps(row, separators=(",", ":")) + "\n"


def _sight_json(sight: Sight) -> str | list[float]:
    if sight.pose is None:
        return (sight.missing or Missing.NOT_SEEN).value
    return [*sight.pose.quaternion, *sight.pose.translation, sight.error_m]


def read_frame(line: str) -> Frame:
    """The frame of one line. ValueError, KeyError or TypeError when it is none."""
    row = json.loads(line)
    tools = {Tool(name): _read_sight(given) for name, given in row["tools"].items()}
    return Frame(int(row["n"]), int(row["source_us"]), int(row["received_us"]), tools, str(row.get("fault", "")))


def _read_header(line: str) -> TrackerCapabilities:
    about = json.loads(line)
    if about.pop("recording") != FORMAT:
        raise ValueError("of another version")
    return TrackerCapabilities(**about)


def _read_sight(given: str | list[float]) -> Sight:
    if isinstance(given, str):
        return Sight(None, missing=Missing(given))
    w, x, y, z, u, v, t, error_m = (float(part) for part in given)
    return Sight(Pose.of((w, x, y, z), (u, v, t)), error_m)


class Recorder:
    """A tracker that writes down what another one sees. The disk is another thread's: frames never wait for it."""

    def __init__(
        self,
        tracker: Tracker,
        path: Path,
        *,
        on_note: Callable[[str], None] = lambda _: None,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        """`path` must not exist yet. OperatorError when it does, or cannot be written."""
        self.capabilities: Final = tracker.capabilities
        self._tracker = tracker
        self._on_note = on_note
        self._path = path
        self._most_bytes = most_bytes
        self.left_out = 0
        """Frames that are not in the recording: the disk was too slow, or full."""
        try:
            self._file: TextIO = path.open("x", encoding="ascii")
        except OSError as error:
            raise OperatorError(f"{path} cannot be recorded into ({error.strerror}). Name a new file.") from error
        self._lines: queue.Queue[str | None] = queue.Queue(WAITING_FRAMES)
        self._failed = ""
        self._lines.put_nowait(json.dumps({"recording": FORMAT, **asdict(self.capabilities)}) + "\n")
        self._thread = threading.Thread(target=self._write, name=f"recorder of {path.name}", daemon=True)
        self._thread.start()

    async def frames(self) -> AsyncGenerator[Frame, None]:
        """Those of the tracker."""
        async for frame in self._tracker.frames():
            self._keep(frame_line(frame))
            yield frame

    async def close(self) -> None:
        """Closes the tracker, then the recording. What fails on the way raises after both."""
        try:
            await self._tracker.close()
        finally:
            await asyncio.to_thread(self.finish)

    def finish(self) -> None:
        """Ends the recording alone, and waits for the disk. A second call does nothing."""
        if self._thread.is_alive():
            with contextlib.suppress(queue.Full):
                self._lines.put(None, timeout=DISK_S)
            self._thread.join(DISK_S)
        if self._thread.is_alive() or self._failed:
            why = self._failed or "the disk does not answer"
            raise OperatorError(
                f"The recording {self._path} is not whole: {why}. Record again, for a shorter time or elsewhere."
            )

    def _keep(self, line: str) -> None:
        try:
            if not self._failed:
                self._lines.put_nowait(line)
                return
        except queue.Full:
            pass
        if not self.left_out:
            self._on_note(f"The recording {self._path} misses frames: {self._failed or 'the disk is too slow'}.")
        self.left_out += 1

    def _write(self) -> None:
        size = 0
        try:
            with self._file as file:
                while (line := self._lines.get()) is not None:
                    size += len(line)
                    if size > self._most_bytes:
                        self._failed = f"it has reached {self._most_bytes} bytes"
                        return
                    file.write(line)
        except OSError as error:
            self._failed = str(error)


class Player:
    """A recording as a tracker: the same frames at the same distances in time, as if they came now."""

    def __init__(self, path: Path, *, paced: bool = True) -> None:
        """Reads the first line; not `paced`, frames come at once. OperatorError when this is no recording."""
        self._path = path
        self._paced = paced
        try:
            self._file: TextIO | None = path.open(encoding="ascii")
        except OSError as error:
            raise OperatorError(f"{path} cannot be played ({error.strerror}). Name a recording.") from error
        try:
            self.capabilities: Final = _read_header(self._file.readline(LONGEST_LINE))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            self._file.close()
            raise OperatorError(f"{path} is no recording of a tracker ({error}). Name another file.") from error

    async def frames(self) -> AsyncGenerator[Frame, None]:
        """Each frame when it is due on the running loop's clock; WireError after the last one."""
        if self._file is None:
            raise OurError("a closed Player plays nothing")
        loop = asyncio.get_running_loop()
        later_us: int | None = None
        for frame in self._read(self._file):
            now_us = round(loop.time() * SECOND_US)
            later_us = now_us - frame.received_us if later_us is None else later_us
            await asyncio.sleep(max(0, frame.received_us + later_us - now_us) / SECOND_US if self._paced else 0)
            yield replace(frame, source_us=frame.source_us + later_us, received_us=frame.received_us + later_us)
        raise WireError(f"{self._path} is at its end. Play another recording.")

    async def close(self) -> None:
        """Closes the file; a second call does nothing."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _read(self, file: TextIO) -> Iterator[Frame]:
        newest: int | None = None
        while line := file.readline(LONGEST_LINE):
            try:
                frame = read_frame(line)
            except (ValueError, KeyError, TypeError) as error:
                raise DeviceError(
                    f"{self._path} is damaged after frame {newest}: {error}. Play another one."
                ) from error
            if newest is not None and frame.number <= newest:
                raise DeviceError(f"{self._path} is damaged: frame {frame.number} follows {newest}. Play another one.")
            newest = frame.number
            yield frame
