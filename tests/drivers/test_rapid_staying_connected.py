"""The Rapid driver stays connected: the device is kept alive between pulses, and a lost one is told once and soon."""

from __future__ import annotations

import asyncio

import pytest

from drivers.errors import DeviceRefused, DeviceSilent, PortLost
from drivers.magstim.codec import ARM, TRIGGER
from drivers.magstim.rapid import Outcome
from drivers.quantities import PercentMso
from drivers.stimulators import Condition
from simulator.faults import Spoil
from tests.drivers.rapid_rig import HALF, connected, firmwares, now, rig

pytestmark = pytest.mark.looptime


@firmwares
async def test_the_device_stays_armed_and_under_remote_control_for_as_long_as_nothing_else_is_said(
    firmware: int,
) -> None:
    async with connected(firmware) as it:
        await asyncio.sleep(12)  # longer than the lapse in standby
        assert it.bench.device.remote
        await it.driver.arm()
        await asyncio.sleep(5)
        assert it.bench.device.condition is Condition.READY
        assert it.lost == []


@pytest.mark.parametrize(("armed", "within_s"), [(True, 0.55), (False, 5.0)])
@firmwares
async def test_a_device_that_falls_silent_is_told_once_within_half_its_lapse_time(
    firmware: int, armed: bool, within_s: float
) -> None:
    async with connected(firmware) as it:
        if armed:
            await it.driver.arm()
        await asyncio.sleep(3.0)
        it.bench.port.silent = True
        await asyncio.sleep(within_s)
        assert [type(error) for error in it.lost] == [DeviceSilent]
        assert it.driver.lost is it.lost[0]
        with pytest.raises(PortLost, match="stopped answering"):
            await it.driver.set_single(HALF)
        await it.far.close()
        with pytest.raises(PortLost):
            await it.driver.disarm()
        assert it.lost == [it.driver.lost], "the first reason stays, and is told once"


async def test_a_cable_pulled_is_told_once() -> None:
    async with connected() as it:
        await it.driver.arm()
        await it.far.close()
        await asyncio.sleep(0.25)
        assert [type(error) for error in it.lost] == [PortLost]
        with pytest.raises(PortLost):
            await it.driver.arm()
        assert len(it.lost) == 1


async def test_one_lost_answer_is_no_lost_device() -> None:
    async with connected() as it:
        await it.driver.arm()
        for _ in range(8):
            it.spoil(Spoil.LOSE_REPLY, b"x")
            await asyncio.sleep(1.0)
        assert it.lost == []
        assert it.bench.device.condition is Condition.READY


async def test_remote_control_taken_back_at_the_device_is_a_lost_connection() -> None:
    async with connected() as it:
        it.bench.device.remote = False
        await asyncio.sleep(3.0)
        assert [str(error) for error in it.lost] == [str(it.driver.lost)]
        assert "took back remote control" in str(it.driver.lost)


async def test_a_refused_frame_never_reached_the_device_and_does_not_count_as_keeping_it_alive() -> None:
    async with connected() as it:
        await it.driver.arm()
        it.refuse = b"["
        for _ in range(30):
            with pytest.raises(DeviceRefused):
                await it.driver.set_single(HALF)
            await asyncio.sleep(0.08)
        assert it.bench.device.condition is Condition.READY


async def test_what_a_reply_shows_of_the_time_before_its_command_is_not_believed() -> None:
    async with connected() as it:
        await it.driver._start_arming()
        assert it.driver.seen.condition is None
        await it.driver.look()
        assert it.driver.seen.condition is Condition.ARMED


async def test_while_another_program_speaks_the_connection_is_not_lost() -> None:
    async with connected() as it:
        before = len(it.heard)
        it.refuse = b"x"
        for _ in range(12):
            await asyncio.sleep(1.0)
            it.bench.device.renew()  # by the other program's questions
        assert it.lost == []
        assert len(it.heard) - before < 12
        it.refuse = b""
        await asyncio.sleep(9.0)
        assert it.lost == []
        assert it.bench.device.remote


@firmwares
async def test_no_keep_alive_begins_within_50_ms_before_a_planned_pulse(firmware: int) -> None:
    async with connected(firmware) as it:
        await it.driver.set_single(PercentMso.of(40))
        await it.driver.arm()
        start = now()
        times = [start + 0.3 + n * 1.037 for n in range(12)]
        it.driver.plan_pulses(round(at * 1e6) for at in times)
        for at in times:
            await asyncio.sleep(at - now())
            before = now()
            fired = await it.driver.trigger()
            assert fired.outcome is Outcome.ACCEPTED
            assert it.heard[-1] == (pytest.approx(before), TRIGGER.encode(firmware)), "the trigger waited for the line"
        questions = [at for at, frame in it.heard if frame not in {TRIGGER.encode(firmware), ARM.encode(firmware)}]
        assert all(not -1e-6 < pulse - asked < 0.05 - 1e-6 for pulse in times for asked in questions)
        assert sum(asked > start for asked in questions) > 12, "and yet the device was kept alive in between"


async def test_the_counter_of_turns_grows_through_every_wait_and_through_a_loss() -> None:
    async with rig() as it:

        async def slowest_growth(for_s: float) -> int:
            grown, ends = [], now() + for_s
            while now() < ends:
                before = it.driver.turns
                await asyncio.sleep(0.2)
                grown.append(it.driver.turns - before)
            return min(grown)

        connecting = asyncio.create_task(it.driver.connect())
        await asyncio.sleep(0.01)
        assert await slowest_growth(2.0) >= 3
        await connecting
        await it.driver.arm()
        it.bench.port.silent = True
        assert await slowest_growth(3.0) >= 3
        assert it.lost != []
