"""The Rapid driver takes remote control and gives it back: what it says first, and how it names what is wrong."""

from __future__ import annotations

import pytest

from drivers.errors import ConfigError, DeviceRefused, DeviceSilent, OurError, PortLost
from drivers.magstim.codec import EnableRemote
from drivers.quantities import SINGLE, PercentMso
from drivers.stimulators import Condition, Settings
from simulator.faults import FOR_EVER, Spoil
from tests.drivers.rapid_rig import CODE, connected, firmwares, now, rig

pytestmark = pytest.mark.looptime


@firmwares
async def test_connecting_takes_remote_control_and_reads_the_device(firmware: int) -> None:
    async with rig(firmware) as it:
        shown = await it.driver.connect()
        assert shown.remote
        assert shown.condition is Condition.STANDBY
        assert shown.settings == Settings(PercentMso.of(30), SINGLE, 1, 0)
        assert shown.coil_tenths_celsius == it.bench.device.coil_tenths
        assert it.driver.version == f"V{firmware}.0"
        assert it.bench.device.remote


@firmwares
async def test_connecting_disarms_before_it_takes_remote_control(firmware: int) -> None:
    async with rig(firmware) as it:
        it.bench.device.arm()
        await it.driver.connect()
        said = it.said()
        assert said.index("EA") < next(n for n, what in enumerate(said) if what.startswith("Q"))
        assert it.bench.device.condition is Condition.STANDBY


async def test_silence_is_told_as_cable_port_or_power() -> None:
    async with rig() as it:
        it.bench.port.silent = True
        with pytest.raises(DeviceSilent, match="switched on, that the cable sits in the port of its mainframe"):
            await it.driver.connect()
        assert now() < 1.5


async def test_something_else_on_the_port_is_told_as_that() -> None:
    async with rig() as it:
        it.spoil(Spoil.FLIP, b"F", FOR_EVER)
        with pytest.raises(DeviceSilent, match="not as a Magstim Rapid"):
            await it.driver.connect()


@pytest.mark.parametrize("firmware", [9, 11])
async def test_another_units_unlock_code_is_told_as_that(firmware: int) -> None:
    async with rig(firmware, code="0000-00000000-00") as it:
        with pytest.raises(DeviceSilent, match="The unlock code is another unit's"):
            await it.driver.connect()


@pytest.mark.parametrize("firmware", [9, 11])
async def test_an_unlock_code_refused_aloud_is_told_as_that_too(firmware: int) -> None:
    async with rig(firmware, code="0000-00000000-00", profile={"silent_on_wrong_unlock": False}) as it:
        with pytest.raises(DeviceRefused, match="The unlock code is another unit's"):
            await it.driver.connect()


@pytest.mark.parametrize("code", [None, "", "short", "4b1d-77aa03c9-é5"])
async def test_a_missing_or_impossible_unlock_code_names_the_file_it_belongs_in_and_is_not_shown(code: str) -> None:
    async with rig(code=code) as it:
        with pytest.raises(ConfigError, match="unlock_code_file") as told:
            await it.driver.connect()
        assert not code or code not in str(told.value)


async def test_remote_control_that_is_kept_is_told_as_that(monkeypatch: pytest.MonkeyPatch) -> None:
    async with rig() as it:
        monkeypatch.setattr(it.bench.device, "take_remote", lambda: None)
        with pytest.raises(DeviceRefused, match="keeps remote control to itself"):
            await it.driver.connect()


async def test_a_unit_of_another_firmware_is_told_with_both_numbers() -> None:
    async with rig(11, profile={"version_text": "V8.2"}) as it:
        with pytest.raises(ConfigError, match=r"says it is V8\.2, and \[stimulator\] firmware says 11"):
            await it.driver.connect()


async def test_a_unit_of_a_firmware_with_the_same_words_connects() -> None:
    async with rig(11, profile={"version_text": "V10.1"}) as it:
        await it.driver.connect()
        assert it.driver.version == "V10.1"


async def test_a_cable_pulled_while_connecting_ends_it_at_once() -> None:
    async with rig() as it:
        await it.far.close()
        with pytest.raises(PortLost):
            await it.driver.connect()
        assert it.lost == [], "the caller was told already"


async def test_a_driver_connects_once() -> None:
    async with connected() as it:
        with pytest.raises(OurError, match="once"):
            await it.driver.connect()


async def test_one_lost_answer_does_not_end_connecting() -> None:
    for letter in (b"F", b"Q", b"N", b"\\"):
        async with rig() as it:
            it.spoil(Spoil.LOSE_REPLY, letter)
            assert (await it.driver.connect()).remote


async def test_disconnecting_leaves_the_device_disarmed_and_without_remote_control() -> None:
    async with connected() as it:
        await it.driver.arm()
        await it.driver.disconnect()
        assert it.said()[-1] == "R@"
        assert not it.bench.device.remote
        assert it.bench.device.condition is Condition.STANDBY


async def test_the_unlock_code_is_in_no_error_and_no_name() -> None:
    async with connected() as it:
        it.refuse = b"Q"
        with pytest.raises(DeviceRefused) as told:
            await it.driver._ask(EnableRemote(CODE), 0.5)
        assert CODE not in str(told.value) + repr(it.driver.__dict__["_line"].__dict__)
