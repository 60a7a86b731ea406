"""Every switch of the back door bites, and none bites when it is off."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from drivers.errors import OperatorError
from drivers.magstim.framing import seal
from drivers.stimulators import Condition
from simulator.control import answer
from simulator.switches import SWITCHES
from simulator.world import Kind

MS, S = 1_000, 1_000_000
TalkTo = Callable[..., Any]
REMOTE = bytes.fromhex("51 89 25")
ASK = "F@"
TOLD = seal(b"F\x09" + b"220220")
BITES: set[str] = set()


def bites(*names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Marks a test as the one that shows these switches at work."""
    BITES.update(names)
    return lambda test: test


def ready_for_train(talk: Any, pulses: int = 20) -> None:
    talk.set_train(pulses, 100)
    talk.make_ready()


# ── the line ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_without_a_fault_every_reply_comes_once_and_whole(talk_to: TalkTo) -> None:
    assert talk_to(firmware=8).say(ASK) == TOLD


@bites("lose-command")
def test_a_lost_command_has_no_effect(talk_to: TalkTo) -> None:
    talk = talk_to(firmware=8)
    talk.make_ready()
    talk.fault("lose-command", of="EH")
    assert talk.say("EH") == b""
    talk.rest(500 * MS)
    assert talk.world.pulses == 0
    assert talk.say("EH") == seal(b"E\x8c")


@bites("swallow-disarm")
def test_a_swallowed_disarm_leaves_the_device_armed_and_the_next_one_works(talk_to: TalkTo) -> None:
    talk = talk_to(firmware=8)
    talk.make_ready()
    talk.fault("swallow-disarm")
    assert talk.say("EA") == b""
    assert talk.device.condition is Condition.READY
    talk.say("EA")
    assert talk.device.condition is Condition.STANDBY


@bites("lose-reply")
def test_a_lost_reply_has_had_its_effect(talk_to: TalkTo) -> None:
    talk = talk_to(firmware=8)
    talk.make_ready()
    talk.fault("lose-reply", of="EH")
    assert talk.say(ASK) != b""
    assert talk.say("EH") == b""
    talk.rest(500 * MS)
    assert talk.world.pulses == 1


def test_a_fault_ends_with_its_count_and_without_one_lasts_until_reset(talk_to: TalkTo) -> None:
    talk = talk_to(firmware=8)
    talk.fault("lose-reply", count=2)
    assert [talk.say(ASK) for _ in range(3)] == [b"", b"", TOLD]
    talk.fault("lose-reply", count=0)
    assert [talk.say(ASK) for _ in range(9)] == [b""] * 9
    talk.fault("reset")
    assert talk.say(ASK) == TOLD


@bites("delay-reply")
def test_a_delayed_reply_comes_after_the_answer_to_a_later_command(talk_to: TalkTo) -> None:
    talk = talk_to(firmware=8)
    talk.fault("delay-reply", ms=400, of="F")
    assert talk.say(ASK) == b""
    assert talk.say("Q@") == REMOTE
    assert talk.rest(400 * MS - 1) == b""
    assert talk.rest(1) == TOLD


@bites("duplicate-reply")
def test_a_duplicated_reply_comes_twice(talk_to: TalkTo) -> None:
    talk = talk_to(firmware=8)
    talk.fault("duplicate-reply")
    assert talk.say(ASK) == TOLD + TOLD
    assert talk.say(ASK) == TOLD


@bites("flip-byte", "drop-byte", "insert-byte")
@pytest.mark.parametrize("at", range(9))
def test_a_garbled_reply_differs_in_the_byte_named(talk_to: TalkTo, at: int) -> None:
    talk = talk_to(firmware=8)
    talk.fault("flip-byte", at=at)
    flipped = talk.say(ASK)
    assert [n for n in range(9) if flipped[n] != TOLD[n]] == [at]
    talk.fault("drop-byte", at=at)
    assert talk.say(ASK) == TOLD[:at] + TOLD[at + 1 :]
    talk.fault("insert-byte", at=at)
    longer = talk.say(ASK)
    assert len(longer) == 10
    assert longer[:at] + longer[at + 1 :] == TOLD


@bites("swap-replies")
def test_a_swapped_reply_comes_after_the_next(talk_to: TalkTo) -> None:
    talk = talk_to(firmware=8)
    talk.fault("swap-replies")
    assert talk.say(ASK) == b""
    assert talk.say("Q@") == REMOTE + TOLD


@bites("split-reply")
@pytest.mark.parametrize("at", range(1, 9))
def test_a_split_reply_pauses_at_the_byte_named(talk_to: TalkTo, at: int) -> None:
    talk = talk_to(firmware=8)
    talk.fault("split-reply", ms=50, at=at)
    assert talk.say(ASK) == TOLD[:at]
    assert talk.rest(50 * MS - 1) == b""
    assert talk.rest(1) == TOLD[at:]


