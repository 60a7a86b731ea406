"""The trains of a simulated Rapid², pulse by pulse: when each comes, what ends them, and what its supply can bear."""

from __future__ import annotations

import pytest

from drivers.errors import OurError
from drivers.stimulators import Condition, Field
from simulator.stimulators.answers import Answer
from simulator.world import Kind
from tests.simulator.rapid2_device import MS, Device, S


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


def test_it_cannot_step_back(device: Device) -> None:
    with pytest.raises(OurError, match="back"):
        device.it.step_to(device.it.now_us - 1)


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
