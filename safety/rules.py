"""The rules: each a pure function of what is asked, what is known and the limits. All must allow.

The same rules judge the plan when a session opens, every permit, and every trigger again, of a treatment's driver and
of somebody's script alike. A rule can only add a refusal; none can take one away.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from drivers.quantities import SECOND_US, PercentMso, PercentRmt, Train
from drivers.stimulators import Field, Witness
from safety.asking import Ask, Facts, SessionKind, Use
from safety.limits import DAY_US, Limits
from safety.protocols import SLOW, WINDOWS_US, Phase
from safety.reasons import Reason
from safety.threshold import MotorThreshold, ThresholdMethod


@dataclass(frozen=True, slots=True)
class Allowed:
    """A rule has nothing against what is asked."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Why not, with the numbers that `reason.sentence` names."""

    reason: Reason
    detail: dict[str, str] = field(default_factory=dict)


Verdict = Allowed | Refused
Rule = Callable[[Ask, Facts, Limits], Verdict]
ALLOWED = Allowed()


def _refused(reason: Reason, asked: object, allowed: object, **more: str) -> Refused:
    return Refused(reason, {"asked": str(asked), "allowed": str(allowed), **more})


def seconds(us: int) -> str:
    """`us` for people, to the millisecond: 3.2 s."""
    whole, thousandths = divmod(round(us / 1000), 1000)
    return f"{whole}.{f'{thousandths:03}'.rstrip('0') or '0'} s"


def _days(us: int) -> str:
    return f"{us / DAY_US:.1f} days"


# Who may be stimulated, and on what grounds


def study_complete(_ask: Ask, facts: Facts, _limits: Limits) -> Verdict:
    """In use `study` every number that nobody has verified in print is signed first, and the study still runs."""
    if facts.use is Use.STUDY and facts.lacks:
        return _refused(Reason.USE_FORBIDS, ", ".join(facts.lacks[:3]), "nothing missing")
    return ALLOWED


def _threshold(facts: Facts) -> MotorThreshold | None:
    """The threshold intensities are counted from, in the kinds of session that have one."""
    return facts.threshold if facts.kind in (SessionKind.TREATMENT, SessionKind.SCRIPT) else None


def _intensity(ask: Ask, facts: Facts) -> PercentRmt | None:
    threshold = _threshold(facts)
    return threshold.intensity(ask.level) if threshold else None


def threshold_present(_ask: Ask, facts: Facts, _limits: Limits) -> Verdict:
    """A treatment stands on a threshold."""
    if facts.kind is SessionKind.TREATMENT and facts.threshold is None:
        return Refused(Reason.THRESHOLD_MISSING)
    return ALLOWED


def threshold_fresh(_ask: Ask, facts: Facts, limits: Limits) -> Verdict:
    """A threshold is neither too old nor from the future."""
    threshold = _threshold(facts)
    accelerated = facts.protocol is not None and facts.protocol.accelerated
    longest_us = limits.threshold_age_accelerated_us if accelerated else limits.threshold_age_us
    if threshold and not 0 <= facts.wall_us - threshold.taken_wall_us <= longest_us:
        return _refused(Reason.THRESHOLD_OLD, _days(facts.wall_us - threshold.taken_wall_us), _days(longest_us))
    return ALLOWED


def threshold_good(_ask: Ask, facts: Facts, limits: Limits) -> Verdict:
    """Enough pulses or a small deviation; and never fewer, or larger, than the least and the most of each."""
    threshold = _threshold(facts)
    if threshold is None:
        return ALLOWED
    pulses, sd = threshold.pulses, threshold.sd_tenths
    enough = pulses >= limits.threshold_pulses or (sd is not None and sd <= limits.threshold_sd.tenths)
    poor = pulses < limits.threshold_pulses_least or (sd is not None and sd > limits.threshold_sd_most.tenths)
    if enough and not poor:
        return ALLOWED
    return _refused(
        Reason.THRESHOLD_POOR,
        f"{pulses} pulses, SD {PercentMso(sd) if sd is not None else 'unknown'}",
        f"{limits.threshold_pulses} pulses or SD {limits.threshold_sd}",
    )


def threshold_of_this_coil(_ask: Ask, facts: Facts, _limits: Limits) -> Verdict:
    """% MSO means something else on another coil."""
    threshold = _threshold(facts)
    if threshold and threshold.coil != facts.coil:
        return _refused(Reason.THRESHOLD_OTHER_COIL, threshold.coil, facts.coil)
    return ALLOWED


