"""Doors and control connections by themselves: what comes, what goes, and who must be let go."""

from __future__ import annotations

import os
import socket
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.catalogue import dialect
from drivers.errors import ConfigError
from drivers.magstim.framing import seal
from drivers.stimulators import Piece, PieceKind
from safety import connections, control
from safety.connections import Connection
from safety.doors import READ_BYTES, HalfFrames, PtyDoor, SocketDoor, together

DIALECT = dialect("magstim-rapid2", 8, 240)
PATIENCE_US = 100_000
FRAME = seal(b"EB")
A_LOT = 4 * connections.MAX_UNSENT_BYTES


# --- half frames ----------------------------------------------------------------------------------------------


@pytest.fixture
def half() -> HalfFrames:
    return HalfFrames(DIALECT.command_reader(), PATIENCE_US)


def test_a_frame_that_comes_within_the_patience_is_whole(half: HalfFrames) -> None:
    assert half.feed(FRAME[:1], 0) == []
    assert half.drop_if_old(PATIENCE_US) == b""
    assert half.feed(FRAME[1:], PATIENCE_US) == [Piece(PieceKind.FRAME, FRAME)]


def test_half_a_frame_older_than_the_patience_is_dropped_and_spoils_nothing(half: HalfFrames) -> None:
    half.feed(FRAME[:1], 0)
    assert half.drop_if_old(PATIENCE_US + 1) == FRAME[:1]
    assert half.drop_if_old(PATIENCE_US + 1) == b""
    assert half.feed(FRAME, PATIENCE_US + 2) == [Piece(PieceKind.FRAME, FRAME)]


def test_half_a_frame_is_dropped_by_the_late_byte_itself(half: HalfFrames) -> None:
    half.feed(FRAME[:1], 0)
    assert half.feed(FRAME, PATIENCE_US + 1) == [Piece(PieceKind.FRAME, FRAME)]


def test_unknown_bytes_in_a_row_are_one_piece_and_frames_keep_their_place() -> None:
    frame, noise = Piece(PieceKind.FRAME, FRAME), [Piece(PieceKind.NOISE, bytes([each])) for each in b"abc"]
    garbled = Piece(PieceKind.BAD_CHECKSUM, b"EBx")
    pieces = [*noise[:2], frame, frame, garbled, noise[2]]
    assert list(together(pieces)) == [
        Piece(PieceKind.NOISE, b"ab"),
        frame,
        frame,
        garbled,
        Piece(PieceKind.NOISE, b"c"),
    ]


# --- the daemon's door ----------------------------------------------------------------------------------------


@pytest.fixture
def door() -> Iterator[SocketDoor]:
    made = SocketDoor(DIALECT, PATIENCE_US)
    yield made
    made.close()


def test_a_door_nobody_is_attached_to_reads_as_gone_and_takes_nothing(door: SocketDoor) -> None:
    assert door.fileno() == -1
    assert door.read() is None
    assert not door.write(b"x")


def test_bytes_go_both_ways_and_an_empty_door_is_no_end(door: SocketDoor) -> None:
    with door.open() as theirs:
        assert door.read() == b""
        theirs.send(b"x" * READ_BYTES + b"y")
        assert door.read() == b"x" * READ_BYTES
        assert door.read() == b"y"
        assert door.write(b"z")
        assert theirs.recv(9) == b"z"
    assert door.read() is None


def test_a_client_that_ends_with_replies_unread_is_gone_and_costs_no_error(door: SocketDoor) -> None:
    with door.open():
        door.write(b"unread")
    assert door.read() is None  # the kernel says "connection reset" here
    assert not door.write(b"x")


def test_a_client_that_does_not_read_loses_its_replies(door: SocketDoor) -> None:
    with door.open():
        assert any(not door.write(b"x" * 1_000) for _ in range(10_000))


def test_the_next_client_of_a_door_gets_a_new_pair_and_a_clean_reader(door: SocketDoor) -> None:
    with door.open() as first:
        door.frames.feed(FRAME[:1], 0)
        with door.open() as second:
            assert first.recv(1) == b""
            second.send(FRAME)
            assert door.frames.feed(door.read() or b"", 0) == [Piece(PieceKind.FRAME, FRAME)]


