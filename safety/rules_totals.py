"""Rules on how many pulses there may be altogether, whatever their trains look like."""

from __future__ import annotations

from collections.abc import Iterator

from safety.asking import Facts, SessionKind
from safety.limits import Limits
from safety.protocols import Protocol
from safety.reasons import Reason
from safety.verdicts import ALLOWED, Refused, Verdict, refused


def _within(reason: Reason, before: int, pulses: int, allowed: int) -> Verdict:
    return ALLOWED if before + pulses <= allowed else refused(reason, before + pulses, allowed)


def session_total(pulses: int, facts: Facts, limits: Limits) -> Verdict:
    """A treatment ends exactly at its protocol's total, whatever was cut and made up; other kinds at their own."""
    allowed = {
        SessionKind.PHANTOM: limits.phantom_pulses,
        SessionKind.THRESHOLD: limits.hunt_pulses,
    }.get(facts.kind, limits.session_pulses)
    if facts.kind is SessionKind.TREATMENT and facts.protocol is not None:
        slow = all(phase.slow for phase in facts.protocol.phases)
        most = limits.session_pulses_slow if slow else limits.session_pulses
        allowed = min(facts.protocol.pulses, facts.planned, most)
    return _within(Reason.SESSION_FULL, facts.totals.session, pulses, allowed)


def day_allowed(protocol: Protocol | None, *, authorised: bool, limits: Limits) -> int:
    """The protocol's daily total within the day's limit, and room for the threshold pulses of two hunts."""
    day = limits.day_pulses
    if protocol is not None:
        accelerated = protocol.accelerated and authorised
        day = min(protocol.per_day, limits.day_pulses_accelerated if accelerated else day)
    return day + limits.day_threshold_pulses


def _day_allowed(facts: Facts, limits: Limits) -> int:
    return day_allowed(facts.protocol, authorised=facts.authorised, limits=limits)


def day_total(pulses: int, facts: Facts, limits: Limits) -> Verdict:
    """Per treatment day, 03:00 to 03:00 room time."""
    return _within(Reason.DAY_FULL, facts.totals.day, pulses, _day_allowed(facts, limits))


def twelve_hours_total(pulses: int, facts: Facts, limits: Limits) -> Verdict:
    """Per rolling 12 h: two days' worth cannot meet across 03:00."""
    return _within(Reason.TWELVE_HOURS_FULL, facts.totals.twelve_hours, pulses, _day_allowed(facts, limits))


def week_total(pulses: int, facts: Facts, limits: Limits) -> Verdict:
    """Per rolling 7 x 24 h."""
    allowed = _day_allowed(facts, limits) * limits.week_days
    return _within(Reason.WEEK_FULL, facts.totals.week, pulses, allowed)


def course_total(pulses: int, facts: Facts, limits: Limits) -> Verdict:
    """Per subject and protocol."""
    return _within(Reason.COURSE_FULL, facts.totals.course, pulses, limits.course_pulses)


TOTALS = (session_total, day_total, twelve_hours_total, week_total, course_total)


def refused_totals(pulses: int, facts: Facts, limits: Limits) -> Iterator[Refused]:
    """What totals have against `pulses` more. A phantom has no day."""
    for rule in (session_total,) if facts.kind is SessionKind.PHANTOM else TOTALS:
        verdict = rule(pulses, facts, limits)
        if isinstance(verdict, Refused):
            yield verdict
