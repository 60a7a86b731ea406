"""Tracker and arm, kept connected: every frame once and in order, every loss told once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from daemon import arm_keeper, words
from daemon.arm_keeper import ArmKeeper, TrackerFeed
from daemon.arm_side import ArmSide
from daemon.arm_words import ArmView
from daemon.journal import Journal, MemorySink
from daemon.placement_files import PlacementFiles
from daemon.room import Done, Refused
from drivers.errors import CoilwardError, PortLost, PortNotFound
from drivers.trackers import Frame, Tracker, TrackerCapabilities, TrackerHangs
from tests.daemon.arm_stand_in import ArmStandIn
from tests.daemon.registered_head import MARKER_TARGET, SUBJECT, file_target, registrations, targets


class Ears:
    """The room, as the keeper knows it."""

    def __init__(self, side: ArmSide) -> None:
        self.side = side
        self.heard: list[ArmView] = []
        self.losses: list[str] = []

    def hear_arm(self, view: ArmView) -> None:
        self.side.hear(view)
        self.heard.append(view)

    def arm_lost(self, why: str) -> None:
        self.side.unlinked(why)
        self.losses.append(why)


HUNG_UP = PortLost("The tracker hung up. Check its cable.")


class Recorded:
    """A tracker that gives these frames and then is gone, or waits."""

    capabilities = TrackerCapabilities("polaris-vega", 60, 14_000, 1_000, 1e-4)

    def __init__(self, numbers: list[int], *, gone: bool, error: CoilwardError = HUNG_UP) -> None:
        self.numbers = numbers
        self.gone = gone
        self.error = error
        self.closed = False

    async def frames(self) -> AsyncGenerator[Frame, None]:
        for number in self.numbers:
            yield Frame(number, number * 10, number * 10 + 5)
        if self.gone:
            raise self.error
        await asyncio.Event().wait()

    async def close(self) -> None:
        self.closed = True


@pytest.fixture
def sink() -> MemorySink:
    return MemorySink()


@pytest.fixture
def journal(sink: MemorySink) -> Journal:
    return Journal(sink, lambda: (0, 0))


@pytest.fixture
async def side(journal: Journal, tmp_path: Path) -> ArmSide:
    """Of a room in which a session is open."""
    file_target(tmp_path, MARKER_TARGET)
    calibration = tmp_path / "calibration.json"
    files = PlacementFiles(registrations(tmp_path), targets(tmp_path), calibration, simulated=True, journal=journal)
    side = ArmSide(journal, lambda: 0, lambda: 0, files=files)
    assert await side.aim(SUBJECT) is None
    return side


@pytest.fixture
async def arm(tmp_path: Path) -> AsyncIterator[ArmStandIn]:
    stand_in = ArmStandIn(tmp_path / "control")
    yield stand_in
    stand_in.close()


@pytest.fixture
async def ears(arm: ArmStandIn, side: ArmSide, journal: Journal) -> AsyncIterator[Ears]:
    """Connected."""
    room = Ears(side)
    keeping = asyncio.create_task(ArmKeeper(room, side, arm.path, journal).keep())
    await until(lambda: side.link is not None)
    yield room
    keeping.cancel()
    await asyncio.wait((keeping,))


async def until(true: Callable[[], Any], within_s: float = 5) -> None:
    async with asyncio.timeout(within_s):
        while not true():
            await asyncio.sleep(0.005)


def told(sink: MemorySink, kind: str) -> list[str]:
    return [row["what"] for line in sink.lines if (row := json.loads(line))["kind"] == kind]


async def test_the_arm_is_told_the_target_before_anything_else(arm: ArmStandIn, ears: Ears) -> None:
    assert [body["do"] for body in arm.heard][:2] == ["hello", "target"]
    assert arm.of("target")[0]["id"] == "left-m1"


async def test_what_the_arm_tells_reaches_the_room(arm: ArmStandIn, ears: Ears, side: ArmSide) -> None:
    arm.say(state="freeze", why="head-lost", lease="none")
    await until(lambda: ears.heard)

    assert side.shown()["state"] == "freeze"
    assert "Clear the view" in side.shown()["sentence"]


async def test_the_arm_hears_of_us_when_there_are_no_frames(arm: ArmStandIn, ears: Ears) -> None:
    await until(lambda: len(arm.of("status")) >= 3, within_s=3)


async def test_an_arm_that_comes_back_is_told_the_target_again(
    arm: ArmStandIn, ears: Ears, side: ArmSide, sink: MemorySink
) -> None:
    arm.hang_up()
    await until(lambda: ears.losses)
    await until(lambda: side.link is not None)

    assert len(arm.of("target")) == 2
    assert len(told(sink, "trouble")) == 1
    assert "retracts by itself" in ears.losses[0]


async def test_an_arm_that_does_not_take_the_target_is_no_arm(
    arm: ArmStandIn, side: ArmSide, journal: Journal, sink: MemorySink
) -> None:
    arm.refuse["target"] = "scalp must hold centre and radii"
    keeping = asyncio.create_task(ArmKeeper(Ears(side), side, arm.path, journal).keep())
    await until(lambda: told(sink, "trouble"))
    keeping.cancel()
    await asyncio.wait((keeping,))

    assert side.link is None
    assert "scalp must hold centre and radii" in told(sink, "trouble")[0]


async def test_an_order_goes_to_the_arm_and_its_refusal_to_the_person(
    arm: ArmStandIn, ears: Ears, side: ArmSide
) -> None:
    arm.refuse["go"] = "not-calibrated"
    refused = await side.go("target", "olga")
    arm.refuse.clear()

    assert isinstance(refused, Refused)
    assert (refused.reason, "coilward calibrate" in refused.sentence) == ("not-calibrated", True)
    assert isinstance(await side.go("away", "olga"), Done)
    assert [body["to"] for body in arm.of("go")] == ["target", "away"]


async def test_a_stop_goes_out_without_waiting(arm: ArmStandIn, ears: Ears, side: ArmSide) -> None:
    side.stop()
    await until(lambda: arm.of("stop"))
    arm.close()
    await until(lambda: side.link is None)
    side.stop()  # nobody there: nothing raised


async def test_every_frame_goes_to_the_arm_once_and_in_order(
    arm: ArmStandIn, ears: Ears, side: ArmSide, journal: Journal
) -> None:
    tracker = Recorded([3, 4, 4, 7, 6, 8], gone=False)

    async def opening(_note: Callable[[str], None]) -> Tracker:
        return tracker

    feeding = asyncio.create_task(TrackerFeed(opening, side, journal).keep())
    await until(lambda: len(arm.of("frame")) >= 4)
    feeding.cancel()
    await asyncio.wait((feeding,))

    assert [body["n"] for body in arm.of("frame")] == [3, 4, 7, 8]
    assert tracker.closed


async def test_a_tracker_that_is_gone_is_opened_again_and_told_once(
    arm: ArmStandIn, ears: Ears, journal: Journal, sink: MemorySink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("daemon.retrying.FIRST_RETRY_S", 0.01)
    openings = 0

    async def opening(_note: Callable[[str], None]) -> Tracker:
        nonlocal openings
        openings += 1
        if openings < 4:
            raise PortNotFound("No tracker at /dev/x. Check its cable.")
        return Recorded([1, 2], gone=openings < 6)  # its numbers begin anew each time

    feeding = asyncio.create_task(TrackerFeed(opening, ears.side, journal).keep())
    await until(lambda: len(arm.of("frame")) >= 6)
    feeding.cancel()
    await asyncio.wait((feeding,))

    assert [body["n"] for body in arm.of("frame")] == [1, 2, 1, 2, 1, 2]
    assert told(sink, "trouble") == [
        "No tracker at /dev/x. Check its cable.",
        "The tracker hung up. Check its cable.",
        "The tracker hung up. Check its cable.",
    ]


async def test_a_tracker_that_hangs_is_told_of_once_and_to_the_operator_as_that_until_it_shows_something(
    arm: ArmStandIn, ears: Ears, journal: Journal, sink: MemorySink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("daemon.retrying.FIRST_RETRY_S", 0.01)
    hangs, mended, openings, side = TrackerHangs("It hangs. Switch it off and on."), asyncio.Event(), 0, ears.side
    hears = Recorded([1], gone=False)

    async def opening(_note: Callable[[str], None]) -> Tracker:
        nonlocal openings
        openings += 1
        return hears if mended.is_set() else Recorded([1] if openings == 1 else [], gone=True, error=hangs)

    async def shown(count: int) -> tuple[str, str]:
        arm.say(state="freeze", why="tracker-silent", lease="none")
        await until(lambda: len(ears.heard) >= count)
        return side.shown()["why"], side.shown()["sentence"]

    assert await shown(1) == ("tracker-silent", words.ENGLISH.coil_reason("tracker-silent"))
    feeding = asyncio.create_task(TrackerFeed(opening, side, journal).keep())
    await until(lambda: openings >= 3)
    hung = await shown(2)
    arm.refuse["go"] = "tracker-silent"
    refused = await side.go("target", "olga")
    mended.set()
    await until(lambda: len(arm.of("frame")) >= 2)
    after = await shown(3)
    feeding.cancel()
    await asyncio.wait((feeding,))

    assert (hung[0], after[0]) == ("tracker-hangs", "tracker-silent")
    assert "Switch the tracker off and on." in hung[1]
    assert isinstance(refused, Refused)
    assert "Switch the tracker off and on." in refused.sentence
    assert told(sink, "trouble") == ["It hangs. Switch it off and on."]


async def test_an_arm_that_falls_behind_is_told_of_once_and_never_waited_for(
    arm: ArmStandIn, ears: Ears, side: ArmSide, journal: Journal, sink: MemorySink
) -> None:
    arm.deaf()

    async def opening(_note: Callable[[str], None]) -> Tracker:
        return Recorded(list(range(3_000)), gone=False)

    feeding = asyncio.create_task(TrackerFeed(opening, side, journal).keep())
    await until(lambda: told(sink, "tracker"))
    feeding.cancel()
    await asyncio.wait((feeding,))

    assert told(sink, "tracker") == ["the arm does not take the tracker's frames in time"]


async def test_frames_without_an_arm_go_nowhere(side: ArmSide, journal: Journal, sink: MemorySink) -> None:
    tracker = Recorded([1, 2, 3], gone=True)

    async def opening(_note: Callable[[str], None]) -> Tracker:
        return tracker

    feeding = asyncio.create_task(TrackerFeed(opening, side, journal).keep())
    await until(lambda: tracker.closed)
    feeding.cancel()
    await asyncio.wait((feeding,))

    assert told(sink, "trouble") == ["The tracker hung up. Check its cable."]


def test_three_words_of_ours_may_be_lost_before_the_arm_goes_home() -> None:
    from daemon.arm.loop import SILENT_US  # noqa: PLC0415  the arm's own figure

    assert 3 * arm_keeper.HERE_S * 1e6 < SILENT_US
