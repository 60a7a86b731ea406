"""Every switch that spoils the line to the stimulator bites, and none bites when it is off."""

from __future__ import annotations

import pytest

from drivers.magstim.framing import seal
from drivers.stimulators import Condition
from simulator.world import Kind
from tests.simulator.conftest import MS, S
from tests.simulator.switches_at_work import ASK, REMOTE, TOLD, Bites, TalkTo, ready_for_train

bites = Bites()


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


def test_the_cable_can_come_back_to_another_unit_which_our_code_does_not_unlock(talk_to: TalkTo) -> None:
    talk = talk_to(firmware=11)
    ready_for_train(talk)
    talk.fault("vanish")
    talk.fault("come-back", other_code="0000-00000000-00")
    assert talk.device.condition is Condition.STANDBY
    assert not talk.device.settings.repetitive
    assert talk.say("Q" + talk.profile.unlock_code) == b""
    assert not talk.device.remote
    assert talk.say("Q0000-00000000-00") != b""
    assert talk.device.remote


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
