"""The Rapid driver arms, triggers and disarms: what it believes of each when answers are lost, late or refused."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from drivers.errors import DeviceError, DeviceRefused
from drivers.magstim.codec import DISARM
from drivers.magstim.rapid import Outcome
from drivers.stimulators import Condition
from simulator.faults import Spoil
from tests.drivers.rapid_rig import HALF, TEN_HERTZ, connected, firmwares, now

pytestmark = pytest.mark.looptime


@firmwares
async def test_a_train_is_armed_triggered_and_delivered(firmware: int) -> None:
    async with connected(firmware) as it:
        await it.driver.set_train(HALF, TEN_HERTZ)
        await it.driver.arm()
        assert it.bench.device.condition is Condition.READY
        fired = await it.driver.trigger()
        assert (fired.outcome, fired.why) == (Outcome.ACCEPTED, "")
        assert fired.asked_us < fired.answered_us < fired.asked_us + 20_000
        await asyncio.sleep(3)
        assert it.bench.world.pulses == 20


async def test_arming_ends_with_the_device_ready_even_when_the_answer_was_lost() -> None:
    async with connected() as it:
        it.spoil(Spoil.LOSE_REPLY, b"EB")
        await it.driver.arm()
        assert it.bench.device.condition is Condition.READY


async def test_arming_that_never_arrived_is_told_and_ends_in_standby() -> None:
    async with connected() as it:
        it.spoil(Spoil.LOSE_COMMAND, b"EB")
        with pytest.raises(DeviceError, match="went back to standby"):
            await it.driver.arm()
        assert it.bench.device.condition is Condition.STANDBY


async def test_a_device_that_does_not_get_ready_is_disarmed_again() -> None:
    async with connected() as it:
        it.bench.device.coil.switch_closed = False
        with pytest.raises(DeviceError, match="did not get ready"):
            await it.driver.arm(within_s=2.0)
        assert it.bench.device.condition is Condition.STANDBY
        assert now() < 4.0


async def test_arming_a_device_without_coil_is_refused_by_its_meaning() -> None:
    async with connected() as it:
        it.bench.device.plug_coil(present=False)
        with pytest.raises(DeviceRefused, match="Refused: arm"):
            await it.driver.arm()


async def test_a_trigger_in_standby_is_refused_and_nothing_fires() -> None:
    async with connected() as it:
        fired = await it.driver.trigger()
        assert fired.outcome is Outcome.REFUSED
        assert "Refused: trigger" in fired.why
        assert it.bench.world.pulses == 0


async def test_a_lost_answer_to_a_trigger_is_unknown_and_the_trigger_is_never_sent_again() -> None:
    async with connected() as it:
        await it.driver.set_single(HALF)
        await it.driver.arm()
        it.spoil(Spoil.LOSE_REPLY, b"EH")
        fired = await it.driver.trigger()
        assert fired.outcome is Outcome.UNKNOWN
        await asyncio.sleep(5)
        assert it.said().count("EH") == 1
        assert it.bench.world.pulses == 1


async def test_a_late_answer_to_a_trigger_stays_unknown_and_is_never_taken_for_the_next_ones() -> None:
    async with connected() as it:
        await it.driver.set_single(HALF)
        await it.driver.arm()
        it.spoil(Spoil.DELAY, b"EH", us=500_000)
        assert (await it.driver.trigger()).outcome is Outcome.UNKNOWN
        started = now()
        again = await it.driver.trigger()
        assert again.outcome is Outcome.REFUSED
        assert now() == started, "a trigger goes out now or not at all"
        assert "may still be answered" in again.why
        assert it.said().count("EH") == 1


async def test_a_trigger_on_a_port_that_goes_away_under_it_is_unknown_and_after_that_never_sent() -> None:
    async with connected() as it:
        await it.driver.set_single(HALF)
        await it.driver.arm()
        firing = asyncio.create_task(it.driver.trigger())
        await asyncio.sleep(0.001)
        await it.far.close()
        assert (await firing).outcome is Outcome.UNKNOWN
        fired = await it.driver.trigger()
        assert fired.outcome is Outcome.REFUSED
        assert fired.why.startswith("Not sent")


async def test_disarming_is_said_until_the_device_shows_standby() -> None:
    async with connected() as it:
        await it.driver.arm()
        it.bench.device.defects.disarms_ignored = 3
        before = len(it.heard)
        await it.driver.disarm()
        assert it.bench.device.condition is Condition.STANDBY
        said = [at for at, frame in it.heard[before:] if frame == DISARM.encode(11)]
        assert len(said) == 4
        assert max(b - a for a, b in pairwise(said)) < 0.06


async def test_disarming_a_device_that_never_obeys_ends_in_time_and_says_what_to_press() -> None:
    async with connected() as it:
        await it.driver.arm()
        it.bench.device.defects.disarms_ignored = -1
        started = now()
        with pytest.raises(DeviceError, match="Press STOP on the stimulator"):
            await it.driver.disarm()
        assert now() - started < 1.2


async def test_disarming_a_silent_device_ends_in_time_and_goes_on_saying_it() -> None:
    async with connected() as it:
        it.bench.port.silent = True
        before, started = len(it.heard), now()
        with pytest.raises(DeviceError, match="Press STOP"):
            await it.driver.disarm()
        assert now() - started < 1.2
        assert it.said(before).count("EA") >= 8


async def test_disarming_works_after_the_device_dropped_remote_control() -> None:
    async with connected() as it:
        await it.driver.arm()
        it.bench.device.remote = False
        await it.driver.disarm()
        assert it.bench.device.condition is Condition.STANDBY


async def test_the_condition_is_asked_for_the_watchdog_may_have_disarmed() -> None:
    async with connected() as it:
        await it.driver.arm()
        it.bench.device.disarm("the watchdog did")
        assert (await it.driver.look()).condition is Condition.STANDBY


async def test_the_coils_temperature_is_asked_now() -> None:
    async with connected() as it:
        it.bench.device.warm_coil(350)
        assert await it.driver.coil_tenths_celsius() == 350
