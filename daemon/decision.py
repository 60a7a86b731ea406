"""What a person decides on, its number, and what their command is judged against.

`state_seq` is one counter of the room. It rises when a decision would look different, never for counts or
temperatures: somebody who quotes it has seen the room as it is.
"""

from __future__ import annotations

from collections.abc import Callable

from daemon.commands import Nonces, Now
from daemon.holder import Control
from daemon.room import Json, Room, Snapshot


class Decision:
    """The room, its holder and the watchdog's nonces, as one numbered state."""

    def __init__(self, room: Room, *, first_seq: int, clock: Callable[[], int]) -> None:
        """`first_seq` lies above everything an earlier daemon of this room has used: microseconds of wall time do.

        `clock` gives microseconds that go on through suspend.
        """
        self.room = room
        self.control = Control()
        self.nonces = Nonces()
        self.clock = clock
        self._seq = first_seq
        self._last: tuple[Json, ...] | None = None

    def look(self) -> tuple[int, Snapshot]:
        """The room now, and the number of what a person would decide about it. Notes the watchdog's nonce."""
        snapshot = self.room.status()
        self.nonces.note(snapshot.nonce, self.clock())
        subject = (*snapshot.decision(), self.control.holder, self.control.offered_to)
        if subject != self._last:
            self._last = subject
            self._seq += 1
        return self._seq, snapshot

    @property
    def seq(self) -> int:
        """The number alone."""
        return self.look()[0]

    def now(self) -> Now:
        """What a command is judged against in this moment."""
        return Now(self.clock(), self.seq, self.nonces, self.control)
