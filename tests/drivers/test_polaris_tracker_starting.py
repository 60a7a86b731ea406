"""How the Polaris driver starts a unit, whatever it was left at, and what it says when it cannot."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from drivers.errors import DeviceRefused, DeviceSilent, OperatorError, OurError, PortLost
from drivers.polaris import tool_files
from drivers.polaris.framing import Command
from drivers.polaris.models import model
from drivers.polaris.refusals import Error
from drivers.polaris.tracker import PolarisTracker, Reporting
from drivers.trackers import Tool
from tests.drivers.polaris_unit import FILES, HERE, Unit, served, take, tracking

pytestmark = pytest.mark.looptime


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
    unit.port.silent, unit.break_arrives = True, False
    async with served(unit):
        began_s = asyncio.get_running_loop().time()
        with pytest.raises(DeviceSilent, match="switched on"):
            await PolarisTracker(unit, model("polaris-vega"), FILES).connect()
        with pytest.raises(PortLost):
            await unit.stream.read(0.1)

    took_s = asyncio.get_running_loop().time() - began_s
    assert took_s == pytest.approx(10.3), "1 s at each of three speeds, a break of 0.3 s, 7 s for its answer"
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


def test_the_commands_for_frames_are_those_of_the_notes() -> None:
    assert Reporting.BX.value == Command("BX", "0001")
    assert Reporting.BX2.value.parameters == "--6d=tools"
