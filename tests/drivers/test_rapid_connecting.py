"""The Rapid driver takes remote control and gives it back: what it says first, and how it names what is wrong."""

from __future__ import annotations

import asyncio
import gc
import logging
import traceback
from collections import deque
from types import MethodType
from typing import Any

import pytest

from drivers.errors import CoilwardError, ConfigError, DeviceRefused, DeviceSilent, OurError, PortLost
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


@pytest.mark.parametrize(
    ("after_s", "asked"), [(0.005, "F@"), (0.015, "EA"), (0.03, "Q<unlock code>"), (0.045, "ND"), (0.06, "\\@")]
)
async def test_a_cable_pulled_while_connecting_ends_it_at_once(after_s: float, asked: str) -> None:
    async def pull() -> None:
        await asyncio.sleep(after_s)
        await it.far.close()

    async with rig() as it:
        pulling = asyncio.create_task(pull())
        with pytest.raises(PortLost):
            await it.driver.connect()
        assert now() == pytest.approx(after_s, abs=1e-6)
        assert it.said()[-1] == asked
        assert it.lost == [], "the caller was told already"
        await pulling


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


def parts(whole: object) -> list[object]:
    """A thing of the drivers', and all the others that hang on it."""
    found: dict[int, object] = {}
    waiting = [whole]
    while waiting:
        each = waiting.pop()
        ours = type(each).__module__.startswith("drivers.")
        if id(each) not in found and (ours or isinstance(each, (dict, list, tuple, deque, MethodType))):
            found[id(each)] = each
            waiting += gc.get_referents(each)
    return [each for each in found.values() if type(each).__module__.startswith("drivers.")]


@pytest.mark.parametrize(
    ("at_q", "profile", "error"),
    [
        ("granted", {}, None),
        ("withheld", {}, DeviceRefused),
        ("answered with silence", {"unlock_code": "0000-00000000-00"}, DeviceSilent),
        ("refused", {"unlock_code": "0000-00000000-00", "silent_on_wrong_unlock": False}, DeviceRefused),
        ("pulled", {}, PortLost),
    ],
)
async def test_the_unlock_code_is_in_no_error_no_log_record_and_no_repr(
    at_q: str, profile: dict[str, Any], error: type[CoilwardError] | None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with rig(profile=profile) as it:
        it.refuse = b"Q" if at_q == "withheld" else b""
        connecting = asyncio.create_task(it.driver.connect())
        await asyncio.sleep(0.03)
        assert it.heard[-1][1].startswith(b"Q" + CODE.encode()), "it went out"
        shown = [repr(part) for part in parts(it.driver)]
        if at_q == "pulled":
            await it.far.close()
        (outcome,) = await asyncio.gather(connecting, return_exceptions=True)
        shown += [repr(part) for part in (*parts(it.driver), EnableRemote(CODE), outcome)]

    for kind in ("RapidDriver", "RapidLine", "Exchange", "KeepAlive", "MemoryStream", "Reading"):
        assert any(kind in each.partition("(")[0] for each in shown), f"no {kind} was looked at"
    failed = outcome if isinstance(outcome, CoilwardError) else None
    assert (failed and type(failed)) is error
    told = [] if failed is None else traceback.format_exception(failed)
    assert CODE not in "".join((*told, *shown, caplog.text))
