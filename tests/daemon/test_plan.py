"""The watchdog's plan, as trains that this stimulator carries out, or the reason why it cannot."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.plan import BLOCK_PULSES, How, NotDeliverable, Planned, blocks, check_deliverable, compile_plan
from drivers.catalogue import dialect
from drivers.quantities import SINGLE, Hertz, PercentMso, PercentRmt, Train
from safety.plans import plan_of
from safety.protocols import load_protocols
from safety.threshold import MotorThreshold, ThresholdMethod
from tests.daemon.guard_in_memory import worded

RAPID = dialect("magstim-rapid2", 11)
FULL = PercentRmt(1200)
LIBRARY = load_protocols()


def threshold(tenths: int = 450) -> MotorThreshold:
    return MotorThreshold(PercentMso(tenths), ThresholdMethod.EMG, 20, None, "coil-1", 1)


def runs_of(protocol: str, remaining: int | None = None, mt: int = 450) -> list[dict[str, int]]:
    prescribed = LIBRARY[protocol]
    return worded(plan_of(prescribed, threshold(mt), None, prescribed.pulses if remaining is None else remaining))


@pytest.mark.parametrize(
    ("protocol", "trains", "pulses", "gap_us"),
    [("demo", 3, 20, 6_000_000), ("mdd-10hz-37", 75, 40, 26_100_000), ("mdd-10hz-5-25", 60, 50, 25_100_000)],
)
def test_fast_trains_are_run_by_the_device(protocol: str, trains: int, pulses: int, gap_us: int) -> None:
    plan = compile_plan(runs_of(protocol), threshold(), RAPID)

    assert len(plan) == trains
    assert {planned.how for planned in plan} == {How.DEVICE}
    assert {(planned.train.pulses, planned.gap_us) for planned in plan} == {(pulses, gap_us)}


def test_slow_pulses_become_one_host_timed_train() -> None:
    (planned,) = compile_plan(runs_of("lf-right-1hz"), threshold(), RAPID)

    assert planned.how is How.HOST
    assert planned.train == Train(1200, Hertz(10))
    assert planned.gap_us == 1_000_000


def test_what_is_left_of_a_slow_train_is_one_train_again() -> None:
    (planned,) = compile_plan(runs_of("lf-right-1hz", 7), threshold(), RAPID)

    assert planned.train == Train(7, Hertz(10))


def test_a_last_single_pulse_of_a_fast_protocol_is_the_devices() -> None:
    plan = compile_plan(runs_of("demo", 21), threshold(), RAPID)

    assert [planned.train for planned in plan] == [Train(20, Hertz(100)), Train(1, SINGLE)]
    assert {planned.how for planned in plan} == {How.DEVICE}


def test_the_first_train_has_its_kinds_gap_in_case_it_is_made_up() -> None:
    first = compile_plan(runs_of("demo"), threshold(), RAPID)[0]

    assert first.gap_us == 6_000_000


@given(
    st.sampled_from(sorted(LIBRARY)), st.integers(min_value=1, max_value=3000),
    st.integers(min_value=200, max_value=800),
)  # fmt: skip
def test_compiling_keeps_every_pulse_and_every_level(protocol: str, remaining: int, mt: int) -> None:
    remaining = min(remaining, LIBRARY[protocol].pulses)
    runs = runs_of(protocol, remaining, mt)
    plan = compile_plan(runs, threshold(mt), RAPID)

    assert sum(planned.train.pulses for planned in plan) == remaining
    assert {planned.level(threshold(mt), FULL).tenths for planned in plan} == {run["level_tenths"] for run in runs}


@given(st.integers(min_value=1, max_value=2000))
def test_blocks_hold_every_pulse_once_and_at_its_time(pulses: int) -> None:
    train = Train(pulses, Hertz(10))
    parts = blocks(train)

    times = [part.first * 1_000_000 + offset for part in parts for offset in part.offsets_us]
    assert times == list(train.pulse_times_us())
    assert all(len(part.offsets_us) <= BLOCK_PULSES and part.offsets_us[0] == 0 for part in parts)


def test_a_train_neither_device_nor_host_may_run_is_not_deliverable() -> None:
    runs = [{"trains": 1, "pulses": 150, "rate_tenths": 100, "level_tenths": 500, "gap_us": 0}]
    with pytest.raises(NotDeliverable, match="shorter trains"):
        compile_plan(runs, threshold(), RAPID)


@pytest.mark.parametrize(("level", "wrong"), [(300, False), (600, True)])
def test_fifty_hertz_at_sixty_percent_is_refused_before_anybody_sits_down(level: int, wrong: bool) -> None:
    plan = (Planned(Train(30, Hertz(500)), PercentRmt(1000), 26_000_000),)
    if wrong:
        with pytest.raises(NotDeliverable, match="Train 1 at 60 % MSO"):
            check_deliverable(plan, threshold(level), FULL, RAPID)
    else:
        check_deliverable(plan, threshold(level), FULL, RAPID)


def test_a_gap_shorter_than_the_device_needs_is_refused_and_named() -> None:
    train = Train(50, Hertz(100))
    needs_us = RAPID.minimum_wait_us(PercentMso(1000), train.rate, train.pulses)
    enough, short = (Planned(train, PercentRmt(1000), gap) for gap in (needs_us, needs_us - 1))
    full = threshold(1000)

    check_deliverable((enough, enough), full, FULL, RAPID)
    with pytest.raises(NotDeliverable, match="leaves"):
        check_deliverable((enough, short), full, FULL, RAPID)


def test_more_than_the_stimulator_has_is_refused() -> None:
    with pytest.raises(NotDeliverable, match="more than the stimulator has"):
        check_deliverable((Planned(Train(20, Hertz(10)), FULL, 6_000_000),), threshold(900), FULL, RAPID)
