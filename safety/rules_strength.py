"""Rules on how strong a pulse may be, and on what grounds."""

from __future__ import annotations

from drivers.quantities import PercentMso, PercentRmt, Train
from safety.asking import Ask, Facts, SessionKind, Use
from safety.limits import Limits
from safety.protocols import Phase
from safety.reasons import Reason
from safety.threshold import MotorThreshold, ThresholdMethod
from safety.verdicts import ALLOWED, Refused, Verdict, days, refused

# Who may be stimulated, and on what grounds


def study_complete(_ask: Ask, facts: Facts, _limits: Limits) -> Verdict:
    """In use `study` every number that nobody has verified in print is signed first, and the study still runs."""
    if facts.use is Use.STUDY and facts.lacks:
        return Refused(Reason.STUDY_INCOMPLETE, {"lacks": ", ".join(facts.lacks[:3])})
    return ALLOWED


def threshold_of(facts: Facts) -> MotorThreshold | None:
    """The threshold intensities are counted from, in the kinds of session that have one."""
    return facts.threshold if facts.kind in (SessionKind.TREATMENT, SessionKind.SCRIPT) else None


def intensity_of(ask: Ask, facts: Facts) -> PercentRmt | None:
    """What the asked level is to this subject; None where nobody knows the threshold."""
    threshold = threshold_of(facts)
    return threshold.intensity(ask.level) if threshold else None


def threshold_present(_ask: Ask, facts: Facts, _limits: Limits) -> Verdict:
    """A treatment stands on a threshold."""
    if facts.kind is SessionKind.TREATMENT and facts.threshold is None:
        return Refused(Reason.THRESHOLD_MISSING)
    return ALLOWED


def threshold_fresh(_ask: Ask, facts: Facts, limits: Limits) -> Verdict:
    """A threshold is neither too old nor from the future."""
    threshold = threshold_of(facts)
    accelerated = facts.protocol is not None and facts.protocol.accelerated
    longest_us = limits.threshold_age_us
    if accelerated:  # a site may tighten the one alone
        longest_us = min(longest_us, limits.threshold_age_accelerated_us)
    if threshold and not 0 <= facts.wall_us - threshold.taken_wall_us <= longest_us:
        return refused(Reason.THRESHOLD_OLD, days(facts.wall_us - threshold.taken_wall_us), days(longest_us))
    return ALLOWED


def threshold_good(_ask: Ask, facts: Facts, limits: Limits) -> Verdict:
    """Enough pulses or a small deviation; and never fewer, or larger, than the least and the most of each."""
    threshold = threshold_of(facts)
    if threshold is None:
        return ALLOWED
    pulses, sd = threshold.pulses, threshold.sd_tenths
    enough = pulses >= limits.threshold_pulses or (sd is not None and sd <= limits.threshold_sd.tenths)
    poor = pulses < limits.threshold_pulses_least or (sd is not None and sd > limits.threshold_sd_most.tenths)
    if enough and not poor:
        return ALLOWED
    return refused(
        Reason.THRESHOLD_POOR,
        f"{pulses} pulses, SD {PercentMso(sd) if sd is not None else 'unknown'}",
        f"{limits.threshold_pulses} pulses or SD {limits.threshold_sd}",
    )


def threshold_of_this_coil(_ask: Ask, facts: Facts, _limits: Limits) -> Verdict:
    """% MSO means something else on another coil."""
    threshold = threshold_of(facts)
    if threshold and threshold.coil != facts.coil:
        return refused(Reason.THRESHOLD_OTHER_COIL, threshold.coil, facts.coil)
    return ALLOWED


def threshold_real(_ask: Ask, facts: Facts, _limits: Limits) -> Verdict:
    """A simulated threshold says nothing about a person."""
    threshold = threshold_of(facts)
    if threshold and threshold.simulated and facts.use is Use.STUDY:
        return Refused(Reason.THRESHOLD_SIMULATED)
    return ALLOWED


# What a treatment prescribes


