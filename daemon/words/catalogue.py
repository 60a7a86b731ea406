"""What a language has to say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from daemon.messages import Sentence

Colour = Literal["grey", "blue", "green", "yellow", "red"]
Shape = Literal["square", "circle", "triangle", "octagon", "dashed"]
"""Colour never says it alone."""
STANDING: Final = ("boot", "lockout", "no-watchdog", "no-stimulator", "emergency", "no-arm")
"""Not states of a session: the watchdog starts, is locked, or silent; the stimulator or the arm is not there."""
WORDED: Final = frozenset({"approach", "track", "freeze", "fault"})
"""States of the arm in which its reason says what the coil does; in the others the state does: it has left the head."""


@dataclass(frozen=True, slots=True)
class PhaseWord:
    """How one internal state of the room is shown."""

    word: str
    """Big, in capitals; DISARMED, never SAFE."""
    colour: Colour
    shape: Shape
    sentence: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """One language."""

    phases: Mapping[str, PhaseWord]
    """By `daemon.session.State` value, and `idle`."""
    unknown: PhaseWord
    """Shown when nothing live is heard from the room."""
    standing: Mapping[str, PhaseWord]
    """What outweighs the phase wherever it stands: by `STANDING`."""
    reasons: Mapping[str, Sentence]
    """The daemon's own reasons for refusing a command; may name `{fields}`. The watchdog's are in `safety.reasons`."""
    outcomes: Mapping[str, str]
    """How a treatment ended."""
    cutting: Mapping[str, str]
    """Whether disarming ends a running train, by what the site file says (`safety.asking.Cutting`)."""
    coil: Mapping[str, PhaseWord]
    """By state of the arm that holds the coil."""
    coil_reasons: Mapping[str, Sentence]
    """Why the coil is not where a train may begin: the arm's own reasons and the daemon's."""

    def phase(self, name: str) -> PhaseWord:
        """The word for a state; one that has no row is shown as it is called, in warning colours."""
        return self.phases.get(name) or PhaseWord(name.upper(), "yellow", "triangle", f"The room is in state {name}.")

    def refusal(self, reason: str, **fields: object) -> Sentence:
        """The sentence of one of our own reasons. KeyError when there is none: a bug."""
        row = self.reasons[reason]
        return Sentence(what=row.what.format(**fields), why=row.why.format(**fields), next=row.next.format(**fields))

    def coil_word(self, state: str | None) -> PhaseWord:
        """The word for a state of the arm; None: it does not answer."""
        if state is None:
            return self.standing["no-arm"]
        return self.coil.get(state) or PhaseWord(state.upper(), "yellow", "triangle", f"The arm is in state {state}.")

    def coil_reason(self, reason: str) -> str:
        """What a person reads for one; a reason without a row is named."""
        row = self.coil_reasons.get(reason)
        return f"{row.what} {row.why} {row.next}" if row else f"The coil is not on its target: {reason}."

    def coil_sentence(self, state: str | None, reason: str | None, trouble: str = "") -> str:
        """What a person reads of a coil in this state, for this reason if there is one, and of the way to its arm."""
        word, row = self.coil_word(state), self.coil_reasons.get(reason or "")
        if reason is None:
            told = word.sentence
        elif row is None or state in WORDED:
            told = self.coil_reason(reason)
        else:
            told = f"{word.sentence} {row.why} {row.next}"
        return f"{told} {trouble}".rstrip()
