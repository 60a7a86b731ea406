"""The table of a session: its states, what can happen, what follows. The diagram in the docs is drawn from it."""

from __future__ import annotations

from enum import Enum


class State(Enum):
    """Where a session is; the value is what operators and the journal read."""

    CHECKS = "checks"
    """The watchdog judges whether this may be opened at all."""
    POSITIONING = "positioning"
    """Open; a person places the coil and releases."""
    GAP = "gap"
    """Released; in standby (or still armed in short gaps) until the next train is nearly due."""
    ARMING = "arming"
    """Set and read back in standby, armed, waiting for READY."""
    ARMED = "armed"
    """READY; a permit is asked."""
    TRAIN = "train"
    """Permitted and triggered, until the watchdog has settled its pulses."""
    STOPPING = "stopping"
    """Told to stop in a train; waits for its pulses to be settled."""
    HELD = "held"
    """A condition stands in the way; goes on by itself when it clears."""
    PAUSED = "paused"
    """At rest until a person releases again, or ends the session."""
    TRIPPED = "tripped"
    """The watchdog latched; a person resets."""
    UNKNOWN = "unknown-pulses"
    """Nobody can say whether pulses went out; a person resolves."""
    DONE = "done"
    ENDED_EARLY = "ended-early"
    REFUSED = "refused"


FINAL = frozenset({State.DONE, State.ENDED_EARLY, State.REFUSED})
IN_TRAIN = frozenset({State.TRAIN, State.STOPPING})
"""Pulses may be going out and are not settled yet."""


class Event(Enum):
    """What can happen to a session; the value completes "cannot be … now"."""

    OPENED = "opened"
    NOT_OPENED = "turned down"
    RELEASED = "released"
    DUE = "prepared for a train"
    READY = "made ready"
    GRANTED = "granted a train"
    TRAIN_SETTLED = "settled"
    CUT = "cut"
    HELD = "held"
    CLEARED = "cleared"
    STOPPED = "stopped"
    PAUSE = "paused"
    TRIPPED = "tripped"
    RESET = "reset"
    UNKNOWN = "left with unknown pulses"
    RESOLVED = "resolved"
    INTENSITY = "given another intensity"
    END = "ended"
    EMERGENCY = "ended by an emergency"
    DISCONNECTED = "cut off from the watchdog"
    EXHAUSTED = "completed"


class Effect(Enum):
    """What the shell does when a transition says so, in this order."""

    STOP = "stop"
    """Ask the watchdog to stop: it disarms at once, and the release falls."""
    DISARM = "disarm"
    """Bring the stimulator back to standby through the driver; the release stands."""
    BOOK = "book"
    """The running train is accounted for: the plan goes on without it."""
    CLOSE = "close"
    """Close the session at the watchdog."""
    REPORT = "report"
    """Write the report."""


Move = tuple[State, tuple[Effect, ...]]
_S, _E, _X = State, Event, Effect
_ENDS: tuple[Effect, ...] = (_X.CLOSE, _X.REPORT)
_CUT_OFF: Move = (_S.ENDED_EARLY, (_X.REPORT,))
_OVER: Move = (_S.ENDED_EARLY, (_X.REPORT,))
"""The watchdog has closed the session itself."""

