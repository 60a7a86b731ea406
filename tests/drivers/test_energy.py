"""What a power supply can give, against numbers typed from public sources."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.energy import EnergyRules
from drivers.magstim.energy_table import RAPID2, SUPER_RAPID2, SUPER_RAPID2_PLUS1, energy_rules
from drivers.quantities import SECOND_US, SINGLE, Hertz, PercentMso

JOULES = {0: 0, 10: 2.5, 20: 10.1, 30: 22.7, 40: 40.3, 50: 63.0, 60: 90.7, 70: 123.4, 80: 161.2, 90: 204.0, 100: 252.0}
"""magpy-tms 1.4 and MAGIC: energy of a pulse by %."""

TOP_RATES = {
    (RAPID2, 240): {30: 50, 50: 30, 80: 18, 100: 15},
    (SUPER_RAPID2, 240): {30: 100, 50: 50, 80: 30, 100: 25},
    (SUPER_RAPID2_PLUS1, 240): {30: 100, 50: 97, 80: 57, 100: 41},
    (RAPID2, 115): {30: 36, 50: 23, 80: 14, 100: 11},
    (SUPER_RAPID2, 115): {30: 60, 50: 44, 80: 27, 100: 22},
    (SUPER_RAPID2_PLUS1, 115): {30: 60, 50: 58, 80: 34, 100: 25},
}
"""magpy-tms 1.4, the vendor's data sheet where it is lower: Hz by %."""

LEVELS = st.integers(10, 1000).map(PercentMso)
RATES = st.integers(1, 1000).map(Hertz)
PULSES = st.integers(1, 6000)


def rules(model: str = SUPER_RAPID2_PLUS1, volts: int = 240, max_pulses: int = 6000) -> EnergyRules:
    return energy_rules(model, volts, max_pulses)


def mso(percent: float) -> PercentMso:
    return PercentMso.of(percent)


@pytest.mark.parametrize(("percent", "joules"), [*JOULES.items(), (15, 5.7), (73, 134.2)])
def test_a_pulse_takes_the_published_energy(percent: int, joules: float) -> None:
    assert rules().pulse_tenths_joule(mso(percent)) == joules * 10


@given(st.integers(0, 1100))
def test_a_pulse_takes_what_the_square_law_says_within_a_quarter_of_a_joule(tenths: int) -> None:
    percent = ceil(tenths / 10)

    assert rules().pulse_tenths_joule(PercentMso(tenths)) == pytest.approx(0.252 * percent**2, abs=2.5)


@given(st.integers(0, 1099))
def test_more_level_never_takes_less_energy(tenths: int) -> None:
    assert rules().pulse_tenths_joule(PercentMso(tenths)) <= rules().pulse_tenths_joule(PercentMso(tenths + 1))


def test_the_published_check_value_holds() -> None:
    wait_us = rules().minimum_wait_us(mso(73), Hertz.of(25), 250)

    assert round(wait_us / SECOND_US, 2) == 21.95


def test_the_shortest_wait_is_half_a_second() -> None:
    assert rules().minimum_wait_us(mso(30), Hertz.of(1), 10) == 500_000
    assert rules().minimum_wait_us(mso(60), Hertz.of(10), 20) == 500_000


@given(LEVELS, RATES, PULSES)
def test_the_wait_is_the_published_formula_rounded_up(level: PercentMso, rate: Hertz, pulses: int) -> None:
    energy = Fraction(rules().pulse_tenths_joule(level), 10)
    hertz = Fraction(rate.tenths, 10)
    seconds = max(Fraction(1, 2), pulses * (hertz * energy - 1050) / (1050 * hertz))

    assert rules().minimum_wait_us(level, rate, pulses) == ceil(seconds * SECOND_US)


@given(LEVELS, RATES, st.integers(1, 5999))
def test_a_longer_train_never_waits_less(level: PercentMso, rate: Hertz, pulses: int) -> None:
    waits = [rules().minimum_wait_us(level, rate, n) for n in (pulses, pulses + 1)]

    assert waits[0] <= waits[1]


def test_single_pulses_are_a_second_apart_and_two_when_enhanced() -> None:
    assert rules().minimum_wait_us(mso(100), SINGLE, 1) == 1_000_000
    assert rules().minimum_wait_us(mso(100.1), SINGLE, 1) == 2_000_000


