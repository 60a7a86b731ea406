"""The table of the coil hold: its states, what can happen, what follows. A missing entry is a refusal."""

from __future__ import annotations

from enum import Enum


class HoldState(Enum):
    """What the arm is about; the value goes into messages."""

    PARKED = "parked"
    """At its parking place, or on the way there; also where everything begins."""
    APPROACH = "approach"
    """On the way to the target, clear of the head until it stands before it."""
    TRACK = "track"
    """On the target, following the head."""
    FREEZE = "freeze"
    """Stands still because it does not know enough; goes on by itself, or retracts."""
    RETRACT = "retract"
    """Taken away from the head by itself; only a person sends it back."""
    AWAY = "away"
    """Taken away from the head by a person."""
    HAND = "hand"
    """Moved by a person's hand."""
    STOPPED = "stopped"
    """Stopped by a person: away from the head, then at rest."""
    FAULT = "fault"
    """The arm itself does not obey: stopped by its own safety system, or unreachable."""


class Verb(Enum):
    """What a person can order; the value completes "go to"."""

    TO_TARGET = "target"
    AWAY = "away"
    PARK = "park"
    HAND = "hand"
    STOP = "stop"


LEAVING = frozenset({Verb.STOP, Verb.AWAY})
"""Taken in every state: the coil comes off the head, if the arm can move at all."""


class Event(Enum):
    """What can happen by itself."""

    ARRIVED = "arrived"
    FAR = "far from the target"
    LOST = "without trustworthy data"
    BACK = "with trustworthy data again"
    LATE = "without data for too long"
    GIVEN_UP = "absent for too long to go on by itself"
    UNSAFE = "over a limit"
    ENDED = "without the program that obeys"
    BROKEN = "not obeyed"


class Leave(Enum):
    """How a state is entered: whether the coil has to come away from the head first."""

    STAY = "stay"
    RETRACT = "retract"


Move = tuple[HoldState, Leave]
_S, _E, _V = HoldState, Event, Verb
_STAY, _OFF = Leave.STAY, Leave.RETRACT

_AT_THE_HEAD: dict[Event | Verb, Move] = {
    _E.UNSAFE: (_S.RETRACT, _OFF),
    _E.ENDED: (_S.RETRACT, _OFF),
    _E.BROKEN: (_S.FAULT, _STAY),
    _V.AWAY: (_S.AWAY, _OFF),
    _V.PARK: (_S.PARKED, _OFF),
    _V.STOP: (_S.STOPPED, _OFF),
}
_OFF_THE_HEAD: dict[Event | Verb, Move] = {
    _V.TO_TARGET: (_S.APPROACH, _STAY),
    _V.HAND: (_S.HAND, _STAY),
    _V.PARK: (_S.PARKED, _STAY),
}

TRANSITIONS: dict[HoldState, dict[Event | Verb, Move]] = {
    _S.PARKED: {
        **_OFF_THE_HEAD,
        _V.AWAY: (_S.AWAY, _STAY),
        _V.STOP: (_S.STOPPED, _STAY),
        _E.ENDED: (_S.PARKED, _OFF),
        _E.BROKEN: (_S.FAULT, _STAY),
    },
    _S.APPROACH: {
        **_AT_THE_HEAD,
        _V.TO_TARGET: (_S.APPROACH, _STAY),
        _E.ARRIVED: (_S.TRACK, _STAY),
        _E.LOST: (_S.FREEZE, _STAY),
    },
    _S.TRACK: {
        **_AT_THE_HEAD,
        _V.TO_TARGET: (_S.TRACK, _STAY),
        _E.FAR: (_S.APPROACH, _STAY),
        _E.LOST: (_S.FREEZE, _STAY),
    },
    _S.FREEZE: {
        **_AT_THE_HEAD,
        _E.BACK: (_S.APPROACH, _STAY),
        _E.LATE: (_S.RETRACT, _OFF),
        _E.GIVEN_UP: (_S.AWAY, _STAY),
    },
    _S.RETRACT: {
        **_OFF_THE_HEAD,
        _V.AWAY: (_S.AWAY, _OFF),
        _V.STOP: (_S.STOPPED, _OFF),
        _E.ENDED: (_S.RETRACT, _OFF),
        _E.BROKEN: (_S.FAULT, _STAY),
    },
    _S.AWAY: {
        **_OFF_THE_HEAD,
        _V.AWAY: (_S.AWAY, _STAY),
        _V.STOP: (_S.STOPPED, _OFF),
        _E.ENDED: (_S.AWAY, _OFF),
        _E.BROKEN: (_S.FAULT, _STAY),
    },
    _S.HAND: {
        _V.TO_TARGET: (_S.APPROACH, _STAY),
        _V.PARK: (_S.PARKED, _STAY),
        _V.HAND: (_S.HAND, _STAY),
        _V.AWAY: (_S.AWAY, _OFF),
        _V.STOP: (_S.STOPPED, _STAY),
        _E.BROKEN: (_S.FAULT, _STAY),
    },
    _S.STOPPED: {
        **_OFF_THE_HEAD,
        _V.AWAY: (_S.AWAY, _OFF),
        _V.STOP: (_S.STOPPED, _STAY),
        _E.ENDED: (_S.STOPPED, _OFF),
        _E.BROKEN: (_S.FAULT, _STAY),
    },
    _S.FAULT: {
        _V.TO_TARGET: (_S.APPROACH, _STAY),
        _V.PARK: (_S.PARKED, _OFF),
        _V.HAND: (_S.HAND, _STAY),
        _V.AWAY: (_S.AWAY, _OFF),
        _V.STOP: (_S.STOPPED, _OFF),
    },
}
"""Stop and away stand in every row. An arm that was in a fault may stand at the head: it comes away before it parks. A
program can end while the coil is at the head, or on its way off it; further off that is no event. Nor is an arm that
does not obey where it rests, parked or stopped: it was to do nothing, and does it."""

FOLLOWING = frozenset({HoldState.APPROACH, HoldState.TRACK})
"""Steered by the head."""
ENGAGED = FOLLOWING | {HoldState.FREEZE}
"""Steered by us; everything that could be wrong matters."""

AT_REST = frozenset({HoldState.PARKED, HoldState.STOPPED})
"""Where a person wanted it, once it is there."""


def after(state: HoldState, event: Event | Verb) -> Move | None:
    """Where it leads and how; None when the table has no entry."""
    return TRANSITIONS[state].get(event)