TRANSITIONS: dict[State, dict[Event, Move]] = {
    _S.CHECKS: {
        _E.OPENED: (_S.POSITIONING, ()),
        _E.NOT_OPENED: (_S.REFUSED, (_X.REPORT,)),
        _E.EMERGENCY: _OVER,
        _E.DISCONNECTED: _CUT_OFF,
    },
    _S.POSITIONING: {
        _E.RELEASED: (_S.GAP, ()),
        _E.INTENSITY: (_S.POSITIONING, ()),
        _E.STOPPED: (_S.PAUSED, ()),
        _E.PAUSE: (_S.PAUSED, ()),
        _E.TRIPPED: (_S.TRIPPED, ()),
        _E.END: (_S.ENDED_EARLY, _ENDS),
        _E.EMERGENCY: _OVER,
        _E.DISCONNECTED: _CUT_OFF,
    },
    _S.GAP: {
        _E.DUE: (_S.ARMING, ()),
        _E.INTENSITY: (_S.GAP, (_X.DISARM,)),
        _E.HELD: (_S.HELD, (_X.DISARM,)),
        _E.STOPPED: (_S.PAUSED, ()),
        _E.PAUSE: (_S.PAUSED, (_X.STOP,)),
        _E.TRIPPED: (_S.TRIPPED, ()),
        _E.END: (_S.ENDED_EARLY, (_X.STOP, *_ENDS)),
        _E.EMERGENCY: _OVER,
        _E.DISCONNECTED: _CUT_OFF,
        _E.EXHAUSTED: (_S.DONE, (_X.DISARM, *_ENDS)),
    },
    _S.ARMING: {
        _E.READY: (_S.ARMED, ()),
        _E.INTENSITY: (_S.GAP, (_X.DISARM,)),
        _E.HELD: (_S.HELD, (_X.DISARM,)),
        _E.STOPPED: (_S.PAUSED, ()),
        _E.PAUSE: (_S.PAUSED, (_X.STOP,)),
        _E.TRIPPED: (_S.TRIPPED, ()),
        _E.END: (_S.ENDED_EARLY, (_X.STOP, *_ENDS)),
        _E.EMERGENCY: _OVER,
        _E.DISCONNECTED: _CUT_OFF,
    },
    _S.ARMED: {
        _E.GRANTED: (_S.TRAIN, ()),
        _E.INTENSITY: (_S.GAP, (_X.DISARM,)),
        _E.HELD: (_S.HELD, (_X.DISARM,)),
        _E.STOPPED: (_S.PAUSED, ()),
        _E.PAUSE: (_S.PAUSED, (_X.STOP,)),
        _E.TRIPPED: (_S.TRIPPED, ()),
        _E.END: (_S.ENDED_EARLY, (_X.STOP, *_ENDS)),
        _E.EMERGENCY: _OVER,
        _E.DISCONNECTED: _CUT_OFF,
    },
    _S.TRAIN: {
        # What cuts a train does not end it: only its settlement does. A hold that still stands is met in the gap.
        _E.TRAIN_SETTLED: (_S.GAP, (_X.BOOK,)),
        _E.CUT: (_S.TRAIN, ()),
        _E.HELD: (_S.TRAIN, ()),
        _E.CLEARED: (_S.TRAIN, ()),
        _E.STOPPED: (_S.STOPPING, ()),
        _E.PAUSE: (_S.STOPPING, (_X.STOP,)),
        _E.TRIPPED: (_S.TRIPPED, ()),
        _E.UNKNOWN: (_S.UNKNOWN, (_X.BOOK,)),
        _E.EMERGENCY: (_S.STOPPING, ()),
        _E.DISCONNECTED: _CUT_OFF,
    },
    _S.STOPPING: {
        _E.TRAIN_SETTLED: (_S.PAUSED, (_X.BOOK,)),
        _E.CUT: (_S.STOPPING, ()),
        _E.HELD: (_S.STOPPING, ()),
        _E.CLEARED: (_S.STOPPING, ()),
        _E.STOPPED: (_S.STOPPING, ()),
        _E.PAUSE: (_S.STOPPING, (_X.STOP,)),
        _E.TRIPPED: (_S.TRIPPED, ()),
        _E.UNKNOWN: (_S.UNKNOWN, (_X.BOOK,)),
        _E.EMERGENCY: (_S.STOPPING, ()),
        _E.DISCONNECTED: _CUT_OFF,
    },
    _S.HELD: {
        _E.CLEARED: (_S.GAP, ()),
        _E.HELD: (_S.HELD, ()),
        _E.INTENSITY: (_S.HELD, ()),
        _E.STOPPED: (_S.PAUSED, ()),
        _E.PAUSE: (_S.PAUSED, (_X.STOP,)),
        _E.TRIPPED: (_S.TRIPPED, ()),
        _E.END: (_S.ENDED_EARLY, (_X.STOP, *_ENDS)),
        _E.EMERGENCY: _OVER,
        _E.DISCONNECTED: _CUT_OFF,
    },
    _S.PAUSED: {
        _E.RELEASED: (_S.GAP, ()),
        _E.INTENSITY: (_S.PAUSED, ()),
        _E.HELD: (_S.PAUSED, ()),
        _E.CLEARED: (_S.PAUSED, ()),
        _E.STOPPED: (_S.PAUSED, ()),
        _E.PAUSE: (_S.PAUSED, ()),
        _E.TRIPPED: (_S.TRIPPED, ()),
        _E.UNKNOWN: (_S.UNKNOWN, ()),
        _E.END: (_S.ENDED_EARLY, _ENDS),
        _E.EMERGENCY: _OVER,
        _E.DISCONNECTED: _CUT_OFF,
        _E.EXHAUSTED: (_S.DONE, _ENDS),
    },
    _S.TRIPPED: {
        _E.TRAIN_SETTLED: (_S.TRIPPED, (_X.BOOK,)),
        _E.UNKNOWN: (_S.TRIPPED, (_X.BOOK,)),
        _E.CUT: (_S.TRIPPED, ()),
        _E.HELD: (_S.TRIPPED, ()),
        _E.CLEARED: (_S.TRIPPED, ()),
        _E.INTENSITY: (_S.TRIPPED, ()),
        _E.STOPPED: (_S.TRIPPED, ()),
        _E.TRIPPED: (_S.TRIPPED, ()),
        _E.RESOLVED: (_S.TRIPPED, ()),
        _E.RESET: (_S.PAUSED, ()),
        _E.END: (_S.ENDED_EARLY, _ENDS),
        _E.EMERGENCY: _OVER,
        _E.DISCONNECTED: _CUT_OFF,
    },
    _S.UNKNOWN: {
        _E.RESOLVED: (_S.PAUSED, ()),
        _E.HELD: (_S.UNKNOWN, ()),
        _E.CLEARED: (_S.UNKNOWN, ()),
        _E.INTENSITY: (_S.UNKNOWN, ()),
        _E.STOPPED: (_S.UNKNOWN, ()),
        _E.TRIPPED: (_S.TRIPPED, ()),
        _E.END: (_S.ENDED_EARLY, _ENDS),
        _E.EMERGENCY: _OVER,
        _E.DISCONNECTED: _CUT_OFF,
    },
    _S.DONE: {},
    _S.ENDED_EARLY: {},
    _S.REFUSED: {},
}
"""The whole machine: state → event → (next state, effects). What is missing is refused."""

