"""What can be set at a simulated Rapid², and when; how its level follows, and how warm its coil becomes."""

from __future__ import annotations

import dataclasses

import pytest

from drivers.errors import ConfigError
from drivers.stimulators import Condition, Field
from simulator.stimulators.answers import Answer
from simulator.stimulators.profile import Profile, sources
from simulator.world import Kind
from tests.simulator.rapid2_device import MS, Device, S


def test_a_mode_changes_in_standby_only(device: Device) -> None:
    device.it.arm()
    assert device.it.set(Field.DURATION_MS, 1000) is Answer.CONFLICT
    assert device.it.set(Field.ENHANCED, 1) is Answer.CONFLICT
    device.it.order_disarm()
    assert device.it.set(Field.DURATION_MS, 1000) is Answer.DONE


def test_enhanced_power_and_trains_exclude_each_other(device: Device) -> None:
    assert device.it.set(Field.ENHANCED, 1) is Answer.DONE
    assert device.it.set(Field.DURATION_MS, 1000) is Answer.CONFLICT
    assert device.it.set(Field.ENHANCED, 0) is Answer.DONE
    assert device.it.set(Field.DURATION_MS, 1000) is Answer.DONE
    assert device.it.set(Field.ENHANCED, 1) is Answer.CONFLICT


def test_leaving_enhanced_power_brings_the_level_back_to_one_hundred(device: Device) -> None:
    device.it.set(Field.ENHANCED, 1)
    device.it.set(Field.LEVEL, 1050)
    device.it.set(Field.ENHANCED, 0)
    assert device.it.settings[Field.LEVEL] == 1000


@pytest.mark.parametrize(
    ("field", "highest", "options"),
    [
        (Field.LEVEL, 1000, {}),
        (Field.RATE, 1000, {"supply_volts": 240}),
        (Field.RATE, 600, {"supply_volts": 115}),
        (Field.PULSES, 6000, {"firmware": 9}),
        (Field.PULSES, 1000, {"firmware": 8}),
        (Field.DURATION_MS, 600_000, {"firmware": 9}),
        (Field.DURATION_MS, 10_000, {"firmware": 8}),
        (Field.CHARGE_DELAY_MS, 2_000, {"firmware": 9}),
        (Field.CHARGE_DELAY_MS, 10_000, {"firmware": 11}),
    ],
)
def test_a_setting_is_taken_up_to_its_highest_value(field: Field, highest: int, options: dict[str, int]) -> None:
    device = Device(2**31, **options)
    assert device.it.set(field, highest) is Answer.DONE
    assert device.it.set(field, highest + (10 if field is Field.RATE else 1)) is Answer.BAD_DATA
    assert device.it.settings[field] == highest


def test_decimals_of_a_rate_are_taken_up_to_thirty_hertz(device: Device) -> None:
    assert device.it.set(Field.RATE, 299) is Answer.DONE
    assert device.it.set(Field.RATE, 301) is Answer.BAD_DATA
    assert device.it.set(Field.RATE, 310) is Answer.DONE


def test_the_level_rises_quickly_and_falls_slowly(device: Device) -> None:
    device.it.set(Field.LEVEL, 800)
    device.it.arm()
    device.rest(S)
    assert device.it.condition is Condition.READY  # 50 % up took 0.5 s
    device.it.set(Field.LEVEL, 700)
    device.rest(S - 1)
    assert device.it.condition is Condition.ARMED
    device.rest(1)
    assert device.it.condition is Condition.READY


def test_a_pulse_out_of_a_slewing_capacitor_has_the_level_it_really_holds(device: Device) -> None:
    device.set_train(2, 20, duration_ms=1000)
    device.it.set(Field.LEVEL, 600)
    device.charge()
    device.it.trigger()
    device.rest(100 * MS)
    device.it.turn_level(500)
    device.rest(S)
    assert [pulse.level_tenths for pulse in device.world.of(Kind.PULSE)] == [600, 560]


def test_every_pulse_warms_the_coil_with_the_square_of_its_level(origin_us: int) -> None:
    weak, strong = Device(origin_us, cooling_time_s=10**9), Device(origin_us, cooling_time_s=10**9)
    for device, level in ((weak, 400), (strong, 800)):
        device.it.set(Field.LEVEL, level)
        device.set_train(100, 100)
        device.charge()
        device.it.trigger()
        device.rest(11 * S)
    warmth = [device.it.coil.true_tenths(device.clock.now_us()) - 220 for device in (weak, strong)]
    assert warmth[0] == pytest.approx(100 * 0.02 * 0.16 * 10)
    assert warmth[1] == pytest.approx(4 * warmth[0])


def test_an_ordinary_treatment_stays_below_forty_degrees_and_the_coil_cools_afterwards(device: Device) -> None:
    device.it.set(Field.LEVEL, 600)
    device.set_train(40, 100, duration_ms=4000)
    device.charge()
    for _ in range(75):
        assert device.it.trigger() is Answer.DONE
        device.rest(30 * S)
    warm = device.it.coil_tenths
    assert device.world.pulses == 3000
    assert 260 < warm < 400
    device.rest(3600 * S)
    assert device.it.coil_tenths < 240


def test_a_hot_coil_disarms_cuts_the_train_and_is_refused_until_it_is_cool(device: Device) -> None:
    device.it.set(Field.LEVEL, 1000)
    device.set_train(50, 100)
    device.charge()
    device.it.warm_coil(398)
    device.it.trigger()
    device.rest(6 * S)
    assert 0 < device.world.pulses < 50
    assert device.notes(Kind.DISARMED) == ["coil hot"]
    device.it.warm_coil(401)
    assert device.it.arm() is Answer.CONFLICT
    device.it.warm_coil(400)
    assert device.it.arm() is Answer.DONE


def test_every_option_names_its_source() -> None:
    assert set(sources()) == {option.name for option in dataclasses.fields(Profile)}
    assert all(sources().values())


@pytest.mark.parametrize(
    "options", [{"model": "nothing"}, {"firmware": 7}, {"supply_volts": 12}, {"train_bit_until": "noon"}]
)
def test_a_profile_that_cannot_be_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        Profile(**options)  # type: ignore[arg-type]
    Profile()
