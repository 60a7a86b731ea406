"""One session as a pure machine: what may happen in each state, and what follows.

Everything that decides is in `session_table.TRANSITIONS`. A pair of state and event that is not in it is a refusal,
with a sentence. The session itself is a value; `step` gives the next one and the effects that the shell
(`daemon.treat`) carries out. No clock, no device, no watchdog here: the watchdog judges every pulse again, whatever
this machine believes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from daemon.plan import Planned, at_most, pulses_of
from daemon.session_table import IN_TRAIN, SITUATIONS, TRANSITIONS, Effect, Event, Move, State
from drivers.quantities import PercentRmt

LARGEST_RAISE = PercentRmt(50)
"""Largest raise of intensity in one step, 5 % rMT (engineering choice)."""


@dataclass(frozen=True, slots=True)
class Happened:
    """An event with what it carries; each field speaks of the events named with it."""

    event: Event
    pulses: int = 0
    """TRAIN_SETTLED, UNKNOWN: pulses the watchdog counts as delivered."""
    reason: str = ""
    """HELD, CUT, STOPPED, TRIPPED, PAUSE, END, DISCONNECTED, NOT_OPENED: why, as the watchdog or a person said."""
    detail: Mapping[str, Any] = field(default_factory=dict)
    """HELD, PAUSE: the figures behind a reason of the watchdog's."""
    left: int | None = None
    """RELEASED: pulses that the watchdog's ledger leaves of the treatment; None: it did not say."""
    intensity: PercentRmt | None = None
    """INTENSITY: of the trains to come."""
    plan: tuple[Planned, ...] = ()
    """OPENED: the trains that the watchdog understood are left."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The event has no place here; the session stays as it was."""

    reason: str
    sentence: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    """The figures of the sentence."""


@dataclass(frozen=True, slots=True)
class Session:
    """One segment of a treatment. Intensities are % rMT, pulses are pulses."""

    prescribed: PercentRmt
    intensity: PercentRmt
    state: State = State.CHECKS
    plan: tuple[Planned, ...] = ()
    """Trains still to come, the running one first."""
    trains: int = 0
    """Trains of the whole segment, made-up ones included."""
    planned: int = 0
    """Pulses of the whole segment."""
    settled: int = 0
    append_cut: bool = True
    """A cut train's missing pulses come again as the last train; False: they are left out."""
    reason: str = ""
    """Why it last stopped being able to go on: the first reason since the last release."""
    detail: Mapping[str, Any] = field(default_factory=dict)
    """The figures behind it."""
    interrupted: Event | None = None
    """What last kept it from going on; graver than a later pause, and forgotten at a release."""

    @property
    def train(self) -> int:
        """1-based number of the train that runs or comes next; the last one at the end."""
        return self.trains - len(self.plan) + (1 if self.plan else 0)

    @property
    def left_out(self) -> int:
        """Pulses that were planned, did not come, and are not made up."""
        return max(0, self.planned - self.settled - pulses_of(self.plan))


_GRAVE = frozenset({Event.TRIPPED, Event.UNKNOWN})
_GRAVITY = {
    Event.STOPPED: 0, Event.PAUSE: 0, Event.DISCONNECTED: 1, Event.TRIPPED: 2, Event.UNKNOWN: 2, Event.EMERGENCY: 3,
}  # fmt: skip
"""Which interruption is told when several come together: a lost watchdog takes the stimulator's driver with it."""
STOP_ASKED = "stop-asked"
"""The watchdog's reason when a person pressed STOP."""


def outcome(session: Session) -> str:
    """How a session that has ended went, in the words of the report."""
    if session.interrupted is Event.EMERGENCY:
        return "emergency"
    if session.state is State.DONE:
        return "completed"
    if session.state is State.REFUSED:
        return "refused"
    if session.interrupted in _GRAVE:
        return "tripped" if session.interrupted is Event.TRIPPED else "unknown_pulses"
    return "stopped" if session.reason == STOP_ASKED else "ended_early"