def phases_of(train: Train, facts: Facts) -> tuple[Phase, ...]:
    """Phases of the protocol that such a train can belong to; a pulse alone can belong to any."""
    phases = facts.protocol.phases if facts.protocol and facts.kind is SessionKind.TREATMENT else ()
    return tuple(
        phase
        for phase in phases
        if train.pulses == 1
        or (not phase.slow and train.rate == phase.train.rate and train.pulses <= phase.train.pulses)
    )


def protocol_followed(ask: Ask, facts: Facts, _limits: Limits) -> Verdict:
    """A treatment gives the trains of its protocol, or shorter ones, up to the prescribed intensity."""
    if facts.kind is not SessionKind.TREATMENT:
        return ALLOWED
    asked = f"{ask.train.pulses} pulses at {ask.train.rate}"
    if facts.protocol is None:
        return refused(Reason.NOT_IN_PROTOCOL, asked, "there is none")
    phases = phases_of(ask.train, facts)
    if not phases:
        first = facts.protocol.phases[0].train
        return refused(Reason.NOT_IN_PROTOCOL, asked, f"{first.pulses} pulses at {first.rate}")
    prescribed = max(phase.intensity for phase in phases)
    if facts.threshold and ask.level > facts.threshold.level(prescribed):
        return refused(Reason.NOT_IN_PROTOCOL, ask.level, facts.threshold.level(prescribed))
    return ALLOWED


# How strong


def ceiling_of(facts: Facts, limits: Limits) -> PercentMso:
    """The highest level of this session: its own ceiling, or its kind's."""
    own = {SessionKind.PHANTOM: limits.phantom_level, SessionKind.THRESHOLD: limits.hunt_level}
    return min(facts.ceiling, own.get(facts.kind, facts.ceiling))


def level_under_ceiling(ask: Ask, facts: Facts, limits: Limits) -> Verdict:
    """No pulse above what the session was opened with, nor above what its kind may ever have."""
    ceiling = ceiling_of(facts, limits)
    return ALLOWED if ask.level <= ceiling else refused(Reason.LEVEL_OVER_CEILING, ask.level, ceiling)


def hunt_near_estimate(ask: Ask, facts: Facts, limits: Limits) -> Verdict:
    """A threshold hunt stays within a factor of its running estimate; before there is one, under its ceiling alone."""
    if facts.kind is not SessionKind.THRESHOLD or ask.estimate is None:
        return ALLOWED
    highest = PercentMso(ask.estimate.tenths * limits.hunt_factor // 100)
    return ALLOWED if ask.level <= highest else refused(Reason.HUNT_TOO_STRONG, ask.level, highest)


def intensity_limited(ask: Ask, facts: Facts, limits: Limits) -> Verdict:
    """% of the scalp threshold, rounded up, within the limit."""
    intensity = intensity_of(ask, facts)
    if intensity and intensity > limits.intensity:
        return refused(Reason.INTENSITY_OVER_LIMIT, intensity, limits.intensity)
    return ALLOWED


def visual_threshold_capped(ask: Ask, facts: Facts, limits: Limits) -> Verdict:
    """A threshold seen by eye lies high: inside the tables its intensities are capped."""
    threshold, intensity = threshold_of(facts), intensity_of(ask, facts)
    tier2 = facts.authorised and facts.protocol is not None and bool(facts.protocol.exceeds)
    visual = threshold is not None and threshold.method is ThresholdMethod.VISUAL
    if intensity and visual and not tier2 and intensity > limits.intensity_visual:
        return refused(Reason.THRESHOLD_VISUAL, intensity, limits.intensity_visual)
    return ALLOWED


def hunt_single(ask: Ask, facts: Facts, _limits: Limits) -> Verdict:
    """A threshold is hunted with single pulses."""
    if facts.kind is SessionKind.THRESHOLD and ask.train.pulses != 1:
        return Refused(Reason.HUNT_SINGLE_PULSES)
    return ALLOWED
