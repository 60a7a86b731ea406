"""A simulated port as a PTY with a link to it, as a real program sees a serial device.

The master is watched for edges, not levels: a master whose clients have all gone is hung up without end, and a loop
that asked for its level would spin.
"""

from __future__ import annotations

import errno
import os
import select
from pathlib import Path

from drivers.errors import OperatorError
from drivers.pseudo_terminals import LinkedTerminal

CHUNK_BYTES = 4096


class PtyPort:
    """One PTY at a time: raw before its name stands at the link, and another one after every hang-up."""

    def __init__(self, link: Path) -> None:
        """Opens it and puts `link` in place. OperatorError when something that is no old link of ours stands there."""
        remove_stale(link)
        self._terminal = LinkedTerminal(link)
        self._edges = select.epoll()
        self._readable = False
        self._listen()

    @property
    def master(self) -> int:
        """Our end, until the next hang-up."""
        return self._terminal.master

    def fileno(self) -> int:
        """What shows up when `wake` is due."""
        return self._edges.fileno()

    def wake(self) -> None:
        """There was an edge: bytes, or a hang-up."""
        self._readable = bool(self._edges.poll(0)) or self._readable

    def _listen(self) -> None:
        """A terminal that nobody has opened yet is hung up: that first edge is nobody's."""
        self._edges.register(self.master, select.EPOLLIN | select.EPOLLHUP | select.EPOLLET)
        self._readable = any(what & select.EPOLLIN for _, what in self._edges.poll(0))

    def read(self, room: int) -> bytes:
        """What clients wrote, at most `room` bytes; the last one's too, after it has gone."""
        if not self._readable or not room:
            return b""
        try:
            data = os.read(self.master, min(room, CHUNK_BYTES))
        except BlockingIOError:
            self._readable = False
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            self._readable = False
            if self._terminal.renew():
                self._listen()
        else:
            return data
        return b""

    def write(self, data: bytes) -> None:
        """Sends to whoever listens; to nobody, or to one who does not read, it is lost as on a serial line."""
        if data and self._terminal.has_client():
            try:
                os.write(self.master, data)
            except BlockingIOError:
                return

    def close(self) -> None:
        """Removes the link, then the PTY: clients get a hang-up."""
        self._edges.close()
        self._terminal.close()


def remove_stale(link: Path) -> None:
    """Removes what a killed simulator left behind. OperatorError for anything else, a real device above all."""
    if link.is_symlink():
        target = link.readlink()
        if target.parent != Path("/dev/pts"):
            raise OperatorError(f"{link} leads to {target}, which is no PTY of a simulator: remove it by hand")
        link.unlink()
    elif link.exists():
        raise OperatorError(f"{link} stands where the simulator puts its link: remove it by hand")
