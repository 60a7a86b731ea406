"""The physics of a simulated Rapid², from any clock origin."""

from __future__ import annotations

import dataclasses

import pytest

from drivers.errors import ConfigError, OurError
from drivers.stimulators import Condition, Field
from simulator.clock import VirtualClock
from simulator.stimulators.answers import Answer
from simulator.stimulators.profile import Profile, sources
from simulator.stimulators.rapid2 import Rapid2
from simulator.world import Kind, World

MS, S = 1_000, 1_000_000


class Device:
    """A device with its clock."""

    def __init__(self, origin_us: int, **options: object) -> None:
        self.profile = Profile(**options)  # type: ignore[arg-type]
        self.clock = VirtualClock(origin_us)
        self.world = World(self.clock)
        self.it = Rapid2(self.profile, self.world)

    def rest(self, us: int) -> None:
        self.clock.advance_to(self.clock.now_us() + us)
        self.it.step_to(self.clock.now_us())

    def charge(self) -> None:
        assert self.it.arm() is Answer.DONE
        self.rest(self.profile.arming_us)
        assert self.it.condition is Condition.READY

    def set_train(self, pulses: int, rate_tenths: int, duration_ms: int = 1_000) -> None:
        for field, value in (
            (Field.DURATION_MS, duration_ms),
            (Field.RATE, rate_tenths),
            (Field.PULSES, pulses),
        ):
            assert self.it.set(field, value) is Answer.DONE

    def notes(self, kind: Kind) -> list[str]:
        return [happening.note for happening in self.world.of(kind)]


@pytest.fixture
def device(origin_us: int) -> Device:
    return Device(origin_us)


def test_it_is_ready_one_second_after_arming_and_not_before(device: Device) -> None:
    device.it.arm()
    device.rest(device.profile.arming_us - 1)
    assert device.it.condition is Condition.ARMED
    device.rest(1)
    assert device.it.condition is Condition.READY


def test_it_arms_once(device: Device) -> None:
    device.charge()
    assert device.it.arm() is Answer.CONFLICT


def test_it_fires_only_when_ready(device: Device) -> None:
    assert device.it.trigger() is Answer.CONFLICT
    device.it.arm()
    assert device.it.trigger() is Answer.CONFLICT
    device.rest(device.profile.arming_us)
    assert device.it.trigger() is Answer.DONE


def test_one_trigger_is_one_pulse_at_the_level_set(device: Device, origin_us: int) -> None:
    device.it.set(Field.LEVEL, 500)
    device.charge()
    device.it.trigger()
    device.rest(5 * S)

    (pulse,) = device.world.of(Kind.PULSE)
    assert (pulse.level_tenths, pulse.train, pulse.index) == (500, 1, 1)
    assert pulse.at_us == origin_us + device.profile.arming_us + device.profile.trigger_latency_us


def test_a_disarm_within_the_trigger_latency_is_too_late_for_the_first_pulse_alone(device: Device) -> None:
    device.set_train(20, 1000)
    device.charge()
    device.it.trigger()
    device.rest(device.profile.trigger_latency_us - 1)
    device.it.order_disarm()
    device.rest(S)
    assert device.world.pulses == 1
    assert not device.it.train_running


def test_the_next_single_pulse_waits_for_the_recharge(device: Device) -> None:
    device.charge()
    device.it.trigger()
    device.rest(device.profile.trigger_latency_us + device.profile.single_recharge_us - 1)
    assert device.it.trigger() is Answer.CONFLICT
    device.rest(1)
    assert device.it.trigger() is Answer.DONE


def test_a_pulse_above_one_hundred_percent_takes_twice_as_long_to_recharge(device: Device) -> None:
    device.it.set(Field.ENHANCED, 1)
    device.it.set(Field.LEVEL, 1100)
    device.charge()
    device.it.trigger()
    device.rest(device.profile.trigger_latency_us + device.profile.enhanced_recharge_us - 1)
    assert device.it.condition is Condition.ARMED
    device.rest(1)
    assert device.it.condition is Condition.READY


def test_a_charge_delay_is_added_to_the_recharge(device: Device) -> None:
    device.it.set(Field.CHARGE_DELAY_MS, 300)
    device.charge()
    device.it.trigger()
    device.rest(device.profile.trigger_latency_us + device.profile.single_recharge_us + 300 * MS - 1)
    assert device.it.condition is Condition.ARMED
    device.rest(1)
    assert device.it.condition is Condition.READY


