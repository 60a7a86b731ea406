"""Any program at the PTY door: the watchdog makes the permit at the trigger, out of a block reserved at arming."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from drivers.magstim.framing import seal
from safety import control, events
from safety.events import Door
from tests.safety.conftest import new, taken
from tests.safety.rooms import no_replies, passes, script

S, MS = 1_000_000, 1_000


def test_a_script_arms_fires_a_train_and_is_counted(room: Any) -> None:
    answer = room.open_script(ceiling=50)
    assert answer["ok"], answer
    assert room.release()["ok"]
    room.take_remote(Door.PTY)
    room.set_train(level=40, pulses=20, door=Door.PTY)
    assert taken(room.arm(Door.PTY)), room.told[-3:]
    assert taken(room.frame("EH", Door.PTY)), room.told[-3:]
    room.stay(3 * S, Door.PTY)
    assert room.frame("EA", Door.PTY)[:1] == b"E"
    room.pass_time(S)

    assert room.pulses == 20
    assert room.state.book.session(room.state.session.key) == 20
    assert room.state.session.block is None


@pytest.fixture
def firing(room: Any) -> Any:
    """A released script of single pulses, ready for the first."""
    assert room.open_script(ceiling=50)["ok"]
    assert room.release()["ok"]
    room.take_remote(Door.PTY)
    room.set_single(level=40, door=Door.PTY)
    room.arm(Door.PTY)
    return room


@pytest.mark.parametrize("every_us", [960 * MS, 1_100 * MS, 1_500 * MS])
def test_pulses_one_by_one_find_what_they_need_read_back(firing: Any, every_us: int) -> None:
    for _ in range(6):
        assert taken(firing.frame("EH", Door.PTY)), firing.told[-3:]
        fired_us = firing.clock.now_us()
        firing.pass_time(every_us // 2)
        firing.poke(Door.PTY)
        firing.pass_time(fired_us + every_us - firing.clock.now_us())
    assert firing.pulses == 6


def test_no_question_of_ours_is_on_the_line_when_a_script_may_fire_again(firing: Any) -> None:
    firing.frame("EH", Door.PTY)
    fired_us = firing.clock.now_us()
    firing.written.clear()
    firing.pass_time(1_050 * MS)
    asked_us = [at_us - fired_us for at_us, _ in firing.written]
    assert asked_us, "what was read back would be too old for the next pulse"
    assert all(680 * MS <= at_us <= 810 * MS for at_us in asked_us), asked_us


@pytest.mark.parametrize(("disk_us", "arms"), [(100 * MS, True), (400 * MS, False)])
def test_a_script_arms_when_its_block_is_on_the_disk_in_time(disk_us: int, *, arms: bool) -> None:
    room = new()
    assert room.open_script()["ok"]
    assert room.release()["ok"]
    room.take_remote(Door.PTY)
    room.set_train(level=40, door=Door.PTY)
    room.disk_us = disk_us
    assert passes(room, "EB", Door.PTY) is arms
    assert arms or room.last("refused")["reason"] == "ledger-late"


def test_a_script_gets_a_new_block_before_the_next_train_finds_the_old_one_too_small() -> None:
    room = script(new, pulses=20)
    for _ in range(3):
        assert passes(room, "EH", Door.PTY), room.told[-2:]
        room.stay(3 * S, Door.PTY)
        room.frame("EA", Door.PTY)
        room.pass_time(3 * S)
        room.arm(Door.PTY)
    session = room.state.session
    assert session is not None
    assert session.block is not None
    assert room.pulses == 60


def test_a_script_that_stays_armed_gets_its_next_block_while_it_waits() -> None:
    room = script(new, pulses=1)
    for _ in range(3):
        assert passes(room, "EH", Door.PTY), room.told[-2:]
        room.stay(2_400 * MS, Door.PTY)
    session = room.state.session
    assert session is not None
    assert session.block is not None
    state = replace(room.state, session=replace(session, block=replace(session.block, spent=50)))
    room.state = state
    room.pass_time(50 * MS)
    after = room.state.session
    assert after is not None
    assert after.block is not None
    assert after.block.ref > session.block.ref
    assert after.block.left == 50


def test_a_script_s_trigger_says_what_it_lacks() -> None:
    room = script(new)
    assert passes(room, "EH", Door.PTY)
    room.pass_time(300 * MS)
    room.frame("EH", Door.PTY)
    assert room.last("refused")["reason"] == "train-running"

    unarmed = new()
    assert unarmed.open_script()["ok"]
    assert unarmed.release()["ok"]
    unarmed.take_remote(Door.PTY)
    unarmed.frame("EH", Door.PTY)
    assert unarmed.last("refused")["reason"] == "not-armed"
    assert passes(unarmed, "R@", Door.PTY)
    unarmed.frame("EH", Door.PTY)
    assert unarmed.last("refused")["reason"] == "remote-lost"

    unread = new()
    assert unread.open_script()["ok"]
    assert unread.release()["ok"]
    unread.take_remote(Door.PTY)
    no_replies(unread, "\\")
    unread.frame("EB", Door.PTY)
    unread.frame("EH", Door.PTY)
    assert unread.last("refused")["reason"] == "read-back-stale"


def test_a_script_that_ends_armed_or_waiting_for_its_block_gives_it_back() -> None:
    room = script(new)
    session = room.state.session
    assert session is not None
    room.ask(control.CloseSession(by="ann"))
    room.pass_time(300 * MS)
    assert room.state.book.session(session.key) == 0

    waiting = new()
    assert waiting.open_script()["ok"]
    assert waiting.release()["ok"]
    waiting.take_remote(Door.PTY)
    waiting.disk_us = 100 * MS
    arm = seal(b"EB")
    waiting.feed(events.ClientFrame(Door.PTY, arm, waiting.dialect.effect(arm)))
    session = waiting.state.session
    assert session is not None
    assert session.block_token is not None
    waiting.ask(control.CloseSession(by="ann"))
    waiting.pass_time(500 * MS)
    assert waiting.state.book.session(session.key) == 0
