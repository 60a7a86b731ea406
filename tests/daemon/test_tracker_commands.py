"""`coilward tracker`: what the camera saw is written down, summed up, and shown again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from daemon.cli import command_line
from daemon.cli.tracker import recorded, table
from daemon.frames_seen import FramesSeen
from drivers.errors import DeviceError, OperatorError, WireError
from drivers.trackers import Frame, Missing, Sight, Tool
from tests.drivers.test_tracker_record import FRAMES, SEEN, Told, frame

SUMMARY = {
    "frames": 3, "lost": 2, "faults": 1, "seconds": 0.067, "tools": {"head": {"seen": 3}, "coil": {"bad-fit": 3}},
}  # fmt: skip
HIDDEN = Sight(None, missing=Missing.NOT_SEEN)
EXAMPLES = Path(__file__).parents[2] / "examples"


class Endless(Told):
    """Sees the same every 16.7 ms."""

    async def frames(self) -> AsyncGenerator[Frame, None]:
        number = 0
        while True:
            number += 1
            yield frame(number)
            await asyncio.sleep(0.016_667)


def commanded(*words: str) -> Result:
    return CliRunner().invoke(command_line(), ["--site", str(EXAMPLES / "site.toml"), *words])


def a_recording(path: Path) -> Path:
    with pytest.raises(WireError, match="gone"):
        asyncio.run(recorded(Told(FRAMES), path, 60))
    return path


def test_a_run_of_frames_is_summed_up_with_what_was_lost_and_what_each_marker_showed() -> None:
    seen = FramesSeen()
    assert seen.summary() == {"frames": 0, "lost": 0, "faults": 0, "seconds": 0.0, "tools": {}}
    for each in FRAMES:
        seen.feed(each)

    assert seen.summary() == SUMMARY


def test_a_marker_that_is_seen_at_times_has_both_figures() -> None:
    seen = FramesSeen()
    for number in range(1, 5):
        seen.feed(Frame(number, number, number + 1, {Tool.HEAD: SEEN if number % 4 else HIDDEN}))

    assert seen.summary()["tools"] == {"head": {"seen": 3, "not-seen": 1}}
    assert [*table(seen.summary()).columns[1].cells] == ["4 in 0.0 s, 0 lost", "3 seen, 1 not seen"]


@pytest.mark.looptime
async def test_a_recording_lasts_as_long_as_was_asked_for_and_gives_the_tracker_back(tmp_path: Path) -> None:
    tracker = Endless([])
    seen = await recorded(tracker, tmp_path / "one", 2.0)

    assert seen.frames == pytest.approx(120, abs=2)
    assert tracker.closed == 1
    assert len((tmp_path / "one").read_text().splitlines()) == seen.frames + 1


@pytest.mark.looptime
async def test_a_file_that_is_there_is_left_alone_and_the_tracker_given_back(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("dear to somebody")
    tracker = Endless([])
    with pytest.raises(OperatorError, match="new file"):
        await recorded(tracker, tmp_path / "one", 2.0)

    assert tracker.closed == 1
    assert (tmp_path / "one").read_text() == "dear to somebody"


@pytest.mark.parametrize("pace", [[], ["--at-once"]])
def test_what_was_recorded_is_shown_frame_by_frame_and_summed_up(tmp_path: Path, pace: list[str]) -> None:
    path = a_recording(tmp_path / "one")
    told = commanded("tracker", "play", str(path), "--json", *pace)

    *frames, summary = map(json.loads, told.stdout.splitlines())
    assert told.exit_code == 0
    assert [each["n"] for each in frames] == [1, 2, 5]
    assert frames[0]["tools"]["coil"] == "bad-fit"
    assert summary == SUMMARY


def test_a_damaged_recording_names_where_it_breaks_off(tmp_path: Path) -> None:
    path = a_recording(tmp_path / "one")
    with path.open("a") as file:
        file.write("{\n")
    told = commanded("tracker", "play", str(path), "--at-once")

    assert isinstance(told.exception, DeviceError)
    assert "damaged after frame 5" in str(told.exception)


def test_a_room_without_a_tracker_records_nothing(tmp_path: Path) -> None:
    told = commanded("tracker", "record", str(tmp_path / "one"))

    assert isinstance(told.exception, OperatorError)
    assert "This room has no tracker." in str(told.exception)
    assert not (tmp_path / "one").exists()


def test_a_room_with_one_has_its_tracker_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def opening(section: Any) -> Any:
        async def opened(_note: Any) -> Endless:
            assert section.model == "polaris-vega"
            return Endless([])

        return opened

    monkeypatch.setattr(import_module("daemon.cli.tracker"), "polaris_of", opening)
    site = str(EXAMPLES / "robot.toml")
    words = ["tracker", "record", str(tmp_path / "one"), "--seconds", "0.2", "--json"]
    told = CliRunner().invoke(command_line(), ["--site", site, *words])

    assert told.exit_code == 0, told.exception
    assert json.loads(told.stdout)["frames"] > 3
    assert (tmp_path / "one").exists()
