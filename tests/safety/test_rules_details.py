"""A refusal says what was asked and what is allowed, in numbers that a person can check against the screen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from drivers.quantities import SECOND_US, SINGLE, Hertz, PercentMso, Train
from drivers.stimulators import Witness
from safety.asking import Ask, Facts, Past, SessionKind, Use
from safety.limits import DAY_US, load_limits
from safety.protocols import load_protocols
from safety.reasons import Reason
from safety.rules import judge_all
from safety.threshold import MotorThreshold, ThresholdMethod

LIMITS = load_limits()
START = 3_210_987 * SECOND_US
WALL = 1_800_000_000 * SECOND_US
MT = MotorThreshold(PercentMso.of(50), ThresholdMethod.EMG, 20, 15, "coil-1", WALL - DAY_US)
TREATMENT = Facts(
    now_us=START,
    wall_us=WALL,
    use=Use.SIMULATION,
    kind=SessionKind.TREATMENT,
    coil="coil-1",
    witness=Witness.COUNTED,
    ceiling=PercentMso.of(100),
    protocol=load_protocols()["mdd-10hz-37"],
    threshold=MT,
    authorised=True,
    planned=3_000,
)
SCRIPT = replace(TREATMENT, kind=SessionKind.SCRIPT, protocol=None, authorised=False, planned=0)
HUNT = replace(SCRIPT, kind=SessionKind.THRESHOLD, threshold=None)
FOUR_THINGS = ("one row", "two rows", "three rows", "four rows")


def trains(pulses: int, hertz: float, level: float = 50, **more: int) -> Ask:
    """Asked for at `START`."""
    return Ask(PercentMso.of(level), Train(pulses, Hertz.of(hertz) if pulses > 1 else SINGLE), START, **more)


SAID: dict[str, tuple[Ask, Facts, Reason, str, str]] = {
    "a treatment without a protocol": (
        trains(40, 10), replace(TREATMENT, protocol=None), Reason.NOT_IN_PROTOCOL,
        "40 pulses at 10 Hz", "there is none",
    ),
    "a threshold taken with another coil": (
        trains(40, 10), replace(TREATMENT, coil="coil-2"), Reason.THRESHOLD_OTHER_COIL, "coil-1", "coil-2",
    ),
    "a train of another protocol": (
        trains(30, 5), TREATMENT, Reason.NOT_IN_PROTOCOL, "30 pulses at 5 Hz", "40 pulses at 10 Hz",
    ),
    "a level above what is prescribed": (
        trains(40, 10, 61), TREATMENT, Reason.NOT_IN_PROTOCOL, "61 % MSO", "60 % MSO",
    ),
    "a level above the ceiling": (
        trains(1, 0, 41), replace(SCRIPT, ceiling=PercentMso.of(40)), Reason.LEVEL_OVER_CEILING, "41 % MSO", "40 % MSO",
    ),
    "a threshold pulse far from the estimate": (
        replace(trains(1, 0, 61), estimate=PercentMso.of(40)), HUNT, Reason.HUNT_TOO_STRONG, "61 % MSO", "60 % MSO",
    ),
    "an intensity above the limit": (
        trains(1, 0, 70), SCRIPT, Reason.INTENSITY_OVER_LIMIT, "140 % rMT", str(LIMITS.intensity),
    ),
    "a strong pulse on a threshold seen by eye": (
        trains(1, 0, 60), replace(SCRIPT, threshold=replace(MT, method=ThresholdMethod.VISUAL)),
        Reason.THRESHOLD_VISUAL, "120 % rMT", str(LIMITS.intensity_visual),
    ),
    "a rate beyond the tables": (
        trains(5, 30), SCRIPT, Reason.RATE_OVER_LIMIT, "30 Hz", str(LIMITS.rate),
    ),
    "a rate beyond what the evidence can tell": (
        trains(5, 11), replace(SCRIPT, witness=Witness.RUNNING), Reason.WITNESS_TOO_WEAK, "11 Hz", "10 Hz",
    ),
    "more than the device may deliver alone": (
        trains(51, 5, 30), SCRIPT, Reason.AUTONOMY, "51 pulses in 10.0 s", "50 pulses in 5.0 s",
    ),
    "more timed triggers than a block holds": (
        trains(1, 0, triggers=21, spacing_us=SECOND_US), TREATMENT, Reason.BLOCK_TOO_LARGE, "21", "20",
    ),
    "a train on the heels of another": (
        trains(5, 10), replace(SCRIPT, past=(Past(START - 400_000, Train(5, Hertz.of(10))),)), Reason.GAP_TOO_SHORT,
        "0.0 s", "5.0 s",
    ),
}  # fmt: skip


def test_a_study_names_three_of_the_things_it_lacks() -> None:
    facts = replace(SCRIPT, use=Use.STUDY, lacks=FOUR_THINGS)

    said = {refused.reason: refused.detail for refused in judge_all(trains(1, 0), facts, LIMITS)}

    assert said[Reason.STUDY_INCOMPLETE] == {"lacks": "one row, two rows, three rows"}


@pytest.mark.parametrize("situation", SAID)
def test_a_refusal_names_what_was_asked_and_what_is_allowed(situation: str) -> None:
    ask, facts, reason, asked, allowed = SAID[situation]

    said = {refused.reason: refused.detail for refused in judge_all(ask, facts, LIMITS)}

    assert (said[reason]["asked"], said[reason]["allowed"]) == (asked, allowed)
