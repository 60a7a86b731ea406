"""The loop's two doors, the daemon's and the terminal: who gets in, who is let go, and what nonsense leaves behind."""

from __future__ import annotations

import os

import pytest

from drivers.magstim.framing import seal
from safety import watchdog
from safety.events import Door
from tests.safety.loop.conftest import DISARM, Shell

# --- the daemon's door ----------------------------------------------------------------------------------------


def test_the_daemon_gets_a_door_that_carries_frames_and_refuses_nonsense(shell: Shell) -> None:
    shell.started()
    door = shell.client("daemon").attach()
    assert shell.loop.state.daemon_attached
    door.send(seal(b"Q@"))
    shell.turn(5)
    reply = door.recv(99)
    assert shell.world.dialect.answers(reply, seal(b"Q@")), reply
    assert shell.loop.state.device.remote
    door.send(b"!!")
    shell.turn()
    assert door.recv(99) == b"??"


def test_a_door_its_client_closed_is_free_for_the_next_attach(shell: Shell) -> None:
    shell.started()
    client = shell.client("daemon")
    client.attach().close()
    shell.turn()
    assert not shell.loop.state.daemon_attached
    client.attach()
    assert shell.loop.state.daemon_attached


def test_a_door_ends_with_the_connection_it_was_handed_over_on(shell: Shell) -> None:
    shell.started()
    client = shell.client("daemon")
    door = client.attach()
    client.sock.close()
    shell.turn()
    assert not shell.loop.state.daemon_attached
    assert door.recv(9) == b""


def test_another_connection_that_ends_takes_no_door_along(shell: Shell) -> None:
    shell.started()
    shell.client("daemon").attach()
    shell.client("cli").sock.close()
    shell.turn()
    assert shell.loop.state.daemon_attached


@pytest.mark.parametrize("first", ["connection", "door"])
def test_a_daemon_that_dies_is_seen_on_both_its_sockets_in_one_turn(shell: Shell, first: str) -> None:
    shell.started()
    client = shell.client("daemon")
    door = client.attach()
    for end in (client.sock, door) if first == "connection" else (door, client.sock):
        end.close()
    shell.turn()
    assert not shell.loop.state.daemon_attached
    assert shell.loop.state.roles == ()
    shell.client("daemon").attach()


def test_a_daemon_that_ends_before_its_door_reaches_it_leaves_none_behind(shell: Shell) -> None:
    shell.started()
    client = shell.client("daemon")
    client.send("attach")
    client.sock.close()
    shell.turn(2)
    assert not shell.loop.state.daemon_attached
    assert shell.loop._daemon.fileno() == -1
    shell.client("daemon").attach()


# --- the terminal ---------------------------------------------------------------------------------------------


def pty(shell: Shell) -> int:
    return os.open(shell.folder / "stimulator", os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)


def test_a_program_at_the_terminal_speaks_and_hangs_up(shell: Shell) -> None:
    shell.started()
    slave = pty(shell)
    shell.turn()
    assert shell.loop.state.pty_open
    os.write(slave, b"!" + DISARM[:1])
    shell.until(lambda: bool(shell.told("refused")) and bool(shell.loop._pty.frames._reader.pending))
    os.close(slave)
    shell.until(lambda: not shell.loop.state.pty_open)
    assert not shell.loop._pty.frames._reader.pending, "half a frame goes with its client"
    slave = pty(shell)
    shell.turn()
    assert shell.loop.state.pty_open, "and the next one is let in"
    os.write(slave, b"!")
    shell.until(lambda: len(shell.told("refused")) == 2)
    os.close(slave)
    shell.until(lambda: not shell.loop.state.pty_open)


@pytest.mark.parametrize("where", [Door.PTY, Door.DAEMON])
def test_half_a_frame_of_a_client_is_dropped_after_its_time_and_said(shell: Shell, where: Door) -> None:
    shell.started()
    if where is Door.PTY:
        slave = pty(shell)
        frames = shell.loop._pty.frames
        os.write(slave, DISARM[:1])
    else:
        frames = shell.loop._daemon.frames
        shell.client("daemon").attach().send(DISARM[:1])
    shell.until(lambda: bool(frames._reader.pending))
    shell.turn(step_us=shell.world.room.limits.timing.half_frame_us)
    shell.turn()
    assert not shell.told("half-frame-dropped")
    shell.turn()
    assert shell.told("half-frame-dropped")
    if where is Door.PTY:
        os.close(slave)


def test_a_flood_is_answered_with_a_breath_and_a_trickle_is_not(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.started()
    breaths: list[float] = []
    door = shell.client("daemon").attach()
    with monkeypatch.context() as patch:
        patch.setattr(watchdog.time, "sleep", breaths.append)
        door.send(b"!" * 63)
        shell.turn()
        assert breaths == []
        door.send(b"!" * 64)
        shell.turn(3)
        assert breaths == [watchdog.BREATH_S]
