"""What is recorded is what is played, in the same rhythm."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from drivers.errors import CoilwardError, DeviceError, OperatorError, WireError
from drivers.poses import Pose
from drivers.tracker_record import Player, Recorder, frame_line, read_frame
from drivers.trackers import Frame, Missing, Sight, Tool, TrackerCapabilities

pytestmark = pytest.mark.looptime

VEGA = TrackerCapabilities("polaris-vega", 60.0, 14_200, 1_800, 0.045e-3)
SEEN = Sight(Pose.turned((0.3, -0.2, 0.1), (0.01, -0.2, -1.5)), 0.0001)


def frame(number: int, fault: str = "") -> Frame:
    received_us = 5_000_000 + number * 16_667
    tools = {Tool.HEAD: SEEN, Tool.COIL: Sight(None, missing=Missing.BAD_FIT)}
    return Frame(number, received_us - 15_000, received_us, tools, fault)


FRAMES = [frame(1), frame(2, "too warm"), frame(5)]


class Told:
    """A tracker that tells these frames and is gone."""

    capabilities = VEGA

    def __init__(self, frames: list[Frame]) -> None:
        self._frames = frames
        self.closed = 0

    async def frames(self) -> AsyncGenerator[Frame, None]:
        for each in self._frames:
            yield each
        raise WireError("gone")

    async def close(self) -> None:
        self.closed += 1


async def all_of(tracker: Recorder | Player | Told) -> list[Frame]:
    seen, ended = await told_by(tracker)
    assert isinstance(ended, WireError)
    return seen


async def told_by(tracker: Recorder | Player | Told) -> tuple[list[Frame], Exception]:
    """What came, and what ended it."""
    stream, seen = tracker.frames(), []
    while True:
        try:
            seen.append(await anext(stream))
        except CoilwardError as error:
            return seen, error


async def recorded(path: Path, frames: list[Frame], **options: int) -> Recorder:
    recorder = Recorder(Told(frames), path, **options)
    assert await all_of(recorder) == frames
    await asyncio.to_thread(recorder.finish)
    return recorder


@pytest.mark.parametrize("each", FRAMES, ids=lambda each: str(each.number))
async def test_a_frame_survives_its_line(each: Frame) -> None:
    assert read_frame(frame_line(each)) == each


async def test_a_recording_plays_the_same_frames_at_the_same_distances(tmp_path: Path) -> None:
    await recorded(tmp_path / "one", FRAMES)
    player = Player(tmp_path / "one")
    loop = asyncio.get_running_loop()
    await asyncio.sleep(100)

    began_us = round(loop.time() * 1e6)
    played = await all_of(player)
    lasted_us = round(loop.time() * 1e6) - began_us
    await player.close()

    assert player.capabilities == VEGA
    assert [each.number for each in played] == [1, 2, 5]
    assert [each.tools for each in played] == [each.tools for each in FRAMES]
    assert played[1].fault == "too warm"
    assert played[0].received_us == pytest.approx(began_us, abs=2)
    assert lasted_us == pytest.approx(4 * 16_667, abs=2_000)
    for one, other in zip(played, FRAMES, strict=True):
        assert one.received_us - one.source_us == other.received_us - other.source_us


async def test_a_recording_may_be_read_without_its_pauses(tmp_path: Path) -> None:
    await recorded(tmp_path / "one", FRAMES)
    player = Player(tmp_path / "one", paced=False)
    began_s = asyncio.get_running_loop().time()
    played = await all_of(player)
    await player.close()

    assert [each.number for each in played] == [1, 2, 5]
    assert asyncio.get_running_loop().time() - began_s < 0.001


async def test_closing_the_recorder_closes_the_tracker_and_leaves_a_whole_file(tmp_path: Path) -> None:
    tracker = Told(FRAMES)
    recorder = Recorder(tracker, tmp_path / "one")
    await all_of(recorder)
    await recorder.close()

    assert tracker.closed == 1
    assert recorder.left_out == 0
    assert len((tmp_path / "one").read_text().splitlines()) == 4


async def test_a_recording_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("dear to somebody")

    with pytest.raises(OperatorError, match="new file"):
        Recorder(Told([]), tmp_path / "one")


async def test_a_recording_that_is_full_loses_the_rest_and_says_so_and_no_frame_waits(tmp_path: Path) -> None:
    recorder = Recorder(Told(FRAMES), tmp_path / "one", most_bytes=400)
    assert await all_of(recorder) == FRAMES

    with pytest.raises(OperatorError, match="not whole"):
        await asyncio.to_thread(recorder.finish)

    player = Player(tmp_path / "one")
    assert len(await all_of(player)) < 3
    await player.close()


@pytest.mark.parametrize("text", ["", "{}\n", '{"recording":2}\n', "[]\n", "no json\n"])
async def test_what_is_no_recording_is_not_played(tmp_path: Path, text: str) -> None:
    (tmp_path / "one").write_text(text)

    with pytest.raises(OperatorError, match="no recording"):
        Player(tmp_path / "one")
    with pytest.raises(OperatorError, match="Name a recording"):
        Player(tmp_path / "two")


@pytest.mark.parametrize("tail", ["{\n", '{"n":9}\n', '{"n":1,"source_us":1,"received_us":1,"tools":{}}\n'])
async def test_a_damaged_recording_plays_what_is_whole_and_names_the_rest(tmp_path: Path, tail: str) -> None:
    await recorded(tmp_path / "one", FRAMES)
    with (tmp_path / "one").open("a") as file:
        file.write(tail)
    player = Player(tmp_path / "one")

    seen, ended = await told_by(player)
    await player.close()

    assert [each.number for each in seen] == [1, 2, 5]
    assert isinstance(ended, DeviceError)
    assert "damaged" in str(ended)
