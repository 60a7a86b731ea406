"""When a simulated Rapid² is ready, fires, and disarms by itself, from any clock origin."""

from __future__ import annotations

from drivers.stimulators import Condition, Field
from simulator.stimulators.answers import Answer
from simulator.world import Kind
from tests.simulator.rapid2_device import MS, Device, S


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


def test_a_single_pulse_shows_no_train_bit(device: Device) -> None:
    device.charge()
    device.it.trigger()
    device.rest(device.profile.trigger_latency_us - 1)
    assert not device.it.train_running
    device.rest(1)
    assert not device.it.train_running


def test_the_train_number_counts_triggers(device: Device) -> None:
    device.charge()
    for _ in range(3):
        device.it.trigger()
        device.rest(S)
    assert [pulse.train for pulse in device.world.of(Kind.PULSE)] == [1, 2, 3]


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


def test_it_disarms_itself_after_a_minute_without_a_pulse(device: Device) -> None:
    device.charge()
    device.it.trigger()
    device.rest(device.profile.trigger_latency_us + 60 * S - 1)
    assert device.it.condition is Condition.READY
    device.rest(1)
    assert device.it.condition is Condition.STANDBY
