"""Every switch of the stimulator itself, its coil and its panel bites, and none bites when it is off."""

from __future__ import annotations

import pytest

from drivers.errors import OperatorError
from drivers.magstim.framing import seal
from drivers.stimulators import Condition
from tests.simulator.conftest import MS, S
from tests.simulator.switches_at_work import ASK, TOLD, Bites, TalkTo, ready_for_train

bites = Bites()


# ── the device ──────────────────────────────────────────────────────────────────────────────────────────────────────


@bites("power-cycle")
def test_a_reset_in_a_train_ends_it_and_the_device_comes_back_as_new(talk_to: TalkTo) -> None:
    talk = talk_to(firmware=8)
    ready_for_train(talk)
    talk.fault("power-cycle", off_ms=300, after_pulses=7)
    talk.say("EH")
    talk.rest(talk.profile.trigger_latency_us + 650 * MS)
    assert talk.world.pulses == 7
    assert talk.say(ASK) == b""
    talk.rest(300 * MS)
    assert talk.say(ASK)[:2] == b"F\x09"
    assert not talk.device.settings.repetitive
    talk.rest(9 * S)
    assert talk.world.pulses == 7


@bites("ignore-disarm")
def test_a_device_can_answer_a_disarm_and_stay_armed(talk_to: TalkTo) -> None:
    talk = talk_to(firmware=8)
    talk.make_ready()
    talk.fault("ignore-disarm", count=2)
    for _ in range(2):
        assert talk.say("EA") == seal(b"E\x8c")
        assert talk.device.condition is Condition.READY
    talk.say("EA")
    assert talk.device.condition is Condition.STANDBY


def test_a_device_can_ignore_disarms_for_ever(talk_to: TalkTo) -> None:
    talk = talk_to(firmware=8)
    ready_for_train(talk)
    talk.fault("ignore-disarm")
    talk.say("EH")
    for _ in range(60):
        talk.say("EA")
        talk.rest(50 * MS)
    assert talk.device.condition is not Condition.STANDBY
    assert talk.world.pulses == 20
    talk.say("R@")
    assert talk.device.condition is not Condition.STANDBY
    talk.fault("panel-disarm")
    assert talk.device.condition is Condition.STANDBY


@bites("over-fire", "under-fire")
@pytest.mark.parametrize(("name", "delivered"), [("over-fire", 23), ("under-fire", 17)])
def test_a_train_can_be_longer_or_shorter_than_set(talk_to: TalkTo, firmware: int, name: str, delivered: int) -> None:
    talk = talk_to(firmware=firmware)
    ready_for_train(talk)
    talk.fault(name, pulses=3)
    talk.say("EH")
    talk.stay(5 * S)
    assert talk.world.pulses == delivered


@pytest.mark.parametrize(("name", "delivered"), [("over-fire", 4), ("under-fire", 0)])
def test_a_single_pulse_can_be_several_or_none(talk_to: TalkTo, name: str, delivered: int) -> None:
    talk = talk_to(firmware=8)
    talk.make_ready()
    talk.fault(name, pulses=3)
    assert talk.say("EH") == seal(b"E\x8c")
    talk.stay(2 * S)
    assert talk.world.pulses == delivered
    assert talk.device.condition is Condition.READY


@bites("offset-output")
def test_output_can_differ_from_every_reading(talk_to: TalkTo) -> None:
    talk = talk_to(firmware=8)
    talk.fault("offset-output", tenths=55)
    talk.make_ready()
    talk.say("EH")
    talk.rest(100 * MS)
    assert talk.say("\\@")[3:6] == b"030"
    assert [pulse.level_tenths for pulse in talk.pulses()] == [355]


@bites("drift-level")
def test_a_level_can_drift_when_it_is_set(talk_to: TalkTo) -> None:
    talk = talk_to(firmware=8)
    talk.take_remote()
    talk.fault("drift-level", percent=4)
    assert talk.say("@050") == seal(b"@\x89")
    assert talk.say("\\@")[3:6] == b"054"


@bites("creep-level")
@pytest.mark.parametrize(("tenths", "shows"), [(10, [b"050", b"051", b"053"]), (-10, [b"050", b"049", b"047"])])
def test_a_level_can_creep_by_itself_until_it_is_told_not_to(talk_to: TalkTo, tenths: int, shows: list[bytes]) -> None:
    talk = talk_to(firmware=8)
    talk.take_remote()
    talk.say("@050")
    talk.fault("creep-level", tenths=tenths)
    seen = []
    for seconds in (0.5, 1, 2):
        talk.stay(round(seconds * S))
        seen.append(talk.say("\\@")[3:6])
    talk.fault("creep-level", tenths=0)
    talk.stay(5 * S)
    assert seen == shows
    assert talk.say("\\@")[3:6] == shows[-1]