@bites("slow-replies")
def test_slow_replies_all_come_late(talk_to: TalkTo) -> None:
    talk = talk_to(firmware=8)
    talk.fault("slow-replies", ms=80)
    for _ in range(3):
        assert talk.say(ASK) == b""
        assert talk.rest(80 * MS) == TOLD
    talk.fault("slow-replies", ms=0)
    assert talk.say(ASK) == TOLD


@bites("silent")
def test_a_silent_device_hears_nothing_and_lapses(talk_to: TalkTo) -> None:
    talk = talk_to(firmware=8)
    talk.make_ready()
    talk.fault("silent")
    assert talk.say("EA") == b""
    assert talk.device.condition is Condition.READY
    talk.rest(S)
    assert talk.device.condition is Condition.STANDBY
    talk.fault("silent", on=False)
    assert talk.say(ASK) != b""


@bites("stall")
def test_a_stalled_device_has_no_room(talk_to: TalkTo) -> None:
    talk = talk_to(firmware=8)
    talk.fault("stall")
    assert talk.port.room == 0
    talk.fault("stall", on=False)
    assert talk.port.room > 0


@bites("vanish", "come-back")
def test_behind_a_pulled_cable_the_device_goes_on(talk_to: TalkTo) -> None:
    talk = talk_to(firmware=8)
    ready_for_train(talk)
    talk.say("EH")
    talk.fault("vanish")
    assert talk.say("EA") == b""
    talk.rest(600 * MS)
    assert talk.world.pulses == 6
    talk.fault("come-back")
    assert talk.say("EA") != b""
    assert talk.device.condition is Condition.STANDBY
    assert talk.kinds().count(Kind.CABLE) == 2


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


# ── looking ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@bites("status", "pulses", "log", "reset")
def test_it_can_be_looked_at_and_brought_back_to_order(talk_to: TalkTo) -> None:
    talk = talk_to(firmware=8)
    talk.make_ready()
    talk.say("EH")
    talk.rest(100 * MS)
    for name in ("unplug-coil", "silent", "stall", "vanish", "stick-train-bit"):
        talk.fault(name)
    talk.fault("coil-temperature", celsius=50)
    before = talk.fault("status")
    assert (before["cable"], before["silent"], before["coil_present"]) == (False, True, False)
    talk.fault("reset")
    after = talk.fault("status")
    assert (after["cable"], after["silent"], after["coil_present"], after["coil_tenths"]) == (True, False, True, 220)
    assert after["condition"] == "standby"
    assert talk.fault("pulses") == {"pulses": 1}
    happenings = talk.fault("log")["happenings"]
    assert [line["kind"] for line in happenings[:3]] == ["armed", "pulse", "coil"]
    assert talk.fault("log", since=1)["happenings"][0]["kind"] == "pulse"


def test_every_switch_has_a_test_and_a_line_of_help() -> None:
    assert set(SWITCHES) == BITES
    assert all("\n" not in switch.line and switch.line.endswith(".") for switch in SWITCHES.values())


# ── the words of the back door ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (b"", "Expecting value"),
        (b"[]", "object"),
        (b'{"of": "E"}', "do"),
        (b'{"do": "explode"}', "no switch"),
        (b'{"do": "lose-reply", "of": 3}', "of is str"),
        (b'{"do": "lose-reply", "count": true}', "count is int"),
        (b'{"do": "lose-reply", "count": -1}', "not negative"),
        (b'{"do": "silent", "on": 1}', "on is bool"),
        (b'{"do": "lose-reply", "who": 1}', "has no who"),
        (b'{"do": "delay-reply"}', "needs ms"),
        (b'{"do": "coil-temperature", "celsius": NaN}', "number up to"),
        (b'{"do": "coil-temperature", "celsius": 1e999}', "number up to"),
        (b'{"do": "status", "bench": 1}', "has no bench"),
        (b"\xff", "utf-8"),
    ],
)
def test_a_wrong_request_is_answered_with_what_is_wrong(talk_to: TalkTo, line: bytes, complaint: str) -> None:
    said = json.loads(answer(talk_to(firmware=8).bench, line))
    assert said["ok"] is False
    assert complaint in said["error"]


def test_a_right_request_is_answered_with_its_facts(talk_to: TalkTo) -> None:
    bench = talk_to(firmware=8).bench
    assert json.loads(answer(bench, b'{"do": "pulses"}')) == {"ok": True, "pulses": 0}
    assert json.loads(answer(bench, b'{"do": "delay-reply", "ms": 3, "of": "F"}')) == {"ok": True}
