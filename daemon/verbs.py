"""The one table of verbs: who may ask, and what the command has to prove.

A command that lets something happen quotes a nonce of the watchdog's (it was sent now) and the `state_seq` its person
saw (they decided about this state). One that only makes the room safer quotes a nonce; stop and emergency need prove
nothing at all.
"""

from __future__ import annotations

from dataclasses import dataclass

from daemon import wishes
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
        Verb("stop", wishes.Stop, Role.VIEWER, nonce=False, state_seq=False, control=False, urgent=True),
        Verb(
            "emergency",
            wishes.Emergency,
            Role.VIEWER,
            nonce=False,
            state_seq=False,
            control=False,
            urgent=True,
            deadline_s=8.0,
        ),
        Verb("pause", wishes.Pause, state_seq=False, control=False, urgent=True),
        Verb("lower", wishes.Lower, state_seq=False),
        Verb("raise", wishes.Raise),
        Verb("take", wishes.Take, control=False),
        Verb("hand-over", wishes.HandOver),
        Verb("let-go", wishes.LetGo),
        Verb("start", wishes.Start, deadline_s=20.0),
        Verb("continue", wishes.Continue, deadline_s=20.0),
        Verb("release", wishes.Release),
        Verb("resume", wishes.Resume),
        Verb("end", wishes.End, deadline_s=25.0),
        # A second person lifts the graver trips with the first, and only one of them can hold control.
        Verb("reset", wishes.Reset, control=False),
        Verb("resolve", wishes.Resolve),
        Verb("note", wishes.Note, state_seq=False, control=False, urgent=True),
        # Who only looks decides nothing, and must not wait behind a session that is being opened.
        Verb("history", wishes.History, Role.VIEWER, nonce=False, state_seq=False, control=False, urgent=True),
        Verb("read-report", wishes.ReadReport, Role.VIEWER, nonce=False, state_seq=False, control=False, urgent=True),
        Verb("read-journal", wishes.ReadJournal, Role.VIEWER, nonce=False, state_seq=False, control=False, urgent=True),
        Verb("dose", wishes.Dose, Role.VIEWER, nonce=False, state_seq=False, control=False, urgent=True),
        Verb("block", wishes.Block, state_seq=False, control=False),
        Verb("unblock", wishes.Unblock, Role.PHYSICIAN, control=False),
        # Of no session: whoever starts the next one reads in what the watchdog understood which threshold it takes.
        Verb("file-threshold", wishes.FileThreshold, state_seq=False, control=False),
        # Of no session either, but whoever holds control may be about to open one by what was filed before.
        Verb("file-registration", wishes.FileRegistration, state_seq=False),
        Verb("file-calibration", wishes.FileCalibration, state_seq=False),
        Verb("file-target", wishes.FileTarget, state_seq=False),
        Verb("coil-away", wishes.CoilAway, state_seq=False, control=False, urgent=True),
        Verb("hand-guide", wishes.HandGuide),
        Verb("park", wishes.Park),
    )
}

_RANK = {role: rank for rank, role in enumerate(Role)}


def may(role: Role, verb: Verb) -> bool:
    """Whether a role may ask for a verb at all."""
    return _RANK[role] >= _RANK[verb.role]