# --- the pseudo-terminal --------------------------------------------------------------------------------------


@pytest.fixture
def pty(tmp_path: Path) -> Iterator[PtyDoor]:
    made = PtyDoor(DIALECT, PATIENCE_US, tmp_path / "stimulator")
    yield made
    made.close()


def client(folder: Path) -> int:
    return os.open(folder / "stimulator", os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)


def is_raw(slave: int) -> bool:
    attributes = termios.tcgetattr(slave)
    return not attributes[3] & (termios.ICANON | termios.ECHO) and not attributes[1] & termios.OPOST


def test_a_terminal_knows_whether_a_program_has_it_open(pty: PtyDoor, tmp_path: Path) -> None:
    assert not pty.has_client()
    assert pty.read() is None
    slave = client(tmp_path)
    assert pty.has_client()
    assert pty.read() == b""
    os.close(slave)
    assert not pty.has_client()


def test_the_next_client_gets_another_terminal_raw_as_the_first_was_and_a_clean_reader(
    pty: PtyDoor, tmp_path: Path
) -> None:
    slave = client(tmp_path)
    first = pty.fileno()
    assert is_raw(slave)
    attributes = termios.tcgetattr(slave)
    attributes[3] |= termios.ICANON | termios.ECHO
    termios.tcsetattr(slave, termios.TCSANOW, attributes)
    assert not is_raw(slave)
    pty.frames.feed(FRAME[:1], 0)
    os.close(slave)
    pty.hung_up()
    assert pty.frames.feed(FRAME, 0) == [Piece(PieceKind.FRAME, FRAME)], "its half frame went with it"
    slave = client(tmp_path)
    assert is_raw(slave)
    assert pty.fileno() != first
    assert pty.has_client()
    os.close(slave)


def test_a_door_without_a_fresh_terminal_goes_on_with_the_used_one(pty: PtyDoor, tmp_path: Path) -> None:
    (tmp_path / "stimulator.new").mkdir()
    pty.frames.feed(FRAME[:1], 0)
    pty.hung_up()
    (tmp_path / "stimulator.new").rmdir()
    slave = client(tmp_path)
    assert pty.has_client()
    assert pty.read() == b""
    assert pty.frames.feed(FRAME, 0) == [Piece(PieceKind.FRAME, FRAME)]
    os.close(slave)


def test_a_program_that_does_not_read_loses_its_replies(pty: PtyDoor, tmp_path: Path) -> None:
    slave = client(tmp_path)
    assert pty.write(b"x")
    assert any(not pty.write(b"x" * 1_000) for _ in range(10_000)), "the last part it takes is no whole reply"
    assert any(not pty.write(b"x") for _ in range(10_000)), "and then it takes none"
    os.close(slave)


def test_a_link_left_behind_is_replaced_and_the_end_takes_it_away(tmp_path: Path) -> None:
    (tmp_path / "stimulator").symlink_to("/nowhere")
    (tmp_path / "stimulator.new").symlink_to("/nowhere")
    door = PtyDoor(DIALECT, PATIENCE_US, tmp_path / "stimulator")
    assert (tmp_path / "stimulator").exists()
    door.close()
    assert list(tmp_path.iterdir()) == []


# --- control connections --------------------------------------------------------------------------------------


@pytest.fixture
def ends() -> Iterator[tuple[Connection, socket.socket]]:
    ours, theirs = socket.socketpair()
    theirs.settimeout(5)
    made = Connection(1, ours, since_us=0)
    yield made, theirs
    made.close()
    theirs.close()


Ends = tuple[Connection, socket.socket]


def test_a_connection_knows_whose_it_is(ends: Ends) -> None:
    assert (ends[0].pid, ends[0].uid) == (os.getpid(), os.getuid())


