"""How strong a pulse may be, and on what grounds: threshold, ceiling, intensity, study."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from drivers.quantities import SECOND_US, SINGLE, Hertz, PercentMso, PercentRmt, Train
from drivers.stimulators import Field, Witness
from safety.asking import Ask, Facts, Past, SessionKind, Use
from safety.limits import DAY_US, load_limits
from safety.protocols import load_protocols
from safety.reasons import Reason
from safety.rules import ALLOWED, Refused, judge, judge_all, setting_in_range
from safety.threshold import MotorThreshold, ThresholdMethod

LIMITS = load_limits()
PROTOCOLS = load_protocols()
START = 7_000 * SECOND_US
WALL = 1_800_000_000 * SECOND_US
TEN_HZ = Hertz.of(10)


def threshold(**changes: object) -> MotorThreshold:
    """50 % MSO by EMG, one day old, good."""
    good = MotorThreshold(PercentMso.of(50), ThresholdMethod.EMG, 20, 15, "coil-1", WALL - DAY_US)
    return replace(good, **changes)  # type: ignore[arg-type]


def treatment(**changes: object) -> Facts:
    """An authorised treatment of mdd-10hz-37 at 120 % of 50 % MSO."""
    facts = Facts(
        now_us=START,
        wall_us=WALL,
        use=Use.SIMULATION,
        kind=SessionKind.TREATMENT,
        coil="coil-1",
        witness=Witness.RUNNING,
        ceiling=PercentMso.of(60),
        protocol=PROTOCOLS["mdd-10hz-37"],
        threshold=threshold(),
        authorised=True,
        planned=3000,
    )
    return replace(facts, **changes)  # type: ignore[arg-type]


def script(**changes: object) -> Facts:
    """A script under a ceiling of 60 % MSO, no threshold."""
    plain = {"kind": SessionKind.SCRIPT, "protocol": None, "threshold": None, "authorised": False, "planned": 0}
    return treatment(**(plain | changes))


def train(level: float, pulses: int = 40, rate: Hertz = TEN_HZ) -> Ask:
    return Ask(PercentMso.of(level), Train(pulses, rate), START)


def pulse(level: float) -> Ask:
    return Ask(PercentMso.of(level), Train(1, SINGLE), START)


def reasons(ask: Ask, facts: Facts) -> set[Reason]:
    return {refused.reason for refused in judge_all(ask, facts, LIMITS)}


def test_the_standard_treatment_is_allowed() -> None:
    assert judge(train(60), treatment(), LIMITS) == ALLOWED
    assert judge_all(train(60), treatment(), LIMITS) == ()


def test_a_treatment_without_a_threshold_is_refused() -> None:
    assert reasons(train(60), treatment(threshold=None)) == {Reason.THRESHOLD_MISSING, Reason.TRAIN_TOO_LONG}


def test_a_script_needs_no_threshold() -> None:
    assert judge(train(50, 20), script(), LIMITS) == ALLOWED


@pytest.mark.parametrize(
    ("age_us", "allowed"),
    [(0, True), (7 * DAY_US, True), (7 * DAY_US + 1, False), (-1, False)],
)
def test_a_threshold_is_at_most_seven_days_old_and_not_of_the_future(age_us: int, allowed: bool) -> None:
    facts = treatment(threshold=threshold(taken_wall_us=WALL - age_us))
    assert reasons(train(60), facts) == (set() if allowed else {Reason.THRESHOLD_OLD})


def test_the_refusal_of_an_old_threshold_shows_its_age() -> None:
    verdict = judge(train(60), treatment(threshold=threshold(taken_wall_us=WALL - 9 * DAY_US)), LIMITS)
    assert verdict == Refused(Reason.THRESHOLD_OLD, {"asked": "9.0 days", "allowed": "7.0 days"})


@pytest.mark.parametrize(("age_us", "allowed"), [(DAY_US, True), (DAY_US + 1, False)])
def test_an_accelerated_course_needs_a_threshold_of_the_day(age_us: int, allowed: bool) -> None:
    accelerated = replace(PROTOCOLS["mdd-10hz-37"], accelerated=True)
    facts = treatment(threshold=threshold(taken_wall_us=WALL - age_us), protocol=accelerated)
    assert reasons(train(60), facts) == (set() if allowed else {Reason.THRESHOLD_OLD})


@pytest.mark.parametrize(("age_us", "allowed"), [(DAY_US // 2, True), (DAY_US // 2 + 1, False)])
def test_an_age_that_a_site_tightened_holds_for_an_accelerated_course_too(age_us: int, allowed: bool) -> None:
    accelerated = replace(PROTOCOLS["mdd-10hz-37"], accelerated=True)
    facts = treatment(threshold=threshold(taken_wall_us=WALL - age_us), protocol=accelerated)
    verdicts = judge_all(train(60), facts, LIMITS.tightened({"threshold_age": Decimal("0.5")}))
    assert (Reason.THRESHOLD_OLD in {refused.reason for refused in verdicts}) is not allowed


@pytest.mark.parametrize(
    ("pulses", "sd_tenths", "allowed"),
    [
        (15, None, True),
        (14, None, False),
        (14, 20, True),
        (14, 21, False),
        (10, 20, True),
        (9, 20, False),
        (9, 0, False),
        (15, 30, True),
        (15, 31, False),
        (200, 31, False),
    ],
)
def test_a_threshold_stands_on_enough_pulses_or_a_small_deviation(
    pulses: int, sd_tenths: int | None, allowed: bool
) -> None:
    facts = treatment(threshold=threshold(pulses=pulses, sd_tenths=sd_tenths))
    assert reasons(train(60), facts) == (set() if allowed else {Reason.THRESHOLD_POOR})


def test_the_refusal_of_a_poor_threshold_shows_what_it_stands_on() -> None:
    verdict = judge(train(60), treatment(threshold=threshold(pulses=9, sd_tenths=None)), LIMITS)
    assert isinstance(verdict, Refused)
    assert verdict.detail == {"asked": "9 pulses, SD unknown", "allowed": "15 pulses or SD 2 % MSO"}
    other = judge(train(60), treatment(threshold=threshold(pulses=9, sd_tenths=25)), LIMITS)
    assert isinstance(other, Refused)
    assert other.detail["asked"] == "9 pulses, SD 2.5 % MSO"


def test_a_threshold_of_another_coil_is_refused() -> None:
    assert reasons(train(60), treatment(coil="coil-2")) == {Reason.THRESHOLD_OTHER_COIL}


@pytest.mark.parametrize(("use", "allowed"), [(Use.SIMULATION, True), (Use.BENCH, True), (Use.STUDY, False)])
def test_a_simulated_threshold_never_counts_for_a_person(use: Use, allowed: bool) -> None:
    facts = treatment(use=use, threshold=threshold(simulated=True))
    assert reasons(train(60), facts) == (set() if allowed else {Reason.THRESHOLD_SIMULATED})


def test_a_study_refuses_while_a_number_is_unsigned_and_others_do_not() -> None:
    assert reasons(train(60), treatment(use=Use.STUDY, lacks=("rate is not signed",))) == {Reason.STUDY_INCOMPLETE}
    assert reasons(train(60), treatment(use=Use.STUDY)) == set()
    assert reasons(train(60), treatment(use=Use.BENCH, lacks=("rate is not signed",))) == set()


# Intensity


@pytest.mark.parametrize(("level", "allowed"), [(60, True), (61, False)])
def test_no_pulse_is_above_the_session_s_ceiling(level: int, allowed: bool) -> None:
    wanted = set() if allowed else {Reason.LEVEL_OVER_CEILING}
    assert reasons(pulse(level), script()) == wanted


def test_intensity_ends_at_120_percent_of_the_scalp_threshold_whoever_asks() -> None:
    with_threshold = script(threshold=threshold(), ceiling=PercentMso.of(100))
    assert reasons(pulse(60), with_threshold) == set()
    assert reasons(pulse(61), with_threshold) == {Reason.INTENSITY_OVER_LIMIT}


def test_a_site_may_go_to_130_percent_and_no_further() -> None:
    loose = LIMITS.tightened({"intensity": 130})
    with_threshold = script(threshold=threshold(), ceiling=PercentMso.of(100))
    assert judge(pulse(65), with_threshold, loose) == ALLOWED
    assert isinstance(judge(pulse(66), with_threshold, loose), Refused)


@pytest.mark.parametrize(("level", "allowed"), [(53.5, True), (53.6, False)])
def test_inside_the_tables_a_visual_threshold_is_capped_at_107_percent(level: float, allowed: bool) -> None:
    facts = script(threshold=threshold(method=ThresholdMethod.VISUAL), ceiling=PercentMso.of(100))
    assert reasons(pulse(level), facts) == (set() if allowed else {Reason.THRESHOLD_VISUAL})


def test_an_authorised_tier_2_protocol_lifts_the_visual_cap_and_nothing_else_does() -> None:
    visual = threshold(method=ThresholdMethod.VISUAL)
    assert reasons(train(60), treatment(threshold=visual)) == set()
    assert Reason.THRESHOLD_VISUAL in reasons(train(60), treatment(threshold=visual, authorised=False))
    inside = treatment(threshold=visual, protocol=PROTOCOLS["mdd-10hz-5-25"])
    assert Reason.THRESHOLD_VISUAL in reasons(train(55), inside)


# Treatments


def test_a_treatment_without_a_protocol_is_refused() -> None:
    past = (Past(START - 30 * SECOND_US, Train(2, TEN_HZ)),)
    assert Reason.NOT_IN_PROTOCOL in reasons(train(60), treatment(protocol=None, past=past))


@pytest.mark.parametrize(
    ("pulses", "rate", "allowed"),
    [(40, 10, True), (39, 10, True), (2, 10, True), (41, 10, False), (20, 9.9, False), (20, 10.1, False)],
)
def test_a_treatment_gives_its_protocol_s_trains_or_shorter_ones(pulses: int, rate: float, allowed: bool) -> None:
    found = Reason.NOT_IN_PROTOCOL in reasons(train(60, pulses, Hertz.of(rate)), treatment())
    assert found is not allowed


def test_a_slow_protocol_goes_pulse_by_pulse_only() -> None:
    slow = treatment(protocol=PROTOCOLS["lf-right-1hz"], planned=1200)
    assert reasons(pulse(60), slow) == set()
    assert reasons(train(60, 4, Hertz.of(1)), slow) == {Reason.NOT_IN_PROTOCOL}


@pytest.mark.parametrize(("level", "allowed"), [(50, True), (51, False)])
def test_a_treatment_is_never_stronger_than_prescribed(level: int, allowed: bool) -> None:
    demo = treatment(protocol=PROTOCOLS["demo"], planned=60)
    assert reasons(train(level, 20), demo) == (set() if allowed else {Reason.NOT_IN_PROTOCOL})


def test_of_several_phases_the_strongest_that_fits_is_prescribed() -> None:
    demo = PROTOCOLS["demo"].phases[0]
    two = replace(PROTOCOLS["demo"], phases=(replace(demo, intensity=PercentRmt.of(80)), demo))
    facts = treatment(protocol=two, planned=60)
    assert reasons(train(50, 20), facts) == set()
    assert reasons(train(51, 20), facts) == {Reason.NOT_IN_PROTOCOL}


def test_a_protocol_binds_treatments_alone() -> None:
    facts = script(protocol=PROTOCOLS["demo"], past=(Past(START - 8 * SECOND_US, Train(2, TEN_HZ)),))
    assert reasons(train(55, 22), facts) == set()


# Threshold hunts and phantoms


def hunt(**changes: object) -> Facts:
    return script(**({"kind": SessionKind.THRESHOLD, "ceiling": PercentMso.of(100)} | changes))


def test_a_threshold_is_hunted_with_single_pulses_up_to_the_whole_output() -> None:
    assert reasons(pulse(100), hunt()) == set()
    assert Reason.HUNT_SINGLE_PULSES in reasons(train(30, 2), hunt())


def test_a_hunt_has_a_ceiling_of_its_own_under_any_declared_one() -> None:
    low = LIMITS.tightened({"hunt_level": 80})
    assert judge(pulse(80), hunt(), low) == ALLOWED
    verdict = judge(pulse(81), hunt(), low)
    assert isinstance(verdict, Refused)
    assert verdict.reason is Reason.LEVEL_OVER_CEILING


@pytest.mark.parametrize(("level", "allowed"), [(61.5, True), (61.6, False)])
def test_a_hunt_stays_within_half_as_much_again_as_its_estimate(level: float, allowed: bool) -> None:
    asked = replace(pulse(level), estimate=PercentMso.of(41))
    assert reasons(asked, hunt()) == (set() if allowed else {Reason.HUNT_TOO_STRONG})


def test_only_a_hunt_is_held_to_an_estimate_and_only_once_it_has_one() -> None:
    strong = pulse(60)
    assert reasons(strong, hunt()) == set()
    assert reasons(replace(strong, estimate=PercentMso.of(30)), hunt()) == {Reason.HUNT_TOO_STRONG}
    assert reasons(replace(strong, estimate=PercentMso.of(30)), script(ceiling=PercentMso.of(100))) == set()


@pytest.mark.parametrize(("level", "allowed"), [(50, True), (50.1, False)])
def test_a_phantom_gets_half_the_output_at_most(level: float, allowed: bool) -> None:
    facts = script(kind=SessionKind.PHANTOM, ceiling=PercentMso.of(100))
    assert reasons(pulse(level), facts) == (set() if allowed else {Reason.LEVEL_OVER_CEILING})


# Settings


@pytest.mark.parametrize(
    ("setting", "highest", "allowed", "asked"),
    [
        (Field.LEVEL, 300, "30 % MSO", "30.1 % MSO"),
        (Field.RATE, 200, "20 Hz", "20.1 Hz"),
        (Field.PULSES, 50, "50", "51"),
        (Field.DURATION_MS, 5000, "5.0 s", "5.001 s"),
        (Field.ENHANCED, 0, "0", "1"),
    ],
)
def test_without_a_session_settings_stay_low(setting: Field, highest: int, allowed: str, asked: str) -> None:
    assert setting_in_range(setting, highest, None, LIMITS) == ALLOWED
    verdict = setting_in_range(setting, highest + 1, None, LIMITS)
    assert verdict == Refused(
        Reason.SETTING_OUT_OF_RANGE, {"asked": asked, "allowed": f"at most {allowed}", "field": setting.value}
    )


def test_a_longest_time_between_milliseconds_is_told_as_the_last_one_that_is_allowed() -> None:
    limits = LIMITS.tightened({"autonomy": Decimal("4.0006")})

    assert setting_in_range(Field.DURATION_MS, 4000, None, limits) == ALLOWED
    assert setting_in_range(Field.DURATION_MS, 4001, None, limits) == Refused(
        Reason.SETTING_OUT_OF_RANGE, {"asked": "4.001 s", "allowed": "at most 4.0 s", "field": "duration"}
    )


def test_a_session_s_ceiling_bounds_the_level_setting() -> None:
    assert setting_in_range(Field.LEVEL, 600, script(), LIMITS) == ALLOWED
    assert isinstance(setting_in_range(Field.LEVEL, 601, script(), LIMITS), Refused)
    assert isinstance(setting_in_range(Field.LEVEL, 501, script(kind=SessionKind.PHANTOM), LIMITS), Refused)


def test_the_charge_delay_is_the_device_s_own_affair() -> None:
    assert setting_in_range(Field.CHARGE_DELAY_MS, 10_000, None, LIMITS) == ALLOWED


@pytest.mark.parametrize(("witness", "most"), [(Witness.COUNTED, 50), (Witness.COUNTED_AND_CUT_OFF, 600)])
def test_long_trains_may_be_set_where_they_can_be_cut(witness: Witness, most: int) -> None:
    assert setting_in_range(Field.PULSES, most, script(witness=witness), LIMITS) == ALLOWED
    assert isinstance(setting_in_range(Field.PULSES, most + 1, script(witness=witness), LIMITS), Refused)


def test_intensity_is_rounded_against_the_asker() -> None:
    odd = threshold(value=PercentMso.of("33.3"))
    assert odd.intensity(PercentMso.of(40)) == PercentRmt.of("120.2")
    facts = script(threshold=odd, ceiling=PercentMso.of(100))
    assert reasons(pulse(40), facts) == {Reason.INTENSITY_OVER_LIMIT}
    assert reasons(pulse(39), facts) == set()
