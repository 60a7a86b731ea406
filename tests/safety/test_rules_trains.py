"""How fast, how long and how dense trains may be, and how well they must be watched."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.quantities import SECOND_US, SINGLE, Hertz, PercentMso, Train
from drivers.stimulators import Witness
from safety.asking import Ask, Facts, Past, SessionKind, Use, run_after
from safety.limits import DAY_US, load_limits
from safety.protocols import load_protocols
from safety.reasons import Reason
from safety.rules import ALLOWED, RULES, Refused, judge, judge_all
from safety.threshold import MotorThreshold, ThresholdMethod
from safety.verdicts import seconds

LIMITS = load_limits()
LOOSE = LIMITS.tightened({"rate": 25, "intensity": 130, "window_1s": 25})
PROTOCOLS = load_protocols()
START = 7_000 * SECOND_US
WALL = 1_800_000_000 * SECOND_US
MT = MotorThreshold(PercentMso.of(50), ThresholdMethod.EMG, 20, 15, "coil-1", WALL - DAY_US)
TWENTY = Train(20, Hertz.of(10))
ONE = Train(1, SINGLE)


def script(**changes: object) -> Facts:
    """A script that everything watches, at a known threshold of 50 % MSO."""
    facts = Facts(
        now_us=START,
        wall_us=WALL,
        use=Use.SIMULATION,
        kind=SessionKind.SCRIPT,
        coil="coil-1",
        witness=Witness.COUNTED,
        ceiling=PercentMso.of(100),
        threshold=MT,
    )
    return replace(facts, **changes)  # type: ignore[arg-type]


def treatment(name: str, **changes: object) -> Facts:
    known = PROTOCOLS[name]
    return script(
        **({"kind": SessionKind.TREATMENT, "protocol": known, "planned": known.pulses, "authorised": True} | changes)
    )


def ask(pulses: int, hertz: float, percent: int = 100, starts_us: int = START) -> Ask:
    rate = Hertz.of(hertz) if pulses > 1 else SINGLE
    return Ask(PercentMso(percent * 5), Train(pulses, rate), starts_us)


def reasons(asked: Ask, facts: Facts) -> set[Reason]:
    return {refused.reason for refused in judge_all(asked, facts, LIMITS)}


# Rate


@pytest.mark.parametrize(("hertz", "allowed"), [(20, True), (20.1, False), (25, False)])
def test_no_train_is_faster_than_20_hertz(hertz: float, allowed: bool) -> None:
    assert (Reason.RATE_OVER_LIMIT in reasons(ask(2, hertz), script())) is not allowed


# Cells, in pulses as Chen 1997 part B prints them


@pytest.mark.parametrize(
    ("hertz", "percent", "most"),
    [
        (5, 100, 50), (5, 130, 50),
        (10, 100, 50), (10, 110, 50), (10, 120, 32), (10, 130, 22),
        (20, 100, 30), (20, 110, 24), (20, 120, 16), (20, 130, 8),
        (25, 100, 25), (25, 110, 17), (25, 120, 7), (25, 130, 5),
        (9.9, 120, 31),   # the 10 Hz row holds for slower trains: 3.2 s at 9.9 Hz
        (12, 120, 9),     # the 20 Hz row holds for faster ones: 0.8 s at 12 Hz
        (10, 101, 50), (10, 111, 32), (20, 50, 30), (2, 100, 20),
    ],
)  # fmt: skip
def test_a_train_ends_where_its_cell_ends(hertz: float, percent: int, most: int) -> None:
    uncut = script(witness=Witness.COUNTED_AND_CUT_OFF)
    assert judge(ask(most, hertz, percent), uncut, LOOSE) == ALLOWED
    verdict = judge(ask(most + 1, hertz, percent), uncut, LOOSE)
    assert isinstance(verdict, Refused)
    assert verdict.reason is Reason.TRAIN_TOO_LONG


def test_without_a_threshold_the_highest_column_holds() -> None:
    unknown = script(threshold=None)
    assert judge(ask(22, 10, 20), unknown, LIMITS) == ALLOWED
    assert reasons(ask(23, 10, 20), unknown) == {Reason.TRAIN_TOO_LONG}


def test_beyond_the_tables_nothing_is_long_enough() -> None:
    assert Reason.TRAIN_TOO_LONG in reasons(ask(2, 26), script())
    verdicts = judge_all(ask(2, 10, 131), script(), LOOSE)
    assert {v.reason for v in verdicts} == {Reason.INTENSITY_OVER_LIMIT, Reason.TRAIN_TOO_LONG}
    assert {"asked": "0.2 s", "allowed": "nothing", "cell": "10 Hz, this intensity"} in [v.detail for v in verdicts]


def test_a_protocol_beyond_the_tables_needs_an_authorisation_and_the_refusal_names_the_cell() -> None:
    asked = ask(40, 10, 120)
    assert judge(asked, treatment("mdd-10hz-37"), LIMITS) == ALLOWED
    verdict = judge(asked, treatment("mdd-10hz-37", authorised=False), LIMITS)
    assert verdict == Refused(
        Reason.PROTOCOL_NOT_AUTHORISED, {"asked": "4.0 s", "allowed": "3.2 s", "cell": "10 Hz, 120 %"}
    )


def test_an_authorisation_covers_the_named_cell_and_not_a_pulse_more() -> None:
    longer = replace(PROTOCOLS["mdd-10hz-37"].phases[0], train=Train(41, Hertz.of(10)))
    protocol = replace(PROTOCOLS["mdd-10hz-37"], phases=(longer,))
    assert Reason.TRAIN_TOO_LONG in reasons(ask(41, 10, 120), treatment("mdd-10hz-37", protocol=protocol))


@pytest.mark.parametrize(("longest_s", "verdict"), [(4, None), (3.9, Reason.TRAIN_TOO_LONG)])
def test_a_protocol_beyond_the_tables_goes_no_further_than_a_site_lets_any(
    longest_s: float, verdict: Reason | None
) -> None:
    limits = LIMITS.tightened({"tier2_10hz_120": Decimal(str(longest_s))})
    found = {refused.reason for refused in judge_all(ask(40, 10, 120), treatment("mdd-10hz-37"), limits)}
    assert found == ({verdict} if verdict else set())


# Runs of single pulses


@pytest.mark.parametrize(("percent", "most"), [(100, 270), (110, 270), (120, 180)])
def test_single_pulses_in_a_row_are_a_1_hertz_train(percent: int, most: int) -> None:
    last = Past(START - SECOND_US, ONE)
    assert judge(ask(1, 0, percent), script(past=(last,), run=most - 1), LIMITS) == ALLOWED
    assert reasons(ask(1, 0, percent), script(past=(last,), run=most)) == {Reason.TRAIN_TOO_LONG}


@pytest.mark.parametrize(("break_us", "allowed"), [(2 * SECOND_US, True), (2 * SECOND_US - 1, False)])
def test_a_break_of_two_seconds_ends_a_run(break_us: int, allowed: bool) -> None:
    facts = script(past=(Past(START - break_us, ONE),), run=270)
    assert (judge(ask(1, 0), facts, LIMITS) == ALLOWED) is allowed


def test_triggers_asked_together_count_as_a_run_unless_breaks_part_them() -> None:
    facts = script(threshold=None, run=31, past=(Past(START - SECOND_US, ONE),))
    block = Ask(PercentMso.of(20), ONE, START, triggers=20, spacing_us=SECOND_US)
    assert {r.reason for r in judge_all(block, facts, LIMITS)} == {Reason.TRAIN_TOO_LONG}
    assert judge(replace(block, triggers=19), facts, LIMITS) == ALLOWED
    assert judge(replace(block, spacing_us=2 * SECOND_US), facts, LIMITS) == ALLOWED


def test_a_device_run_train_of_1_hertz_goes_on_with_a_run() -> None:
    facts = script(past=(Past(START - SECOND_US, ONE),), run=175)
    assert reasons(ask(5, 1, 120), facts) == set()
    assert reasons(ask(5, 1, 120), replace(facts, run=176)) == {Reason.TRAIN_TOO_LONG}
    after = script(past=(Past(START - 5 * SECOND_US, Train(5, Hertz.of(1))),), run=5)
    assert reasons(ask(1, 0), after) == set()


def test_a_run_grows_with_each_slow_pulse_and_ends_with_a_break_or_a_train() -> None:
    first, second = Past(START, ONE), Past(START + SECOND_US, Train(3, Hertz.of(1)))
    assert run_after(0, None, first, LIMITS.run_break_us) == 1
    assert run_after(1, first, second, LIMITS.run_break_us) == 4
    assert run_after(4, second, Past(second.last_us + 2 * SECOND_US, ONE), LIMITS.run_break_us) == 1
    assert run_after(4, second, Past(START + 9 * SECOND_US, TWENTY), LIMITS.run_break_us) == 0


# Gaps


@pytest.mark.parametrize(("gap_us", "allowed"), [(5 * SECOND_US, True), (5 * SECOND_US - 1, False)])
def test_a_script_leaves_five_seconds_between_trains(gap_us: int, allowed: bool) -> None:
    past = Past(START - gap_us - TWENTY.duration_us, TWENTY)
    assert reasons(ask(20, 10), script(past=(past,))) == (set() if allowed else {Reason.GAP_TOO_SHORT})


@pytest.mark.parametrize(("before", "after"), [(ONE, TWENTY), (TWENTY, ONE)])
def test_a_train_keeps_its_distance_from_single_pulses_too(before: Train, after: Train) -> None:
    asked = Ask(PercentMso.of(50), after, START)
    near = Past(START - 5 * SECOND_US + 1 - before.duration_us, before)
    assert reasons(asked, script(past=(near,))) == {Reason.GAP_TOO_SHORT}
    far = Past(START - 5 * SECOND_US - before.duration_us, before)
    assert reasons(asked, script(past=(far,))) == set()


@pytest.mark.parametrize(("gap_us", "allowed"), [(26_000_000, True), (25_999_999, False)])
def test_a_treatment_keeps_its_protocol_s_gap_less_a_tenth_of_a_second(gap_us: int, allowed: bool) -> None:
    forty = Train(40, Hertz.of(10))
    facts = treatment("mdd-10hz-37", past=(Past(START - gap_us - forty.duration_us, forty),))
    assert reasons(ask(40, 10, 120), facts) == (set() if allowed else {Reason.GAP_TOO_SHORT})


def test_of_several_phases_the_shortest_gap_is_kept() -> None:
    forty = Train(40, Hertz.of(10))
    phase = PROTOCOLS["mdd-10hz-37"].phases[0]
    two = replace(PROTOCOLS["mdd-10hz-37"], phases=(phase, replace(phase, gap_us=20 * SECOND_US)))
    past = (Past(START - 20 * SECOND_US - forty.duration_us, forty),)
    assert reasons(ask(40, 10, 120), treatment("mdd-10hz-37", protocol=two, past=past)) == set()


def test_a_train_of_1_hertz_before_a_treatment_is_no_train_of_it() -> None:
    slow = Train(2, Hertz.of(1))
    facts = treatment("mdd-10hz-37", past=(Past(START - 6 * SECOND_US, slow),))
    assert reasons(ask(40, 10, 120), facts) == set()


def test_threshold_pulses_before_a_treatment_need_only_the_least_gap() -> None:
    facts = treatment("mdd-10hz-37", past=(Past(START - 5 * SECOND_US, ONE),))
    assert reasons(ask(40, 10, 120), facts) == set()


@pytest.mark.parametrize(("gap_us", "allowed"), [(950_000, True), (949_999, False)])
def test_pulses_fired_one_by_one_stay_at_1_hertz(gap_us: int, allowed: bool) -> None:
    facts = script(past=(Past(START - gap_us, ONE),))
    assert reasons(ask(1, 0), facts) == (set() if allowed else {Reason.PULSES_TOO_CLOSE})


@pytest.mark.parametrize(("gap_us", "allowed"), [(4 * SECOND_US, True), (4 * SECOND_US - 1, False)])
def test_a_threshold_hunt_leaves_four_seconds_between_pulses(gap_us: int, allowed: bool) -> None:
    facts = script(kind=SessionKind.THRESHOLD, past=(Past(START - gap_us, ONE),))
    assert reasons(ask(1, 0), facts) == (set() if allowed else {Reason.PULSES_TOO_CLOSE})


@pytest.mark.parametrize(("spacing_us", "allowed"), [(6_900_000, True), (6_899_999, False), (0, False)])
def test_triggers_asked_together_keep_the_gap_among_themselves(spacing_us: int, allowed: bool) -> None:
    asked = replace(ask(20, 10), triggers=2, spacing_us=spacing_us)
    assert (Reason.GAP_TOO_SHORT in reasons(asked, script())) is not allowed


def test_a_train_asked_for_while_another_runs_is_refused() -> None:
    verdict = judge(ask(20, 10), script(past=(Past(START - SECOND_US, TWENTY),)), LIMITS)
    assert isinstance(verdict, Refused)
    assert verdict.detail == {"asked": "0.0 s", "allowed": "5.0 s"}


# Windows


def test_a_script_has_at_most_60_pulses_in_ten_seconds() -> None:
    earlier = Past(START - 5 * SECOND_US - Train(30, Hertz.of(10)).duration_us, Train(30, Hertz.of(10)))
    window_10s = LIMITS.tightened({"window_10s": 50})
    assert judge(ask(30, 10), script(past=(earlier,)), LIMITS) == ALLOWED
    old = Past(START - 30 * SECOND_US, TWENTY)
    verdict = judge(ask(30, 10), script(past=(old, earlier)), window_10s)
    assert verdict == Refused(Reason.WINDOW_FULL, {"asked": "51", "allowed": "50", "window": "10.0 s"})


def test_a_window_is_half_open_and_begins_with_its_first_pulse() -> None:
    one_a_second = LIMITS.tightened({"window_1s": 1})
    assert judge(ask(1, 0), script(past=(Past(START - SECOND_US, ONE),)), one_a_second) == ALLOWED
    close = script(past=(Past(START - SECOND_US + 1, ONE),))
    verdict = judge(ask(1, 0), close, one_a_second)
    assert isinstance(verdict, Refused)
    assert verdict.reason is Reason.WINDOW_FULL


def test_pulses_older_than_a_minute_fill_no_window() -> None:
    one = LIMITS.tightened({"window_60s": 1, "window_10s": 1, "window_1s": 1})
    old = Past(START - 60 * SECOND_US, ONE)
    assert judge(ask(1, 0), script(past=(old,)), one) == ALLOWED
    younger = replace(old, first_us=old.first_us + 1)
    assert isinstance(judge(ask(1, 0), script(past=(younger,)), one), Refused)


def test_a_window_that_holds_nothing_asked_is_not_judged_again() -> None:
    dense = tuple(Past(START - n * SECOND_US, Train(10, Hertz.of(10))) for n in (58, 57, 56, 55))
    few = LIMITS.tightened({"window_10s": 30})
    assert judge(ask(20, 10), script(past=dense), few) == ALLOWED


def test_a_treatment_is_held_to_the_site_s_windows_too() -> None:
    past = (Past(START - 29_900_000, Train(40, Hertz.of(10))),)
    assert reasons(ask(40, 10, 120), treatment("mdd-10hz-37", past=past)) == set()
    verdict = judge(ask(40, 10, 120), treatment("mdd-10hz-37", past=past), LIMITS.tightened({"window_60s": 79}))
    assert isinstance(verdict, Refused)
    assert verdict.reason is Reason.WINDOW_FULL


# Witness, autonomy, blocks


@pytest.mark.parametrize(("witness", "most"), [(Witness.ACCEPTED, 1), (Witness.RUNNING, 10), (Witness.COUNTED, 20)])
def test_the_coarser_the_witness_the_lower_the_rate(witness: Witness, most: int) -> None:
    assert reasons(ask(2, most), script(witness=witness)) == set()
    faster = reasons(ask(2, most + 0.1), script(witness=witness))
    assert faster == ({Reason.RATE_OVER_LIMIT} if witness is Witness.COUNTED else {Reason.WITNESS_TOO_WEAK})
    assert reasons(ask(1, 0), script(witness=witness)) == set()


@pytest.mark.parametrize(("pulses", "hertz", "allowed"), [(50, 10, True), (51, 20, False), (6, 1, True), (7, 1, False)])
def test_one_trigger_delivers_at_most_five_seconds_and_50_pulses(pulses: int, hertz: float, allowed: bool) -> None:
    assert (Reason.AUTONOMY in reasons(ask(pulses, hertz), script())) is not allowed


@pytest.mark.parametrize(("pulses", "hertz", "allowed"), [(41, 1, True), (42, 1, False), (601, 20, False)])
def test_with_count_and_cut_off_autonomy_is_longer(pulses: int, hertz: float, allowed: bool) -> None:
    facts = script(witness=Witness.COUNTED_AND_CUT_OFF)
    assert (Reason.AUTONOMY in reasons(ask(pulses, hertz), facts)) is not allowed


@pytest.mark.parametrize(("pulses", "allowed"), [(11, True), (12, False)])
def test_where_disarming_does_not_cut_a_train_autonomy_is_one_second(pulses: int, allowed: bool) -> None:
    facts = script(disarm_cuts_train=False)
    assert (Reason.AUTONOMY in reasons(ask(pulses, 10), facts)) is not allowed


@pytest.mark.parametrize(("site", "allowed"), [({}, True), ({"autonomy": Decimal("0.9")}, False)])
def test_autonomy_that_a_site_tightened_holds_too_where_disarming_does_not_cut_a_train(
    site: dict[str, object], allowed: bool
) -> None:
    verdicts = judge_all(ask(11, 10), script(disarm_cuts_train=False), LIMITS.tightened(site))
    assert (Reason.AUTONOMY in {refused.reason for refused in verdicts}) is not allowed


@pytest.mark.parametrize(("kind", "most"), [(SessionKind.THRESHOLD, 20), (SessionKind.SCRIPT, 50)])
def test_triggers_come_in_blocks(kind: SessionKind, most: int) -> None:
    block = Ask(PercentMso.of(50), ONE, START, triggers=most, spacing_us=4 * SECOND_US)
    assert Reason.BLOCK_TOO_LARGE not in reasons(block, script(kind=kind))
    assert Reason.BLOCK_TOO_LARGE in reasons(replace(block, triggers=most + 1), script(kind=kind))


# What holds for all of them


@given(pulses=st.integers(2, 60), hertz=st.integers(1, 30), percent=st.integers(1, 140), gap_s=st.integers(0, 10))
def test_all_must_allow(pulses: int, hertz: int, percent: int, gap_s: int) -> None:
    facts = script(past=(Past(START - gap_s * SECOND_US, ONE),))
    asked = ask(pulses, hertz, percent)
    every = judge_all(asked, facts, LIMITS)
    assert judge(asked, facts, LIMITS) == (every[0] if every else ALLOWED)
    assert all(rule(asked, facts, LIMITS) == ALLOWED or rule(asked, facts, LIMITS) in every for rule in RULES)


@given(pulses=st.integers(2, 60), hertz=st.integers(1, 30), percent=st.integers(1, 140))
def test_a_shorter_and_a_weaker_train_is_never_refused_where_a_longer_was_allowed(
    pulses: int, hertz: int, percent: int
) -> None:
    if judge(ask(pulses, hertz, percent), script(), LIMITS) == ALLOWED:
        assert judge(ask(max(pulses - 1, 1), hertz, percent), script(), LIMITS) == ALLOWED
        assert judge(ask(pulses, hertz, max(percent - 1, 1)), script(), LIMITS) == ALLOWED


@pytest.mark.parametrize(
    ("us", "text"), [(3_200_000, "3.2 s"), (4_000_000, "4.0 s"), (50_000, "0.05 s"), (999_600, "1.0 s"), (0, "0.0 s")]
)
def test_times_are_written_for_people(us: int, text: str) -> None:
    assert seconds(us) == text
