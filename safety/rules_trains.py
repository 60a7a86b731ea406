"""Rules on how fast, how long and how dense trains may be, and how well they must be watched."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from drivers.quantities import SECOND_US, Train
from drivers.stimulators import Witness
from safety.asking import Ask, Facts, SessionKind
from safety.limits import Limits
from safety.protocols import SLOW, WINDOWS_US
from safety.reasons import Reason
from safety.rules_strength import intensity_of, phases_of
from safety.verdicts import ALLOWED, Verdict, refused, seconds


def rate_limited(ask: Ask, _facts: Facts, limits: Limits) -> Verdict:
    """No conventional train faster than the tables go."""
    if ask.train.rate > limits.rate:
        return refused(Reason.RATE_OVER_LIMIT, ask.train.rate, limits.rate)
    return ALLOWED


def _run(ask: Ask, facts: Facts, limits: Limits) -> int:
    """Pulses of the 1 Hz run this slow ask would end: its own, and those before it that no break parts from it."""
    broken = ask.spacing_us >= limits.run_break_us
    own = ask.train.pulses if broken else ask.pulses
    joined = bool(facts.past) and ask.starts_us - facts.past[-1].last_us < limits.run_break_us
    return own + (facts.run if joined else 0)


def train_length_limited(ask: Ask, facts: Facts, limits: Limits) -> Verdict:
    """Tier 1: N ≤ ⌊T·f⌋ of the binding cell. Tier 2: a cell that protocol and limits name, when authorised."""
    slow = ask.train.rate <= SLOW
    rate = SLOW if slow else ask.train.rate
    pulses = _run(ask, facts, limits) if slow else ask.train.pulses
    intensity = intensity_of(ask, facts)
    cell = limits.cell(rate, intensity)
    allowed = cell.pulses(rate) if cell else 0
    if pulses <= allowed:
        return ALLOWED
    excused = (
        intensity is not None
        and facts.protocol is not None
        and facts.protocol.excuses(rate, intensity, pulses)
        and limits.names(rate, intensity, pulses)
    )
    if excused and facts.authorised:
        return ALLOWED
    lasts = seconds(pulses * 10 * SECOND_US // rate.tenths)
    column = f"{cell.intensity.number:g} %" if cell else "this intensity"
    longest = seconds(cell.longest_us) if cell else "nothing"
    reason = Reason.PROTOCOL_NOT_AUTHORISED if excused else Reason.TRAIN_TOO_LONG
    return refused(reason, lasts, longest, cell=f"{rate}, {column}")


def _least_gap_us(after: Train, train: Train, facts: Facts, limits: Limits) -> int:
    """Last pulse → first pulse."""
    both_slow = after.rate <= SLOW and train.rate <= SLOW
    least_us = limits.single_spacing_us if both_slow else limits.minimum_gap_us
    if facts.kind is SessionKind.THRESHOLD:
        return max(least_us, limits.hunt_spacing_us)
    phases = phases_of(train, facts)
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
            return refused(reason, seconds(max(gap_us, 0)), seconds(least_us))
    return ALLOWED


def windows_kept(ask: Ask, facts: Facts, limits: Limits) -> Verdict:
    """Pulses in any 1, 10 and 60 s that end with an asked pulse, counted at their planned times."""
    times = [time_us for past in facts.past for time_us in past.train.pulse_times_us(past.first_us)]
    return judge_times((*times, *ask.pulse_times_us()), limits, asked_from=len(times))


def judge_times(times_us: Sequence[int], limits: Limits, asked_from: int = 0) -> Verdict:
    """Whether any 1, 10 and 60 s that end with one of the rising `times_us`, from number `asked_from` on, are full."""
    most = (limits.window_1s, limits.window_10s, limits.window_60s)
    for window_us, allowed in zip(WINDOWS_US, most, strict=True):
        for newest in range(max(asked_from, allowed), len(times_us)):
            if times_us[newest] - times_us[newest - allowed] < window_us:
                count = newest + 1 - bisect_right(times_us, times_us[newest] - window_us)
                return refused(Reason.WINDOW_FULL, count, allowed, window=seconds(window_us))
    return ALLOWED


# How well it is watched


def witness_sufficient(ask: Ask, facts: Facts, limits: Limits) -> Verdict:
    """The coarser the evidence of delivered pulses, the lower the rate."""
    fastest = {Witness.ACCEPTED: limits.accepted_rate, Witness.RUNNING: limits.running_rate}.get(facts.witness)
    if fastest is not None and ask.train.rate > fastest:
        return refused(Reason.WITNESS_TOO_WEAK, ask.train.rate, fastest)
    return ALLOWED


def autonomy_of(facts: Facts | None, limits: Limits) -> tuple[int, int]:
    """µs and pulses the device may deliver by itself once nothing more reaches it."""
    if facts and facts.witness is Witness.COUNTED_AND_CUT_OFF:
        return limits.autonomy_cut_off_us, limits.autonomy_cut_off_pulses
    if facts and not facts.disarm_cuts_train:
        return min(limits.autonomy_us, limits.autonomy_uncut_us), limits.autonomy_pulses  # a site may tighten one alone
    return limits.autonomy_us, limits.autonomy_pulses


def autonomy_bounded(ask: Ask, facts: Facts, limits: Limits) -> Verdict:
    """One trigger hands the device no more than it may deliver alone."""
    longest_us, most = autonomy_of(facts, limits)
    if ask.train.duration_us > longest_us or ask.train.pulses > most:
        asked = f"{ask.train.pulses} pulses in {seconds(ask.train.duration_us)}"
        return refused(Reason.AUTONOMY, asked, f"{most} pulses in {seconds(longest_us)}")
    return ALLOWED


def block_bounded(ask: Ask, facts: Facts, limits: Limits) -> Verdict:
    """Timed triggers come in blocks short enough to count in full after a crash."""
    most = limits.script_block if facts.kind is SessionKind.SCRIPT else limits.block_triggers
    return ALLOWED if ask.triggers <= most else refused(Reason.BLOCK_TOO_LARGE, ask.triggers, most)
