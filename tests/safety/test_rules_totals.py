"""How many pulses altogether, and whether the whole of a plan fits before it begins."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.quantities import SECOND_US, SINGLE, Hertz, PercentMso, PercentRmt, Train
from drivers.stimulators import Witness
from safety.asking import Ask, Facts, Past, SessionKind, Totals, Use, run_after
from safety.limits import DAY_US, load_limits
from safety.plans import PlannedTrain, judge_plan, plan_of
from safety.protocols import load_protocols
from safety.reasons import Reason
from safety.rules import ALLOWED, Refused, judge, judge_all, judge_pulses
from safety.threshold import MotorThreshold, ThresholdMethod

LIMITS = load_limits()
PROTOCOLS = load_protocols()
START = 7_000 * SECOND_US
WALL = 1_800_000_000 * SECOND_US
MT = MotorThreshold(PercentMso.of(50), ThresholdMethod.EMG, 20, 15, "coil-1", WALL - DAY_US)
FORTY = Ask(PercentMso.of(60), Train(40, Hertz.of(10)), START)
ONE = Ask(PercentMso.of(20), Train(1, SINGLE), START)


def treatment(name: str = "mdd-10hz-37", **changes: object) -> Facts:
    facts = Facts(
        now_us=START,
        wall_us=WALL,
        use=Use.SIMULATION,
        kind=SessionKind.TREATMENT,
        coil="coil-1",
        witness=Witness.RUNNING,
        ceiling=PercentMso.of(60),
        protocol=PROTOCOLS[name],
        threshold=MT,
        authorised=True,
        planned=PROTOCOLS[name].pulses,
    )
    return replace(facts, **changes)  # type: ignore[arg-type]


def other(kind: SessionKind, **totals: int) -> Facts:
    return treatment(kind=kind, protocol=None, threshold=None, authorised=False, planned=0, totals=Totals(**totals))


def reasons(asked: Ask, facts: Facts) -> list[Reason]:
    return [refused.reason for refused in judge_all(asked, facts, LIMITS)]


@pytest.mark.parametrize(("before", "allowed"), [(2960, True), (2961, False)])
def test_a_treatment_ends_exactly_at_its_protocol_s_total(before: int, allowed: bool) -> None:
    assert reasons(FORTY, treatment(totals=Totals(session=before))) == ([] if allowed else [Reason.SESSION_FULL])


def test_a_treatment_opened_for_less_ends_there() -> None:
    assert reasons(FORTY, treatment(planned=40)) == []
    assert reasons(FORTY, treatment(planned=39)) == [Reason.SESSION_FULL]


def test_a_treatment_that_goes_on_after_its_protocol_was_shortened_ends_at_the_shorter_total() -> None:
    demo = replace(FORTY, level=PercentMso.of(50), train=Train(20, Hertz.of(10)))
    begun_longer = treatment("demo", planned=120)

    assert reasons(demo, replace(begun_longer, totals=Totals(session=40))) == []
    assert judge(demo, replace(begun_longer, totals=Totals(session=41)), LIMITS) == Refused(
        Reason.SESSION_FULL, {"asked": "61", "allowed": "60"}
    )


def test_slow_and_fast_treatments_have_a_session_limit_of_their_own() -> None:
    slow = treatment("lf-right-1hz", totals=Totals(session=1100))
    pulse = replace(ONE, level=PercentMso.of(60))
    assert judge(pulse, slow, LIMITS.tightened({"session_pulses_slow": 1101, "session_pulses": 10})) == ALLOWED
    assert isinstance(judge(pulse, slow, LIMITS.tightened({"session_pulses_slow": 1100})), Refused)
    fast = treatment(totals=Totals(session=960))
    assert judge(FORTY, fast, LIMITS.tightened({"session_pulses": 1000, "session_pulses_slow": 10})) == ALLOWED
    assert isinstance(judge(FORTY, fast, LIMITS.tightened({"session_pulses": 999})), Refused)


@pytest.mark.parametrize(
    ("kind", "most"), [(SessionKind.SCRIPT, 3000), (SessionKind.THRESHOLD, 60), (SessionKind.PHANTOM, 200)]
)
def test_each_kind_of_session_has_its_own_total(kind: SessionKind, most: int) -> None:
    assert reasons(ONE, other(kind, session=most - 1)) == []
    assert reasons(ONE, other(kind, session=most)) == [Reason.SESSION_FULL]


@pytest.mark.parametrize(
    ("counted", "reason", "most"),
    [
        ("day", Reason.DAY_FULL, 3120),
        ("twelve_hours", Reason.TWELVE_HOURS_FULL, 3120),
        ("week", Reason.WEEK_FULL, 6 * 3120),
        ("course", Reason.COURSE_FULL, 120_000),
    ],
)
def test_totals_of_a_subject_are_full_at_their_limit(counted: str, reason: Reason, most: int) -> None:
    assert reasons(FORTY, treatment(totals=Totals(**{counted: most - 40}))) == []
    assert reasons(FORTY, treatment(totals=Totals(**{counted: most - 39}))) == [reason]
    if counted != "course":
        assert reasons(ONE, other(SessionKind.SCRIPT, **{counted: most - 1})) == []
        assert reasons(ONE, other(SessionKind.SCRIPT, **{counted: most})) == [reason]


def test_a_phantom_has_no_day() -> None:
    assert reasons(ONE, other(SessionKind.PHANTOM, day=10**6, twelve_hours=10**6, week=10**6, course=10**6)) == []


def test_the_day_of_a_small_protocol_is_its_own() -> None:
    demo = replace(FORTY, level=PercentMso.of(50), train=Train(20, Hertz.of(10)))
    assert reasons(demo, treatment("demo", totals=Totals(day=160))) == []
    assert reasons(demo, treatment("demo", totals=Totals(day=161))) == [Reason.DAY_FULL]


@pytest.mark.parametrize(
    ("accelerated", "authorised", "most"), [(True, True, 18_120), (True, False, 3120), (False, True, 3120)]
)
def test_only_an_authorised_accelerated_protocol_has_18000_a_day(
    accelerated: bool, authorised: bool, most: int
) -> None:
    protocol = replace(PROTOCOLS["mdd-10hz-5-25"], per_day=18_000, accelerated=accelerated)
    asked = replace(FORTY, level=PercentMso.of(55))
    facts = treatment(protocol=protocol, authorised=authorised)
    assert reasons(asked, replace(facts, totals=Totals(day=most - 40))) == []
    assert reasons(asked, replace(facts, totals=Totals(day=most - 39))) == [Reason.DAY_FULL]


def test_a_site_may_raise_the_day_to_its_hard_value() -> None:
    twice = replace(PROTOCOLS["mdd-10hz-37"], per_day=6000)
    facts = treatment(protocol=twice, totals=Totals(day=6080))
    assert judge(FORTY, facts, LIMITS.tightened({"day_pulses": 6000})) == ALLOWED
    assert isinstance(judge(FORTY, facts, LIMITS.tightened({"day_pulses": 5999})), Refused)


def test_thirty_weekdays_at_jittered_hours_fit_the_week_and_the_course() -> None:
    hours = [4, -4, 0, 3, -3]  # ± 4 h round noon
    given = [(7 * week + day) * 24 + 12 + hours[(week + day) % 5] for week in range(6) for day in range(5)]
    for n, hour in enumerate(given):
        week = sum(3060 for past in given[:n] if hour - past < 7 * 24) + 60
        facts = treatment(totals=Totals(day=60, twelve_hours=60, week=week, course=3000 * n))
        assert judge_pulses(3000, facts, LIMITS) == ALLOWED


# Plans


def test_a_plan_is_the_protocol_s_trains() -> None:
    plan = plan_of(PROTOCOLS["mdd-10hz-37"], MT, None, 3000)
    train = PlannedTrain(PercentMso.of(60), Train(40, Hertz.of(10)), 26_100_000)
    assert plan == (replace(train, gap_us=0), *[train] * 74)


def test_what_was_cut_is_made_up_as_a_shorter_train_at_the_end() -> None:
    plan = plan_of(PROTOCOLS["demo"], MT, None, 33)
    assert [planned.train.pulses for planned in plan] == [20, 13]
    assert [planned.train for planned in plan_of(PROTOCOLS["demo"], MT, None, 21)] == [
        Train(20, Hertz.of(10)),
        Train(1, SINGLE),
    ]


def test_a_slow_protocol_is_planned_pulse_by_pulse() -> None:
    plan = plan_of(PROTOCOLS["lf-right-1hz"], MT, None, 1200)
    pulse = PlannedTrain(PercentMso.of(60), Train(1, SINGLE), SECOND_US)
    assert plan == (replace(pulse, gap_us=0), *[pulse] * 1199)


def test_intensity_may_be_lowered_and_never_raised() -> None:
    levels = {plan_of(PROTOCOLS["demo"], MT, PercentRmt.of(percent), 60)[0].level.number for percent in (100, 130)}
    assert levels == {50}
    assert plan_of(PROTOCOLS["demo"], MT, PercentRmt.of(81.9), 60)[0].level == PercentMso.of(40)


def test_nothing_left_is_no_plan_and_no_session() -> None:
    assert plan_of(PROTOCOLS["demo"], MT, None, 0) == ()
    assert judge_plan((), treatment("demo"), LIMITS) == Refused(Reason.NOTHING_LEFT)


def test_phases_follow_each_other_and_a_remainder_belongs_to_its_phase() -> None:
    demo = PROTOCOLS["demo"].phases[0]
    second = replace(demo, intensity=PercentRmt.of(80), trains=2)
    both = replace(PROTOCOLS["demo"], phases=(demo, second))
    shapes = [(planned.level.number, planned.train.pulses) for planned in plan_of(both, MT, None, 100)]
    assert shapes == [(50, 20)] * 3 + [(40, 20)] * 2
    rest = [(planned.level.number, planned.train.pulses) for planned in plan_of(both, MT, None, 55)]
    assert rest == [(50, 15), (40, 20), (40, 20)]
    assert [planned.train.pulses for planned in plan_of(both, MT, None, 30)] == [20, 10]


@given(
    name=st.sampled_from(sorted(PROTOCOLS)),
    percent=st.integers(1, 130),
    pulses=st.integers(0, 3000),
    mt=st.integers(300, 830),
)
def test_a_plan_delivers_what_remains_at_the_prescribed_level_or_less(
    name: str, percent: int, pulses: int, mt: int
) -> None:
    protocol, threshold = PROTOCOLS[name], replace(MT, value=PercentMso(mt))
    remaining = min(pulses, protocol.pulses)
    plan = plan_of(protocol, threshold, PercentRmt.of(percent), remaining)
    assert sum(planned.train.pulses for planned in plan) == remaining
    assert all(threshold.intensity(planned.level) <= protocol.phases[0].intensity for planned in plan)


@pytest.mark.parametrize("name", sorted(PROTOCOLS))
def test_every_protocol_of_the_library_opens_and_then_runs_without_a_refusal(name: str) -> None:
    facts = treatment(name)
    plan = plan_of(PROTOCOLS[name], MT, None, facts.planned)
    assert judge_plan(plan, facts, LIMITS) == ALLOWED
    past: tuple[Past, ...] = ()
    now_us, run, given = START, 0, 0
    for planned in plan:
        now_us += planned.gap_us
        asked = Ask(planned.level, planned.train, now_us)
        totals = Totals(given, given, given, given, given)
        assert judge(asked, replace(facts, past=past, run=run, totals=totals), LIMITS) == ALLOWED
        this = Past(now_us, planned.train)
        run = run_after(run, past[-1] if past else None, this, LIMITS.run_break_us)
        past = (*(each for each in past if each.last_us > this.last_us - 60 * SECOND_US), this)
        now_us, given = this.last_us, given + planned.train.pulses


@pytest.mark.parametrize(
    ("name", "cell", "asked"), [("mdd-10hz-37", "10 Hz, 120 %", "4.0 s"), ("lf-right-1hz", "1 Hz, 120 %", "1200.0 s")]
)
def test_a_protocol_beyond_the_tables_does_not_open_without_an_authorisation(name: str, cell: str, asked: str) -> None:
    facts = treatment(name, authorised=False)
    verdict = judge_plan(plan_of(PROTOCOLS[name], MT, None, facts.planned), facts, LIMITS)
    assert isinstance(verdict, Refused)
    assert verdict.reason is Reason.PROTOCOL_NOT_AUTHORISED
    assert (verdict.detail["cell"], verdict.detail["asked"]) == (cell, asked)


def test_protocols_inside_the_tables_open_without_an_authorisation() -> None:
    for name in ("demo", "mdd-10hz-5-25"):
        facts = treatment(name, authorised=False)
        assert judge_plan(plan_of(PROTOCOLS[name], MT, None, facts.planned), facts, LIMITS) == ALLOWED


def test_a_second_treatment_on_the_same_day_is_refused_as_a_whole_at_opening() -> None:
    facts = treatment(totals=Totals(day=3000, twelve_hours=3000))
    verdict = judge_plan(plan_of(PROTOCOLS["mdd-10hz-37"], MT, None, 3000), facts, LIMITS)
    assert verdict == Refused(Reason.DAY_FULL, {"asked": "6000", "allowed": "3120"})


def test_a_plan_is_judged_with_the_gaps_it_has() -> None:
    plan = plan_of(PROTOCOLS["demo"], MT, None, 60)
    hurried = (plan[0], *(replace(planned, gap_us=5_899_999) for planned in plan[1:]))
    verdict = judge_plan(hurried, treatment("demo"), LIMITS)
    assert isinstance(verdict, Refused)
    assert verdict.reason is Reason.GAP_TOO_SHORT
