"""The rules: each a pure function of what is asked, what is known and the limits. All must allow.

The same rules judge the plan when a session opens, every permit, and every trigger again, of a treatment's driver and
of somebody's script alike. A rule can only add a refusal; none can take one away.
"""

from __future__ import annotations

from collections.abc import Iterator

from drivers.quantities import Hertz, PercentMso
from drivers.stimulators import Field
from safety import rules_strength as strength
from safety import rules_trains as trains
from safety.asking import Ask, Facts
from safety.limits import Limits
from safety.reasons import Reason
from safety.rules_totals import refused_totals
from safety.verdicts import ALLOWED, Allowed, Refused, Rule, Verdict, refused, seconds

__all__ = [
    "ALLOWED",
    "RULES",
    "Allowed",
    "Refused",
    "Verdict",
    "judge",
    "judge_all",
    "judge_pulses",
    "setting_in_range",
]

RULES: tuple[Rule, ...] = (
    strength.study_complete,
    strength.threshold_present,
    strength.threshold_fresh,
    strength.threshold_good,
    strength.threshold_of_this_coil,
    strength.threshold_real,
    strength.protocol_followed,
    strength.hunt_single,
    strength.hunt_near_estimate,
    strength.level_under_ceiling,
    strength.intensity_limited,
    strength.visual_threshold_capped,
    trains.rate_limited,
    trains.train_length_limited,
    trains.gap_kept,
    trains.windows_kept,
    trains.witness_sufficient,
    trains.autonomy_bounded,
    trains.block_bounded,
)


def _refusals(ask: Ask, facts: Facts, limits: Limits) -> Iterator[Refused]:
    for rule in RULES:
        verdict = rule(ask, facts, limits)
        if isinstance(verdict, Refused):
            yield verdict
    yield from refused_totals(ask.pulses, facts, limits)


def judge(ask: Ask, facts: Facts, limits: Limits) -> Verdict:
    """`ALLOWED` when every rule allows, else the first refusal."""
    return next(_refusals(ask, facts, limits), ALLOWED)


def judge_all(ask: Ask, facts: Facts, limits: Limits) -> tuple[Refused, ...]:
    """Every refusal, in the order of the rules."""
    return tuple(_refusals(ask, facts, limits))


def judge_pulses(pulses: int, facts: Facts, limits: Limits) -> Verdict:
    """Whether so many pulses more fit session, day, week and course, whatever their trains look like."""
    return next(refused_totals(pulses, facts, limits), ALLOWED)


def setting_in_range(setting: Field, value: int, facts: Facts | None, limits: Limits) -> Verdict:
    """Whether one setting alone lies in the session's ranges; what settings make together is judged at the trigger.

    `value` in the unit of `setting`. Without a session the level stays low enough that nobody is in danger.
    """
    longest_us, most = trains.autonomy_of(facts, limits)
    level = strength.ceiling_of(facts, limits) if facts else limits.no_session_level
    highest = {
        Field.LEVEL: level.tenths,
        Field.RATE: limits.rate.tenths,
        Field.PULSES: most,
        Field.DURATION_MS: longest_us // 1000,
        Field.ENHANCED: 0,
    }.get(setting, value)
    if value <= highest:
        return ALLOWED
    asked, most_allowed = _said(setting, value), _said(setting, highest)
    return refused(Reason.SETTING_OUT_OF_RANGE, asked, f"at most {most_allowed}", field=setting.value)


def _said(setting: Field, value: int) -> str:
    """A setting for people: the wire's tenths are nobody's unit."""
    match setting:
        case Field.LEVEL:
            return str(PercentMso(value))
        case Field.RATE:
            return str(Hertz(value))
        case Field.DURATION_MS:
            return seconds(value * 1000)
        case _:
            return str(value)
