"""The frames of the Polaris driver: each once, well timed and true; what is told of a fault, and when they end."""

from __future__ import annotations

import asyncio
import contextlib
from itertools import pairwise

import pytest

from drivers.errors import DeadlinePassed, DeviceError, PortLost
from drivers.polaris.reports import SystemStatus
from drivers.polaris.tracker import Reporting
from drivers.trackers import Missing, Sight, Tool, TrackerHangs
from simulator.faults import FOR_EVER, LineFault, Spoil
from tests.drivers.polaris_unit import HERE, LATENCY_US, Unit, clock_us, take, tracking

pytestmark = pytest.mark.looptime


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
        frames = await take(tracker, 10)
        unit.port.faults.add(LineFault(Spoil.LOSE_REPLY, b"BX", count=2))
        frames += await take(tracker, 60)

    gaps = [after.number - before.number for before, after in pairwise(frames)]
    assert gaps == [1] * 9 + [19] + [1] * 59, "two questions of 150 ms went unanswered, at 60 Hz"
    assert [note.split(",")[0] for note in notes] == ["Lost 18 frames of the tracker"]


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


async def test_a_reader_that_was_busy_for_seconds_does_not_take_one_lost_answer_for_a_silent_unit() -> None:
    unit = Unit()
    async with tracking(unit) as (tracker, _), contextlib.aclosing(tracker.frames()) as frames:
        before = await anext(frames)
        await asyncio.sleep(5.0)
        unit.port.faults.add(LineFault(Spoil.LOSE_COMMAND, b"BX", count=1))
        after = await anext(frames)

    assert after.number > before.number


@pytest.mark.parametrize("reporting", list(Reporting))
async def test_a_unit_that_shows_the_same_frame_for_three_seconds_hangs_and_is_to_be_switched_off_and_on(
    reporting: Reporting,
) -> None:
    unit = Unit()
    async with tracking(unit, reporting=reporting) as (tracker, _):
        newest = (await take(tracker, 10))[-1].number
        unit.camera.frozen = newest
        began_s = asyncio.get_running_loop().time()
        with pytest.raises(TrackerHangs, match=r"Switch it off and on\.$"):
            await take(tracker, 1)
        stood_s = asyncio.get_running_loop().time() - began_s

    assert 3.0 < stood_s < 3.2


async def test_a_unit_that_stands_from_the_first_question_on_hangs_too() -> None:
    unit = Unit()
    unit.camera.frozen = 1_000
    async with tracking(unit) as (tracker, _):
        with pytest.raises(TrackerHangs):
            await take(tracker, 1)


async def test_a_unit_that_goes_on_within_three_seconds_does_not_hang() -> None:
    unit = Unit()
    async with tracking(unit) as (tracker, _):
        for _ in range(2):
            unit.camera.frozen = (await take(tracker, 10))[-1].number
            asyncio.get_running_loop().call_later(2.9, setattr, unit.camera, "frozen", None)
            frames = await take(tracker, 10)

    assert len(frames) == 10


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