def test_a_level_that_creeps_ends_where_the_knob_does(talk_to: TalkTo) -> None:
    talk = talk_to(firmware=8)
    talk.fault("creep-level", tenths=-200)
    talk.rest(5 * S)
    assert talk.say("\\@")[3:6] == b"000"
    talk.fault("creep-level", tenths=200)
    talk.rest(9 * S)
    assert talk.say("\\@")[3:6] == b"110"


@bites("stick-train-bit")
def test_the_train_bit_can_stick(talk_to: TalkTo) -> None:
    talk = talk_to(firmware=8)
    talk.fault("stick-train-bit")
    assert talk.say("\\@")[2] & 0x02
    talk.fault("stick-train-bit", on=False)
    assert not talk.say("\\@")[2] & 0x02


@bites("error-code")
def test_an_error_is_reported_until_it_is_taken_back(talk_to: TalkTo) -> None:
    talk = talk_to(firmware=8)
    talk.fault("error-code", code="C12")
    assert talk.say("I@") == seal(b"I\x29C12")
    talk.fault("error-code", code="")
    assert talk.say("I@") == seal(b"I\x09E00")
    with pytest.raises(OperatorError, match="U, C or E"):
        talk.fault("error-code", code="X1")


@bites("wait")
def test_a_waiting_device_refuses_settings_and_triggers(talk_to: TalkTo) -> None:
    talk = talk_to(firmware=8)
    talk.make_ready()
    talk.fault("wait", ms=200)
    assert talk.say("@050") == seal(b"@S")
    assert talk.say("EH") == seal(b"ES")
    talk.rest(200 * MS)
    assert talk.say("EH") == seal(b"E\x8c")


@bites("auto-disarm")
def test_it_can_disarm_itself_at_any_time(talk_to: TalkTo) -> None:
    talk = talk_to(firmware=8)
    talk.make_ready()
    talk.fault("auto-disarm")
    assert talk.say(ASK)[1] == 0x89


# ── the coil ────────────────────────────────────────────────────────────────────────────────────────────────────────


@bites("unplug-coil", "plug-coil")
def test_a_pulled_coil_shows_and_disarms(talk_to: TalkTo) -> None:
    talk = talk_to(firmware=8)
    talk.make_ready()
    talk.fault("unplug-coil")
    assert talk.say(ASK)[1] == 0x81
    assert talk.say("EB") == seal(b"ES")
    talk.fault("plug-coil")
    assert talk.say("EB") == seal(b"E\x89")


@bites("coil-switch")
def test_a_released_coil_switch_keeps_it_from_being_ready(talk_to: TalkTo) -> None:
    talk = talk_to(firmware=8)
    talk.fault("coil-switch", closed=False)
    talk.take_remote()
    talk.say("EB")
    talk.stay(2 * S)
    assert talk.say("EH") == seal(b"ES")
    assert talk.say("b@") == seal(b"b\x8a")
    assert talk.say("EH") == seal(b"E\x8c")


@bites("coil-temperature")
def test_a_hot_coil_shows_and_disarms(talk_to: TalkTo) -> None:
    talk = talk_to(firmware=8)
    talk.make_ready()
    talk.fault("coil-temperature", celsius=41.2)
    assert talk.say(ASK) == seal(b"F\x89" + b"412412")


@bites("freeze-sensor")
def test_a_frozen_sensor_hides_how_warm_the_coil_is(talk_to: TalkTo) -> None:
    talk = talk_to(firmware=8)
    talk.fault("freeze-sensor")
    talk.fault("coil-temperature", celsius=60.0)
    assert talk.say(ASK) == TOLD
    assert talk.fault("status")["coil_tenths"] == 600
    talk.fault("freeze-sensor", celsius=35.5)
    assert talk.say(ASK)[2:5] == b"355"


# ── hands at the front panel ────────────────────────────────────────────────────────────────────────────────────────


@bites("panel-arm", "panel-trigger", "panel-disarm")
def test_hands_at_the_panel_arm_fire_and_stop_without_a_byte_on_the_wire(talk_to: TalkTo) -> None:
    talk = talk_to(firmware=8)
    with pytest.raises(OperatorError, match="standby"):
        talk.fault("panel-trigger")
    talk.fault("panel-arm")
    with pytest.raises(OperatorError, match="armed"):
        talk.fault("panel-arm")
    talk.rest(S)
    talk.fault("panel-trigger")
    assert talk.rest(S) == b""
    assert talk.world.pulses == 1
    talk.fault("panel-disarm")
    assert talk.device.condition is Condition.STANDBY


@bites("panel-level")
def test_the_knob_changes_what_is_read_back(talk_to: TalkTo) -> None:
    talk = talk_to(firmware=8)
    talk.fault("panel-level", percent=77)
    assert talk.say("\\@")[3:6] == b"077"
    with pytest.raises(OperatorError, match="110"):
        talk.fault("panel-level", percent=111)
