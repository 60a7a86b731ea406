"""The Polaris driver against the simulated unit, on virtual time: how it starts, what it tells, when it gives up."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest

from drivers.errors import DeadlinePassed, DeviceError, DeviceRefused, DeviceSilent, OperatorError, OurError, PortLost
from drivers.memory_stream import memory_pair
from drivers.polaris import tool_files
from drivers.polaris.framing import Command
from drivers.polaris.models import model
from drivers.polaris.refusals import Error
from drivers.polaris.reports import NO_FAULT, SystemStatus
from drivers.polaris.tracker import PolarisTracker, Reporting
from drivers.poses import Pose
from drivers.trackers import Frame, Missing, Sight, Tool
from simulator.faults import FOR_EVER, LineFault, Spoil
from simulator.wires.polaris import PolarisWire, Sights
from simulator.wires.polaris_serving import PolarisPort

pytestmark = pytest.mark.looptime

PERIOD_US = 1_000_000 / 60.003
"""A quartz that differs from ours by 50 ppm."""
LATENCY_US = 14_200
FILES = {tool: tool_files.made_up(tool.value) for tool in (Tool.HEAD, Tool.COIL)}
HERE = Pose((1, 0, 0, 0), (0.1, 0.0, -1.5))


def clock_us() -> int:
    return round(asyncio.get_running_loop().time() * 1e6)


@dataclass
class Camera:
    """Frames at its own rate, each ready `LATENCY_US` after it was seen."""

    began_us: int = 123_456
    first: int = 1_000
    frozen: int | None = None
    system: SystemStatus = NO_FAULT
    tools: dict[Tool, Sight] = field(default_factory=lambda: {Tool.HEAD: Sight(HERE), Tool.COIL: Sight(HERE)})

    def seen_us(self, frame: int) -> float:
        return self.began_us + (frame - self.first) * PERIOD_US

    def sights(self, at_us: int) -> Sights:
        frame = self.first + int((at_us - LATENCY_US - self.began_us) // PERIOD_US)
        return Sights(frame if self.frozen is None else self.frozen, dict(self.tools), self.system)


class Unit:
    """The simulated unit at the far end of a line of memory, and the line's own two controls."""

    def __init__(self, *, kind: str = "polaris-vega", serial: bool = True) -> None:
        self.camera = Camera()
        self.wire = PolarisWire(self.camera, clock_us, kind, serial=serial)
        self.port = PolarisPort(self.wire, paced=serial)
        self.stream, self.far = memory_pair("tracker")
        self.baud = 9600
        self.breaks = 0
        self.break_arrives = True
        self.heard: list[str] = []
        self._serial = serial

    @property
    def serial(self) -> Unit | None:
        return self if self._serial else None

    async def set_baud(self, baud: int) -> None:
        self.baud = baud

    async def send_break(self) -> None:
        self.breaks += 1
        await asyncio.sleep(0.3)
        if self.break_arrives:
            self.port.hear_break(clock_us())

    async def serve(self) -> None:
        while True:
            if sent := self.port.due(clock_us()):
                await self.far.write(sent, 1.0)
            next_us = self.port.next_us
            try:
                data = await self.far.read(1.0 if next_us is None else (next_us - clock_us()) / 1e6 + 1e-6)
            except DeadlinePassed:
                continue
            self.heard.append(data.decode("latin-1").partition(":")[0])
            self.port.receive(data, clock_us(), self.baud if self._serial else None)

    def replug(self) -> None:
        """A new line to the same unit: another program, or the same one again."""
        self.stream, self.far = memory_pair("tracker")
        self.heard.clear()
        self.baud = 9600


@asynccontextmanager
async def served(unit: Unit) -> AsyncIterator[Unit]:
    task = asyncio.create_task(unit.serve())
    try:
        yield unit
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, PortLost):
            await task


@asynccontextmanager
async def tracking(unit: Unit, **options: Any) -> AsyncIterator[tuple[PolarisTracker, list[str]]]:
    notes: list[str] = []
    async with served(unit):
        tracker = PolarisTracker(unit, model(unit.wire.model), FILES, on_note=notes.append, **options)
        await tracker.connect()
        try:
            yield tracker, notes
        finally:
            await tracker.close()


async def take(tracker: PolarisTracker, count: int) -> list[Frame]:
    frames: list[Frame] = []
    stream = tracker.frames()
    async for frame in stream:
        frames.append(frame)
        if len(frames) == count:
            break
    await stream.aclose()
    return frames


