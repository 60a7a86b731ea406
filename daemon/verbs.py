"""The one table of verbs: who may ask, and what the command has to prove.

A command that lets something happen quotes a nonce of the watchdog's (it was sent now) and the `state_seq` its person
saw (they decided about this state). One that only makes the room safer quotes a nonce; stop proves nothing at all.
"""

from __future__ import annotations

from dataclasses import dataclass

from daemon import messages
from daemon.messages import Command, Role


@dataclass(frozen=True, slots=True)
class Verb:
    """One row. `deadline_s` bounds how long the room may take to carry it out (engineering choices)."""

    name: str
    command: type[Command]
    role: Role = Role.OPERATOR
    """The least role that may ask."""
    nonce: bool = True
    state_seq: bool = True
    control: bool = True
    urgent: bool = False
    """Overtakes whatever is being carried out."""
    deadline_s: float = 5.0


VERBS: dict[str, Verb] = {
    verb.name: verb
    for verb in (
        Verb("stop", messages.Stop, Role.VIEWER, nonce=False, state_seq=False, control=False, urgent=True),
        Verb("pause", messages.Pause, state_seq=False, control=False, urgent=True),
        Verb("lower", messages.Lower, state_seq=False),
        Verb("raise", messages.Raise),
        Verb("take", messages.Take, control=False),
        Verb("hand-over", messages.HandOver),
        Verb("let-go", messages.LetGo),
        Verb("start", messages.Start, deadline_s=20.0),
        Verb("continue", messages.Continue, deadline_s=20.0),
        Verb("release", messages.Release),
        Verb("resume", messages.Resume),
        Verb("end", messages.End, deadline_s=25.0),
        # A second person lifts the graver trips with the first, and only one of them can hold control.
        Verb("reset", messages.Reset, control=False),
        Verb("resolve", messages.Resolve),
        # Of no session: whoever starts the next one reads in what the watchdog understood which threshold it takes.
        Verb("file-threshold", messages.FileThreshold, state_seq=False, control=False),
        # Of no session either, but whoever holds control may be about to open one by what was filed before.
        Verb("file-registration", messages.FileRegistration, state_seq=False),
        Verb("file-calibration", messages.FileCalibration, state_seq=False),
        Verb("file-target", messages.FileTarget, state_seq=False),
        Verb("coil-away", messages.CoilAway, state_seq=False, control=False, urgent=True),
        Verb("hand-guide", messages.HandGuide),
        Verb("park", messages.Park),
    )
}

_RANK = {role: rank for rank, role in enumerate(Role)}


def may(role: Role, verb: Verb) -> bool:
    """Whether a role may ask for a verb at all."""
    return _RANK[role] >= _RANK[verb.role]
