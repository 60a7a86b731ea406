"""The two doors for native bytes: a socket pair for the daemon, a pseudo-terminal for any other program.

A door splits bytes into frames and nothing else; what passes is the gate's business. Half a frame that stays half
is dropped: its client died inside it.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from drivers.pseudo_terminals import LinkedTerminal
from drivers.stimulators import Dialect, Piece, PieceKind, Reader

READ_BYTES = 64
"""Several frames of any client's, taken in one turn; the rest waits for the next."""


class HalfFrames:
    """Pieces from bytes, with the time of the last byte, so that an unfinished frame can be dropped."""

    def __init__(self, reader: Reader, patience_us: int) -> None:
        self._reader = reader
        self._patience_us = patience_us
        self._last_us = 0

    def feed(self, data: bytes, now_us: int) -> list[Piece]:
        """The pieces completed by `data`."""
        self.drop_if_old(now_us)
        self._last_us = now_us
        return self._reader.feed(data)

    def drop_if_old(self, now_us: int) -> bytes:
        """The unfinished frame that was dropped, if it was older than the patience."""
        if self._reader.pending and now_us - self._last_us > self._patience_us:
            return self._reader.drop()
        return b""

    def clear(self) -> None:
        """Forgets an unfinished frame: its sender is gone."""
        self._reader.drop()


def together(pieces: list[Piece]) -> Iterator[Piece]:
    """The same pieces, with unknown bytes in a row made one: whoever sends nonsense makes one event, not hundreds."""
    for unknown, row in groupby(pieces, key=lambda piece: piece.kind is PieceKind.NOISE):
        if unknown:
            yield Piece(PieceKind.NOISE, b"".join(piece.data for piece in row))
        else:
            yield from row


class SocketDoor:
    """The daemon's door: one end of a socket pair, the other handed over on the control connection."""

    def __init__(self, dialect: Dialect, patience_us: int) -> None:
        self.frames = HalfFrames(dialect.command_reader(), patience_us)
        self._ours: socket.socket | None = None

    def open(self) -> socket.socket:
        """A fresh pair; the client's end, which the caller sends and closes."""
        self.close()
        self._ours, theirs = socket.socketpair()
        self._ours.setblocking(False)
        return theirs

    def fileno(self) -> int:
        """For the select loop; -1 while nobody is attached."""
        return self._ours.fileno() if self._ours else -1

    def read(self) -> bytes | None:
        """What came, or None when the client has gone."""
        if self._ours is None:
            return None
        try:
            return self._ours.recv(READ_BYTES) or None
        except BlockingIOError:
            return b""
        except OSError:
            return None

    def write(self, data: bytes) -> bool:
        """False when the client does not read: its replies are lost, the line goes on."""
        try:
            return self._ours is not None and self._ours.send(data) == len(data)
        except OSError:
            return False

    def close(self) -> None:
        """Nobody is attached any more."""
        if self._ours is not None:
            self._ours.close()
            self._ours = None
        self.frames.clear()


class PtyDoor:
    """The door for other programs: a pseudo-terminal whose name stands at `link`, a fresh one for each client.

    While no client has it open the master is hung up and always readable: it is watched by a cheap poll then, so that
    the loop does not spin.
    """

    def __init__(self, dialect: Dialect, patience_us: int, link: Path) -> None:
        self.frames = HalfFrames(dialect.command_reader(), patience_us)
        self._terminal = LinkedTerminal(link)

    def fileno(self) -> int:
        """For the select loop, while a client has it open; another one after each hang-up."""
        return self._terminal.master

    def has_client(self) -> bool:
        """Whether any program has the slave open."""
        return self._terminal.has_client()

    def read(self) -> bytes | None:
        """What came, or None when the last client has gone."""
        try:
            return os.read(self.fileno(), READ_BYTES) or None
        except BlockingIOError:
            return b""
        except OSError:
            return None

    def write(self, data: bytes) -> bool:
        """False when the client does not read: its replies are lost, the line goes on."""
        try:
            return os.write(self.fileno(), data) == len(data)
        except OSError:
            return False

    def hung_up(self) -> None:
        """Forgets what the client left, its terminal above all: nothing that it did there meets the next one.

        Where the machine has no fresh terminal to give, the door goes on with the used one.
        """
        self.frames.clear()
        with contextlib.suppress(OSError):
            self._terminal.renew()

    def close(self) -> None:
        """Takes the link away and hangs up on whoever is there."""
        self._terminal.close()
