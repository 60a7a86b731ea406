"""The stimulator's port under the loop: looked for, lost and found again, and what goes out on it first."""

from __future__ import annotations

import pytest

from drivers.magstim.framing import seal
from safety import events, gate, watchdog
from safety.events import Door
from safety.state import Phase
from tests.safety.conftest import VirtualRoom
from tests.safety.loop.conftest import DISARM, Shell

MS = 1_000


def test_an_absent_port_is_looked_for_once_a_second_and_disarmed_when_found(shell: Shell) -> None:
    shell.plugged = False
    shell.turn(30, 50 * MS)
    assert len(shell.tried) == 2
    assert shell.phase is Phase.BOOT
    shell.plugged = True
    shell.turn(20, 50 * MS)
    assert shell.tried == ["pty:/device"] * 3
    assert DISARM in shell.to_device
    assert shell.phase is Phase.SAFE


def test_a_port_that_ends_while_read_is_lost_and_found_again(shell: Shell) -> None:
    shell.started()
    shell.unplug()
    shell.turn()
    assert shell.told("port-lost")
    assert shell.phase is Phase.BOOT
    shell.plugged = True
    shell.turn(22, 50 * MS)
    assert len(shell.told("port-found")) == 2
    assert shell.phase is Phase.SAFE


def test_a_write_that_finds_the_port_gone_is_a_lost_port_and_what_follows_goes_nowhere(shell: Shell) -> None:
    shell.started()
    ready = shell.loop._device_spoke
    shell.unplug()
    shell.loop._carry_out(events.Write(DISARM))
    shell.loop._carry_out(events.Write(DISARM))
    ready()  # the same select had found it readable too
    assert len(shell.told("port-lost")) == 1


def test_bytes_the_port_does_not_take_wait_and_go_out_first(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.started()
    port = shell.loop._port
    assert port is not None
    whole = port.write
    monkeypatch.setattr(port, "write", lambda data: whole(data[:1]))
    shell.to_device = b""
    later = seal(b"Q@")
    for frame in (DISARM, later):
        shell.loop._carry_out(events.Write(frame))
    shell.turn(len(DISARM + later))
    assert shell.to_device == DISARM + later


def test_bytes_for_the_stimulator_go_out_before_anybody_is_told(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.started()
    carried: list[events.Action] = []
    monkeypatch.setattr(shell.loop, "_carry_out", carried.append)
    answers = (events.Tell({"kind": "trip"}), events.Write(DISARM), events.Push({}))
    monkeypatch.setattr(watchdog.gate, "step", lambda _room, state, *_: (state, answers))
    shell.loop.feed(events.Tick())
    assert [type(action) for action in carried] == [events.Write, events.Tell, events.Push]


def test_a_reply_reaches_its_client_before_the_gate_has_settled_what_it_says(room: VirtualRoom) -> None:
    at_once: list[events.Action] = []
    _, actions = gate.step(room.room, room.state, events.ClientNoise(Door.DAEMON, b"\0"), room.now, at_once.append)
    assert at_once == [events.Reply(Door.DAEMON, b"?")]
    assert [type(action) for action in actions] == [events.Tell]


def test_a_blocked_port_is_a_lost_one(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.started()
    port = shell.loop._port
    assert port is not None
    monkeypatch.setattr(port, "write", lambda _data: 0)
    shell.loop._carry_out(events.Write(b"x" * watchdog.MAX_UNWRITTEN_BYTES))
    assert not shell.told("port-lost")
    shell.loop._carry_out(events.Write(b"x"))
    assert "takes no more bytes" in shell.told("port-lost")[0]["why"]


def test_what_is_no_reply_of_the_device_changes_nothing(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.started()
    before = shell.loop.state.device
    heard: list[events.Input] = []
    feed = shell.loop.feed

    def note(event: events.Input) -> None:
        heard.append(event)
        feed(event)

    monkeypatch.setattr(shell.loop, "feed", note)
    assert shell.wire is not None
    shell.wire.send(b"\0\xff")
    shell.turn()
    noise = b"".join(event.data for event in heard if isinstance(event, events.DeviceNoise))
    assert noise == b"\0\xff"
    assert shell.phase is Phase.SAFE
    assert shell.loop.state.device == before