@pytest.mark.parametrize(("unit", "percent"), [(unit, percent) for unit in TOP_RATES for percent in TOP_RATES[unit]])
def test_the_highest_rate_is_the_published_one_and_a_tenth_more_is_refused(unit: tuple[str, int], percent: int) -> None:
    model, volts = unit
    highest = Hertz.of(TOP_RATES[unit][percent])

    faster = Hertz(highest.tenths + 1)

    assert rules(model, volts).max_rate(mso(percent)) == highest
    assert rules(model, volts).refuses(mso(percent), highest, 2) is None
    assert rules(model, volts).refuses(mso(percent), faster, 2) == (
        f"{faster} at {percent} % MSO is faster than the {highest} this stimulator can deliver there."
    )


@pytest.mark.parametrize(("percent", "highest"), [(1, 50), (30.1, 30), (31, 30), (50.1, 18), (60, 18), (81, 15)])
def test_between_published_levels_the_lower_rate_holds(percent: float, highest: int) -> None:
    assert rules(RAPID2).max_rate(mso(percent)) == Hertz.of(highest)


def test_50_hz_at_60_percent_is_refused_by_a_rapid_and_10_hz_is_not() -> None:
    assert rules(RAPID2).refuses(mso(60), Hertz.of(50), 3) is not None
    assert rules(RAPID2).refuses(mso(60), Hertz.of(10), 40) is None


def test_above_100_percent_there_are_single_pulses_only() -> None:
    assert rules().refuses(mso(101), Hertz.of(1), 2) == "At 101 % MSO this stimulator delivers single pulses only."
    assert rules().refuses(mso(101), SINGLE, 1) is None


@pytest.mark.parametrize(
    ("percent", "hertz", "most"),
    [(100, 15, 250), (100, 4.2, 250), (80, 18, 390), (60, 18, 694), (50, 30, 1000)],
)
def test_a_train_may_take_63_kilojoules(percent: int, hertz: float, most: int) -> None:
    """63,000 J over the published energy of a pulse."""
    unit = rules(RAPID2)

    assert unit.refuses(mso(percent), Hertz.of(hertz), most) is None
    assert unit.refuses(mso(percent), Hertz.of(hertz), most + 1) == (
        f"{most + 1} pulses of {Hertz.of(hertz)} at {percent} % MSO overheat the stimulator: "
        f"{most} pulses at most in one train."
    )


def test_a_train_that_the_supply_can_feed_may_last_6000_pulses() -> None:
    unit = rules(RAPID2)

    assert unit.continuous_rate(mso(100)) == Hertz.of(4.1)
    assert unit.refuses(mso(100), Hertz.of(4.1), 6000) is None
    assert unit.longest_train_us(mso(100), Hertz.of(4.1)) is None
    assert unit.refuses(mso(100), Hertz.of(4.2), 6000) is not None
    assert unit.refuses(mso(10), Hertz.of(4.1), 6001) is not None


@given(LEVELS, RATES)
def test_a_train_that_outruns_the_supply_lasts_less_than_a_minute(level: PercentMso, rate: Hertz) -> None:
    longest_us, continuous = rules().longest_train_us(level, rate), rules().continuous_rate(level)

    assert (longest_us is None) == (continuous is None or rate <= continuous)
    assert longest_us is None or longest_us < 60 * SECOND_US


@given(LEVELS, RATES, st.integers(1, 5999))
def test_what_is_refused_stays_refused_for_one_pulse_more(level: PercentMso, rate: Hertz, pulses: int) -> None:
    if rules().refuses(level, rate, pulses):
        assert rules().refuses(level, rate, pulses + 1)


@pytest.mark.parametrize(
    ("hertz", "pulses", "sentence"),
    [
        (10, 0, "A train has at least 1 pulse, not 0."),
        (10, 1001, "A train of 1001 pulses is longer than the 1000 this stimulator can count."),
        (0, 2, "2 pulses in one train need a rate."),
    ],
)
def test_what_is_no_train_is_refused(hertz: int, pulses: int, sentence: str) -> None:
    assert rules(max_pulses=1000).refuses(mso(30), Hertz.of(hertz), pulses) == sentence


def test_a_whole_train_of_the_old_firmware_is_not_refused() -> None:
    assert rules(max_pulses=1000).refuses(mso(30), Hertz.of(10), 1000) is None


def test_a_model_without_numbers_has_no_rules() -> None:
    with pytest.raises(KeyError):
        rules("magstim-200")
