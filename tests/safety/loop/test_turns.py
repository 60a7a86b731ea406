"""The loop from its first turn to its last: the clocks it goes by, the ledger behind it, and an end in order."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from drivers.magstim.framing import seal
from safety import events, gate, watchdog
from safety.events import Door
from safety.ledger import OpenReport
from safety.ledger_errors import LedgerFailed
from safety.ledger_format import HASH0, Head, Kind
from safety.ledger_wire import Answer, answer_bytes
from safety.state import Phase, Room, State
from safety.watchdog import Watchdog
from tests.safety.loop.conftest import DISARM, Shell

MS, S = 1_000, 1_000_000
TRIGGER = seal(b"EH")


# --- turns and clocks -----------------------------------------------------------------------------------------


def test_it_turns_until_it_is_told_to_end_and_says_each_turn(shell: Shell) -> None:
    turns = []

    def after() -> None:
        turns.append(shell.loop.state.seen_us)
        shell.loop.running = len(turns) < 3

    shell.loop.run(after)
    assert len(turns) == 3
    shell.answer()
    assert shell.records[0][1].kind is Kind.BOOT


def test_time_passes_for_the_gate_in_a_turn_without_any_event(shell: Shell) -> None:
    shell.started()
    shell.answers = False
    shell.turn(2)
    before_us = shell.loop.state.seen_us
    shell.turn()
    assert shell.loop.state.seen_us == before_us + 10 * MS


def test_an_idle_turn_of_an_armed_device_rehearses_a_trigger_of_which_nothing_follows(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[events.Input] = []

    def step(room: Room, state: State, event: events.Input, *more: Any) -> tuple[State, tuple[events.Action, ...]]:
        asked.append(event)
        return gate.step(room, state, event, *more)

    shell.started()
    door = shell.client("daemon").attach()
    shell.turn(2)
    monkeypatch.setattr(watchdog, "gate", SimpleNamespace(step=step, next_wake_us=gate.next_wake_us))
    shell.turn(2)
    in_standby = [event for event in asked if isinstance(event, events.ClientFrame)]

    state = shell.loop.state
    cool = replace(state.device, temperature_tenths=250, temperature_at_us=state.seen_us)
    shell.loop.state = replace(state, phase=Phase.ARMED, armed_at_us=state.seen_us, device=cool)
    asked.clear()
    before = shell.to_device
    shell.turn(2)

    assert in_standby == []
    assert {event.frame for event in asked if isinstance(event, events.ClientFrame)} == {TRIGGER}
    assert shell.to_device == before
    assert shell.told("refused") == []
    with pytest.raises(BlockingIOError):
        door.recv(9)


def test_a_step_of_the_machine_s_clock_is_said_once_and_stops_nothing(shell: Shell) -> None:
    shell.started()
    shell.turn()
    assert shell.told("clock-stepped") == []

    shell.clock.stepped_us = -7_200 * S
    shell.turn(3)

    (said,) = shell.told("clock-stepped")
    assert said["ahead_us"] == -7_200 * S
    assert said["wall_us"] - said["at_us"] == shell.world.now.wall_us - shell.world.now.us
    assert shell.phase is Phase.SAFE


def test_every_nonce_is_new_and_comes_in_its_time(shell: Shell) -> None:
    shell.started()
    client = shell.client("cli")
    shell.turn(20, 50 * MS)
    pushed = [body["nonce"] for body in client.read() if body.get("say") == "status"]
    assert len(pushed) == len(set(pushed)) == 4


# --- the ledger -----------------------------------------------------------------------------------------------


def test_what_the_ledger_holds_is_counted_in_the_book(shell: Shell) -> None:
    shell.started()
    assert shell.loop.state.commits == ()
    assert shell.loop.state.book.last_seq == len(shell.records) > 0


def test_a_record_the_ledger_could_not_take_locks_out(shell: Shell) -> None:
    shell.writes = False
    shell.started()
    failed = Answer(1, Head(0, HASH0), OpenReport(), LedgerFailed("the disk is full"))
    shell.writer.send(answer_bytes(failed))
    assert shell.phase is Phase.SAFE
    shell.turn()
    assert shell.phase is Phase.LOCKOUT


def test_a_record_nobody_sent_locks_out(shell: Shell) -> None:
    shell.started()
    shell.writer.send(answer_bytes(Answer(99, Head(9, HASH0), OpenReport())))
    shell.turn()
    assert shell.phase is Phase.LOCKOUT


def test_a_writer_that_ends_locks_out_at_once_and_is_watched_no_more(shell: Shell) -> None:
    shell.started()
    shell.writer.close()
    shell.writes = False
    shell.turn()
    assert shell.phase is Phase.LOCKOUT
    assert shell.loop._ledger not in [key.fileobj for key in shell.loop._selector.get_map().values()]


def why_locked_out(shell: Shell) -> str:
    return str(shell.told("lockout")[-1]["detail"])


def test_a_ledger_that_does_not_keep_up_locks_out(shell: Shell) -> None:
    shell.started()
    shell.writes = False
    for _ in range(2_000):
        if shell.phase is Phase.LOCKOUT:
            break
        shell.loop.feed(events.Started())
    assert shell.phase is Phase.LOCKOUT
    assert "does not keep up" in why_locked_out(shell)


def test_a_record_for_a_writer_that_is_gone_locks_out(shell: Shell) -> None:
    shell.started()
    shell.writer.close()
    shell.writes = False
    shell.loop.feed(events.Started())
    assert shell.phase is Phase.LOCKOUT
    assert "writer is gone" in why_locked_out(shell)


# --- the end --------------------------------------------------------------------------------------------------


def test_the_end_disarms_then_hangs_up_on_everybody_and_leaves_nothing_behind(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.started()
    client = shell.client("daemon")
    door = client.attach()
    shell.loop.feed(events.ClientFrame(Door.DAEMON, DISARM, shell.world.dialect.effect(DISARM)))
    assert shell.loop.state.disarming is not None
    monkeypatch.setattr(shell.loop, "turn", lambda: shell_turn(shell))
    shell.loop.close()
    assert shell.loop.state.disarming is None, "it waited for the device"
    assert client.gone()
    assert door.recv(1 << 16).startswith(b"E")
    assert door.recv(9) == b""
    assert shell.wire is not None
    assert shell.wire.recv(9) == b""
    assert shell.writer.recv(9) == b""
    assert list(shell.folder.iterdir()) == []


def shell_turn(shell: Shell, step_us: int = 10 * MS) -> None:
    """A turn asked for by the loop itself."""
    Watchdog.turn(shell.loop)
    shell.world.clock.advance_to(shell.world.clock.now_us() + step_us)
    shell.answer()


def test_the_end_waits_for_a_silent_device_a_second_and_no_longer(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.answers = False
    shell.turn()
    assert shell.loop.state.disarming is not None
    ended_us = shell.world.clock.now_us()
    monkeypatch.setattr(shell.loop, "turn", lambda: shell_turn(shell, 100 * MS))
    shell.loop.close()
    assert shell.loop.state.disarming is not None
    assert shell.world.clock.now_us() - ended_us == watchdog.LAST_DISARM_US


def test_the_end_without_a_port_is_at_once(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.plugged = False
    shell.turn()
    monkeypatch.setattr(shell.loop, "turn", lambda: pytest.fail("there is nothing to wait for"))
    shell.loop.close()
    assert list(shell.folder.iterdir()) == []
