"""How a session waits for its coil: why, for how long, and when a person has to take over.

In a room without an arm it only keeps count of the waits there are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from daemon.coil import Coil
from daemon.journal import Journal
from daemon.pace import ABSENT_US, APPROACH_US
from daemon.session import Happened, Session
from daemon.session_table import Event, State
from daemon.waits import Waits

LEASE_REASONS: Final = frozenset({"lease-missing", "lease-lost"})
"""The watchdog's words for a coil that is not on its target: a wait, whatever it ends."""


class CoilWait:
    """One session's. `coil` is None in a room without an arm."""

    def __init__(self, coil: Coil | None, journal: Journal) -> None:
        self._coil = coil
        self._waits = Waits(journal)
        self._on_target = False
        """The coil has been on its target since the last release."""
        self.left = False
        """The coil left its target during the attempt under way: it bears no fruit, and nobody is to blame."""

    @property
    def why(self) -> str | None:
        """Why the coil is not where a train may begin; None while it is, and in a room without an arm."""
        return self._coil.waits if self._coil else None

    @property
    def hold(self) -> Happened | None:
        """What happens to a session that is about to go on; None: nothing, the coil is on its target."""
        why = self.why
        if why is None:
            self._on_target = True
            return None
        return Happened(Event.HELD, reason="lease-missing", detail={"coil": why})

    def hear(self, event: Mapping[str, Any]) -> None:
        """Takes one event of the watchdog's."""
        self.left |= event.get("reason") in LEASE_REASONS

    def blames(self, reason: str) -> bool:
        """Whether a refusal is the coil's doing."""
        return reason in LEASE_REASONS

    def try_again(self) -> None:
        """A new attempt begins."""
        self.left = False

    def counts_down(self, event: Event, now_us: int) -> bool:
        """Whether a countdown has to precede the next pulse after this event, which has just happened."""
        if event in (Event.HELD, Event.CUT):
            self._waits.begin(now_us)
        if event is Event.RELEASED:
            self._on_target = False
        return event in (Event.RELEASED, Event.INTENSITY) or (event is Event.CLEARED and self._waits.long(now_us))

    def note(self, session: Session, now_us: int) -> None:
        """How the session stands: to be told at every move, and while it is held again and again."""
        why = self.why if session.state is State.HELD else session.detail.get("coil")
        self._waits.at(session.state, session.reason, why, now_us)

    def too_long(self, now_us: int) -> Happened | None:
        """What happens when the coil stays away; None: it may still come back by itself."""
        why = self.why
        if self._coil is None or why is None:
            return None
        over = self._coil.absent_us > ABSENT_US if self._on_target else self._waits.lasts_us(now_us) > APPROACH_US
        if not over:
            return None
        return Happened(Event.PAUSE, reason="coil-absent", detail={"coil": why})