def threshold_real(_ask: Ask, facts: Facts, _limits: Limits) -> Verdict:
    """A simulated threshold says nothing about a person."""
    threshold = _threshold(facts)
    if threshold and threshold.simulated and facts.use is Use.STUDY:
        return Refused(Reason.THRESHOLD_SIMULATED)
    return ALLOWED


# What a treatment prescribes


def _matching(train: Train, facts: Facts) -> tuple[Phase, ...]:
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
    if facts.protocol is None:
        return Refused(Reason.UNKNOWN_PROTOCOL)
    phases = _matching(ask.train, facts)
    if not phases:
        first = facts.protocol.phases[0].train
        asked = f"{ask.train.pulses} pulses at {ask.train.rate}"
        return _refused(Reason.NOT_IN_PROTOCOL, asked, f"{first.pulses} pulses at {first.rate}")
    prescribed = max(phase.intensity for phase in phases)
    if facts.threshold and ask.level > facts.threshold.level(prescribed):
        return _refused(Reason.NOT_IN_PROTOCOL, ask.level, facts.threshold.level(prescribed))
    return ALLOWED


# How strong


def _ceiling(facts: Facts, limits: Limits) -> PercentMso:
    own = {SessionKind.PHANTOM: limits.phantom_level, SessionKind.THRESHOLD: limits.hunt_level}
    return min(facts.ceiling, own.get(facts.kind, facts.ceiling))


def level_under_ceiling(ask: Ask, facts: Facts, limits: Limits) -> Verdict:
    """No pulse above what the session was opened with, nor above what its kind may ever have."""
    ceiling = _ceiling(facts, limits)
    return ALLOWED if ask.level <= ceiling else _refused(Reason.LEVEL_OVER_CEILING, ask.level, ceiling)