# ── starting ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_over_a_serial_line_it_starts_in_the_order_of_the_clients_of_others() -> None:
    unit = Unit()
    async with tracking(unit) as (tracker, _):
        said = [name for name, following in pairwise([*unit.heard, ""]) if name != following]

    assert said[:12] == [
        "INIT",
        "COMM",
        "APIREV",
        "VER",
        "PHSR",
        "PHRQ",
        "PVWR",
        "PINIT",
        "PENA",
        "PHRQ",
        "PVWR",
        "PINIT",
    ]
    assert said[12:] == ["PENA", "TSTART", "BX"]
    assert tracker.version == "Polaris Vega 011"
    assert unit.breaks == 0


async def test_the_line_runs_at_921600_while_tracking_and_at_9600_afterwards() -> None:
    unit = Unit()
    async with tracking(unit):
        assert (unit.wire.baud, unit.baud) == (921_600, 921_600)

    assert (unit.wire.baud, unit.baud) == (9600, 9600)
    assert not unit.wire.tracking


async def test_a_unit_that_cannot_go_so_fast_is_asked_for_less() -> None:
    unit = Unit(kind="polaris-vicra")
    unit.wire.defects.highest_baud = 115_200
    async with tracking(unit):
        assert unit.wire.baud == 115_200


async def test_over_tcp_there_is_no_speed_to_set() -> None:
    unit = Unit(serial=False)
    async with tracking(unit) as (tracker, _):
        frames = await take(tracker, 3)

    assert "COMM" not in unit.heard
    assert len(frames) == 3


async def test_a_unit_left_tracking_is_stopped_and_its_stale_handles_are_freed() -> None:
    unit = Unit(serial=False)
    async with served(unit):
        first = PolarisTracker(unit, model("polaris-vega"), FILES)
        await first.connect()
        await unit.stream.close()  # the program dies: nobody says TSTOP
    unit.replug()
    async with tracking(unit) as (tracker, _):
        begun = list(unit.heard[:3])
        freed = unit.heard.count("PHF")
        frames = await take(tracker, 2)

    assert begun == ["INIT", "TSTOP", "INIT"]
    assert freed == 2
    assert frames[-1].tools[Tool.HEAD].pose == HERE


async def test_a_unit_left_at_another_speed_is_found_there_without_a_reset() -> None:
    unit = Unit()
    unit.wire.baud = 921_600
    async with tracking(unit) as (tracker, _):
        await take(tracker, 2)

    assert unit.breaks == 0
    assert "COMM" in unit.heard  # only when it closes
    assert unit.heard.count("COMM") == 1


async def test_a_unit_left_at_a_speed_that_nobody_guesses_is_reset_by_a_break() -> None:
    unit = Unit()
    unit.wire.baud = 57_600
    async with tracking(unit) as (tracker, _):
        frames = await take(tracker, 2)

    assert unit.breaks == 1
    assert len(frames) == 2


async def test_noise_on_the_line_before_the_first_command_costs_one_refusal() -> None:
    unit = Unit()
    unit.wire.split(b"\xff\xfe")
    async with tracking(unit):
        assert unit.heard[:2] == ["INIT", "INIT"]
    assert unit.breaks == 0


async def test_silence_after_a_break_says_what_to_check_and_closes_the_port() -> None:
    unit = Unit()
    unit.port.silent = unit.break_arrives = True
    unit.break_arrives = False
    async with served(unit):
        began_s = asyncio.get_running_loop().time()
        with pytest.raises(DeviceSilent, match="switched on"):
            await PolarisTracker(unit, model("polaris-vega"), FILES).connect()
        with pytest.raises(PortLost):
            await unit.stream.read(0.1)

    assert asyncio.get_running_loop().time() - began_s < 12
    assert unit.breaks == 1


async def test_a_tool_file_that_the_unit_cannot_use_is_named_in_the_refusal() -> None:
    unit = Unit()
    async with served(unit):
        tracker = PolarisTracker(unit, model("polaris-vega"), {Tool.HEAD: tool_files.made_up("sword")})
        with pytest.raises(DeviceRefused, match="tool file"):
            await tracker.connect()


async def test_without_tools_there_is_nothing_to_follow() -> None:
    with pytest.raises(OperatorError, match="tools"):
        PolarisTracker(Unit(), model("polaris-vega"), {})


async def test_a_tracker_is_connected_before_it_is_read_and_by_one_reader() -> None:
    unit = Unit()
    with pytest.raises(OurError):
        await take(PolarisTracker(unit, model("polaris-vega"), FILES), 1)
    async with tracking(unit) as (tracker, _):
        one = tracker.frames()
        await anext(one)
        with pytest.raises(OurError):
            await anext(tracker.frames())
        await one.aclose()


