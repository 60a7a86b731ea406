"""The frame table: what passes from the speaker's door, by what the frame does. Refuses, never clamps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from drivers.stimulators import EffectKind, Field
from safety import conditions, disarm, outcomes, permits, rules
from safety.asking import SessionKind
from safety.events import Door
from safety.facts import facts
from safety.reasons import Reason
from safety.state import Phase, Waiting
from safety.turn import Turn


@dataclass(frozen=True, slots=True)
class No:
    """Refused, and why."""

    reason: Reason
    detail: Mapping[str, object] = field(default_factory=dict)


WAIT: Final = "wait"
"""The frame stays at the head of the queue: something it needs is on its way, with a deadline."""
Verdict = No | str | None
"""None passes."""


def judge(turn: Turn, waiting: Waiting) -> Verdict:
    """The verdict on one frame whose turn on the line has come."""
    return _TABLE[waiting.effect.kind](turn, waiting)


def _pass(_turn: Turn, _waiting: Waiting) -> Verdict:
    return None


def _remote(turn: Turn, waiting: Waiting) -> Verdict:
    """Giving up or renewing remote control passes always; of an armed device it is read back disarmed first."""
    if turn.state.phase in (Phase.ARMED, Phase.FIRING) and not waiting.effect.renews:
        disarm.begin(turn, None)
        return WAIT
    return None


def _setting(turn: Turn, waiting: Waiting) -> Verdict:
    state, effect = turn.state, waiting.effect
    if state.phase in (Phase.TRIPPED, Phase.LOCKOUT):
        return No(Reason.TRIPPED if state.phase is Phase.TRIPPED else Reason.LOCKED_OUT)
    if state.delivery is not None:
        return No(Reason.SETTING_WHILE_TRAIN)
    if effect.field is None or (effect.field is Field.ENHANCED and effect.value):
        return No(Reason.FORBIDDEN_FRAME, {"why": "enhanced power reaches above 100 % MSO"})
    known = facts(turn) if state.session else None
    verdict = rules.setting_in_range(effect.field, effect.value, known, turn.room.limits)
    if isinstance(verdict, rules.Allowed):
        return None
    session = state.session
    if waiting.door is Door.DAEMON and session and session.kind is SessionKind.TREATMENT:
        outcomes.trip(turn, Reason.OVER_LIMIT_FRAME, verdict.reason.json)
    return No(verdict.reason, verdict.detail)


def _arm(turn: Turn, _waiting: Waiting) -> Verdict:
    reason = conditions.standing(turn)
    if reason is None and turn.state.delivery is not None:
        reason = Reason.TRAIN_RUNNING
    if reason is not None:
        return No(reason)
    return permits.block_for_script(turn)


def _trigger(turn: Turn, waiting: Waiting) -> Verdict:
    session = turn.state.session
    if session and session.kind in (SessionKind.SCRIPT, SessionKind.PHANTOM):
        refused = permits.make_for_script(turn)
        if refused is not None:
            return refused
    refused = permits.waited_for_its_permit(turn, waiting.since_us) or permits.is_the_timers(turn)
    refused = refused or permits.judge_trigger(turn)
    if refused is None:
        permits.trigger_written(turn, planned_us=waiting.since_us)
    elif session and session.kind in (SessionKind.SCRIPT, SessionKind.PHANTOM):
        permits.forget_unused(turn)
    return refused


def _forbidden(_turn: Turn, waiting: Waiting) -> Verdict:
    return No(Reason.FORBIDDEN_FRAME, {"why": waiting.effect.why})


_TABLE: dict[EffectKind, Callable[[Turn, Waiting], Verdict]] = {
    EffectKind.QUERY: _pass,
    EffectKind.REMOTE: _remote,
    EffectKind.DISARM: _pass,
    EffectKind.SETTING: _setting,
    EffectKind.ARM: _arm,
    EffectKind.TRIGGER: _trigger,
    EffectKind.FORBIDDEN: _forbidden,
}