def hunt_near_estimate(ask: Ask, facts: Facts, limits: Limits) -> Verdict:
    """A threshold hunt stays within a factor of its running estimate."""
    if facts.kind is not SessionKind.THRESHOLD or facts.estimate is None:
        return ALLOWED
    highest = PercentMso(facts.estimate.tenths * limits.hunt_factor // 100)
    return ALLOWED if ask.level <= highest else _refused(Reason.HUNT_TOO_STRONG, ask.level, highest)


def intensity_limited(ask: Ask, facts: Facts, limits: Limits) -> Verdict:
    """% of the scalp threshold, rounded up, within the limit."""
    intensity = _intensity(ask, facts)
    if intensity and intensity > limits.intensity:
        return _refused(Reason.INTENSITY_OVER_LIMIT, intensity, limits.intensity)
    return ALLOWED


def visual_threshold_capped(ask: Ask, facts: Facts, limits: Limits) -> Verdict:
    """A threshold seen by eye lies high: inside the tables its intensities are capped."""
    threshold, intensity = _threshold(facts), _intensity(ask, facts)
    tier2 = facts.authorised and facts.protocol is not None and bool(facts.protocol.exceeds)
    visual = threshold is not None and threshold.method is ThresholdMethod.VISUAL
    if intensity and visual and not tier2 and intensity > limits.intensity_visual:
        return _refused(Reason.THRESHOLD_VISUAL, intensity, limits.intensity_visual)
    return ALLOWED


# How fast, how long, how dense


def hunt_single(ask: Ask, facts: Facts, _limits: Limits) -> Verdict:
    """A threshold is hunted with single pulses."""
    if facts.kind is SessionKind.THRESHOLD and ask.train.pulses != 1:
        return Refused(Reason.HUNT_SINGLE_PULSES)
    return ALLOWED


def rate_limited(ask: Ask, _facts: Facts, limits: Limits) -> Verdict:
    """No conventional train faster than the tables go."""
    if ask.train.rate > limits.rate:
        return _refused(Reason.RATE_OVER_LIMIT, ask.train.rate, limits.rate)
    return ALLOWED


def _run(ask: Ask, facts: Facts, limits: Limits) -> int:
    """Pulses of the 1 Hz run this slow ask would end: its own, and those before it that no break parts from it."""
    broken = ask.triggers > 1 and ask.spacing_us >= limits.run_break_us
    own = ask.train.pulses if broken else ask.pulses
    joined = bool(facts.past) and ask.starts_us - facts.past[-1].last_us < limits.run_break_us
    return own + (facts.run if joined else 0)


def train_length_limited(ask: Ask, facts: Facts, limits: Limits) -> Verdict:
    """Tier 1: N ≤ ⌊T·f⌋ of the binding cell. Tier 2: a cell the protocol names, when this subject is authorised."""
    slow = ask.train.rate <= SLOW
    rate = SLOW if slow else ask.train.rate
    pulses = _run(ask, facts, limits) if slow else ask.train.pulses
    intensity = _intensity(ask, facts)
    cell = limits.cell(rate, intensity)
    allowed = cell.pulses(rate) if cell else 0
    if pulses <= allowed:
        return ALLOWED
    excused = intensity is not None and facts.protocol is not None and facts.protocol.excuses(rate, intensity, pulses)
    if excused and facts.authorised:
        return ALLOWED
    lasts = seconds(pulses * 10 * SECOND_US // rate.tenths)
    column = f"{cell.intensity.number:g} %" if cell else "this intensity"
    longest = seconds(cell.longest_us) if cell else "nothing"
    reason = Reason.PROTOCOL_NOT_AUTHORISED if excused else Reason.TRAIN_TOO_LONG
    return _refused(reason, lasts, longest, cell=f"{rate}, {column}")


def _least_gap_us(after: Train, train: Train, facts: Facts, limits: Limits) -> int:
    """Last pulse → first pulse."""
    both_slow = after.rate <= SLOW and train.rate <= SLOW
    least_us = limits.single_spacing_us if both_slow else limits.minimum_gap_us
    if facts.kind is SessionKind.THRESHOLD:
        return max(least_us, limits.hunt_spacing_us)
    phases = _matching(train, facts)
    if phases and after.rate > SLOW:
        return max(least_us, min(phase.gap_us for phase in phases) - limits.gap_tolerance_us)
    return least_us


def gap_kept(ask: Ask, facts: Facts, limits: Limits) -> Verdict:
    """Trains keep the protocol's gap, and never less than the limit; pulses fired one by one stay at or below 1 Hz."""
    gaps = []
    if facts.past:
        last = facts.past[-1]
        gaps.append((ask.starts_us - last.last_us, last.train))
    if ask.triggers > 1:
        gaps.append((ask.spacing_us - ask.train.duration_us, ask.train))
    for gap_us, after in gaps:
        least_us = _least_gap_us(after, ask.train, facts, limits)
        if gap_us < least_us:
            single = after.pulses == 1 and ask.train.pulses == 1
            reason = Reason.PULSES_TOO_CLOSE if single else Reason.GAP_TOO_SHORT
            return _refused(reason, seconds(max(gap_us, 0)), seconds(least_us))
    return ALLOWED


def windows_kept(ask: Ask, facts: Facts, limits: Limits) -> Verdict:
    """Pulses in any 1, 10 and 60 s that end with an asked pulse, counted at their planned times."""
    since_us = ask.starts_us - WINDOWS_US[-1]
    times = [time for past in facts.past for time in past.train.pulse_times_us(past.first_us) if time > since_us]
    first = len(times)
    times += ask.pulse_times_us()
    most = (limits.window_1s, limits.window_10s, limits.window_60s)
    for window_us, allowed in zip(WINDOWS_US, most, strict=True):
        for newest in range(max(first, allowed), len(times)):
            if times[newest] - times[newest - allowed] < window_us:
                count = newest + 1 - bisect_right(times, times[newest] - window_us)
                return _refused(Reason.WINDOW_FULL, count, allowed, window=seconds(window_us))
    return ALLOWED


# How many altogether


def _within(reason: Reason, before: int, pulses: int, allowed: int) -> Verdict:
    return ALLOWED if before + pulses <= allowed else _refused(reason, before + pulses, allowed)


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


def _day_allowed(facts: Facts, limits: Limits) -> int:
    """The protocol's daily total within the day's limit, and room for the threshold pulses of two hunts."""
    day = limits.day_pulses
    if facts.protocol is not None:
        accelerated = facts.protocol.accelerated and facts.authorised
        day = min(facts.protocol.per_day, limits.day_pulses_accelerated if accelerated else day)
    return day + limits.day_threshold_pulses


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


def _totals_of(pulses: int, facts: Facts, limits: Limits) -> Iterator[Refused]:
    """What totals have against `pulses` more. A phantom has no day."""
    for rule in (session_total,) if facts.kind is SessionKind.PHANTOM else TOTALS:
        verdict = rule(pulses, facts, limits)
        if isinstance(verdict, Refused):
            yield verdict


# How well it is watched


def witness_sufficient(ask: Ask, facts: Facts, limits: Limits) -> Verdict:
    """The coarser the evidence of delivered pulses, the lower the rate."""
    fastest = {Witness.ACCEPTED: limits.accepted_rate, Witness.RUNNING: limits.running_rate}.get(facts.witness)
    if fastest is not None and ask.train.rate > fastest:
        return _refused(Reason.WITNESS_TOO_WEAK, ask.train.rate, fastest)
    return ALLOWED


def _autonomy(facts: Facts | None, limits: Limits) -> tuple[int, int]:
    """µs and pulses the device may deliver by itself once nothing more reaches it."""
    if facts and facts.witness is Witness.COUNTED_AND_CUT_OFF:
        return limits.autonomy_cut_off_us, limits.autonomy_cut_off_pulses
    if facts and not facts.disarm_cuts_train:
        return limits.autonomy_uncut_us, limits.autonomy_pulses
    return limits.autonomy_us, limits.autonomy_pulses


def autonomy_bounded(ask: Ask, facts: Facts, limits: Limits) -> Verdict:
    """One trigger hands the device no more than it may deliver alone."""
    longest_us, most = _autonomy(facts, limits)
    if ask.train.duration_us > longest_us or ask.train.pulses > most:
        asked = f"{ask.train.pulses} pulses in {seconds(ask.train.duration_us)}"
        return _refused(Reason.AUTONOMY, asked, f"{most} pulses in {seconds(longest_us)}")
    return ALLOWED


def block_bounded(ask: Ask, facts: Facts, limits: Limits) -> Verdict:
    """Timed triggers come in blocks short enough to count in full after a crash."""
    most = limits.script_block if facts.kind is SessionKind.SCRIPT else limits.block_triggers
    return ALLOWED if ask.triggers <= most else _refused(Reason.BLOCK_TOO_LARGE, ask.triggers, most)


RULES: tuple[Rule, ...] = (
    study_complete,
    threshold_present,
    threshold_fresh,
    threshold_good,
    threshold_of_this_coil,
    threshold_real,
    protocol_followed,
    hunt_single,
    hunt_near_estimate,
    level_under_ceiling,
    intensity_limited,
    visual_threshold_capped,
    rate_limited,
    train_length_limited,
    gap_kept,
    windows_kept,
    witness_sufficient,
    autonomy_bounded,
    block_bounded,
)


def _refusals(ask: Ask, facts: Facts, limits: Limits) -> Iterator[Refused]:
    for rule in RULES:
        verdict = rule(ask, facts, limits)
        if isinstance(verdict, Refused):
            yield verdict
    yield from _totals_of(ask.pulses, facts, limits)


def judge(ask: Ask, facts: Facts, limits: Limits) -> Verdict:
    """`ALLOWED` when every rule allows, else the first refusal."""
    return next(_refusals(ask, facts, limits), ALLOWED)


def judge_all(ask: Ask, facts: Facts, limits: Limits) -> tuple[Refused, ...]:
    """Every refusal, in the order of the rules."""
    return tuple(_refusals(ask, facts, limits))


def judge_pulses(pulses: int, facts: Facts, limits: Limits) -> Verdict:
    """Whether so many pulses more fit session, day, week and course, whatever their trains look like."""
    return next(_totals_of(pulses, facts, limits), ALLOWED)


def setting_in_range(setting: Field, value: int, facts: Facts | None, limits: Limits) -> Verdict:
    """Whether one setting alone lies in the session's ranges; what settings make together is judged at the trigger.

    `value` in the unit of `setting`. Without a session the level stays low enough that nobody is in danger.
    """
    longest_us, most = _autonomy(facts, limits)
    level = _ceiling(facts, limits) if facts else limits.no_session_level
    highest = {
        Field.LEVEL: level.tenths,
        Field.RATE: limits.rate.tenths,
        Field.PULSES: most,
        Field.DURATION_MS: longest_us // 1000,
        Field.ENHANCED: 0,
    }.get(setting, value)
    if value <= highest:
        return ALLOWED
    return _refused(Reason.SETTING_OUT_OF_RANGE, value, f"at most {highest}", field=setting.value)