@pytest.mark.parametrize(
    ("asked", "refused", "used"),
    [
        (Reporting.BX, {}, "BX"),
        (Reporting.BX2, {}, "BX2"),
        (Reporting.TX, {}, "TX"),
        (Reporting.BX2, {"BX2": Error.INVALID_COMMAND}, "BX"),
        (Reporting.BX, {"BX": Error.INVALID_COMMAND}, "TX"),
    ],
)
async def test_frames_are_asked_for_by_the_best_command_the_unit_knows(
    asked: Reporting, refused: dict[str, Error], used: str
) -> None:
    unit = Unit(serial=False)
    unit.wire.defects.refuses = refused
    async with tracking(unit, reporting=asked) as (tracker, _):
        frames = await take(tracker, 5)
        heard = unit.heard[-1]

    assert heard == used
    assert frames[-1].tools[Tool.HEAD].pose == HERE


# ── frames ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("reporting", list(Reporting))
async def test_each_frame_comes_once_and_in_order(reporting: Reporting) -> None:
    unit = Unit()
    async with tracking(unit, reporting=reporting) as (tracker, notes):
        frames = await take(tracker, 120)

    assert [after.number - before.number for before, after in pairwise(frames)] == [1] * 119
    assert notes == []


async def test_a_frame_is_timed_to_a_millisecond_of_when_it_was_seen() -> None:
    unit = Unit()
    async with tracking(unit) as (tracker, _):
        frames = await take(tracker, 420)

    errors = [frame.source_us - unit.camera.seen_us(frame.number) for frame in frames]
    assert max(map(abs, errors)) < 2_500  # the question, the answer and the pause between two questions
    assert max(map(abs, errors[180:])) < 2_000
    assert max(errors[180:]) - min(errors[180:]) < 300


