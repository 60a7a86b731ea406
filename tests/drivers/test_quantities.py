"""Quantities are exact, and never mixed up."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.quantities import (
    SINGLE,
    Burst,
    Hertz,
    PercentMso,
    PercentRmt,
    Train,
    gap_from_onsets,
    gap_from_period,
)

TRAINS = st.builds(Train, st.integers(2, 6000), st.integers(1, 1000).map(Hertz))


@pytest.mark.parametrize("value", [50, 50.0, "50", "50.0", Decimal(50)])
def test_every_spelling_of_a_number_is_the_same_quantity(value: float | str | Decimal) -> None:
    assert PercentMso.of(value) == PercentMso(500)


@given(st.integers(0, 10_000))
def test_a_quantity_survives_its_own_number(tenths: int) -> None:
    assert Hertz.of(Hertz(tenths).number) == Hertz(tenths)


@pytest.mark.parametrize("value", [0.05, "33.33", "nan", "inf", "ten", "", -1, "-0.1"])
def test_what_is_no_whole_number_of_tenths_is_refused(value: float | str) -> None:
    with pytest.raises(ValueError, match="PercentMso"):
        PercentMso.of(value)


@pytest.mark.parametrize("tenths", [-1, 1.0, "1", None])
def test_tenths_are_whole_and_not_negative(tenths: int) -> None:
    with pytest.raises(ValueError, match="counts whole tenths from 0"):
        Hertz(tenths)


def test_a_percentage_of_the_machine_is_not_one_of_a_subject() -> None:
    assert PercentMso(500) != PercentRmt(500)  # type: ignore[comparison-overlap]
    with pytest.raises(TypeError):
        assert PercentMso(500) < PercentRmt(600)  # type: ignore[operator]


def test_quantities_of_one_kind_are_ordered() -> None:
    assert PercentMso.of(49.9) < PercentMso.of(50) < PercentMso.of(50.1)


def test_a_quantity_prints_with_its_unit_and_no_needless_zero() -> None:
    assert [str(PercentMso(505)), str(PercentRmt(1200)), str(Hertz(3)), str(SINGLE)] == [
        "50.5 % MSO",
        "120 % rMT",
        "0.3 Hz",
        "0 Hz",
    ]


@pytest.mark.parametrize(("hertz", "period_us"), [(1, 1_000_000), (10, 100_000), (3, 333_334), (0.1, 10_000_000)])
def test_a_period_is_never_shorter_than_the_rate_allows(hertz: float, period_us: int) -> None:
    assert Hertz.of(hertz).period_us == period_us


def test_a_single_pulse_has_no_period() -> None:
    with pytest.raises(ZeroDivisionError):
        _ = SINGLE.period_us


def test_a_train_lasts_from_its_first_pulse_to_its_last() -> None:
    assert Train(40, Hertz.of(10)).duration_us == 3_900_000
    assert Train(1, SINGLE).duration_us == 0
    assert Train(1, Hertz.of(10)).duration_us == 0


@given(TRAINS, st.integers(0, 10**12))
def test_the_pulses_of_a_train_are_where_its_duration_says(train: Train, start_us: int) -> None:
    times = train.pulse_times_us(start_us)

    assert len(times) == train.pulses
    assert times[0] == start_us
    assert times[-1] == start_us + train.duration_us
    spacings = {after - before for before, after in pairwise(times)}
    assert spacings <= {train.rate.period_us, train.rate.period_us - 1}


def test_a_single_pulse_comes_at_once() -> None:
    assert Train(1, SINGLE).pulse_times_us(7) == (7,)


@pytest.mark.parametrize(("pulses", "rate"), [(0, Hertz(100)), (2, SINGLE)])
def test_what_is_no_train_cannot_be_made(pulses: int, rate: Hertz) -> None:
    with pytest.raises(ValueError, match="train"):
        Train(pulses, rate)


def test_a_burst_lasts_from_its_first_pulse_to_its_last() -> None:
    assert Burst(3, 20_000).duration_us == 40_000


def test_four_seconds_on_and_26_off_leave_26_1_between_the_pulses() -> None:
    assert gap_from_period(Train(40, Hertz.of(10)), 4_000_000, 26_000_000) == 26_100_000


def test_onsets_30_seconds_apart_leave_26_1_between_the_pulses() -> None:
    assert gap_from_onsets(Train(40, Hertz.of(10)), 30_000_000) == 26_100_000
