"""A simulated port as a PTY with a link to it, as a real program sees a serial device.

The master is watched for edges, not levels: a master whose clients have all gone is hung up without end, and a loop
that asked for its level would spin.
"""

from __future__ import annotations

import errno
import os
import select
import tty
from pathlib import Path

from drivers.errors import OperatorError
from drivers.pseudo_terminals import drop_unread, raw_again

CHUNK_BYTES = 4096


class PtyPort:
    """One PTY. Its slave is raw before the link appears and again after every hang-up."""

    def __init__(self, link: Path) -> None:
        """Opens it and puts `link` in place. OperatorError when something that is no old link of ours stands there."""
        remove_stale(link)
        self.link = link
        self.master, slave = os.openpty()
        os.set_blocking(self.master, False)
        tty.setraw(self.master)
        link.symlink_to(os.ttyname(slave))
        os.close(slave)
        self._readable = True
        self._spoken = False
        """Whether a client has said anything since the last hang-up."""

    def watch(self, epoll: select.epoll) -> None:
        """Registers the master; `wake` is due when it shows up."""
        epoll.register(self.master, select.EPOLLIN | select.EPOLLHUP | select.EPOLLET)

    def wake(self) -> None:
        """There was an edge: bytes, or a hang-up."""
        self._readable = True

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
            self._hang_up()
        else:
            self._spoken = True
            return data
        return b""

    def _hang_up(self) -> None:
        raw_again(self.master)
        if self._spoken:  # our own look at the other end is one more hang-up, of nobody
            self._spoken = False
            drop_unread(self.master)

    def write(self, data: bytes) -> None:
        """Sends to whoever listens; to nobody, or to one who does not read, it is lost as on a serial line."""
        if data and not self._hung_up():
            try:
                os.write(self.master, data)
            except BlockingIOError:
                return

    def _hung_up(self) -> bool:
        poll = select.poll()
        poll.register(self.master, 0)
        return bool(poll.poll(0))

    def close(self) -> None:
        """Removes the link, then the PTY: clients get a hang-up."""
        self.link.unlink(missing_ok=True)
        os.close(self.master)


def remove_stale(link: Path) -> None:
    """Removes what a killed simulator left behind. OperatorError for anything else, a real device above all."""
    if link.is_symlink():
        target = link.readlink()
        if target.parent != Path("/dev/pts"):
            raise OperatorError(f"{link} leads to {target}, which is no PTY of a simulator: remove it by hand")
        link.unlink()
    elif link.exists():
        raise OperatorError(f"{link} stands where the simulator puts its link: remove it by hand")