async def test_a_frame_is_received_within_three_milliseconds_of_being_ready() -> None:
    unit = Unit()
    async with tracking(unit) as (tracker, _):
        frames = await take(tracker, 180)

    waits = sorted(frame.received_us - unit.camera.seen_us(frame.number) - LATENCY_US for frame in frames[60:])
    assert waits[len(waits) // 2] < 3_000
    assert waits[-1] < 5_000


async def test_late_answers_move_no_frames_time() -> None:
    unit = Unit()
    async with tracking(unit) as (tracker, _):
        await take(tracker, 120)
        unit.port.faults.add(LineFault(Spoil.DELAY, b"BX", count=3, us=40_000))
        late = await take(tracker, 30)

    assert max(frame.received_us - frame.source_us for frame in late) > 50_000
    for frame in late:
        assert abs(frame.source_us - unit.camera.seen_us(frame.number)) < 3_500


async def test_lost_frames_are_a_gap_in_the_numbers_and_told_once() -> None:
    unit = Unit()
    async with tracking(unit) as (tracker, notes):
        await take(tracker, 10)
        unit.port.faults.add(LineFault(Spoil.LOSE_REPLY, b"BX", count=2))
        frames = await take(tracker, 60)

    gaps = [after.number - before.number for before, after in pairwise(frames)]
    assert sum(gap > 1 for gap in gaps) <= 1
    assert [note for note in notes if note.startswith("Lost")] == notes
    assert len(notes) == 1


@pytest.mark.parametrize("spoil", [Spoil.FLIP, Spoil.DROP, Spoil.INSERT, Spoil.SPLIT, Spoil.DUPLICATE, Spoil.SWAP])
async def test_a_spoiled_answer_costs_frames_and_never_shows_a_wrong_one(spoil: Spoil) -> None:
    unit = Unit()
    async with tracking(unit) as (tracker, _):
        unit.port.faults.add(LineFault(spoil, b"BX", count=5, us=30_000, at=12))
        frames = await take(tracker, 60)

    assert all(frame.tools[Tool.HEAD].pose == HERE for frame in frames)
    assert all(after.number > before.number for before, after in pairwise(frames))


async def test_a_tool_that_goes_and_comes_back_is_told_once_each_time() -> None:
    unit = Unit()
    async with tracking(unit) as (tracker, notes):
        await take(tracker, 5)
        unit.camera.tools[Tool.HEAD] = Sight(None, missing=Missing.OUT_OF_VOLUME)
        hidden = await take(tracker, 30)
        del unit.camera.tools[Tool.HEAD]
        await take(tracker, 30)
        unit.camera.tools[Tool.HEAD] = Sight(HERE)
        await take(tracker, 30)

    assert hidden[-1].tools[Tool.HEAD].missing is Missing.OUT_OF_VOLUME
    assert hidden[-1].tools[Tool.COIL].pose == HERE
    assert len(notes) == 2
    assert "out-of-volume" in notes[0]
    assert "after 1.0" in notes[1]


async def test_a_frozen_counter_gives_no_frames_and_is_told_once() -> None:
    unit = Unit()
    async with tracking(unit) as (tracker, notes):
        await take(tracker, 10)
        unit.camera.frozen = unit.camera.sights(clock_us()).frame
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(take(tracker, 2), 1)  # one may be on its way
        await asyncio.sleep(0)  # the reader that was given up lets go
        unit.camera.frozen = None
        after = await take(tracker, 5)

    assert ["stands still" in note for note in notes] == [True, False, False]
    assert "goes on" in notes[1] or "goes on" in notes[2]
    assert abs(after[-1].source_us - unit.camera.seen_us(after[-1].number)) < 3_500


async def test_what_is_wrong_with_the_unit_is_in_each_frame_and_told_once() -> None:
    unit = Unit()
    async with tracking(unit) as (tracker, notes):
        unit.camera.system = SystemStatus.HARDWARE_FAILURE
        frames = await take(tracker, 20)
        unit.camera.system = SystemStatus(0)
        await take(tracker, 20)

    assert "hardware failure" in frames[-1].fault
    assert len(notes) == 2


# ── the end ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_unit_that_falls_silent_ends_the_frames_within_a_second_and_a_half() -> None:
    unit = Unit()
    async with tracking(unit) as (tracker, _):
        await take(tracker, 10)
        unit.port.silent = True
        began_s = asyncio.get_running_loop().time()
        with pytest.raises(DeadlinePassed, match="no good answer"):
            await take(tracker, 10)
        silent_s = asyncio.get_running_loop().time() - began_s

    assert 1.0 < silent_s < 1.5


async def test_an_unplugged_line_ends_the_frames_at_once() -> None:
    unit = Unit()
    async with tracking(unit) as (tracker, _):
        await take(tracker, 10)
        await unit.far.close()
        with pytest.raises(PortLost):
            await take(tracker, 10)


@pytest.mark.parametrize("restart", ["silently", "aloud"])
async def test_a_unit_that_restarts_ends_the_frames_and_says_so(restart: str) -> None:
    unit = Unit(serial=False)
    async with tracking(unit) as (tracker, _):
        await take(tracker, 10)
        said = unit.wire.reset()
        if restart == "aloud":
            unit.port.faults.add(LineFault(Spoil.LOSE_COMMAND, b"BX", count=FOR_EVER))
            asyncio.get_running_loop().call_later(0.05, lambda: asyncio.ensure_future(unit.far.write(said, 1.0)))
        with pytest.raises(DeviceError, match="restarted"):
            await take(tracker, 10)


async def test_a_counter_that_begins_anew_is_a_restart() -> None:
    unit = Unit()
    async with tracking(unit) as (tracker, _):
        await take(tracker, 10)
        unit.camera.first -= 500
        with pytest.raises(DeviceError, match="restarted"):
            await take(tracker, 10)


async def test_a_frame_told_again_a_little_late_is_no_restart() -> None:
    unit = Unit()
    async with tracking(unit) as (tracker, _):
        await take(tracker, 10)
        unit.camera.first -= 3
        frames = await take(tracker, 10)

    assert all(after.number > before.number for before, after in pairwise(frames))


async def test_after_a_loss_closing_says_nothing_more_to_the_unit() -> None:
    unit = Unit()
    async with tracking(unit) as (tracker, _):
        unit.port.silent = True
        with pytest.raises(DeadlinePassed):
            await take(tracker, 1)
        unit.heard.clear()

    assert unit.heard == []


@pytest.mark.parametrize("cut_us", range(0, 18_000, 1_500))
async def test_a_reader_that_is_given_up_at_any_moment_keeps_nobody_from_stopping_the_unit(cut_us: int) -> None:
    unit = Unit()
    async with tracking(unit) as (tracker, _):
        reading = asyncio.create_task(take(tracker, 1_000))
        await asyncio.sleep(0.05 + cut_us / 1e6)
        reading.cancel()
        await asyncio.wait((reading,))

    assert not unit.wire.tracking
    assert unit.wire.baud == 9600


def test_the_commands_for_frames_are_those_of_the_notes() -> None:
    assert Reporting.BX.value == Command("BX", "0001")
    assert Reporting.BX2.value.parameters == "--6d=tools"