SITUATIONS: dict[State, tuple[str, str]] = {
    State.CHECKS: ("the watchdog is still checking", "Wait for its answer"),
    State.POSITIONING: ("the coil is being placed", "Place the coil, then release"),
    State.GAP: ("the next train is being waited for", "Pause first"),
    State.ARMING: ("the stimulator is being armed", "Pause first"),
    State.ARMED: ("the stimulator is armed", "Pause first"),
    State.TRAIN: ("a train is running", "Pause first, or wait for the end of the train"),
    State.STOPPING: ("the train is being stopped", "Wait until its pulses are accounted for"),
    State.HELD: ("a condition stands in the way", "Remove what the hold names; it goes on by itself"),
    State.PAUSED: ("it is paused", "Release to go on, or end it"),
    State.TRIPPED: ("a safety stop is active", "Read the reason, remove it, then reset"),
    State.UNKNOWN: ("nobody can say whether pulses went out", "Resolve them with a reason"),
    State.DONE: ("it is complete", "Open a new session"),
    State.ENDED_EARLY: ("it has ended", "Continue it, or open a new session"),
    State.REFUSED: ("it was turned down", "Read the reason, then open a new session"),
}
"""How it stands, and what to do next."""


def situation(state: State) -> str:
    """One sentence for people: how it stands, and what to do next."""
    why, remedy = SITUATIONS[state]
    return f"{why[0].upper()}{why[1:]}. {remedy}."
