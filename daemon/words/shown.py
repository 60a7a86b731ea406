"""Which word stands for a room, large and alone: the panel's page and the terminal choose by the same order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from daemon.client import View
from daemon.session_table import FINAL, State
from daemon.words.catalogue import Catalogue, PhaseWord

OF_THE_WATCHDOG: Final[Mapping[str, tuple[str, str]]] = {
    "boot": ("standing", "boot"),
    "safe": ("phases", "idle"),
    "armed": ("phases", State.ARMED.value),
    "firing": ("phases", State.TRAIN.value),
    "tripped": ("phases", State.TRIPPED.value),
    "lockout": ("standing", "lockout"),
}
"""The watchdog's own phases, by the row that a person reads for each: its `safe` is disarmed, no more."""
AT_REST: Final = frozenset({"idle", *(state.value for state in FINAL)})
"""Phases of a room without an open session: what the session before left behind outweighs them."""


def row_of(view: View | None) -> tuple[str, str]:
    """(`phases`, `standing` or `unknown`, name of the row): the gravest that is so."""
    if view is None:
        return "unknown", ""
    state = view.state
    status = view.watchdog.status if view.watchdog else {}
    if state.emergency is not None:
        return "standing", "emergency"
    if not state.linked:
        return "standing", "no-watchdog"
    if status.get("phase") == "lockout":
        return "standing", "lockout"
    if state.phase not in AT_REST:
        return "phases", state.phase
    if state.trip is not None:
        return "phases", State.TRIPPED.value
    if state.unknown:
        return "phases", State.UNKNOWN.value
    if state.stimulator == "away":
        starting = status.get("phase") == "boot" and (status.get("device") or {}).get("present")
        return "standing", "boot" if starting else "no-stimulator"
    return "phases", state.phase


def word_of(view: View | None, words: Catalogue) -> PhaseWord:
    """The word, colour, shape and sentence of that row."""
    return _row(words, *row_of(view))


def watchdog_word(phase: str, words: Catalogue) -> str:
    """The watchdog's own phase in a person's word; one that has no row is shown as it is called."""
    return _row(words, *OF_THE_WATCHDOG.get(phase, ("phases", phase))).word


def _row(words: Catalogue, table: str, name: str) -> PhaseWord:
    if table == "unknown":
        return words.unknown
    return words.standing[name] if table == "standing" else words.phase(name)