@pytest.mark.parametrize(("rate_tenths", "pulses"), [(100, 20), (33, 7), (1000, 50), (1, 2), (300, 3)])
def test_each_pulse_of_a_train_comes_at_its_exact_time(origin_us: int, rate_tenths: int, pulses: int) -> None:
    device = Device(origin_us)
    device.set_train(pulses, rate_tenths)
    device.charge()
    device.it.trigger()
    device.rest(60 * S)

    start_us = origin_us + device.profile.arming_us + device.profile.trigger_latency_us
    times = [pulse.at_us - start_us for pulse in device.world.of(Kind.PULSE)]
    assert times == [n * 10 * S // rate_tenths for n in range(pulses)]
    assert [pulse.index for pulse in device.world.of(Kind.PULSE)] == list(range(1, pulses + 1))


def test_stepping_in_one_leap_or_in_many_steps_makes_the_same_pulses(origin_us: int) -> None:
    leap, steps = Device(origin_us), Device(origin_us)
    for device in (leap, steps):
        device.set_train(40, 100)
        device.charge()
        device.it.trigger()
    leap.rest(7 * S)
    for _ in range(1000):
        steps.rest(7 * MS)
    assert list(leap.world.log) == list(steps.world.log)


def test_the_next_event_is_when_the_next_thing_happens(device: Device) -> None:
    device.set_train(3, 100)
    device.charge()
    device.it.trigger()
    seen = []
    while device.world.pulses < 3:
        due_us = device.it.next_event_us
        assert due_us is not None
        device.it.step_to(due_us - 1)
        before = device.world.pulses
        device.it.step_to(due_us)
        seen.append(device.world.pulses - before)
    assert seen == [1, 1, 1]


def test_the_train_bit_shows_from_the_first_pulse_to_the_last(device: Device) -> None:
    device.set_train(3, 100)
    device.charge()
    device.it.trigger()
    device.rest(device.profile.trigger_latency_us - 1)
    assert not device.it.train_running
    device.rest(1)
    assert device.it.train_running
    device.rest(200 * MS - 1)
    assert device.it.train_running
    device.rest(1)
    assert not device.it.train_running


def test_the_train_bit_may_show_for_the_duration_instead(origin_us: int) -> None:
    device = Device(origin_us, train_bit_until="duration")
    device.set_train(3, 100, duration_ms=300)
    device.charge()
    device.it.trigger()
    device.rest(device.profile.trigger_latency_us + 300 * MS - 1)
    assert device.world.pulses == 3
    assert device.it.train_running
    device.rest(1)
    assert not device.it.train_running


def test_a_single_pulse_shows_no_train_bit(device: Device) -> None:
    device.charge()
    device.it.trigger()
    device.rest(device.profile.trigger_latency_us - 1)
    assert not device.it.train_running
    device.rest(1)
    assert not device.it.train_running


def test_nothing_can_be_set_while_a_train_runs_nor_half_a_second_after(device: Device) -> None:
    device.set_train(3, 100)
    device.charge()
    device.it.trigger()
    device.rest(device.profile.trigger_latency_us)
    assert device.it.set(Field.LEVEL, 400) is Answer.CONFLICT
    device.rest(200 * MS + 500 * MS - 1)
    assert device.it.waiting
    assert device.it.set(Field.RATE, 50) is Answer.CONFLICT
    assert device.it.trigger() is Answer.CONFLICT
    device.rest(1)
    assert device.it.set(Field.RATE, 50) is Answer.DONE
    assert device.it.trigger() is Answer.DONE


def test_disarming_cuts_a_running_train(device: Device) -> None:
    device.set_train(20, 100)
    device.charge()
    device.it.trigger()
    device.rest(550 * MS)
    device.it.order_disarm()
    device.rest(5 * S)
    assert device.world.pulses == 6
    assert device.it.condition is Condition.STANDBY


def test_where_disarming_does_not_cut_a_train_it_runs_to_its_end_in_standby(origin_us: int) -> None:
    device = Device(origin_us, disarm_cuts_train=False)
    device.set_train(20, 100)
    device.charge()
    device.it.trigger()
    device.rest(550 * MS)
    device.it.order_disarm()
    assert (device.it.condition, device.it.train_running) == (Condition.STANDBY, True)
    device.rest(5 * S)
    assert device.world.pulses == 20


def test_a_train_that_is_not_set_completely_does_not_start(device: Device) -> None:
    device.it.set(Field.DURATION_MS, 1000)
    device.charge()
    assert device.it.trigger() is Answer.CONFLICT


@pytest.mark.parametrize(("ends_by", "pulses"), [("pulses", 20), ("shorter", 10)])
def test_what_ends_a_train_is_an_option(origin_us: int, ends_by: str, pulses: int) -> None:
    device = Device(origin_us, train_ends_by=ends_by)
    device.set_train(20, 100, duration_ms=1000)
    device.charge()
    device.it.trigger()
    device.rest(5 * S)
    assert device.world.pulses == pulses


def test_remote_control_lapses_after_ten_silent_seconds(device: Device) -> None:
    device.it.take_remote()
    device.rest(10 * S - 1)
    assert device.it.remote
    device.rest(1)
    assert not device.it.remote
    assert device.world.counts[Kind.LAPSE] == 1


def test_an_armed_device_lapses_after_one_second_and_disarms(device: Device) -> None:
    device.it.take_remote()
    device.it.arm()
    device.rest(S - 1)
    assert device.it.remote
    device.rest(1)
    assert not device.it.remote
    assert device.it.condition is Condition.STANDBY
    assert device.notes(Kind.DISARMED) == ["keep-alive lapsed"]


def test_a_renewed_device_does_not_lapse(device: Device) -> None:
    device.it.take_remote()
    device.it.arm()
    for _ in range(20):
        device.rest(S - 1)
        device.it.renew()
    assert device.it.remote


def test_a_lapse_ends_a_running_train(device: Device) -> None:
    device.it.take_remote()
    device.set_train(50, 100)
    device.it.arm()
    for _ in range(10):
        device.rest(100 * MS)
        device.it.renew()
    assert device.it.trigger() is Answer.DONE
    device.rest(10 * S)
    assert device.world.pulses == 10


def test_it_disarms_itself_after_a_minute_without_a_pulse(device: Device) -> None:
    device.charge()
    device.it.trigger()
    device.rest(device.profile.trigger_latency_us + 60 * S - 1)
    assert device.it.condition is Condition.READY
    device.rest(1)
    assert device.it.condition is Condition.STANDBY


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


def test_without_coil_it_does_not_arm_and_pulling_it_disarms(device: Device) -> None:
    device.charge()
    device.it.plug_coil(present=False)
    assert device.it.condition is Condition.STANDBY
    assert device.it.arm() is Answer.CONFLICT
    device.it.plug_coil(present=True)
    assert device.it.arm() is Answer.DONE


def test_with_the_coil_switch_open_it_is_not_ready_unless_the_switch_is_ignored(device: Device) -> None:
    device.charge()
    device.it.coil.switch_closed = False
    assert device.it.condition is Condition.ARMED
    device.it.ignore_coil_switch()
    assert device.it.condition is Condition.READY


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


def test_a_train_its_supply_cannot_bear_is_put_on_record(device: Device) -> None:
    device.it.set(Field.LEVEL, 800)
    device.set_train(20, 500)
    device.charge()
    device.rest(5 * S)
    device.it.trigger()
    assert device.world.counts[Kind.STRAIN] == 1


def test_a_train_before_the_last_is_paid_back_is_put_on_record(device: Device) -> None:
    device.it.set(Field.LEVEL, 730)
    device.set_train(200, 180)
    device.charge()
    device.rest(5 * S)
    for _ in range(2):
        device.it.trigger()
        device.rest(12 * S)
    assert device.world.counts[Kind.STRAIN] == 1
    device.rest(60 * S)
    device.it.arm()
    device.rest(S)
    device.it.trigger()
    assert device.world.counts[Kind.STRAIN] == 1


def test_a_device_that_keeps_the_energy_rule_itself_refuses_instead(origin_us: int) -> None:
    device = Device(origin_us, enforces_energy=True)
    device.it.set(Field.LEVEL, 800)
    device.set_train(20, 500)
    device.charge()
    device.rest(5 * S)
    assert device.it.trigger() is Answer.CONFLICT
    device.it.set(Field.RATE, 100)
    assert device.it.trigger() is Answer.DONE


def test_the_train_number_counts_triggers(device: Device) -> None:
    device.charge()
    for _ in range(3):
        device.it.trigger()
        device.rest(S)
    assert [pulse.train for pulse in device.world.of(Kind.PULSE)] == [1, 2, 3]


def test_it_cannot_step_back(device: Device) -> None:
    with pytest.raises(OurError, match="back"):
        device.it.step_to(device.it.now_us - 1)


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