def test_lines_are_whole_however_they_were_cut(ends: Ends) -> None:
    connection, theirs = ends
    assert connection.lines() == []
    theirs.send(b"on")
    assert connection.lines() == []
    theirs.send(b"e\ntwo\nth")
    assert connection.lines() == [b"one", b"two"]
    theirs.close()
    assert connection.lines() is None


def test_a_client_that_ended_with_answers_unread_is_gone(ends: Ends) -> None:
    connection, theirs = ends
    connection.send(b"unread\n")
    theirs.close()
    assert connection.lines() is None
    assert not connection.send(b"more\n")


def test_a_full_reading_is_a_flood_and_the_next_small_one_is_none(ends: Ends) -> None:
    connection, theirs = ends
    theirs.send(b"\n" * (connections.READ_BYTES + 1))
    assert connection.lines() == [b""] * connections.READ_BYTES
    assert connection.flooding
    assert connection.lines() == [b""]
    assert not connection.flooding


def test_an_endless_line_counts_as_gone_and_the_longest_does_not(ends: Ends) -> None:
    connection, theirs = ends
    for _ in range(control.MAX_LINE_BYTES // connections.READ_BYTES):
        theirs.send(b"x" * connections.READ_BYTES)
        assert connection.lines() == []
    theirs.send(b"x")
    assert connection.lines() is None


def test_what_a_slow_client_does_not_take_waits_for_it_in_order(ends: Ends) -> None:
    connection, theirs = ends
    sent = b""
    while not connection.wants_to_send:
        line = b"%08d\n" % len(sent) * 1_000
        assert connection.send(line)
        sent += line
    came = theirs.recv(len(sent))
    assert connection.flush()
    assert not connection.wants_to_send
    while len(came) < len(sent):
        came += theirs.recv(len(sent))
    assert came == sent


def test_a_client_too_far_behind_must_be_let_go(ends: Ends) -> None:
    assert not ends[0].send(b"x" * A_LOT)


def test_a_door_goes_along_with_its_line(ends: Ends) -> None:
    connection, theirs = ends
    left, right = socket.socketpair()
    with left, right:
        assert connection.send(b"yours\n", right)
        line, handed, _, _ = socket.recv_fds(theirs, 100, 1)
        assert line == b"yours\n"
        with socket.socket(fileno=handed[0]) as door:
            door.send(b"x")
        assert left.recv(9) == b"x"


def test_no_door_is_handed_to_a_client_that_does_not_read_or_has_gone(ends: Ends) -> None:
    connection, theirs = ends
    left, right = socket.socketpair()
    with left, right:
        connection._unsent = b"x" * A_LOT
        assert not connection.send(b"yours\n", right), "too far behind"
        connection._unsent = connection._unsent[:100]
        assert not connection.send(b"yours\n", right), "something still waits"
        connection._unsent = b""
        assert not connection.send(b"yours\n", right), "its socket is full"
        theirs.close()
        assert not connection.send(b"yours\n", right), "it has gone"


def test_the_control_socket_is_for_user_and_group_and_replaces_a_stale_one(tmp_path: Path) -> None:
    path = tmp_path / "control"
    path.touch()
    with connections.listen(path) as server, socket.socket(socket.AF_UNIX) as stranger:
        assert path.stat().st_mode & 0o777 == 0o660
        assert not server.getblocking()
        stranger.connect(str(path))


def test_a_socket_has_its_name_only_once_it_listens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, listen, found = tmp_path / "control", socket.socket.listen, []

    def begins(sock: socket.socket, backlog: int) -> None:
        found.append(path.exists())
        listen(sock, backlog)

    monkeypatch.setattr(socket.socket, "listen", begins)
    connections.listen(path).close()

    assert found == [False]
    assert [entry.name for entry in tmp_path.iterdir()] == ["control"]


def test_a_path_too_long_for_a_socket_is_refused_and_the_longest_is_taken(tmp_path: Path) -> None:
    longest = tmp_path / ("d" * (connections.LONGEST_PATH - len(str(tmp_path)) - 1))
    connections.listen(longest).close()
    with pytest.raises(ConfigError, match="too deep for a unix socket"):
        connections.listen(longest.with_name(longest.name + "d"))
