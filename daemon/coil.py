"""The coil on its arm as the room knows it: what the arm last told, how each pulse's coil stood, when a session waits.

Nothing here is trusted with a pulse: the arm sends its lease straight to the watchdog, who judges by it. This side asks
no permit that would be refused, tells people why they wait, and pauses a session whose coil was taken off the head.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from daemon.arm_words import ArmView
from daemon.journal import Journal
from daemon.on_target import Past

SILENT_US: Final = 500_000
"""The arm speaks 20 times a second; unheard for so long nobody waits for its next word (engineering choice)."""
ENGAGED: Final = frozenset({"approach", "track", "freeze"})
"""States of the arm in which the coil is at the head or on its way there."""
PAUSES: Final[Mapping[str, str]] = {
    "retract": "coil-retracted",
    "away": "coil-away",
    "parked": "coil-parked",
    "hand": "coil-guided",
    "stopped": "coil-stopped",
    "fault": "coil-fault",
}
"""Why a session pauses when the arm leaves the head for one of these."""


class Coil:
    """`clock` gives BOOTTIME µs; `ahead_us` how far that is ahead of CLOCK_MONOTONIC, the arm's clock."""

    def __init__(self, journal: Journal, clock: Callable[[], int], ahead_us: Callable[[], int]) -> None:
        self.view: ArmView | None = None
        """As the arm last told; None while there is no connection."""
        self._journal = journal
        self._clock = clock
        self._ahead_us = ahead_us
        self._heard_us = 0
        self._near_us = 0
        self._past = Past()
        self._written: tuple[str | None, str | None, bool] | None = None

    def hear(self, view: ArmView) -> str | None:
        """Takes what the arm tells; why a running session has to pause, if it has to."""
        before, self.view = self.view, view
        self._heard_us = now_us = self._clock()
        self._past.told(view, min(view.at_us + self._ahead_us(), now_us))
        if view.lease != "none":
            self._near_us = now_us
        self._write(view)
        if before is not None and before.state in ENGAGED and view.state not in ENGAGED:
            return PAUSES.get(view.state, "coil-fault")
        return None

    def lose(self) -> str | None:
        """The connection to the arm has ended; why a running session has to pause, if it has to."""
        before, self.view = self.view, None
        self._past.lost(self._heard_us)
        if before is None:
            return None
        self._written = None
        self._journal.write("coil", state=None, why="arm-lost", lease="none")
        return "arm-lost"

    @property
    def silent(self) -> bool:
        """Whether the arm has not been heard lately."""
        return self.view is None or self._clock() - self._heard_us > SILENT_US

    @property
    def absent_us(self) -> int:
        """How long the coil has been off its target, or unseen; one that trembles about the limit is not absent."""
        return self._clock() - self._near_us

    @property
    def waits(self) -> str | None:
        """Why no train may begin now, in a word of the arm's or the daemon's; None while the lease is `begin`."""
        if self.view is None or self.silent:
            return "arm-silent" if self.view else "arm-lost"
        if self.view.lease == "begin":
            return None
        if self.view.why:
            return self.view.why
        if self.view.state == "approach":
            return "coil-approaching"
        return "coil-settling" if self.view.state == "track" else PAUSES.get(self.view.state, "coil-settling")

    def marked(self, row: Mapping[str, Any]) -> Mapping[str, Any]:
        """A pulse's row with how its coil stood then, as far as anybody knew."""
        commanded_us = row["commanded_us"]
        return {**row, **self._past.at(row["planned_us"] if commanded_us is None else commanded_us)}

    def _write(self, view: ArmView) -> None:
        """One row for each change that a person would be told of."""
        said = (view.state, view.why, view.lease == "none")
        if said == self._written:
            return
        self._written = said
        error = view.error
        self._journal.write(
            "coil", state=view.state, why=view.why, lease=view.lease,
            off_mm=round(error.distance_mm, 2) if error else None,
            off_deg=round(error.angle_deg, 2) if error else None,
        )  # fmt: skip
