"""Every wait of a session with its reason and its seconds: written down when it ends, and long ones remembered."""

from __future__ import annotations

from typing import Final

from daemon.journal import Journal
from daemon.session_table import State
from drivers.quantities import SECOND_US

LONG_US: Final = 3 * SECOND_US
"""After a hold longer than this a countdown precedes the next pulse (design §7)."""
WAITING: Final = frozenset({State.HELD, State.PAUSED, State.TRIPPED, State.UNKNOWN})


class Waits:
    """One session's. A wait whose reason changes is two waits in the journal, and one for the countdown."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._since_us = 0
        self._began_us: int | None = None
        self._now: tuple[State, str, str | None] | None = None

    def begin(self, now_us: int) -> None:
        """Something stands in the way, be it in the middle of a train: from now on it counts."""
        if self._began_us is None:
            self._began_us = now_us

    def at(self, state: State, reason: str, coil: str | None, now_us: int) -> None:
        """How the session stands now: to be told at every move, and while it waits whenever `coil` changes."""
        waiting = (state, reason, coil) if state in WAITING else None
        if waiting is not None:
            self.begin(now_us)
        elif state is State.ARMING:
            self._began_us = None
        if waiting == self._now:
            return
        if self._now is not None:
            self._write(self._now, now_us)
        self._since_us = now_us
        self._now = waiting

    def lasts_us(self, now_us: int) -> int:
        """How long something has stood in the way; 0 when nothing does."""
        return 0 if self._began_us is None else now_us - self._began_us

    def long(self, now_us: int) -> bool:
        """Whether a countdown has to follow."""
        return self.lasts_us(now_us) > LONG_US

    def _write(self, wait: tuple[State, str, str | None], now_us: int) -> None:
        state, reason, coil = wait
        seconds = round((now_us - self._since_us) / SECOND_US, 3)
        if not seconds:
            return
        self._journal.write("wait", state=state.value, reason=reason, coil=coil, seconds=seconds)