def step(session: Session, happened: Happened) -> tuple[Session, tuple[Effect, ...]] | Refusal:
    """What follows when `happened` happens to `session`. Pure; a Refusal changes nothing."""
    event = happened.event
    move = TRANSITIONS[session.state].get(event)
    if move is None:
        return _out_of_place(session, event)
    if event is Event.INTENSITY and (refusal := _judge_intensity(session, happened.intensity)):
        return refusal
    state, effects = move
    after = _carry(session, state, happened)
    if Effect.BOOK in effects:
        after = _book(after, happened.pulses)
    last = _ends_by_itself(after, event)
    return (replace(after, state=last[0]), effects + last[1]) if last else (after, effects)


def _ends_by_itself(session: Session, event: Event) -> Move | None:
    """The move of a session that has come to rest with nothing left, or after an emergency in its train."""
    moves = TRANSITIONS[session.state]
    if session.interrupted is Event.EMERGENCY:
        return moves.get(Event.EMERGENCY) if session.state not in IN_TRAIN else None
    return None if session.plan or event is Event.OPENED else moves.get(Event.EXHAUSTED)


def _carry(before: Session, state: State, happened: Happened) -> Session:
    """`before` in its new state, with what the event brought."""
    session, event = replace(before, state=state), happened.event
    if event is Event.OPENED:
        return replace(session, plan=happened.plan, trains=len(happened.plan), planned=pulses_of(happened.plan))
    if event is Event.INTENSITY and happened.intensity is not None:
        return replace(session, intensity=happened.intensity)
    # What clears by itself explains nothing that a person has to end.
    if event is Event.RELEASED or (event is Event.CLEARED and not before.interrupted):
        return replace(_fitted(session, happened.left), reason="", detail={}, interrupted=None)
    worst = -1 if before.interrupted is None else _GRAVITY[before.interrupted]
    if _GRAVITY.get(event, -1) > worst:
        return replace(session, interrupted=event, reason=happened.reason, detail=happened.detail)
    if session.interrupted or not happened.reason:
        return session
    return replace(session, reason=happened.reason, detail=happened.detail)


def _fitted(session: Session, left: int | None) -> Session:
    """The plan within what the ledger leaves: a faulty stimulator may have given more than any train was to give."""
    if left is None:
        return session
    plan = at_most(session.plan, left)
    return replace(session, plan=plan, trains=session.trains - len(session.plan) + len(plan))


def _book(session: Session, pulses: int) -> Session:
    """The running train leaves the plan; what it did not deliver comes last, or is left out."""
    if not session.plan:
        return replace(session, settled=session.settled + pulses)
    if not pulses:
        return session  # it never began: it is still the next one
    running, *rest = session.plan
    missing = max(0, running.train.pulses - pulses)
    plan, trains = tuple(rest), session.trains
    if missing and session.append_cut:
        plan, trains = (*plan, running.shortened(missing)), trains + 1
    return replace(session, plan=plan, trains=trains, settled=session.settled + pulses)


def _judge_intensity(session: Session, wanted: PercentRmt | None) -> Refusal | None:
    if wanted is None or wanted == PercentRmt(0):
        return Refusal("intensity-missing", "The intensity was not changed. None was given. Name one above 0 % rMT.")
    if wanted > session.prescribed:
        return Refusal(
            "above-prescribed",
            f"The intensity was not changed. {wanted} is above what is prescribed: the protocol gives "
            f"{session.prescribed}. Ask for that or less.",
            {"asked": str(wanted), "allowed": str(session.prescribed)},
        )
    if wanted.tenths > session.intensity.tenths + LARGEST_RAISE.tenths:
        return Refusal(
            "raise-too-large",
            f"The intensity was not changed. {wanted} is too far above the present {session.intensity}: a step is "
            f"{LARGEST_RAISE} at most. "
            "Raise step by step, asking the subject after each.",
            {"asked": str(wanted), "allowed": str(PercentRmt(session.intensity.tenths + LARGEST_RAISE.tenths))},
        )
    return None


def _out_of_place(session: Session, event: Event) -> Refusal:
    why, remedy = SITUATIONS[session.state]
    return Refusal("out-of-place", f"The session cannot be {event.value} now: {why}. {remedy}.",
                   {"event": event.name.lower(), "phase": session.state.value})  # fmt: skip
