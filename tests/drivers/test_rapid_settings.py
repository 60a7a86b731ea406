"""What the Rapid driver sets and reads back: in which order, rounded which way, and refused before a byte is sent."""

from __future__ import annotations

import asyncio

import pytest

from drivers.errors import DeviceError, DeviceRefused, OperatorError
from drivers.quantities import SINGLE, Hertz, PercentMso, Train
from drivers.stimulators import Settings
from simulator.faults import Spoil
from tests.drivers.rapid_rig import HALF, TEN_HERTZ, connected, firmwares

pytestmark = pytest.mark.looptime


@pytest.mark.parametrize(
    ("firmware", "frames"),
    [
        (5, ["[010", "@050", "B0100", "D0020", "[020", "\\@", "\\@"]),
        (8, ["[010", "@050", "B0100", "D0020", "[020", "\\@", "\\@"]),
        (9, ["[0010", "@050", "B0100", "D00020", "[0020", "\\@", "\\@"]),
        (11, ["[0010", "@050", "B0100", "D00020", "[0020", "\\@", "\\@"]),
    ],
)
async def test_a_train_is_set_power_before_frequency_and_read_back_twice(firmware: int, frames: list[str]) -> None:
    async with connected(firmware) as it:
        before = len(it.heard)
        settings = await it.driver.set_train(HALF, TEN_HERTZ)
        assert settings == Settings(HALF, Hertz.of(10), 20, 2000)
        assert it.said(before) == frames


@firmwares
async def test_single_pulses_are_set_by_leaving_trains(firmware: int) -> None:
    async with connected(firmware) as it:
        await it.driver.set_train(HALF, TEN_HERTZ)
        assert await it.driver.set_single(HALF) == Settings(HALF, SINGLE, 1, 0)
        assert it.said()[-4:] == ["[000" if firmware < 9 else "[0000", "@050", "\\@", "\\@"]


async def test_a_train_without_a_rate_is_a_single_pulse() -> None:
    async with connected() as it:
        assert await it.driver.set_train(HALF, Train(1, SINGLE)) == Settings(HALF, SINGLE, 1, 0)


async def test_a_duration_is_rounded_up_so_that_no_pulse_is_cut_off() -> None:
    async with connected(profile={"train_ends_by": "shorter"}) as it:
        settings = await it.driver.set_train(PercentMso.of(30), Train(25, Hertz.of(30)))
        assert settings.duration_ms == 900
        await it.driver.arm()
        await it.driver.trigger()
        await asyncio.sleep(2)
        assert it.bench.world.pulses == 25


@pytest.mark.parametrize(
    ("level", "train", "says"),
    [
        (PercentMso.of(60), Train(50, Hertz.of(50)), "faster than"),
        (PercentMso.of("50.5"), TEN_HERTZ, "no whole per cent"),
        (PercentMso.of(30), Train(6001, Hertz.of(10)), "longer than"),
        (PercentMso.of(30), Train(30, Hertz.of("30.5")), "whole Hz only"),
    ],
)
async def test_what_the_device_cannot_deliver_is_refused_before_a_byte_is_sent(
    level: PercentMso, train: Train, says: str
) -> None:
    async with connected() as it:
        before = len(it.heard)
        with pytest.raises(OperatorError, match=says):
            await it.driver.set_train(level, train)
        assert it.said(before) == []


async def test_a_level_that_reads_back_otherwise_is_told_with_both() -> None:
    async with connected() as it:
        it.bench.device.defects.setting_offset_tenths = 50
        with pytest.raises(DeviceError, match=r"20 pulses at 10 Hz, 50 % MSO.* reads back .*55 % MSO"):
            await it.driver.set_train(HALF, TEN_HERTZ)


async def test_a_setting_refused_on_the_way_is_told_by_its_meaning() -> None:
    async with connected() as it:
        it.refuse = b"@"
        with pytest.raises(DeviceRefused, match=r"Refused: set 50 % MSO \(it shows standby\)"):
            await it.driver.set_train(HALF, TEN_HERTZ)


async def test_a_setting_whose_answer_was_lost_is_said_again() -> None:
    async with connected() as it:
        it.spoil(Spoil.LOSE_REPLY, b"B")
        before = len(it.heard)
        await it.driver.set_train(HALF, TEN_HERTZ)
        assert it.said(before).count("B0100") == 2
