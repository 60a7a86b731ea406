"""The Rapid driver against the simulated Rapid at 9600 baud, on virtual time: what it says, believes and reports."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest

from drivers.catalogue import dialect
from drivers.errors import (
    CoilwardError,
    ConfigError,
    DeadlinePassed,
    DeviceError,
    DeviceRefused,
    DeviceSilent,
    OperatorError,
    OurError,
    PortLost,
)
from drivers.magstim.codec import ARM, DISARM, TRIGGER, EnableRemote
from drivers.magstim.rapid import Outcome, RapidDriver
from drivers.memory_stream import memory_pair
from drivers.quantities import SINGLE, Hertz, PercentMso, Train
from drivers.stimulators import Condition, Settings
from drivers.streams import ByteStream
from simulator.bench import Bench
from simulator.clock import VirtualClock
from simulator.faults import FOR_EVER, LineFault, Spoil
from simulator.stimulators.profile import Profile
from simulator.world import World

pytestmark = pytest.mark.looptime
firmwares = pytest.mark.parametrize("firmware", [5, 8, 9, 11])

CODE = "4b1d-77aa03c9-e5"
HALF = PercentMso.of(50)
TEN_HERTZ = Train(20, Hertz.of(10))


@dataclass
class Rig:
    """A driver, the simulated device at the other end of its line, and what was said on it."""

    driver: RapidDriver
    bench: Bench
    far: ByteStream
    heard: list[tuple[float, bytes]] = field(default_factory=list)
    lost: list[CoilwardError] = field(default_factory=list)
    refuse: bytes = b""
    """Frames that begin so are refused on the way, as the watchdog does."""

    async def run_device(self) -> None:
        """Carries bytes and time between the stream and the simulated port until the line is closed."""
        loop, port = asyncio.get_running_loop(), self.bench.port
        reader = self.driver.dialect.command_reader()
        while True:
            now_us = round(loop.time() * 1e6)
            if sent := port.due(now_us):
                await self.far.write(sent, 1.0)
            wait_s = 1.0 if port.next_us is None else min(1.0, max(10, port.next_us - now_us) / 1e6)
            try:
                data = await self.far.read(wait_s)
            except DeadlinePassed:
                continue
            except PortLost:
                return
            for piece in reader.feed(data):
                self.heard.append((loop.time(), piece.data))
                if self.refuse and piece.data.startswith(self.refuse):
                    await self.far.write(self.driver.dialect.refusal(piece.data), 1.0)
                else:
                    port.receive(piece.data, round(loop.time() * 1e6))

    def said(self, since: int = 0) -> list[str]:
        """Letters with data, without checksum, of what reached the device."""
        return [self.driver.dialect.redact(frame) for _, frame in self.heard[since:]]

    def spoil(self, spoil: Spoil, of: bytes, count: int = 1, us: int = 0) -> None:
        self.bench.port.faults.add(LineFault(spoil, of, count, us))


@asynccontextmanager
async def rig(
    firmware: int = 11, *, code: str | None = CODE, profile: dict[str, Any] | None = None
) -> AsyncIterator[Rig]:
    """A rig whose device is on and whose driver is not connected yet. `firmware` is what the site file says."""
    near, far = memory_pair()
    options: dict[str, Any] = {"firmware": firmware, "unlock_code": CODE, **(profile or {})}
    bench = Bench(Profile(**options), World(VirtualClock()), pacing=True)
    lost: list[CoilwardError] = []
    driver = RapidDriver(near, dialect("magstim-rapid2", firmware), unlock_code=code, on_lost=lost.append)
    found = Rig(driver, bench, far, lost=lost)
    device = asyncio.create_task(found.run_device())
    try:
        yield found
    finally:
        await driver.close()
        await device
        await far.close()


@asynccontextmanager
async def connected(firmware: int = 11, **options: Any) -> AsyncIterator[Rig]:
    async with rig(firmware, **options) as found:
        await found.driver.connect()
        yield found


def now() -> float:
    return asyncio.get_running_loop().time()


# ── connecting ──────────────────────────────────────────────────────────────────────────────────────────────────────


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


# ── settings ────────────────────────────────────────────────────────────────────────────────────────────────────────


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


# ── acting ──────────────────────────────────────────────────────────────────────────────────────────────────────────


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


# ── staying connected ───────────────────────────────────────────────────────────────────────────────────────────────


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


async def test_the_unlock_code_is_in_no_error_and_no_name() -> None:
    async with connected() as it:
        it.refuse = b"Q"
        with pytest.raises(DeviceRefused) as told:
            await it.driver._ask(EnableRemote(CODE), 0.5)
        assert CODE not in str(told.value) + repr(it.driver.__dict__["_line"].__dict__)
